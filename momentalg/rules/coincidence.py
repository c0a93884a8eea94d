"""Coincidence of indices: a sum over k of delta_jk keeps the one observation that is j."""

from momentalg.expr.expanding import expand, split_product, split_sum
from momentalg.expr.indices import renamed
from momentalg.expr.nodes import Delta, Letter, Node, Noise, Pow, Sum, add, mul
from momentalg.rules.rule import Context, Rule

BY = ("user",)


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Sum):
        return None
    kept: list[Node] = []
    picked: list[Node] = []
    for part in split_sum(expand(node.body)):
        delta = next((f for f in map(_delta, split_product(part)) if f and node.index in (f.first, f.second)), None)
        if delta is None:
            kept.append(part)
            continue
        other = delta.second if delta.first == node.index else delta.first
        rest = mul(*(f for f in split_product(part) if _delta(f) != delta))
        picked.append(renamed(rest, {node.index: other}))
    if not picked:
        return None
    left = [Sum(node.index, add(*kept), node.by, node.level)] if kept else []
    return add(*left, *picked)


def _delta(factor: Node) -> Delta | None:
    """The delta that a factor is, to whatever power: it is its own square."""
    base = factor.base if isinstance(factor, Pow) else factor
    return base if isinstance(base, Delta) else None


F = Letter("f_k")
RULE = Rule(
    name="coincidence",
    title="coincidence of indices",
    left=Sum("k", mul(Delta("j", "k"), F), BY),
    right=Letter("f_j"),
    rewrite=_rewrite,
    source="algebra",
    examples=((Sum("j", Sum("k", Delta("j", "k") * Noise("k") ** 2, BY), BY), ()),),
)
