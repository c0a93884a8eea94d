"""Cumulants are multilinear: variances and covariances of sums, with constants taken out.

Applied to functions of the design: E[a N^2 + b N] = a E[N^2] + b E[N], Var(a N + b M) = a^2 Var N + 2ab Cov(N, M) + ...
"""

from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.value import value, without_laws
from momentalg.expr.nodes import Cov, Cumulant, E, Effect, Letter, Node, Noise, Parameter, Response, Size, Var, add, mul
from momentalg.expr.traversal import walk
from momentalg.rules.rule import Context, Rule

A, B, X, Y, K = Letter("a"), Letter("b"), Letter("X"), Letter("Y"), (Letter("K"),)
N = Size(("user",))
MU = Parameter("Intercept")


def _rewrite(node: Node, context: Context) -> Node | None:
    if any(isinstance(p, (Response, Noise)) for p in walk(node)) or not any(
        isinstance(p, Cumulant) for p in walk(node)
    ):
        return None
    model = without_laws(context.model)
    new = to_node(from_letters(cancelled(value(node, model)), model), model)
    return None if new == node else new


RULE = Rule(
    name="multilinearity",
    title="cumulants are multilinear: variances and covariances of sums",
    left=Var(add(mul(A, X), mul(B, Y)), K),
    right=add(mul(A**2, Var(X, K)), mul(2 * A, B, Cov(X, Y, K)), mul(B**2, Var(Y, K))),
    rewrite=_rewrite,
    whole=True,
    source="McCullagh (1987), Tensor Methods in Statistics, sec. 2.3",
    examples=((Var(N * MU + N**2 * 3), ()), (E(N * MU + N**2), ()), (Cov(N * MU, N * Effect(("user",))), ())),
)
