"""Residual sums of squares and other projection statistics, written out in totals where the projection is simple.

P = I - V V^+ is written out when V spans the constant, or the indicators of one factor: whatever is constant within
that factor is then projected off with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from momentalg.expr.columns import is_levels, level_columns
from momentalg.expr.nodes import (
    Add,
    Column,
    Factor,
    Kernel,
    LevelColumns,
    Monomial,
    Mul,
    Node,
    Number,
    Over,
    Projected,
    Size,
    add,
    mul,
    negate,
    power,
)
from momentalg.model.resolved import ResolvedModel, label_text, level_indicator
from momentalg.statistics.family import (
    NamedStatistic,
    block_columns,
    coarse_first,
    effect_name,
    level_total,
    mean_columns,
    response_total,
)


def residual_sum_of_squares(columns: Iterable[Column], model: ResolvedModel) -> Node:
    """y'Py for P projecting off `columns`: covariate monomials, and columns of levels."""
    kept = needed_columns(tuple(columns), model)
    squares = response_total((), response_power=2)
    if not kept:
        return squares
    for found in level_columns(kept):
        if not found.monomial and all(spanned(c, (found,), model) for c in kept):
            return squares - Over(found.factor, response_total(found.factor) ** 2 / Size(found.factor))
    if kept == ((),):
        return squares - response_total(()) ** 2 / Size(())
    return Projected(kept)


def reduction(without: Node, full: Node) -> Node:
    """The difference of two sums of squares; y'y, where both are written out, cancels."""
    left, right = (list(node.args) if isinstance(node, Add) else [node] for node in (without, full))
    common = [term for term in left if term in right]
    terms = [*(t for t in left if t not in common), *(negate(t) for t in right if t not in common)]
    return add(*sorted(terms, key=_is_subtracted))


def sequential_reductions(columns: tuple[Column, ...], model: ResolvedModel) -> list[NamedStatistic]:
    """The reduction by each coefficient's columns after `columns` and those before it, and what is left, SSE."""
    without, found = residual_sum_of_squares(columns, model), []
    for block in coarse_first(model):
        for number, added in enumerate(block_columns(block)):
            columns = (*columns, added)
            full = residual_sum_of_squares(columns, model)
            found.append(NamedStatistic(f"R[{effect_name(block, number)}]", reduction(without, full)))
            without = full
    return [*found, NamedStatistic("SSE", without)]


def _is_subtracted(term: Node) -> bool:
    return isinstance(term, Mul) and isinstance(term.args[0], Number) and term.args[0].value < 0


def projected_totals(columns: tuple[Column, ...], kernel: Kernel, model: ResolvedModel) -> Node:
    """y'P Z_c Z_d' P y: the sum over the factor's levels of products of totals of what P leaves."""
    factor = kernel[0].factor
    kept = needed_columns(columns, model)
    if not kept:
        return Over(factor, level_product(kernel))
    if kept == ((),):
        mean = response_total(()) / Size(())
        left, right = (response_total(factor, c.monomial) - level_total(factor, c.monomial) * mean for c in kernel)
        return Over(factor, power(left, 2) if left == right else mul(left, right))
    return Projected(kept, kernel)


def class_statistics(model: ResolvedModel) -> list[NamedStatistic]:
    """For each class of residuals but the first, the squares of its residuals from the common terms.

    With them the variances of the classes can be told apart, which sums of squares of all residuals together cannot.
    """
    found = []
    for column, levels in model.residual_by.items():
        for label in (levels or ())[1:]:
            variable, _ = level_indicator(column, label)
            node = projected_squares(mean_columns(model), ((variable, 1),), model)
            found.append(NamedStatistic(f"RSS[{label_text(label)}]", node))
    return found


def class_totals(model: ResolvedModel) -> list[NamedStatistic]:
    """For each class of residuals but the first, the squares of its observations, which keep the means."""
    return [
        NamedStatistic(f"SSy[{label_text(label)}]", response_total((), ((level_indicator(column, label)[0], 1),), 2))
        for column, levels in model.residual_by.items()
        for label in (levels or ())[1:]
    ]


def projected_squares(columns: tuple[Column, ...], weights: Monomial, model: ResolvedModel) -> Node:
    """y'P D P y: the squares of what P leaves, times a covariate, for the indicator of a class of residuals."""
    kept = needed_columns(columns, model)
    squares, size = response_total((), weights, 2), level_total((), weights)
    if not kept:
        return squares
    if kept == ((),):
        mean = response_total(()) / Size(())
        return squares - 2 * response_total((), weights) * mean + size * mean**2
    return Projected(kept, weights)


def level_product(kernel: Kernel) -> Node:
    """The product of the totals of the response of a level, each with its covariates: S^2, or S_x S."""
    left, right = (response_total(c.factor, c.monomial) for c in kernel)
    return power(left, 2) if left == right else mul(left, right)


def needed_columns(columns: tuple[Column, ...], model: ResolvedModel) -> tuple[Column, ...]:
    """The columns without those of levels that other columns of levels span."""
    kept = list(dict.fromkeys(columns))
    for column in level_columns(kept):
        others = [c for c in kept if c != column and is_levels(c)]
        if spanned(column, others, model):
            kept.remove(column)
    return tuple(kept)


def spanned(column: Column, by: Iterable[Column], model: ResolvedModel) -> bool:
    """Whether a column, or each of a factor's, is proved to be a combination of others.

    It is when it is among them, or when it is, on every level of a factor at least as fine, a constant times one of the
    columns of that factor's levels.
    """
    wanted = column if is_levels(column) else LevelColumns((), column)
    for other in by:
        if other == column:
            return True
        if is_levels(other) and model.is_nested(other.factor, wanted.factor):
            rest = _quotient(wanted.monomial, other.monomial)
            if rest is not None and constant_within(rest, other.factor, model):
                return True
    return False


def _quotient(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """monomial / divisor, unless it has a negative power."""
    powers = dict(monomial)
    for variable, exponent in divisor:
        powers[variable] = powers.get(variable, 0) - exponent
    return None if any(p < 0 for p in powers.values()) else tuple((v, p) for v, p in powers.items() if p)


def constant_within(monomial: Monomial, factor: Factor, model: ResolvedModel) -> bool:
    """Whether a covariate monomial is constant within the levels of a factor."""
    return all(
        (columns := model.home(variable)) is not None and set(columns) <= model.closure(factor)
        for variable, _ in monomial
    )
