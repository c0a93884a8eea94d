"""The law of total variance, the law that the package is built on."""

from momentalg.expr.nodes import E, Letter, Response, Size, Total, Var, add
from momentalg.rules.rule import Rule, by_pattern

W, K, U = Letter("W"), Letter("K"), Letter("U")
LEFT = Var(W, (K,))
RIGHT = add(E(Var(W, (K, U)), (K,)), Var(E(W, (K, U)), (K,)))
S, N = Total(Response(), ("user",)), Size(("user",))

RULE = Rule(
    name="total_variance",
    title="law of total variance",
    left=LEFT,
    right=RIGHT,
    rewrite=by_pattern(LEFT, RIGHT),
    once=True,
    source="Weiss (2005), A Course in Probability, p. 385",
    examples=((Var(S), (N,)), (Var(S / N), (N,))),
)
