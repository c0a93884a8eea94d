"""The definition of a total: a sum over the observations of a level."""

from itertools import chain, count

from momentalg.expr.nodes import E, Node, Response, Size, Sum, Total, Value
from momentalg.expr.traversal import transform, walk
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rule

BY = ("user",)
S = Total(Response(), BY)


def written_out(total: Total, index: str, model: ResolvedModel) -> Sum:
    """The total with its observations named."""

    def name(part: Node) -> Node:
        if isinstance(part, Response) and not part.index:
            return Response(index)
        if isinstance(part, Value) and not part.index and not part.level:
            if part.variable.kind == "size":
                return Size(model.constant_on[part.variable], total.level)
            constant = part.variable in model.constant_on
            return Value(part.variable, "", total.level) if constant else Value(part.variable, index)
        return part

    return Sum(index, transform(total.body, name), total.by, total.level)


def _rewrite(node: Node, context: Context) -> Node | None:
    taken = {part.index for part in walk(node) if isinstance(part, (Sum, Response)) and part.index}
    index = next(name for name in chain("jklm", map("j{}".format, count(1))) if name not in taken)

    def change(part: Node) -> Node:
        if isinstance(part, Total) and part.by and any(isinstance(p, Response) for p in walk(part.body)):
            return written_out(part, index, context.model)
        return part

    new = transform(node, change)
    return None if new == node else new


RULE = Rule(
    name="definition",
    title="definition",
    left=S,
    right=Sum("j", Response("j"), BY),
    rewrite=_rewrite,
    once=True,
    source="the statistic",
    examples=((E(S, (Size(BY),)), ()), (E(S / Size(BY), (Size(BY),)), ())),
)
