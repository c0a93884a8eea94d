"""The tower law, and the total laws read from right to left: conditional moments are put back together."""

from momentalg.cumulants.value import canonical_value
from momentalg.expr.nodes import E, Letter, Node
from momentalg.rules.rule import Context, Rule

X, K, U = Letter("X"), Letter("K"), Letter("U")


def _rewrite(node: Node, context: Context) -> Node | None:
    """The result in moments that no longer mention what was conditioned on; `lemmas` holds the standard form."""
    goal = context.lemmas.get(node)
    if goal is None or canonical_value(node, context.model) != canonical_value(goal, context.model):
        return None
    return goal


RULE = Rule(
    name="tower",
    title="tower law: total laws read from right to left",
    left=E(E(X, (K, U)), (K,)),
    right=E(X, (K,)),
    rewrite=_rewrite,
    whole=True,
    source="Williams (1991), Probability with Martingales, sec. 9.7",
)
