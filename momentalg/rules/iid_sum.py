"""Cumulants of sums of independent residuals over the observations of a level of known size."""

from momentalg.expr.expanding import split_product
from momentalg.expr.indices import DEFAULT, renamed
from momentalg.expr.nodes import ZERO, Cumulant, Effect, Letter, Node, Noise, Size, Sum, Var, mul
from momentalg.expr.traversal import walk
from momentalg.rules.knowledge import is_known
from momentalg.rules.rule import Context, Rule
from momentalg.rules.sum_over_level import mentions

BY = ("user",)
N, NOISE = Size(BY), Sum("j", Noise("j"), BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    """kappa(sum_j w_j e_j, sum_j v_j e_j | U) = sum_j w_j v_j kappa(e_j, e_j | U), over the observations shared."""
    if not isinstance(node, Cumulant) or len(node.args) < 2:
        return None
    weights: list[Node] = []
    index = ""
    shared: dict[str, str] = {}  # the levels that all sums are over
    named: set[str] = set()
    for argument in node.args:
        body, own = argument, ""
        if isinstance(argument, Sum):
            if not is_known(Size(argument.by, argument.level), node.given, context.model):
                return None
            body, own = argument.body, argument.index
            index = index or own
            for column, level in zip(argument.by, argument.level or (DEFAULT,) * len(argument.by), strict=True):
                if shared.setdefault(column, level) != level:
                    return ZERO  # different levels have no observation in common
        factors = split_product(body)
        noise = [f for f in factors if isinstance(f, Noise)]
        rest = [f for f in factors if not isinstance(f, Noise)]
        if len(noise) != 1 or any(isinstance(p, (Noise, Effect)) for f in rest for p in walk(f)):
            return None
        if own and noise[0].index != own:
            return None  # one residual, weighted by a sum over others
        if own:
            weights += [renamed(f, {own: "\0"}) for f in rest]
        else:
            named.add(noise[0].index)
            weights += rest
    if len(named) > 1 or (named and any(level != DEFAULT for level in shared.values())):
        return ZERO  # a named observation is one, and of the default levels
    if not index:
        return None
    if not named and any(mentions(w, index) for w in weights):
        return None  # an observation of that name stands in the weights, and would be taken for the one summed over
    place = next(iter(named), index)
    inner = mul(*(renamed(w, {"\0": place}) for w in weights), Cumulant((Noise(place),) * len(node.args), node.given))
    if named:
        return inner
    by = tuple(c for c in context.model.columns if c in shared)
    common = tuple(shared[c] for c in by)
    return Sum(index, inner, by, () if all(name == DEFAULT for name in common) else common)


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
