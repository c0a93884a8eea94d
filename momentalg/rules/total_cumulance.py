"""The law of total cumulance: joint cumulants of conditional cumulants, over set partitions."""

from collections import Counter

from momentalg.cumulants.partitions import set_partitions
from momentalg.expr.nodes import Cumulant, Letter, Node, Response, Size, Total, add, as_node, mul
from momentalg.rules.rule import Context, Rule

S, N = Total(Response(), ("user",)), Size(("user",))


def condition(arguments: tuple[Node, ...], given: tuple[Node, ...], on: tuple[Node, ...]) -> Node:
    """sum over partitions of kappa( kappa(W_B | K, U) : B | K ), equal terms counted."""
    found: Counter[tuple[Node, ...]] = Counter()
    for partition in set_partitions(len(arguments)):
        inner = tuple(Cumulant(tuple(arguments[n] for n in block), (*given, *on)) for block in partition)
        found[tuple(sorted(inner, key=repr))] += 1
    shown = sorted(found.items(), key=lambda item: len(item[0]))
    return add(*(mul(as_node(count), Cumulant(inner, given)) for inner, count in shown))


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant) or not context.on:
        return None
    return condition(node.args, node.given, context.on)


def law(arity: int) -> tuple[Node, Node]:
    """The law for `arity` arguments; at 1 and 2 those of total expectation and covariance."""
    arguments = tuple(Letter(f"W_{n}") for n in range(1, arity + 1))
    return Cumulant(arguments, (Letter("K"),)), condition(arguments, (Letter("K"),), (Letter("U"),))


RULE = Rule(
    name="total_cumulance",
    title="law of total cumulance",
    left=law(3)[0],
    right=law(3)[1],
    rewrite=_rewrite,
    law=law,
    once=True,
    source="Brillinger (1969), Ann. Inst. Statist. Math. 21, 215-218",
    examples=((Cumulant((S, S, S)), (N,)), (Cumulant((S, S, N)), (N,)), (Cumulant((S, S, S, S)), (N,))),
)
