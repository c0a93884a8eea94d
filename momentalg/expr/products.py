"""Products taken apart for printing: a number, what stands above the bar, what stands below."""

from __future__ import annotations

from fractions import Fraction

from momentalg.expr.nodes import Mul, Node, Number, Pow


def positive(node: Pow) -> Node:
    """What stands below the bar for a negative power; assembled as it is, so that even 1/0 can be shown."""
    return node.base if node.exponent == -1 else Pow(node.base, -node.exponent)


def take_apart(node: Node) -> tuple[Fraction, list[Node], list[Node]]:
    """Take a product apart: its numbers multiplied, what stands above the bar, what stands below."""
    coefficient = Fraction(1)
    above: list[Node] = []
    below: list[Node] = []
    for factor in node.args if isinstance(node, Mul) else (node,):
        if isinstance(factor, Number):
            coefficient *= factor.value
        elif isinstance(factor, Mul):
            more, upper, lower = take_apart(factor)
            coefficient, above, below = coefficient * more, above + upper, below + lower
        elif isinstance(factor, Pow) and factor.exponent < 0:
            below.append(positive(factor))
        else:
            above.append(factor)
    return coefficient, above, below
