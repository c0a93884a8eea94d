"""The law of total expectation."""

from momentalg.expr.nodes import E, Letter, Response, Size, Total
from momentalg.rules.rule import Rule, by_pattern

W, K, U = Letter("W"), Letter("K"), Letter("U")
LEFT, RIGHT = E(W, (K,)), E(E(W, (K, U)), (K,))
S, N = Total(Response(), ("user",)), Size(("user",))

RULE = Rule(
    name="total_expectation",
    title="law of total expectation",
    left=LEFT,
    right=RIGHT,
    rewrite=by_pattern(LEFT, RIGHT),
    once=True,
    source="Kolmogorov (1933), Grundbegriffe der Wahrscheinlichkeitsrechnung, ch. 5",
    examples=((E(S), (N,)), (E(S**2 * N), (N,))),
)
