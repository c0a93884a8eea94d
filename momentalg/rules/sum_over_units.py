"""Levels are independent given the design: cumulants of a sum over levels are sums of the levels' cumulants."""

from momentalg.expr.expanding import split_product
from momentalg.expr.nodes import (
    DESIGN,
    ONE,
    Add,
    Cumulant,
    Letter,
    Levels,
    LevelSum,
    Mul,
    Node,
    Number,
    Over,
    Response,
    Size,
    Total,
    Var,
    add,
    mul,
)
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rule

BY = ("user",)


def unit_summand(node: Node, model: ResolvedModel) -> Node | None:
    """The W_i of a statistic that is a sum over the levels of the unit; None when it is not such a sum."""
    match node:
        case Over(by, body) if by == model.unit:
            return body
        case Over(None, body):
            return Total(body, model.unit)
        case Total(body, ()):
            return Total(body, model.unit)
        case Size(()):
            return Size(model.unit)
        case Levels(by) if by == model.unit:
            return ONE
        case Add(args):
            parts = [unit_summand(a, model) for a in args]
            return None if any(p is None for p in parts) else add(*(p for p in parts if p is not None))
        case Mul():
            factors = split_product(node)
            numbers = [f for f in factors if isinstance(f, Number)]
            rest = [f for f in factors if not isinstance(f, Number)]
            inner = unit_summand(rest[0], model) if len(rest) == 1 else None
            return None if inner is None else mul(*numbers, inner)
        case _:
            return None


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant) or not node.given or not context.model.has_unit:
        return None
    bodies = [unit_summand(a, context.model) for a in node.args]
    if any(body is None for body in bodies):
        return None
    return Over(context.model.unit, Cumulant(tuple(b for b in bodies if b is not None), node.given))


K = (Letter("design"),)
W = Letter("W_i")
RULE = Rule(
    name="sum_over_units",
    title="levels are independent: cumulants of a sum over levels",
    left=Var(LevelSum((("user", "i"),), W), K),
    right=LevelSum((("user", "i"),), Var(W, K)),
    rewrite=_rewrite,
    kind="assumption",
    assumes="effects and residuals of different levels are independent",
    source="Thiele (1889), Almindelig Iagttagelseslaere",
    examples=((Var(Total(Response(), ()), (DESIGN,)), ()),),
)
