"""Projection statistics and traces on given rows, exactly: by matrices with a row for each observation.

With X a basis of the removed columns, a'P b = a'b - (X'a)' (X'X)^-1 X'b for any columns a and b, and

    y'P Z_c Z_d' P y      = sum_l (z_cl'P y) (z_dl'P y)
    tr(P K P Z_e Z_h')    = sum_lm (z_dl'P z_em) (z_hm'P z_cl), averaged over the order of c and d
    tr(P D P Z_e Z_h')    = sum_m sum_t w_t (P z_em)_t (P z_hm)_t,  D the diagonal matrix of w
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from momentalg.moments.rational import Matrix, echelon

Vector = Sequence[Fraction]
Links = tuple[Sequence[Vector], Sequence[Vector]]
"""The columns z_c and z_d of the levels of a factor."""


@dataclass(frozen=True)
class ExactProjection:
    """P off the given columns, which may depend on one another."""

    removed: Sequence[Vector]
    rows: int

    @cached_property
    def basis(self) -> Matrix:
        """Independent columns among those removed."""
        gram = [[dot(a, b) for b in self.removed] for a in self.removed]
        _, pivots = echelon(gram)
        return [list(self.removed[k]) for k in pivots]

    @cached_property
    def inverse(self) -> Matrix:
        """(X'X)^-1."""
        size = len(self.basis)
        gram = [
            [dot(a, b) for b in self.basis] + [Fraction(int(i == j)) for j in range(size)]
            for i, a in enumerate(self.basis)
        ]
        return [line[size:] for line in echelon(gram)[0]]

    def coordinates(self, column: Vector) -> Vector:
        """(X'X)^-1 X'a."""
        moments = [dot(b, column) for b in self.basis]
        return [dot(line, moments) for line in self.inverse]

    def left(self, column: Vector) -> Vector:
        """P a."""
        weights = self.coordinates(column)
        if not weights:
            return column
        fitted = [dot(weights, values) for values in zip(*self.basis, strict=True)]
        return [a - f for a, f in zip(column, fitted, strict=True)]

    def statistic(self, y: Vector, kernel: Links | Vector) -> Fraction:
        """y'P K P y: K is Z_c Z_d' for two sides, and the diagonal matrix of a vector."""
        residual = self.left(y)
        if not isinstance(kernel, tuple):
            return dot(kernel, [r * r for r in residual])
        return sum((dot(c, residual) * dot(d, residual) for c, d in zip(*kernel, strict=True)), Fraction(0))

    def trace(self, kernel: Links | Vector, of: Links | Vector) -> Fraction:
        """tr(P K P V), with V like K; two sides are averaged over their order."""
        if not isinstance(of, tuple):
            return self.trace(of, kernel) if isinstance(kernel, tuple) else self._diagonals(kernel, of)
        residuals = [[self.left(z) for z in side] for side in of]
        total = Fraction(0)
        for first, second in (residuals, residuals[::-1]):
            total += sum((self._form(kernel, e, h) for e, h in zip(first, second, strict=True)), Fraction(0))
        return total / 2

    def _form(self, kernel: Links | Vector, first: Vector, second: Vector) -> Fraction:
        """a'K b."""
        if isinstance(kernel, tuple):
            left, right = kernel
            return sum((dot(c, second) * dot(d, first) for c, d in zip(left, right, strict=True)), Fraction(0))
        return dot(kernel, [a * b for a, b in zip(first, second, strict=True)])

    def _diagonals(self, first: Vector, second: Vector) -> Fraction:
        """The sum over s and t of P_st squared times an entry of each."""
        unit = [[Fraction(int(s == t)) for s in range(self.rows)] for t in range(self.rows)]
        rows = (dot(first, [p * p for p in self.left(column)]) for column in unit)
        return dot(second, list(rows))


def dot(first: Sequence[Fraction], second: Sequence[Fraction]) -> Fraction:
    """The sum of the products of two sequences."""
    return sum((a * b for a, b in zip(first, second, strict=True) if a and b), Fraction(0))
