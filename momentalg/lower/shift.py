"""What a shift of the response does to statistics and solutions.

With an intercept among the mean columns, y - c follows the same model with Intercept - c. A statistic of y is then
q(y - c) + c q'(y - c) + ..., with q' its derivative along the constant. Of an equation's solution, which is linear in
its statistics, only the first two orders are left: the second order of a quadratic statistic is the coefficient of
Intercept**2, so that it adds c**2 to that unknown and nothing to any other. Solving by orders therefore loses no
digits however large c is, and the estimates do not depend on c.
"""

from __future__ import annotations

from dataclasses import replace

from momentalg.errors import UnsupportedError
from momentalg.expr.columns import factors
from momentalg.expr.nodes import (
    ONE,
    ZERO,
    Add,
    Hat,
    Letter,
    LevelSum,
    Mul,
    Node,
    Over,
    Parameter,
    Pow,
    Projected,
    Response,
    Sum,
    Total,
    add,
    as_node,
    mul,
    power,
)
from momentalg.expr.traversal import walk

INTERCEPT = "Intercept"


def spans_constant(node: Projected) -> bool:
    """Whether the columns that a projection removes contain the constant: the intercept, or a factor's indicators."""
    return () in node.columns or bool(factors(node.columns))


def may_shift(nodes: tuple[Node, ...]) -> bool:
    """Whether every projection in `nodes` is invariant to a shift of the response."""
    return all(spans_constant(p) for node in nodes for p in walk(node) if isinstance(p, Projected))


def response_degree(node: Node) -> int:
    """The degree of a statistic in the response."""
    match node:
        case Response():
            return 1
        case Add(args):
            return max(map(response_degree, args))
        case Mul(args):
            return sum(map(response_degree, args))
        case Pow(base, exponent):
            return response_degree(base) * max(exponent, 0)
        case Total(body) | Over(_, body) | LevelSum(_, body) | Sum(_, body):
            return response_degree(body)
        case Projected():
            return 2
        case _:
            return 0


def first_order(node: Node) -> Node:
    """The derivative of `node` along y -> y + c, Intercept -> Intercept + c, at c = 0.

    The first order of a ``Letter(q)`` is ``Letter(q')``, with the prime in its name; of the estimate of a parameter
    other than the intercept, the estimate of ``key'``, which is zero for the mean parameters.
    """
    match node:
        case Response():
            return ONE
        case Add(args):
            return add(*(first_order(a) for a in args))
        case Mul(args):
            return add(*(mul(*args[:k], first_order(a), *args[k + 1 :]) for k, a in enumerate(args)))
        case Pow(base, exponent):
            return mul(as_node(exponent), power(base, exponent - 1), first_order(base))
        case Total(body) | Over(_, body) | LevelSum(_, body) | Sum(_, body):
            inner = first_order(body)
            return ZERO if inner == ZERO else replace(node, body=inner)
        case Letter(name):
            return Letter(name + "'")
        case Hat(Parameter(key)):
            return ONE if key == INTERCEPT else Hat(Parameter(key + "'"))
        case Hat():
            raise UnsupportedError("an estimator can use the estimate of a parameter only, not of an expression")
        case _:
            return ZERO  # sizes, covariates, design constants, and projections that remove the constant
