"""What statistics cost to compute: read off them, with the response as one more covariate; never declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

from momentalg.cumulants.cost import Cost, cost
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.value import value
from momentalg.expr.columns import is_kernel, level_columns, monomials
from momentalg.expr.names import split_factor
from momentalg.expr.nodes import Node, Projected, Response, Value, Variable
from momentalg.expr.traversal import transform
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.expectation import linear_parts


def statistic_cost(statistic: Node, model: ResolvedModel) -> Cost:
    """The cost class of a statistic, and the tables that one pass over the data makes for it."""
    return dearest(_part_cost(part, model) for _, part in linear_parts(statistic, Fraction(1)))


def _part_cost(part: Node, model: ResolvedModel) -> Cost:
    if isinstance(part, Projected):
        return _projection_cost(part, model)
    response = Variable("column", model.response)
    known = replace(model, groups=(), known_effects=model.factors)
    node = transform(part, lambda p: Value(response, p.index) if isinstance(p, Response) else p)
    return cost(from_letters(value(node, known), known))


def _projection_cost(part: Projected, model: ResolvedModel) -> Cost:
    """Totals by level of what is projected off and of the kernel; two factors are absorbed by their cells."""
    linked = (part.kernel[0].factor,) if is_kernel(part.kernel) else ()
    sized = [split_factor(v.name) for column in monomials(part.columns) for v, _ in column if v.kind == "size"]
    removed = list(dict.fromkeys(c.factor for c in level_columns(part.columns)))
    tables = dict.fromkeys((*removed, *linked, *sized))
    for one, other in combinations(dict.fromkeys((*removed, *linked)), 2):
        tables[tuple(c for c in model.columns if c in {*one, *other})] = None
    return Cost(len(removed) if len(removed) > 1 else 0, tuple(sorted(tables)))


def dearest(costs: Iterable[Cost]) -> Cost:
    """The cost of several statistics in one pass: the dearest class, all tables."""
    found = list(costs)
    return Cost(max(c.indices for c in found), tuple(sorted({t for c in found for t in c.tables})))
