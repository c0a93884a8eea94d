"""The law of total covariance."""

from momentalg.expr.nodes import Cov, E, Letter, Response, Size, Total, add
from momentalg.rules.rule import Rule, by_pattern

V, W, K, U = Letter("V"), Letter("W"), Letter("K"), Letter("U")
LEFT = Cov(V, W, (K,))
RIGHT = add(E(Cov(V, W, (K, U)), (K,)), Cov(E(V, (K, U)), E(W, (K, U)), (K,)))
S, N, T = Total(Response(), ("user",)), Size(("user",)), Total(Response() ** 2, ("user",))

RULE = Rule(
    name="total_covariance",
    title="law of total covariance",
    left=LEFT,
    right=RIGHT,
    rewrite=by_pattern(LEFT, RIGHT),
    once=True,
    source="Ross (2010), A First Course in Probability, sec. 7.5",
    examples=((Cov(S, N), (N,)), (Cov(S, T), (N,))),
)
