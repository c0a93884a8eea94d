"""Exact linear algebra on small matrices of Fractions: echelon form, rank, null space, projections."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Matrix = list[list[Fraction]]


def echelon(matrix: Sequence[Sequence[Fraction]]) -> tuple[Matrix, list[int]]:
    """The reduced row echelon form and the pivot columns."""
    rows = [list(row) for row in matrix]
    pivots: list[int] = []
    for column in range(len(rows[0]) if rows else 0):
        top = len(pivots)
        pivot = next((n for n in range(top, len(rows)) if rows[n][column]), None)
        if pivot is None:
            continue
        rows[top], rows[pivot] = rows[pivot], rows[top]
        scale = rows[top][column]
        rows[top] = [value / scale for value in rows[top]]
        for n, row in enumerate(rows):
            if n != top and row[column]:
                factor = row[column]
                rows[n] = [a - factor * b for a, b in zip(row, rows[top], strict=True)]
        pivots.append(column)
    return rows[: len(pivots)], pivots


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


def in_row_space(matrix: Sequence[Sequence[Fraction]], vector: Sequence[Fraction]) -> bool:
    """Whether a vector is a combination of the rows."""
    return rank([*matrix, list(vector)]) == rank(matrix)


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
