"""Exact linear algebra on small lists of Fractions: what the oracles need of it and no more."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Vector = list[Fraction]
Matrix = list[Vector]


def identity(n: int) -> Matrix:
    """The identity matrix of order n."""
    return [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """The inner product a'b."""
    return sum((x * y for x, y in zip(a, b, strict=True) if x and y), Fraction(0))


def transpose(a: Matrix) -> Matrix:
    """The transpose of a matrix with at least one row."""
    return [list(column) for column in zip(*a, strict=True)]


def matmul(a: Matrix, b: Matrix) -> Matrix:
    """The product AB."""
    columns = transpose(b)
    return [[dot(row, column) for column in columns] for row in a]


def matvec(a: Matrix, v: Sequence[Fraction]) -> Vector:
    """The product Av."""
    return [dot(row, v) for row in a]


def trace(a: Matrix) -> Fraction:
    """The trace of a square matrix."""
    return sum((a[i][i] for i in range(len(a))), Fraction(0))


def trace_of_product(a: Matrix, b: Matrix) -> Fraction:
    """tr(AB), without forming AB."""
    return sum((a[i][j] * b[j][i] for i in range(len(a)) for j in range(len(b)) if a[i][j]), Fraction(0))


def residual_maker(columns: Sequence[Sequence[Fraction]], n: int) -> Matrix:
    """I - V V^+ for the span V of `columns` in n dimensions, by orthogonalising them one after the other."""
    p = identity(n)
    for column in columns:
        rest = matvec(p, column)  # the part of the column that earlier ones do not span
        if length := dot(rest, rest):
            p = [[p[i][j] - rest[i] * rest[j] / length for j in range(n)] for i in range(n)]
    return p


def same_level(labels: Sequence[object]) -> Matrix:
    """Z Z' of a factor, from the level of each observation: 1 where two observations share the level."""
    return [[Fraction(int(a == b)) for b in labels] for a in labels]
