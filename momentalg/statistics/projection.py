"""Residual sums of squares and other projection statistics, written out in totals where the projection is simple.

P = I - V V^+ is written out when V spans the constant, or the indicators of one factor: whatever is constant within
that factor is then projected off with it.
"""

from __future__ import annotations

from momentalg.expr.columns import factors, monomials, same_level
from momentalg.expr.nodes import (
    Add,
    Column,
    Factor,
    Monomial,
    Mul,
    Node,
    Number,
    Over,
    Projected,
    Size,
    Total,
    add,
    negate,
)
from momentalg.model.resolved import ResolvedModel
from momentalg.statistics.family import response_total


def residual_sum_of_squares(columns: tuple[Column, ...], model: ResolvedModel) -> Node:
    """y'Py for P projecting off `columns`: covariate monomials, and columns of levels."""
    squares = response_total((), response_power=2)
    if not columns:
        return squares
    factor = next(iter(factors(columns)), None)
    if factor is not None and all(constant_within(m, factor, model) for m in monomials(columns)):
        return squares - Over(factor, response_total(factor) ** 2 / Size(factor))
    if columns == ((),):
        return squares - response_total(()) ** 2 / Size(())
    return Projected(columns)


def reduction(without: Node, full: Node) -> Node:
    """The difference of two sums of squares; y'y, where both are written out, cancels."""
    left, right = (list(node.args) if isinstance(node, Add) else [node] for node in (without, full))
    common = [term for term in left if term in right]
    terms = [*(t for t in left if t not in common), *(negate(t) for t in right if t not in common)]
    return add(*sorted(terms, key=_is_subtracted))


def _is_subtracted(term: Node) -> bool:
    return isinstance(term, Mul) and isinstance(term.args[0], Number) and term.args[0].value < 0


def projected_totals(columns: tuple[Column, ...], factor: tuple[str, ...]) -> Node:
    """y'P Z Z'Py: the sum over the factor's levels of the squared totals of what P leaves."""
    if not columns:
        return Over(factor, response_total(factor) ** 2)
    if columns == ((),):
        mean = Total(response_total(()).body, ()) / Size(())
        return Over(factor, (response_total(factor) - Size(factor) * mean) ** 2)
    return Projected(columns, same_level(factor))


def constant_within(monomial: Monomial, factor: Factor, model: ResolvedModel) -> bool:
    """Whether a covariate monomial is constant within the levels of a factor."""
    return all(
        (columns := model.constant_on.get(variable)) is not None and set(columns) <= set(factor)
        for variable, _ in monomial
    )
