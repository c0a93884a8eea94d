"""Products, sums and inverses of small matrices of Fractions, and random ones to check with."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

from momentalg.errors import NotIdentifiedError
from momentalg.moments.rational import Matrix, Vector, inverse


def product(*matrices: Sequence[Sequence[Fraction]]) -> Matrix:
    """The product of matrices, from left to right."""
    found = [list(row) for row in matrices[0]]
    for right in matrices[1:]:
        columns = list(zip(*right, strict=True))
        found = [[_dot(row, column) for column in columns] for row in found]
    return found


def times(matrix: Sequence[Sequence[Fraction]], vector: Sequence[Fraction]) -> Vector:
    """A matrix times a vector."""
    return [_dot(row, vector) for row in matrix]


def transposed(matrix: Sequence[Sequence[Fraction]]) -> Matrix:
    """The transpose."""
    return [list(column) for column in zip(*matrix, strict=True)]


def plus(a: Matrix, b: Matrix) -> Matrix:
    """The sum of two matrices."""
    return [[v + w for v, w in zip(x, y, strict=True)] for x, y in zip(a, b, strict=True)]


def scaled(matrix: Matrix, number: Fraction) -> Matrix:
    """A matrix times a number."""
    return [[number * v for v in row] for row in matrix]


def inverted(matrix: Matrix) -> Matrix:
    """The inverse; raises `NotIdentifiedError` of a singular matrix."""
    found = inverse(matrix, len(matrix))
    if found is None:
        raise NotIdentifiedError(f"a {len(matrix)} by {len(matrix)} matrix that must be inverted is singular")
    return found


def inverted_on_range(matrix: Matrix) -> Matrix:
    """The inverse; of a singular, nonnegative definite matrix a generalised one, on rows that are independent."""
    kept: list[int] = []
    for n in range(len(matrix)):
        trial = [*kept, n]
        if inverse([[matrix[p][q] for q in trial] for p in trial], len(trial)) is not None:
            kept = trial
    if not kept:
        raise NotIdentifiedError("a level has no variance at all: its weights are not defined; leave the level out")
    inner = inverted([[matrix[p][q] for q in kept] for p in kept])
    whole = [[Fraction(0) for _ in matrix] for _ in matrix]
    for n, p in enumerate(kept):
        for m, q in enumerate(kept):
            whole[p][q] = inner[n][m]
    return whole


def random_positive(size: int, rng: Random) -> Matrix:
    """A random positive definite matrix, A A' + I."""
    a = [[Fraction(rng.randint(-3, 3), rng.randint(1, 2)) for _ in range(size)] for _ in range(size)]
    return plus(product(a, transposed(a)), [[Fraction(int(n == m)) for m in range(size)] for n in range(size)])


def block_diagonal(blocks: Sequence[Matrix]) -> Matrix:
    """The blocks along the diagonal, zeros elsewhere."""
    size, start, found = sum(map(len, blocks)), 0, []
    for block in blocks:
        rest = size - start - len(block)
        found += [[Fraction(0)] * start + row + [Fraction(0)] * rest for row in block]
        start += len(block)
    return found


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((v * w for v, w in zip(a, b, strict=True)), Fraction(0))
