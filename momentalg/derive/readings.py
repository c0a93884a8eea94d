"""A fixed factor as a sample from its levels: the readings side by side, with what agrees and what does not.

The factor is fixed, and its labels known; or it is a random factor, with effects of its own; or its levels are fixed
and the labels are a sample from them. The last two are different: sampled labels add an i.i.d. term to every
observation, and nothing to the covariance of two of them, where a random factor adds its variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.display import is_parameter, parameter_rank, to_node
from momentalg.cumulants.label_draws import in_probabilities
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.sampled_labels import sampled_cumulant, with_shares
from momentalg.cumulants.translate import translate
from momentalg.derive.derivation import Derivation
from momentalg.derive.engine import derive
from momentalg.derive.reading import Line, Section
from momentalg.derive.step import rule_named
from momentalg.derive.strategies import total_law
from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import DESIGN, ZERO, Cumulant, Hat, Node, Parameter, Value, mul, power
from momentalg.expr.notation import Notation
from momentalg.expr.text import text
from momentalg.expr.traversal import walk
from momentalg.model.as_random import named_factors, with_indicators, with_random

if TYPE_CHECKING:
    from collections.abc import Iterable

    from momentalg.model.model import Model


@dataclass(frozen=True)
class Reading:
    """One reading of the factor: what it says, the result, and the result's polynomial."""

    title: str
    node: Node
    polynomial: Polynomial

    @cached_property
    def result(self) -> Any:
        """The result as a SymPy expression."""
        from momentalg.expr.sympy_door import to_sympy

        return to_sympy(self.node)


@dataclass(frozen=True)
class Row:
    """What one product of parameters is multiplied by in each reading, and whether that is the same in all."""

    parameters: Node
    values: tuple[Node, ...]
    same: bool


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Readings(Derivation):
    """A moment with fixed factors, given the design, and beside it two other readings of the factors.

    `effects` is the derivation of the model with random factors in their place, given the design; `sampled` the moment
    over labels that are i.i.d. from the levels, given all else.
    """

    factors: tuple[str, ...]
    effects: Derivation
    sampled: Reading

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The three readings, in the order of the class."""
        names = ", ".join(self.factors)
        given = [
            Reading(title, d.node, from_letters(d.polynomial, d.model.resolved))
            for title, d in ((f"{names} fixed", self), (f"{names} a random factor", self.effects))
        ]
        return (*given, self.sampled)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The readings by products of parameters; zero where one does not occur."""
        model = self.model.resolved
        split = [reading.polynomial.split(is_parameter) for reading in self.readings]
        rank = parameter_rank(model)
        rows = []
        for key in dict.fromkeys(key for found in split for key in found):
            values = [found.get(key, Polynomial()) for found in split]
            factors = sorted(((str(s), p) for s, p in key), key=lambda pair: (rank.get(pair[0], len(rank)), pair[0]))
            nodes = tuple(to_node(value, model) if value else ZERO for value in values)
            parameters = mul(*(power(Parameter(s), p) for s, p in factors))
            rows.append(Row(parameters, nodes, all(value == values[0] for value in values)))
        return tuple(rows)

    @property
    def agrees(self) -> tuple[Row, ...]:
        """What is the same in all readings."""
        return tuple(row for row in self.rows if row.same)

    @property
    def differs(self) -> tuple[Row, ...]:
        """What is not."""
        return tuple(row for row in self.rows if not row.same)

    @cached_property
    def shares(self) -> Reading:
        """The reading with sampled labels where each probability is estimated by the share of the observations."""
        found = with_shares(in_probabilities(self.sampled.polynomial))
        return Reading("sample analogs of the probabilities", to_node(found, self.model.resolved), found)

    @property
    def same_answer(self) -> bool:
        """Whether the equation over sampled labels, with sample analogs, is the equation given the labels.

        It is for expectations of statistics that are sums over observations of functions of the label: then the
        parameters that solve it are the same numbers for every data set.
        """
        return self.shares.polynomial == self.readings[0].polynomial

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """A section for each reading, and one for what agrees and what does not."""
        known = rule_named("core_identity").title
        over = f"{rule_named(total_law(self.asked.args)).title}, over labels that are i.i.d. from the levels"
        without = Cumulant(self.args)
        parts = zip(self.readings, (known, known, over), (self.asked, self.asked, without), strict=True)
        sections = [
            Section(number, reading.title[0].upper() + reading.title[1:], (), (Line(reading.node, law, left),))
            for number, (reading, law, left) in enumerate(parts, start=1)
        ]
        told = f"{'this is' if self.same_answer else 'this is not'} the equation given the labels"
        line = Line(self.shares.node, "the share of the observations for the probability of a level", Hat(without))
        analog = Section(4, "Sample analogs", (), (line,), (told,))
        return (*sections, analog), super().reading()[1]

    def __repr__(self) -> str:
        notation = super().reading()[1]
        lines = [f"{reading.title}: {text(reading.node, notation)}" for reading in self.readings]
        for what, rows in (("the same in all", self.agrees), ("not the same", self.differs)):
            lines.append(f"{what}: {', '.join(text(row.parameters, notation) for row in rows) or 'nothing'}")
        return "\n".join([text(self.asked, notation), *lines])


def readings(
    model: Model,
    args: tuple[Node, ...],
    factors: Iterable[str] | str,
    given: Sequence[Any],
    via: Sequence[Any],
    kind: str,
) -> Readings:
    """Derive a moment with fixed factors as they are, as random factors, and with sampled labels."""
    if via or tuple(given) not in ((), (DESIGN,)):
        raise UnsupportedError(
            "as_random= compares moments given all of the design but the labels; leave out given= and via="
        )
    names = named_factors(model, factors)
    resolved = model.resolved
    for name in names:
        if resolved.fixed[name] is None:
            raise UnsupportedError(
                f"labels are sampled from levels that are known: declare fixed={{{name!r}: [...]}}, or take them from "
                "data, model.with_levels(frame)"
            )
    fixed = derive(model, args, given=(DESIGN,), kind=kind)
    own = {f.name: getattr(fixed, f.name) for f in fields(fixed)}
    statistics = [translate(a, resolved) for a in args]
    sampled = in_probabilities(sampled_cumulant(statistics, names, resolved))
    title = f"labels of {', '.join(names)} sampled from fixed levels"
    random = with_random(model, names)
    if any(isinstance(part, Value) and resolved.indicated(part.variable) for a in args for part in walk(a)):
        random = with_indicators(random, model)
    effects = derive(random, args, given=(DESIGN,), kind=kind)
    return Readings(**own, factors=names, effects=effects, sampled=Reading(title, to_node(sampled, resolved), sampled))
