"""Sums over the observations of a level: they distribute, and what is the same for all is counted N times.

What is the same for all observations of a level of another factor is counted as often as that level occurs:
sum_j x_j u(j) = sum_k S_x(k) u_k, for the level u(j) that observation j lies in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from momentalg.expr.expanding import expand, split_product, split_sum
from momentalg.expr.indices import DEFAULT, level_labels, renamed
from momentalg.expr.nodes import (
    ONE,
    Delta,
    Effect,
    Letter,
    LevelSum,
    Node,
    Noise,
    Parameter,
    Pow,
    Response,
    Size,
    Sum,
    Total,
    Value,
    add,
    mul,
    power,
)
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rule

BY = ("user",)


def mentions(node: Node, index: str) -> bool:
    """Whether an expression depends on the named observation."""
    return any(
        (isinstance(p, (Response, Value, Noise, Effect)) and p.index == index)
        or (isinstance(p, Delta) and index in (p.first, p.second))
        for p in walk(node)
    )


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Sum):
        return None
    new = add(*(_term(part, node, context.model) for part in split_sum(expand(node.body))))
    return None if new == node else new


def _term(part: Node, whole: Sum, model: ResolvedModel) -> Node:
    factors = split_product(part)
    outside = [f for f in factors if not mentions(f, whole.index)]
    inside = [f for f in factors if mentions(f, whole.index)]
    if not inside:
        return _times(Size(whole.by, whole.level), outside, model)
    values = [f for f in inside if _factor_of(f, model)]
    covariates = [f for f in inside if f not in values]
    if values and all(_is_covariate(f) for f in covariates):
        return mul(*outside, _over_levels(values, covariates, whole, model))
    if all(_is_covariate(f) for f in inside):
        body = mul(*(renamed(f, {whole.index: ""}) for f in inside))
        return _times(Total(body, whole.by, whole.level), outside, model)
    return mul(*outside, Sum(whole.index, mul(*inside), whole.by, whole.level))


def _times(total: Node, outside: Sequence[Node], model: ResolvedModel) -> Node:
    """A total with what is the same for all of it: parameters before it, effects of several factors after it."""
    after = [f for f in outside if isinstance(f, Effect)] if len(model.columns) > 1 else []
    return mul(*(f for f in outside if f not in after), total, *after)


def _factor_of(factor: Node, model: ResolvedModel) -> tuple[str, ...]:
    """The factor whose level an effect, or a covariate that is constant on it, is of; none if it varies within all."""
    base = factor.base if isinstance(factor, Pow) else factor
    if isinstance(base, Effect):
        return base.by
    return model.constant_on.get(base.variable, ()) if isinstance(base, Value) else ()


def _over_levels(values: Sequence[Node], covariates: Sequence[Node], whole: Sum, model: ResolvedModel) -> Node:
    """The sum of what each observation has from its own levels: over these levels, of the totals that they have."""
    columns = [c for c in model.columns if c not in whole.by and any(c in _factor_of(v, model) for v in values)]
    home = dict(zip(whole.by, whole.level or (DEFAULT,) * len(whole.by), strict=True))
    levels = {c: fresh_level(c, set(home.values()), model) for c in columns}
    by = tuple(c for c in model.columns if c in home or c in levels)
    place = tuple({**home, **levels}[c] for c in by)
    body = mul(*(renamed(f, {whole.index: ""}) for f in covariates))
    total = Total(body, by, place) if covariates else Size(by, place)
    known = [_at(value, {**home, **levels}, model) for value in values if not isinstance(value, Effect)]
    effects = [_at(value, {**home, **levels}, model) for value in values if isinstance(value, Effect)]
    inner = {c: v for c, v in levels.items() if not any(c in _factor_of(e, model) for e in effects)}
    outer = {c: v for c, v in levels.items() if c not in inner}
    return _summed(outer, mul(_summed(inner, mul(total, *known)), *effects))


def _summed(levels: Mapping[str, str], body: Node) -> Node:
    return LevelSum(tuple(levels.items()), body) if levels else body


def _at(value: Node, levels: Mapping[str, str], model: ResolvedModel) -> Node:
    """An effect or a covariate of its level, to the power that it has."""
    base, exponent = (value.base, value.exponent) if isinstance(value, Pow) else (value, 1)
    level = tuple(levels[c] for c in _factor_of(value, model))
    if isinstance(base, Value) and base.variable.kind == "size":
        return power(Size(model.constant_on[base.variable], level), exponent)
    assert isinstance(base, Effect | Value)
    return power(replace(base, index="", level=level), exponent)


def fresh_level(column: str, taken: Collection[str], model: ResolvedModel) -> str:
    """A name for a level that is summed over: the default one of its column, unless that is what a total is of."""
    labels = level_labels(model.columns.index(column), len(model.columns))
    return next(label for label in labels if label not in taken)


def _is_covariate(factor: Node) -> bool:
    """Whether a factor, of those that mention the observation, is its covariate, or a power of one."""
    return isinstance(factor.base if isinstance(factor, Pow) else factor, Value)


C = Letter("c")
RULE = Rule(
    name="sum_over_level",
    title="sum over the observations of a level",
    left=Sum("j", add(C, Letter("X_j")), BY),
    right=add(mul(Size(BY), C), Sum("j", Letter("X_j"), BY)),
    rewrite=_rewrite,
    source="algebra",
    examples=(
        (Sum("j", Parameter("Intercept") + Effect(BY) + Noise("j"), BY), ()),
        (Sum("j", ONE + Noise("j") ** 2, BY), ()),
    ),
)
