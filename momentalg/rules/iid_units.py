"""Units are independent and identically distributed: cumulants of a sum over units are r times those of one."""

from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Cumulant, Letter, Levels, LevelSum, Node, Response, Size, Total, Var, mul
from momentalg.rules.rule import Context, Rule
from momentalg.rules.sum_over_units import unit_summand

BY = ("user",)
S, N = Total(Response(), BY), Size(BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant) or node.given or not context.model.has_unit:
        return None
    if join_factor(context.model.unit) in context.model.may_be_empty:
        return None  # a sum over non-empty levels is no sum over all units
    bodies = [unit_summand(a, context.model) for a in node.args]
    if any(body is None for body in bodies):
        return None
    return mul(Levels(context.model.unit), Cumulant(tuple(b for b in bodies if b is not None)))


RULE = Rule(
    name="iid_units",
    title="levels are i.i.d.",
    left=Var(LevelSum((("user", "i"),), Letter("W_i"))),
    right=mul(Levels(BY), Var(Letter("W"))),
    rewrite=_rewrite,
    kind="assumption",
    assumes="levels, with their sizes, covariates, effects and residuals, are independent and identically distributed",
    source="Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, JSM",
    examples=((Var(Total(Response(), ())), ()),),
)
