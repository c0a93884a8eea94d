"""Multiplying out: sums of products, with powers of equal factors and equal terms together, in order of appearance."""

from __future__ import annotations

from fractions import Fraction

from momentalg.expr.nodes import Add, Mul, Node, Number, Pow, add, mul, power

Product = tuple[tuple[Node, int], ...]


def expand(node: Node) -> Node:
    """The node as a sum of products; factors that are neither sums, products nor powers are left as they are."""
    gathered: dict[frozenset[tuple[Node, int]], tuple[Product, Fraction]] = {}
    for coefficient, factors in terms(node):
        key = frozenset(factors)
        shown, total = gathered.get(key, (factors, Fraction(0)))
        gathered[key] = (shown, total + coefficient)
    return add(*(mul(Number(c), *(power(b, p) for b, p in shown)) for shown, c in gathered.values() if c))


def terms(node: Node) -> list[tuple[Fraction, Product]]:
    """The terms of the expanded node: a number, and factors with their powers."""
    match node:
        case Number(value):
            return [(value, ())] if value else []
        case Add(args):
            return [term for a in args for term in terms(a)]
        case Mul(args):
            result: list[tuple[Fraction, Product]] = [(Fraction(1), ())]
            for a in args:
                result = [(c * d, _merge(f, g)) for c, f in result for d, g in terms(a)]
            return result
        case Pow(base, exponent) if exponent > 0 and isinstance(base, (Add, Mul)):
            return terms(Mul((base,) * exponent))
        case Pow(base, exponent) if exponent < 0 and len(inside := terms(base)) == 1:
            ((coefficient, factors),) = inside
            return [(coefficient**exponent, tuple((f, p * exponent) for f, p in factors))]
        case Pow(base, exponent):
            return [(Fraction(1), ((base, exponent),))]
        case _:
            return [(Fraction(1), ((node, 1),))]


def _merge(a: Product, b: Product) -> Product:
    powers = dict(a)
    for factor, exponent in b:
        powers[factor] = powers.get(factor, 0) + exponent
    return tuple((f, p) for f, p in powers.items() if p)


def with_powers(node: Node) -> Node:
    """A product with its equal factors put together as powers."""
    if not isinstance(node, Mul):
        return node
    powers: dict[Node, int] = {}
    for factor in node.args:
        base, exponent = (factor.base, factor.exponent) if isinstance(factor, Pow) else (factor, 1)
        powers[base] = powers.get(base, 0) + exponent
    return mul(*(power(base, exponent) for base, exponent in powers.items())) if len(powers) < len(node.args) else node


def split_product(node: Node) -> tuple[Node, ...]:
    """The factors of a product; a single node is its own only factor."""
    return node.args if isinstance(node, Mul) else (node,)


def split_sum(node: Node) -> tuple[Node, ...]:
    """The terms of a sum; a single node is its own only term."""
    return node.args if isinstance(node, Add) else (node,)
