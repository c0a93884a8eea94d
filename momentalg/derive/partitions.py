"""The table of partitions behind a result: which draws share an effect or a residual, and what each way contributes.

A statistic of degree d draws the response d times. The joint cumulant is a sum over the ways to put the draws of all
statistics in blocks, and to let each block share the effects of one factor, or one residual; a block of one draw is a
mean. Each row of the table is one such way, with the design total that it leaves and what that costs to compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from momentalg.cumulants.cost import Cost, cost
from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.display import to_node
from momentalg.cumulants.identity import Contribution, contributions
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.cumulants.random_view import all_design, with_effects_known
from momentalg.cumulants.terms import OBSERVATION
from momentalg.cumulants.translate import translate
from momentalg.cumulants.value import known_variables
from momentalg.errors import RuleError, UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Node

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation
    from momentalg.expr.notation import Notation

Structure = tuple[tuple[tuple[int, ...], ...], tuple[str, ...]]
"""The blocks, and what each shares."""

HEADS = ("blocks", "share", "parameters", "design total", "cost")


@dataclass(frozen=True)
class Row:
    """One way to share: `blocks` are statistics by number, (1, 2) a draw of the first with one of the second.

    `shares` says for each block what it shares: a factor, "residual", or "mean" for a single draw.
    """

    blocks: tuple[tuple[int, ...], ...]
    shares: tuple[str, ...]
    parameters: Node
    total: Node
    cost: Cost


@dataclass(frozen=True, repr=False)
class PartitionTable:
    """The rows of a result; the sum of parameters times design totals over the rows is the result."""

    asked: Node
    rows: tuple[Row, ...]
    notation: Notation

    def cells(self, printed: Callable[[Node], str]) -> Iterator[tuple[str, ...]]:
        """The rows as texts; `printed` draws a node."""
        for row in self.rows:
            blocks = " | ".join("".join(map(str, block)) for block in row.blocks)
            yield blocks, ", ".join(row.shares), printed(row.parameters), printed(row.total), row.cost.name

    def html(self) -> str:
        """A table that a reader may unfold, with formulas in MathML."""
        from momentalg.expr.escape import escape_html
        from momentalg.expr.mathml import MathmlPrinter

        printer = MathmlPrinter(self.notation)
        drawn = {n: f'<math displaystyle="true">{printer.draw(n).code}</math>' for n in self._nodes()}
        heads = "".join(f"<th>{head}</th>" for head in HEADS)
        cells = ([c if c in drawn.values() else escape_html(c) for c in row] for row in self.cells(drawn.__getitem__))
        rows = [f"<tr>{heads}</tr>", *("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in cells)]
        table = "\n".join(['<table class="partitions">', *rows, "</table>"])
        return f"<details><summary>Table of partitions</summary>\n{table}\n</details>"

    def _repr_html_(self) -> str:
        return self.html()

    def _nodes(self) -> Iterator[Node]:
        return (node for row in self.rows for node in (row.parameters, row.total))

    def __repr__(self) -> str:
        from momentalg.expr.text import text

        lines = [HEADS, *self.cells(lambda node: text(node, self.notation))]
        widths = [max(len(line[n]) for line in lines) for n in range(len(HEADS))]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)

    def _repr_markdown_(self) -> str:
        from momentalg.derive.view import markdown_math
        from momentalg.expr.latex import latex

        rows = self.cells(lambda node: f"${markdown_math(latex(node, self.notation))}$")
        lines = [HEADS, ("---",) * len(HEADS), *([c.replace(" | ", r" \| ") for c in row] for row in rows)]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def partition_table(derivation: Derivation, notation: Notation) -> PartitionTable:
    """The table of a derivation given the design. Raises `RuleError` if its sum is not the result."""
    model = derivation.model.resolved
    known = known_variables(derivation.given, model)
    if not all_design(model) <= known:
        raise UnsupportedError(
            "the table of partitions belongs to a result given the design; ask for it with given=ma.design"
        )
    given = with_effects_known(model, known)
    statistics = [translate(a, given) for a in derivation.args]
    found: dict[tuple[Structure, Powers], list[tuple[Powers, Fraction]]] = {}
    for part in contributions(statistics, given):
        found.setdefault((_structure(part), part.parameters), []).append((part.design, part.coefficient))
    whole, rows = Polynomial(), []
    for ((blocks, shares), parameters), terms in found.items():
        total = Polynomial(terms)
        whole = whole + total * Polynomial({parameters: Fraction(1)})
        if total:  # means cancel where a statistic is free of them
            shown = to_node(Polynomial({parameters: Fraction(1)}), model)
            rows.append(Row(blocks, shares, shown, to_node(total, model), cost(total)))
    if cancelled(whole) != from_letters(derivation.polynomial, model):
        raise RuleError("the table of partitions does not add up to the result")
    return PartitionTable(derivation.asked, tuple(sorted(rows, key=_order)), notation)


def _structure(part: Contribution) -> Structure:
    """The blocks, larger ones first, and what each shares."""
    blocks = (tuple(n + 1 for n in sorted(block)) for block in part.blocks)
    pairs = sorted(zip(blocks, map(_share, part.shares), strict=True), key=lambda pair: (-len(pair[0]), pair))
    return tuple(block for block, _ in pairs), tuple(share for _, share in pairs)


def _share(columns: Sequence[str]) -> str:
    if not columns:
        return "mean"
    return "residual" if tuple(columns) == (OBSERVATION,) else join_factor(tuple(columns))


def _order(row: Row) -> tuple[object, ...]:
    return (len(row.blocks), tuple(-len(b) for b in row.blocks), row.blocks, row.shares)
