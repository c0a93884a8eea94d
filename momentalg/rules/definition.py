"""The definition of a total: a sum over the observations of a level."""

from momentalg.expr.indices import observation_labels
from momentalg.expr.nodes import E, Node, Response, Size, Sum, Total, Value, Variable
from momentalg.expr.traversal import transform, walk
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rule

BY = ("user",)
S = Total(Response(), BY)


def at_observation(
    variable: Variable, index: str, by: tuple[str, ...], level: tuple[str, ...], model: ResolvedModel
) -> Node:
    """A covariate at an observation of a level, which has its value already where it is constant on that level."""
    on = model.constant_on.get(variable)
    if on is None or not set(on) <= set(by):
        return Value(variable, index)
    place = level_of(on, by, level)
    return Size(on, place) if variable.kind == "size" else Value(variable, "", place)


def level_of(on: tuple[str, ...], by: tuple[str, ...], level: tuple[str, ...]) -> tuple[str, ...]:
    """The level of a factor that a level of another one lies in."""
    if not level:
        return ()
    names = dict(zip(by, level, strict=True))
    return tuple(names[c] for c in on)


def written_out(total: Total, index: str, model: ResolvedModel) -> Sum:
    """The total with its observations named."""

    def name(part: Node) -> Node:
        if isinstance(part, Response) and not part.index:
            return Response(index)
        if isinstance(part, Value) and not part.index and not part.level:
            return at_observation(part.variable, index, total.by, total.level, model)
        return part

    return Sum(index, transform(total.body, name), total.by, total.level)


def _rewrite(node: Node, context: Context) -> Node | None:
    taken = {part.index for part in walk(node) if isinstance(part, (Sum, Response)) and part.index}
    index = next(name for name in observation_labels(len(context.model.columns)) if name not in taken)

    def change(part: Node) -> Node:
        if (
            isinstance(part, Total)
            and (part.by or not context.model.has_unit)
            and any(isinstance(p, Response) for p in walk(part.body))
        ):
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
