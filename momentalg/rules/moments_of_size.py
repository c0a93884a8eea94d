"""Moments of N: cumulants of powers of the size, and of other design variables with it, in raw moments."""

from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.value import canonical_value
from momentalg.expr.nodes import Cov, Cumulant, E, Letter, Node, Parameter, Size, Var, mul
from momentalg.expr.traversal import walk
from momentalg.rules.rule import Context, Rule

X, Y, N = Letter("X"), Letter("Y"), Size(("user",))


def _rewrite(node: Node, context: Context) -> Node | None:
    if not any(isinstance(p, Cumulant) and len(p.args) > 1 for p in walk(node)):
        return None
    model = context.model
    new = to_node(from_letters(canonical_value(node, model), model), model)
    return None if new == node else new


RULE = Rule(
    name="moments_of_size",
    title="moments of N",
    left=Cov(X, Y),
    right=E(mul(X, Y)) - E(X) * E(Y),
    rewrite=_rewrite,
    whole=True,
    source="definition of the covariance; Kendall and Stuart, Advanced Theory of Statistics 1, ch. 3",
    examples=((Var(N), ()), (Cov(N, N**2) * Parameter("Intercept"), ()), (Cumulant((N, N, N)), ())),
)
