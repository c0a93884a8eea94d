"""Derivation: the result, the steps that lead to it, and what can be asked of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.cost import Cost, cost
from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.level_names import with_letters
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.raw_moments import raw
from momentalg.cumulants.value import canonical_value
from momentalg.derive.matrix_form import MatrixForm, matrix_form
from momentalg.derive.readable import Readable
from momentalg.derive.step import Chain, Step, replay
from momentalg.derive.whatif import WhatIf, assume, shortcut
from momentalg.errors import RuleError
from momentalg.expr.nodes import Cumulant, Node

if TYPE_CHECKING:
    from momentalg.derive.bounds import Bound
    from momentalg.derive.partitions import PartitionTable
    from momentalg.derive.reading import Section
    from momentalg.expr.notation import Notation
    from momentalg.model.model import Model


@dataclass(frozen=True)
class Verification:
    """What `Derivation.verify` found: how many steps were replayed, and that all kept the value."""

    steps: int
    chains: int

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, eq=False)
class Derivation(Readable):
    """A moment of statistics, derived. Immutable; equal when the canonical results are equal.

    `result` is the printed form, in joint cumulants of design variables; `canonical` the raw-moment form in which
    results are compared. Both are ordinary SymPy expressions in `model.parameter(key)` and design moments.
    """

    model: Model
    args: tuple[Node, ...]
    given: tuple[Node, ...]
    via: tuple[Node, ...]
    kind: str
    chains: tuple[Chain, ...]
    polynomial: Polynomial
    node: Node
    facts: tuple[str, ...] = ()

    @property
    def asked(self) -> Cumulant:
        """The moment that was asked for."""
        return Cumulant(self.args, self.given)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, chain after chain."""
        return tuple(step for chain in self.chains for step in chain.steps)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The assumptions that the steps use, and only those."""
        return tuple(dict.fromkeys([*(s.assumes for s in self.steps if s.assumes), *self.facts]))

    @cached_property
    def result(self) -> Any:
        """The result as a SymPy expression."""
        from momentalg.expr.sympy_door import to_sympy

        return to_sympy(with_letters(self.node, self.model.resolved))

    @cached_property
    def canonical_polynomial(self) -> Polynomial:
        """The result in raw moments, as the algebra holds it."""
        return raw(self.polynomial, self.model.resolved)

    @cached_property
    def canonical(self) -> Any:
        """The result in raw moments, as an expanded SymPy expression."""
        from momentalg.expr.sympy_door import to_sympy

        resolved = self.model.resolved
        node = to_node(from_letters(self.canonical_polynomial, resolved), resolved)
        return to_sympy(with_letters(node, resolved)).expand()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Derivation) and self.canonical_polynomial == other.canonical_polynomial

    def __hash__(self) -> int:
        return hash(self.canonical_polynomial)

    @property
    def cost(self) -> Cost:
        """What the design totals of the result cost to compute, in one pass over the data."""
        return cost(from_letters(self.polynomial, self.model.resolved))

    def verify(self) -> Verification:
        """Replay every step: its law gives it, and the value is kept; the last line is the result.

        Raises `RuleError` for a step that does not follow.
        """
        resolved = self.model.resolved
        for chain in self.chains:
            last, value = chain.start, canonical_value(chain.start, resolved)
            for step in chain.steps:
                if step.before != last:
                    raise RuleError("a step does not begin where the one before it ends")
                last, value = step.after, replay(step, resolved, value)
        final = self.chains[-1]
        if final.start != self.asked or canonical_value(final.end, resolved) != self.canonical_polynomial:
            raise RuleError("the derivation does not end in its result")
        return Verification(len(self.steps), len(self.chains))

    def evaluate(
        self,
        *,
        parameters: Mapping[str, Any],
        data: Any = None,
        law: Any = None,
        units: Mapping[str, int] | None = None,
        at: Mapping[str, Any] | None = None,
    ) -> Any:
        """The number that the result takes: on the design of `data` (given=ma.design), or under a `law` of a unit.

        The law of a random crossed design is one of `ma.designs`, with ``units={"user": 40}`` for numbers of levels.

        Exact (Fraction) from int, Fraction and "1/3"; of a level on data, a Series by level, or the level
        ``at={"user": "ann"}``. `parameters` are by key, ``{"Intercept": 2, "var(1|user)": "1/3", "var(residual)": 1}``.
        """
        from momentalg.data.evaluation import evaluate_derivation

        return evaluate_derivation(self, parameters=parameters, data=data, law=law, units=units, at=at)

    def assuming(self, *, normal: bool = False, balanced: bool = False, law: Mapping[str, Any] | None = None) -> WhatIf:
        """The result if effects were normal, sizes equal, or of a law such as ``{"size(user)": ma.Poisson()}``.

        A law without a number leaves its parameter free. Declared facts are the model's: ``ma.Model(..., assume=...)``.
        """
        return assume(self, normal=normal, balanced=balanced, law=law)

    def shortcut(self) -> WhatIf:
        """Matloff's approximation S = N mu + N alpha: residuals of totals neglected, with what that drops."""
        return shortcut(self)

    def sample_analog(self) -> Chain:
        """The result with its design moments estimated from the levels: one step, of the kind estimation.

        Averages take the divisor r, variances and covariances r - 1. For Var(S) the end is, for every design, the
        expectation of the sample variance of the totals given the design (theory of the fixed view).
        """
        return Chain("Sample analogs", self.node).then("sample_analog", self.model.resolved)

    def bounded(self, direction: str = "upper") -> Bound:
        """A bound that is linear in the cells, with dear design totals replaced by cheap ones, and by which law.

        ``d.assuming(normal=True).bounded()`` where cumulants beyond the second, which may be negative, are dear too.
        """
        from momentalg.derive.bounds import bounded

        return bounded(self, direction)

    def partitions(self) -> PartitionTable:
        """The result given the design, unfolded: a row for each way in which draws share effects or residuals.

        Each row has its design total and what that costs; the sum over the rows is checked to be the result.
        """
        from momentalg.derive.partitions import partition_table

        return partition_table(self, self.reading()[1])

    def matrix_form(self) -> MatrixForm:
        """The result as rest + beta' M beta, for second moments of totals."""
        return matrix_form(self)

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The derivation as sections: definitions, then a numbered one for each chain."""
        from momentalg.derive.reading import reading

        found = reading(self)
        return found.sections, found.notation

    def _repr_latex_(self) -> str:
        from momentalg.derive.view import equation_latex

        return equation_latex(self)

    def __repr__(self) -> str:
        from momentalg.derive.view import summary

        return summary(self)
