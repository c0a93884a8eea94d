"""Effects of different levels are independent: cumulants of sums of effects over levels are sums over shared levels."""

from momentalg.expr.expanding import split_product
from momentalg.expr.indices import DEFAULT, relevelled
from momentalg.expr.nodes import DESIGN, ZERO, Cumulant, Effect, Letter, LevelSum, Node, Size, Var, mul
from momentalg.expr.traversal import walk
from momentalg.rules.knowledge import is_known, knows_design
from momentalg.rules.rule import Context, Rule

BY = ("user",)
N, ALPHA = Size(BY, ("i",)), Effect(BY, "1", ("i",))
TOTAL = LevelSum((("user", "i"),), mul(N, ALPHA))


def _rewrite(node: Node, context: Context) -> Node | None:
    """kappa(sum_k c_k u_k, sum_k d_k u_k | design) = sum_k c_k d_k kappa(u_k, u_k | design); a free level picks one."""
    if not isinstance(node, Cumulant) or len(node.args) < 2 or not knows_design(node.given, context.model):
        return None
    if not any(isinstance(a, LevelSum) for a in node.args):
        return None
    weights: list[tuple[dict[str, str], list[Node]]] = []
    effects: list[Effect] = []
    for argument in node.args:
        bound = dict(argument.levels) if isinstance(argument, LevelSum) else {}
        factors = split_product(argument.body if isinstance(argument, LevelSum) else argument)
        mine = [f for f in factors if isinstance(f, Effect)]
        rest = [f for f in factors if not isinstance(f, Effect)]
        if len(mine) != 1 or mine[0].index or not all(is_known(f, node.given, context.model) for f in rest):
            return None
        within = {c for f in rest for p in walk(f) if isinstance(p, LevelSum) for c, _ in p.levels}
        if within & bound.keys() or is_known(mine[0], node.given, context.model):
            return None
        effects.append(mine[0])
        weights.append((bound, rest))
    if len({e.by for e in effects}) > 1:
        return None
    by = effects[0].by
    shared: dict[str, str] = {}  # the level that all effects are of: a free one, or one that is summed over
    summed: dict[str, str] = {}
    for effect, (bound, _) in zip(effects, weights, strict=True):
        for column, name in zip(by, effect.level or (DEFAULT,) * len(by), strict=True):
            if column in bound:
                summed.setdefault(column, name)
            elif shared.setdefault(column, name) != name:
                return ZERO
    summed = {column: name for column, name in summed.items() if column not in shared}
    common = {**summed, **shared}
    level = tuple(common[c] for c in by)
    inner = Cumulant(tuple(Effect(by, e.coefficient, level) for e in effects), node.given)
    factors = tuple(
        relevelled(f, {(c, name): common[c] for c, name in bound.items()}, context.model.constant_on)
        for bound, rest in weights
        for f in rest
    )
    body = mul(*factors, inner)
    return LevelSum(tuple(summed.items()), body) if summed else body


C, U, K = Letter("c_j"), Letter("u_j"), (Letter("K"),)

RULE = Rule(
    name="effects_of_levels",
    title="effects of different levels are independent",
    left=Var(LevelSum((("user", "j"),), mul(C, U)), K),
    right=LevelSum((("user", "j"),), mul(C**2, Var(U, K))),
    rewrite=_rewrite,
    kind="assumption",
    where="u_j is the effect of level j of a factor, and c_j is known given K",
    assumes="effects of different levels of a factor are independent",
    source="the model; Thiele (1889), Almindelig Iagttagelseslaere",
    examples=((Var(TOTAL, (DESIGN,)), ()), (Cumulant((TOTAL, TOTAL, Effect(BY)), (DESIGN,)), ())),
)
