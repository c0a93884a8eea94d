"""Exact linear algebra on small matrices of Fractions: echelon form, rank, null space, projections."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

Vector = list[Fraction]
Matrix = list[Vector]


def echelon(matrix: Sequence[Sequence[Fraction]]) -> tuple[Matrix, list[int]]:
    """The reduced row echelon form and the pivot columns, by elimination in whole numbers (Bareiss 1968)."""
    rows = [_whole([list(row)])[0][0] for row in matrix]
    pivots: list[int] = []
    last = 1
    for column in range(len(rows[0]) if rows else 0):
        top = len(pivots)
        found = next((n for n in range(top, len(rows)) if rows[n][column]), None)
        if found is None:
            continue
        rows[top], rows[found] = rows[found], rows[top]
        pivot = rows[top][column]
        for n, row in enumerate(rows):
            if n != top:
                factor = row[column]
                rows[n] = [(a * pivot - factor * b) // last for a, b in zip(row, rows[top], strict=True)]
        last = pivot
        pivots.append(column)
    return [[Fraction(value, last) for value in row] for row in rows[: len(pivots)]], pivots


def rank(matrix: Sequence[Sequence[Fraction]]) -> int:
    """The rank."""
    return len(echelon(matrix)[1])


def null_space(matrix: Sequence[Sequence[Fraction]], width: int) -> Matrix:
    """A basis of {x : matrix x = 0}."""
    rows, pivots = echelon(matrix)
    basis = []
    for free in (c for c in range(width) if c not in pivots):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for row, pivot in zip(rows, pivots, strict=True):
            vector[pivot] = -row[free]
        basis.append(vector)
    return basis


def inverse(matrix: Sequence[Sequence[Fraction]], width: int) -> Matrix | None:
    """The inverse; None of a matrix that is singular or not square."""
    if len(matrix) != width:
        return None
    rows, pivots = echelon([[*row, *(Fraction(int(n == k)) for k in range(width))] for n, row in enumerate(matrix)])
    return [row[width:] for row in rows] if pivots == list(range(width)) else None


def residual_projection(columns: Sequence[Sequence[Fraction]], size: int) -> Matrix:
    """P = I - V V^+, for V with these columns, by exact Gram-Schmidt."""
    basis: list[list[Fraction]] = []
    for column in columns:
        left = list(column)
        for b in basis:
            factor = sum((x * y for x, y in zip(left, b, strict=True)), Fraction(0)) / sum(x * x for x in b)
            left = [x - factor * y for x, y in zip(left, b, strict=True)]
        if any(left):
            basis.append(left)
    projection = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    for b in basis:
        norm = sum(x * x for x in b)
        for i in range(size):
            for j in range(size):
                projection[i][j] -= b[i] * b[j] / norm
    return projection


class Absorbed(NamedTuple):
    """What projecting off some columns leaves: the rank of these columns, and A'PB of others."""

    rank: int
    inner: Matrix


def absorbed(columns: Sequence[Vector], left: Sequence[Vector], right: Sequence[Vector]) -> Absorbed:
    """A'PB for A and B with the columns `left` and `right`, P = I - V V^+ with V = `columns`.

    It is A'B - A'V (V'V)^- V'B; the normal equations are solved in whole numbers, without fractions (Bareiss 1968).
    """
    (v, _), (a, below), (b, beside) = (_whole(vectors) for vectors in (columns, left, right))
    gram = [[_dot(column, other) for other in (*v, *b)] for column in v]
    last, kept = 1, []
    for p in range(len(v)):
        pivot = gram[p][p]
        if not pivot:  # a combination of the columns before it
            continue
        for n, row in enumerate(gram):
            if n in kept or n > p:
                factor = row[p]
                gram[n] = [(x * pivot - factor * y) // last for x, y in zip(row, gram[p], strict=True)]
        kept.append(p)
        last = pivot
    scale = below * beside * last
    inner = []
    for column in a:
        on = [_dot(column, v[k]) for k in kept]
        fitted = [sum(x * gram[k][len(v) + n] for x, k in zip(on, kept, strict=True)) for n in range(len(b))]
        inner.append([Fraction(last * _dot(column, q) - f, scale) for q, f in zip(b, fitted, strict=True)])
    return Absorbed(len(kept), inner)


def _whole(vectors: Sequence[Vector]) -> tuple[list[list[int]], int]:
    """The vectors in whole numbers, and what they are multiplied by."""
    scale = lcm(*(x.denominator for v in vectors for x in v))
    return [[x.numerator * (scale // x.denominator) for x in v] for v in vectors], scale


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True) if x and y)
