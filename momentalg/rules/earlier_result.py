"""An earlier result of the same derivation is put in its place."""

from momentalg.expr.nodes import E, Letter, Node
from momentalg.rules.rule import Context, Rule


def _rewrite(node: Node, context: Context) -> Node | None:
    return context.lemmas.get(node)


RULE = Rule(
    name="earlier_result",
    title="earlier results",
    left=E(Letter("W"), (Letter("K"),)),
    right=Letter("w"),
    rewrite=_rewrite,
    source="the derivation",
)
