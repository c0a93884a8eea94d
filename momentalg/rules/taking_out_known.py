"""Taking out what is known: kappa(c X, ... | U) = c kappa(X, ... | U) for c a function of U."""

from momentalg.expr.expanding import split_product
from momentalg.expr.nodes import ONE, ZERO, Cov, Cumulant, E, Effect, Letter, Node, Parameter, Size, Var, mul
from momentalg.rules.knowledge import is_known
from momentalg.rules.rule import Context, Rule

BY = ("user",)
N, ALPHA = Size(BY), Effect(BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant):
        return None
    outside: list[Node] = []
    inside: list[Node] = []
    for argument in node.args:
        factors = split_product(argument)
        known = [f for f in factors if is_known(f, node.given, context.model)]
        outside += known
        inside.append(mul(*(f for f in factors if f not in known)) if len(known) < len(factors) else ONE)
    if not outside:
        return None
    if ONE in inside:
        return mul(*outside) if len(inside) == 1 else ZERO
    return mul(*outside, Cumulant(tuple(inside), node.given))


C, D, X, Y, K = Letter("c"), Letter("d"), Letter("X"), Letter("Y"), Letter("K")

RULE = Rule(
    name="taking_out_known",
    title="taking out what is known",
    left=Cov(mul(C, X), mul(D, Y), (K,)),
    right=mul(C, D, Cov(X, Y, (K,))),
    rewrite=_rewrite,
    source="Williams (1991), Probability with Martingales, sec. 9.7",
    examples=(
        (E(N * ALPHA, (N,)), ()),
        (Var(N * ALPHA, (N,)), ()),
        (E(N * Parameter("Intercept"), (N,)), ()),
        (Cov(N**2, ALPHA, (N,)), ()),
    ),
)
