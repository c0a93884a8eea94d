"""Two results side by side, and where they differ: fixed beside random, one model beside another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from momentalg.cumulants.display import is_parameter, parameter_rank, to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.polynomial import Polynomial
from momentalg.derive.derivation import Derivation
from momentalg.derive.whatif import WhatIf
from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.nodes import ZERO, Node, Parameter, mul, power
from momentalg.expr.text import text
from momentalg.model.resolved import ResolvedModel


@dataclass(frozen=True)
class Row:
    """What one product of parameters is multiplied by, in either result; zero where it does not occur."""

    parameters: Node
    first: Node
    second: Node
    same: bool


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two results, row by row over the parameters."""

    first: Derivation | WhatIf
    second: Derivation | WhatIf
    rows: tuple[Row, ...]

    @property
    def same(self) -> bool:
        """Whether the results are equal."""
        return all(row.same for row in self.rows)

    @property
    def differences(self) -> tuple[Row, ...]:
        """The rows that differ."""
        return tuple(row for row in self.rows if not row.same)

    @cached_property
    def difference(self) -> Any:
        """The first result minus the second, as a SymPy expression."""
        return (self.first.result - self.second.result).expand()

    @property
    def settings(self) -> tuple[str, ...]:
        """What is put into either result, in words."""
        sides = (("first", self.first), ("second", self.second))
        return tuple(f"{side}: {s}" for side, result in sides for s in _settings(result))

    def __str__(self) -> str:
        heads = [text(self.first.asked), text(self.second.asked)]
        lines = [("", *heads, "")]
        lines += [(text(r.parameters), text(r.first), text(r.second), "" if r.same else "differs") for r in self.rows]
        widths = [max(len(line[n]) for line in lines) for n in range(4)]
        rows = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*rows, *self.settings])

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        from momentalg.expr.latex import latex
        from momentalg.expr.notation import Notation

        notation = Notation.of(_model(self.first))
        asked = [latex(result.asked, notation) for result in (self.first, self.second)]
        lines = [("", *(f"${a}$" for a in asked), ""), ("---",) * 4]
        for row in self.rows:
            cells = (f"${latex(node, notation)}$" for node in (row.parameters, row.first, row.second))
            lines.append((*cells, "" if row.same else "differs"))
        table = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]
        return "\n".join([*table, "", *(f"- {setting}" for setting in self.settings)])


def compare(first: Derivation | WhatIf, second: Derivation | WhatIf) -> Comparison:
    """Set two results side by side, by products of parameters, and say where they differ.

    ``print(ma.compare(model.var(S), model.var(S, given=[N])))`` shows what the sizes being random adds.
    """
    for result in (first, second):
        if not isinstance(result, Derivation | WhatIf):
            raise ModelError(
                f"compare() sets two derivations, or what-ifs, side by side; found {type(result).__name__}"
            )
    if _law(first) != _law(second):
        raise UnsupportedError(
            "compare() sets moments of the design side by side, and a law puts numbers in their place: compare the "
            "results before the law is put in, or subtract them, (first.result - second.result).expand()"
        )
    left, right = (result.polynomial.split(is_parameter) for result in (first, second))
    model, other = _model(first), _model(second)
    rank = parameter_rank(model)
    rows = []
    for key in dict.fromkeys((*left, *right)):
        a, b = left.get(key, Polynomial()), right.get(key, Polynomial())
        factors = sorted(((str(s), p) for s, p in key), key=lambda pair: (rank.get(pair[0], len(rank)), pair[0]))
        shown = [to_node(from_letters(p, m), m) if p else ZERO for p, m in ((a, model), (b, other))]
        rows.append(Row(mul(*(power(Parameter(s), p) for s, p in factors)), shown[0], shown[1], a == b))
    return Comparison(first, second, tuple(sorted(rows, key=lambda r: text(r.parameters))))


def _model(result: Derivation | WhatIf) -> ResolvedModel:
    return (result.derivation if isinstance(result, WhatIf) else result).model.resolved


def _law(result: Derivation | WhatIf) -> object:
    return result.law if isinstance(result, WhatIf) else None


def _settings(result: Derivation | WhatIf) -> tuple[str, ...]:
    return result.settings if isinstance(result, WhatIf) else ()
