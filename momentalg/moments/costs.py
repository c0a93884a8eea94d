"""What statistics cost to compute: read off them, with the response as one more covariate; never declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from momentalg.cumulants.cost import Cost, cost
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.value import value
from momentalg.expr.nodes import Node, Projected, Response, Value, Variable
from momentalg.expr.traversal import transform, walk
from momentalg.model.resolved import ResolvedModel


def statistic_cost(statistic: Node, model: ResolvedModel) -> Cost:
    """The cost class of a statistic, and the tables that one pass over the data makes for it."""
    if any(isinstance(part, Projected) for part in walk(statistic)):
        parts = [part for part in walk(statistic) if isinstance(part, Projected)]
        return Cost(0, tuple(sorted({model.unit for part in parts if part.kernel or model.unit in part.columns})))
    response = Variable("column", model.response)
    known = replace(model, groups=(), known_effects=model.factors)
    node = transform(statistic, lambda part: Value(response, part.index) if isinstance(part, Response) else part)
    return cost(from_letters(value(node, known), known))


def dearest(costs: Iterable[Cost]) -> Cost:
    """The cost of several statistics in one pass: the dearest class, all tables."""
    found = list(costs)
    return Cost(max(c.indices for c in found), tuple(sorted({t for c in found for t in c.tables})))
