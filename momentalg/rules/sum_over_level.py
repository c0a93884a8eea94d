"""Sums over the observations of a level: they distribute, and what is the same for all is counted N times."""

from momentalg.expr.expanding import expand, split_product, split_sum
from momentalg.expr.indices import renamed
from momentalg.expr.nodes import (
    ONE,
    Delta,
    Effect,
    Letter,
    Node,
    Noise,
    Number,
    Parameter,
    Pow,
    Response,
    Size,
    Sum,
    Total,
    Value,
    add,
    mul,
)
from momentalg.expr.traversal import walk
from momentalg.rules.rule import Context, Rule

BY = ("user",)


def mentions(node: Node, index: str) -> bool:
    """Whether an expression depends on the named observation."""
    return any(
        (isinstance(p, (Response, Value, Noise)) and p.index == index)
        or (isinstance(p, Delta) and index in (p.first, p.second))
        for p in walk(node)
    )


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Sum):
        return None
    new = add(*(_term(part, node) for part in split_sum(expand(node.body))))
    return None if new == node else new


def _term(part: Node, whole: Sum) -> Node:
    factors = split_product(part)
    outside = [f for f in factors if not mentions(f, whole.index)]
    inside = [f for f in factors if mentions(f, whole.index)]
    if not inside:
        return mul(*outside, Size(whole.by, whole.level))
    if all(_is_covariate(f, whole.index) for f in inside):
        body = mul(*(renamed(f, {whole.index: ""}) for f in inside))
        return mul(*outside, Total(body, whole.by, whole.level))
    return mul(*outside, Sum(whole.index, mul(*inside), whole.by, whole.level))


def _is_covariate(factor: Node, index: str) -> bool:
    base = factor.base if isinstance(factor, Pow) else factor
    return (isinstance(base, Value) and base.index == index) or isinstance(base, Number)


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
