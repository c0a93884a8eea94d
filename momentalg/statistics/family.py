"""What an entry of the catalogue of statistics is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from momentalg.expr.nodes import Monomial, Node, Response, Total, Value, mul, power
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    from momentalg.cumulants.cost import Cost


@dataclass(frozen=True)
class NamedStatistic:
    """A statistic and the name it has in equations, tables and generated code."""

    name: str
    node: Node


@dataclass(frozen=True)
class StatisticFamily:
    """A textbook set of statistics whose expectations are the moment equations.

    `build` gives the statistics for a model. Expectations, rank and cost are derived, never declared.
    """

    name: str
    title: str
    definition: str
    source: str
    assumes: tuple[str, ...]
    build: Callable[[ResolvedModel], tuple[NamedStatistic, ...]] = field(repr=False)

    def cost(self, model: Any) -> Cost:
        """The cost class of the statistics for a model, computed from what they are."""
        from momentalg.moments.costs import dearest, statistic_cost

        return dearest(statistic_cost(s.node, model.resolved) for s in self.build(model.resolved))


def response_total(by: tuple[str, ...], monomial: Monomial = (), response_power: int = 1) -> Total:
    """The total of x^q y^p over a level (over all observations when `by` is empty)."""
    return Total(mul(*(power(Value(v), p) for v, p in monomial), power(Response(), response_power)), by)


def mean_monomials(model: ResolvedModel) -> tuple[Monomial, ...]:
    """The covariate monomials of the mean columns, offsets aside."""
    return tuple(c.monomial for c in model.mean if c.key is not None)
