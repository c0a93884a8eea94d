"""Closed forms of a few linear equations whose coefficients are nodes: Cramer's rule, without fractions.

Equations such as those of two crossed factors,

    c1 u           +  d1 w  =  s1
           c2 v    +  d2 w  =  s2
    c3 u + c4 v    +  d3 w  =  s3

have a *core*, here w: each other unknown has an equation that holds it and the core alone. The core is solved for by
Cramer's rule, and the others follow one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, permutations

from momentalg.expr.nodes import ONE, ZERO, Add, Hat, Mul, Node, Number, Parameter, add, mul, negate, power
from momentalg.moments.equations import Assignment

Row = Sequence[Node]
LARGEST_CORE = 2


def solve_block(rows: Sequence[Row], sides: Sequence[Node], keys: Sequence[str]) -> list[Assignment]:
    """Assignments for the unknowns `keys` of as many equations, in the order to carry them out."""
    for size in range(1, LARGEST_CORE + 1 if len(keys) > 2 else 0):
        for core in combinations(range(len(keys)), size):
            own = _own_equations(rows, core)
            if own is not None:
                return _from_core(rows, sides, keys, core, own)
    return [Assignment(keys[n], cramer(rows, sides, n)) for n in range(len(keys))]


def _own_equations(rows: Sequence[Row], core: Sequence[int]) -> dict[int, int] | None:
    """For each unknown outside the core an equation of its own, with nothing else outside the core."""
    own: dict[int, int] = {}
    for number, row in enumerate(rows):
        outside = [n for n, node in enumerate(row) if node != ZERO and n not in core]
        if len(outside) == 1 and outside[0] not in own:
            own[outside[0]] = number
    return own if len(own) == len(rows) - len(core) else None


def _from_core(
    rows: Sequence[Row], sides: Sequence[Node], keys: Sequence[str], core: Sequence[int], own: dict[int, int]
) -> list[Assignment]:
    found = [Assignment(keys[n], cramer(rows, sides, n)) for n in core]
    for unknown, number in sorted(own.items()):
        known = [negate(mul(rows[number][n], Hat(Parameter(keys[n])))) for n in core if rows[number][n] != ZERO]
        found.append(Assignment(keys[unknown], quotient(add(sides[number], *known), rows[number][unknown])))
    return found


def quotient(value: Node, divisor: Node) -> Node:
    """value / divisor."""
    return value if divisor == ONE else mul(value, power(divisor, -1))


def cramer(rows: Sequence[Row], sides: Sequence[Node], unknown: int) -> Node:
    """One unknown as a quotient of determinants."""
    replaced = [[*row[:unknown], side, *row[unknown + 1 :]] for row, side in zip(rows, sides, strict=True)]
    letters = list(dict.fromkeys(node for row in rows for node in row)) + list(sides)
    numerator, denominator = _determinant(replaced, letters), _determinant(rows, letters)
    if _leads_with_minus(denominator):
        numerator, denominator = (negate(n) for n in (numerator, denominator))
    return quotient(numerator, denominator)


def _leads_with_minus(node: Node) -> bool:
    first = node.args[0] if isinstance(node, Add) else node
    number = first.args[0] if isinstance(first, Mul) else first
    return isinstance(number, Number) and number.value < 0


def _determinant(rows: Sequence[Row], letters: Sequence[Node]) -> Node:
    """The determinant as a sum of products, ordered by the letters that they are products of."""
    terms: dict[tuple[int, ...], Fraction] = {}
    for coefficient, factors in _products(rows):
        exponents = [0] * len(letters)
        for factor in factors:
            exponents[letters.index(factor)] += 1
        key = tuple(exponents)
        terms[key] = terms.get(key, Fraction(0)) + coefficient
    return add(
        *(
            mul(Number(number), *(power(node, e) for node, e in zip(letters, exponents, strict=True) if e))
            for exponents, number in sorted(terms.items(), reverse=True)
        )
    )


def _products(rows: Sequence[Row]) -> Iterator[tuple[Fraction, list[Node]]]:
    """The products of the Leibniz formula, zeros left out: their signs with whole factors, and the other factors."""
    for columns in permutations(range(len(rows))):
        picked = [row[c] for row, c in zip(rows, columns, strict=True)]
        if ZERO not in picked:
            coefficient = Fraction(-1 if _is_odd(columns) else 1)
            for node in picked:
                coefficient *= node.value if isinstance(node, Number) else 1
            yield coefficient, [node for node in picked if not isinstance(node, Number)]


def _is_odd(columns: Sequence[int]) -> bool:
    return sum(a > b for a, b in combinations(columns, 2)) % 2 == 1
