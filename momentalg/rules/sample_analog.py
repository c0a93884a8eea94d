"""Sample analogs: design moments of a unit estimated by what the levels in the data show.

Variances and covariances of the design take the divisor r - 1: then the equation of a sample variance of totals holds
on average given every design, and the fixed view and the random view give the same estimates.
"""

from dataclasses import replace

from momentalg.cumulants.terms import DEFAULT
from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import (
    ONE,
    Average,
    Cov,
    Cumulant,
    Letter,
    Levels,
    LevelSum,
    Node,
    Noise,
    Response,
    Size,
    Total,
    Value,
    add,
    mul,
    negate,
    power,
)
from momentalg.expr.traversal import transform, walk
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rule


def analog(moment: Cumulant, model: ResolvedModel) -> Node:
    """An average over the levels; for variances and covariances, of products of deviations, with divisor r - 1."""
    labels = (DEFAULT,) * len(model.unit)
    levels, number = tuple(zip(model.unit, labels, strict=True)), Levels(model.unit)

    def labelled(node: Node) -> Node:
        if isinstance(node, (Size, Total, Value)) and not node.level:
            by = model.constant_on.get(node.variable, ()) if isinstance(node, Value) else node.by
            return replace(node, level=(DEFAULT,) * len(by))
        return node

    args = [transform(a, labelled) for a in moment.args]
    if len(args) == 1:
        return mul(power(number, -1), LevelSum(levels, args[0]))
    deviations = [add(a, negate(Average(plain))) for a, plain in zip(args, moment.args, strict=True)]
    body = power(deviations[0], 2) if deviations[0] == deviations[1] else mul(*deviations)
    return mul(power(add(number, negate(ONE)), -1), LevelSum(levels, body))


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant) or node.given or len(node.args) > 2:
        return None
    if any(isinstance(part, (Response, Noise, Cumulant)) for a in node.args for part in walk(a)):
        return None
    if not context.model.has_unit:
        raise UnsupportedError(
            "sample analogs are averages over i.i.d. levels, and levels of crossed factors are not: the equations "
            "given the design, moment_equations(), use what the data show"
        )
    return analog(node, context.model)


X, Y, UNITS = Letter("X_i"), Letter("Y_i"), Levels(("user",))

RULE = Rule(
    name="sample_analog",
    title="sample analogs",
    left=Cov(Letter("X"), Letter("Y")),
    right=mul(
        power(add(UNITS, negate(ONE)), -1),
        LevelSum((("user", "i"),), mul(add(X, negate(Average(Letter("X")))), add(Y, negate(Average(Letter("Y")))))),
    ),
    rewrite=_rewrite,
    kind="estimation",
    assumes="levels are independent and identically distributed",
    source="Pearson (1894), Phil. Trans. R. Soc. A 185, 71-110; Vardeman and Wendelberger (2005) for the divisor",
)
