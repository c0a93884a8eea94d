"""Collection: sums are carried out and like terms put together, in the order in which results are printed."""

from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.value import value
from momentalg.expr.nodes import Letter, Node, Parameter, Size, Sum, add, mul
from momentalg.rules.rule import Context, Rule

A, B, C = Letter("a"), Letter("b"), Letter("c")
BY = ("user",)


def _rewrite(node: Node, context: Context) -> Node | None:
    new = to_node(from_letters(cancelled(value(node, context.model)), context.model), context.model)
    return None if new == node else new


RULE = Rule(
    name="collection",
    title="collecting terms",
    left=add(mul(A, C), mul(B, C)),
    right=mul(add(A, B), C),
    rewrite=_rewrite,
    whole=True,
    source="algebra",
    examples=((Sum("j", Parameter("var(residual)"), BY) + Size(BY) * Parameter("var(1|user)"), ()),),
)
