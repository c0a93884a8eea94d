"""Linearity of expectation, over sums of terms and over the observations of a level of known size."""

from dataclasses import replace

from momentalg.expr.expanding import split_product, split_sum
from momentalg.expr.nodes import Cumulant, E, Effect, Letter, LevelSum, Node, Noise, Parameter, Size, Sum, add, mul
from momentalg.rules.knowledge import is_known, knows_design
from momentalg.rules.rule import Context, Rule

BY = ("user",)
N, ALPHA, NOISE = Size(BY), Effect(BY), Sum("j", Noise("j"), BY)


def _rewrite(node: Node, context: Context) -> Node | None:
    if not isinstance(node, Cumulant) or len(node.args) != 1:
        return None
    parts = [_through_sum(part, node.given, context) for part in split_sum(node.args[0])]
    new = add(*parts)
    return None if new == node else new


def _through_sum(part: Node, given: tuple[Node, ...], context: Context) -> Node:
    """E[c sum_j X_j | U] = c sum_j E[X_j | U], for a level whose size is known, or over levels of a known design."""
    factors = split_product(part)
    sums = [f for f in factors if isinstance(f, (Sum, LevelSum))]
    if len(sums) == 1 and _range_is_known(sums[0], given, context):
        rest = [f for f in factors if f is not sums[0]]
        if all(is_known(f, given, context.model) for f in rest):
            inner = sums[0]
            return mul(*rest, replace(inner, body=E(inner.body, given)))
    return E(part, given)


def _range_is_known(part: Sum | LevelSum, given: tuple[Node, ...], context: Context) -> bool:
    if isinstance(part, Sum):
        return is_known(Size(part.by, part.level), given, context.model)
    return knows_design(given, context.model)


def law(arity: int) -> tuple[Node, Node]:
    """E[X_1 + ... + X_k | K] = E[X_1 | K] + ... + E[X_k | K]."""
    letters = [Letter(f"X_{n}") for n in range(1, arity + 1)]
    given = (Letter("K"),)
    return E(add(*letters), given), add(*(E(x, given) for x in letters))


RULE = Rule(
    name="linearity",
    title="linearity of expectation",
    left=law(2)[0],
    right=law(2)[1],
    rewrite=_rewrite,
    law=law,
    once=True,
    source="Kolmogorov (1933), Grundbegriffe der Wahrscheinlichkeitsrechnung, ch. 4",
    examples=((E(N * Parameter("Intercept") + N * ALPHA + NOISE, (N,)), ()), (E(N + N**2), ())),
)
