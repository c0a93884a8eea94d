"""Cumulants of sums of independent parts add; what is known given U has none beyond the first."""

from momentalg.expr.expanding import split_sum
from momentalg.expr.nodes import Cumulant, Effect, Letter, Node, Noise, Parameter, Response, Size, Sum, Var, add
from momentalg.expr.traversal import walk
from momentalg.rules.knowledge import is_known
from momentalg.rules.rule import Context, Rule

BY = ("user",)
N, ALPHA, NOISE = Size(BY), Effect(BY), Sum("j", Noise("j"), BY)


def source(part: Node) -> object | None:
    """The one independent source of randomness of a part: a factor's effects, or the residuals; None if mixed."""
    found: set[object] = {p.by for p in walk(part) if isinstance(p, Effect)}
    found |= {"residual" for p in walk(part) if isinstance(p, Noise)}
    if len(found) != 1 or any(isinstance(p, (Response, Cumulant)) for p in walk(part)):
        return None
    return found.pop()


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant) or len(node.args) < 2:
        return None
    by_source: dict[object, list[list[Node]]] = {}
    for position, argument in enumerate(node.args):
        for part in split_sum(argument):
            if is_known(part, node.given, context.model):
                continue
            whose = source(part)
            if whose is None:
                return None
            by_source.setdefault(whose, [[] for _ in node.args])[position].append(part)
    new = add(*(Cumulant(tuple(add(*p) for p in parts), node.given) for parts in by_source.values() if all(parts)))
    return None if new == node else new


X, Y, K = Letter("X"), Letter("Y"), (Letter("K"),)
RULE = Rule(
    name="independence",
    title="cumulants of independent parts add",
    left=Var(add(X, Y), K),
    right=add(Var(X, K), Var(Y, K)),
    rewrite=_rewrite,
    kind="assumption",
    where="X and Y are independent given K; so for cumulants of every order",
    assumes="effects and residuals are independent of one another given the design",
    source="Thiele (1889), Almindelig Iagttagelseslaere; Kendall and Stuart, Advanced Theory of Statistics 1, ch. 3",
    examples=(
        (Var(N * Parameter("Intercept") + N * ALPHA + NOISE, (N,)), ()),
        (Cumulant((ALPHA + Noise("j"),) * 3, (N,)), ()),
    ),
)
