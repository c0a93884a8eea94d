"""Projection statistics and traces on given rows, exactly: by matrices with a row for each observation.

With X a basis of the removed columns, a'P b = a'b - (X'a)' (X'X)^-1 X'b for any columns a and b, and

    y'P Z_c Z_d' P y      = sum_l (z_cl'P y) (z_dl'P y)
    tr(P K P Z_e Z_h')    = sum_lm (z_dl'P z_em) (z_hm'P z_cl), averaged over the order of c and d
    tr(P K P diag(w))     = sum_t w_t sum_l (P z_cl)_t (P z_dl)_t
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

    def statistic(self, y: Vector, links: Links | None) -> Fraction:
        """y'P y, or y'P Z_c Z_d' P y."""
        residual = self.left(y)
        if links is None:
            return dot(residual, residual)
        return sum((dot(c, residual) * dot(d, residual) for c, d in zip(*links, strict=True)), Fraction(0))

    def trace(self, kernel: Links | None, of: Links | Vector | None) -> Fraction:
        """tr(P K P V), V = Z_e Z_h', a diagonal given by its entries, or the identity."""
        if of is None or not isinstance(of, tuple):
            weights = [Fraction(1)] * self.rows if of is None else of
            return self._diagonal(kernel, weights)
        if kernel is None:
            return sum((dot(self.left(e), h) for e, h in zip(*of, strict=True)), Fraction(0))
        total = Fraction(0)
        residuals = [[self.left(z) for z in side] for side in kernel]
        for first, second in (residuals, residuals[::-1]):
            for c, d in zip(first, second, strict=True):
                total += sum((dot(d, e) * dot(h, c) for e, h in zip(*of, strict=True)), Fraction(0))
        return total / 2

    def _diagonal(self, kernel: Links | None, weights: Vector) -> Fraction:
        if kernel is None:
            taken = Fraction(0)
            for row in zip(weights, *self.basis, strict=True):
                weight, values = row[0], row[1:]
                taken += weight * dot(values, [dot(line, values) for line in self.inverse])
            return sum(weights, Fraction(0)) - taken
        total = Fraction(0)
        for c, d in zip(*kernel, strict=True):
            pairs = zip(weights, self.left(c), self.left(d), strict=True)
            total += sum((w * a * b for w, a, b in pairs), Fraction(0))
        return total


def dot(first: Sequence[Fraction], second: Sequence[Fraction]) -> Fraction:
    """The sum of the products of two sequences."""
    return sum((a * b for a, b in zip(first, second, strict=True) if a and b), Fraction(0))
