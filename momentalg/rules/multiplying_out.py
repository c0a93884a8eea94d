"""Multiplying out: a product of sums is a sum of products, and powers of equal factors are put together."""

from momentalg.expr.expanding import expand
from momentalg.expr.nodes import E, Effect, Letter, Node, Parameter, Size, add, mul
from momentalg.rules.rule import Context, Rule

A, B, C = Letter("a"), Letter("b"), Letter("c")
N, ALPHA = Size(("user",)), Effect(("user",))


def _rewrite(node: Node, context: Context) -> Node | None:
    new = expand(node)
    return None if new == node else new


RULE = Rule(
    name="multiplying_out",
    title="multiplying out",
    left=mul(C, add(A, B)),
    right=add(mul(C, A), mul(C, B)),
    rewrite=_rewrite,
    source="algebra",
    examples=(((Parameter("Intercept") + ALPHA) * N, ()), (E((N + ALPHA) ** 2), ())),
)
