"""Variances and covariances of sums: cumulants are multilinear, so that each pair of parts has its covariance.

For parts that are not independent, such as the intercept and the slope of one level: Cov(alpha, gamma) enters twice.
"""

from collections import Counter
from itertools import product

from momentalg.expr.expanding import split_sum
from momentalg.expr.nodes import Cov, Cumulant, Effect, Letter, Node, Size, Var, add, as_node, mul
from momentalg.rules.rule import Context, Rule

BY = ("user",)
N, ALPHA = Size(BY), Effect(BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant) or len(node.args) < 2:
        return None
    parts = [split_sum(argument) for argument in node.args]
    if all(len(terms) == 1 for terms in parts):
        return None
    order = {part: n for n, part in enumerate(dict.fromkeys(p for terms in parts for p in terms))}
    found = Counter(tuple(sorted(picked, key=order.__getitem__)) for picked in product(*parts))
    return add(*(mul(as_node(number), Cumulant(picked, node.given)) for picked, number in found.items()))


X, Y, K = Letter("X"), Letter("Y"), (Letter("K"),)

RULE = Rule(
    name="expansion_of_sums",
    title="variances and covariances of sums",
    left=Var(add(X, Y), K),
    right=add(Var(X, K), 2 * Cov(X, Y, K), Var(Y, K)),
    rewrite=_rewrite,
    source="Kendall and Stuart, Advanced Theory of Statistics 1, ch. 10; cumulants are multilinear",
    examples=((Var(N * ALPHA + ALPHA, (N,)), ()), (Cov(ALPHA + N, ALPHA, (N,)), ())),
)
