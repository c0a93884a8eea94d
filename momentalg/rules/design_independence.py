"""Declared independence of design variables of a unit: joint moments become products."""

from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.value import value
from momentalg.expr.nodes import E, Letter, Node, mul
from momentalg.rules.rule import Context, Rule

N, X = Letter("N"), Letter("X")


def _rewrite(node: Node, context: Context) -> Node | None:
    if not context.model.independent:
        return None
    new = to_node(from_letters(cancelled(value(node, context.model)), context.model), context.model)
    return None if new == node else new


RULE = Rule(
    name="design_independence",
    title="declared independence of design variables",
    left=E(mul(N, X)),
    right=mul(E(N), E(X)),
    rewrite=_rewrite,
    whole=True,
    kind="assumption",
    assumes="the design variables declared independent are independent",
    source="the declaration",
)
