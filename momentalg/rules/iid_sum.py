"""Cumulants of sums of independent residuals over the observations of a level of known size."""

from momentalg.expr.expanding import split_product
from momentalg.expr.indices import renamed
from momentalg.expr.nodes import ZERO, Cumulant, Letter, Node, Noise, Size, Sum, Var, mul
from momentalg.expr.traversal import walk
from momentalg.rules.knowledge import is_known
from momentalg.rules.rule import Context, Rule

BY = ("user",)
N, NOISE = Size(BY), Sum("j", Noise("j"), BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    """kappa(sum_j w_j e_j, sum_j v_j e_j | U) = sum_j w_j v_j kappa(e_j, e_j | U), over the observations shared."""
    if not isinstance(node, Cumulant) or len(node.args) < 2:
        return None
    weights: list[Node] = []
    common: Sum | None = None
    named: set[str] = set()
    for argument in node.args:
        body = argument
        if isinstance(argument, Sum):
            if not is_known(Size(argument.by, argument.level), node.given, context.model):
                return None
            if common is not None and (common.by, common.level) != (argument.by, argument.level):
                return ZERO  # different levels have no observation in common
            common = common or argument
            body = argument.body
        factors = split_product(body)
        noise = [f for f in factors if isinstance(f, Noise)]
        rest = [f for f in factors if not isinstance(f, Noise)]
        if len(noise) != 1 or any(isinstance(p, Noise) for f in rest for p in walk(f)):
            return None
        index = noise[0].index
        if isinstance(argument, Sum) and index == argument.index:
            weights += [renamed(f, {index: "\0"}) for f in rest]
        else:
            named.add(index)
            weights += rest
    if len(named) > 1:
        return ZERO
    if common is None:
        return None
    place = named.pop() if named else common.index
    inner = mul(*(renamed(w, {"\0": place}) for w in weights), Cumulant((Noise(place),) * len(node.args), node.given))
    return inner if place != common.index else Sum(place, inner, common.by, common.level)


RULE = Rule(
    name="iid_sum",
    title="sum of a random number of independent terms",
    left=Var(Sum("j", Letter("e_j"), BY), (Letter("K"),)),
    right=Sum("j", Var(Letter("e_j"), (Letter("K"),)), BY),
    rewrite=_rewrite,
    kind="assumption",
    where="e_j are residuals; N is among what K tells",
    assumes="residuals are independent, and independent of the number of them",
    source="Wald (1944), Ann. Math. Statist. 15, 283-296; Blackwell and Girshick (1947)",
    examples=((Var(NOISE, (N,)), ()), (Cumulant((NOISE,) * 3, (N,)), ())),
)
