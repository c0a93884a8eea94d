"""What an entry of the catalogue of statistics is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.expr.keys import monomial_key, variable_key
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import (
    Column,
    Kernel,
    LevelColumns,
    Monomial,
    Node,
    Response,
    Size,
    Total,
    Value,
    mul,
    power,
)
from momentalg.model.resolved import GroupBlock, ResolvedModel

if TYPE_CHECKING:
    from momentalg.cumulants.cost import Cost


@dataclass(frozen=True)
class NamedStatistic:
    """A statistic and the name it has in equations, tables and generated code.

    `form` names the quadratic form in the means that its expectation holds, ``Q(drug)``: one unknown of its own, for a
    sum of squares that is about a common term.
    """

    name: str
    node: Node
    form: str | None = None


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


def level_total(by: tuple[str, ...], monomial: Monomial) -> Node:
    """The total of a covariate monomial over a level; its size when the monomial is 1."""
    return Total(mul(*(power(Value(v), p) for v, p in monomial)), by) if monomial else Size(by)


def mean_columns(model: ResolvedModel) -> tuple[Column, ...]:
    """The columns of the mean, offsets aside: a fixed factor whose levels are not known has one for each level."""
    left_out = offsets(model)
    return tuple(model.projected(c) for c in model.mean if c.key is not None or c.monomial not in left_out)


def mean_terms(model: ResolvedModel) -> tuple[tuple[str, tuple[Column, ...]], ...]:
    """The common terms, by name, with their columns: those of the levels of a fixed factor are one term."""
    found: dict[str, list[Column]] = {}
    for column in model.mean:
        if column.monomial in offsets(model):
            continue
        removed = model.projected(column)
        if isinstance(removed, LevelColumns):
            parts = [join_factor(removed.factor), *(variable_key(v) for v, _ in removed.monomial)]
        else:
            parts = [quote(c) if (c := model.indicated(v)) else monomial_key(((v, p),)) for v, p in removed]
        found.setdefault(":".join(parts), []).append(removed)
    return tuple((name, tuple(columns)) for name, columns in found.items())


def offsets(model: ResolvedModel) -> tuple[Monomial, ...]:
    """The columns of the mean whose coefficient is 1."""
    values = model.level_values
    return tuple(c.monomial for c in model.mean if c.key is None and not any(v in values for v, _ in c.monomial))


def block_columns(block: GroupBlock) -> tuple[LevelColumns, ...]:
    """The columns Z of a group term, a set of them for each coefficient."""
    return tuple(LevelColumns(block.factor, c.monomial) for c in block.coefficients)


def block_kernels(block: GroupBlock) -> tuple[tuple[str, Kernel], ...]:
    """The kernels Z_c Z_d' of a group term, c before d, each with its name: ``1|user``, ``1,x|user``."""
    columns, keys = block_columns(block), [str(c.key) for c in block.coefficients]
    return tuple(
        (f"{key if n == m else f'{key},{keys[m]}'}|{block.name}", (columns[n], columns[m]))
        for n, key in enumerate(keys)
        for m in range(n, len(keys))
    )


def effect_name(block: GroupBlock, number: int = 0) -> str:
    """A coefficient's name in statistics: ``user`` for an intercept, ``x|user`` for a slope."""
    column = block.coefficients[number]
    return f"{column.key}|{block.name}" if column.monomial else block.name


def require_intercepts(model: ResolvedModel, name: str, why: str) -> None:
    """Refuse a model with random slopes, by the name of the statistics that have no meaning for it."""
    for block in model.groups:
        for column in block.coefficients:
            if column.monomial:
                raise UnsupportedError(
                    f"{name}: {why}, and ({column.key} | {block.name}) has slopes; "
                    "use statistics='within', 'minque0' or 'perry'"
                )


def require_uncorrelated(model: ResolvedModel, name: str) -> None:
    """Refuse correlated coefficients, for reductions that are as many as coefficients and cannot tell covariances."""
    for block in model.groups:
        if len(block.coefficients) > 1:
            raise UnsupportedError(
                f"{name} has one reduction for each coefficient and none for the covariances of ({block.name}); "
                "use statistics='within' or 'minque0', or declare the coefficients uncorrelated with ||"
            )


def coarse_first(model: ResolvedModel) -> tuple[GroupBlock, ...]:
    """The group terms in the order of the formula, but a factor before those that are nested in it."""
    left, found = list(model.groups), []
    while left:
        block = next(b for b in left if not any(_strictly_within(b, o, model) for o in left))
        left.remove(block)
        found.append(block)
    return tuple(found)


def _strictly_within(inner: GroupBlock, outer: GroupBlock, model: ResolvedModel) -> bool:
    return model.is_nested(inner.factor, outer.factor) and not model.is_nested(outer.factor, inner.factor)
