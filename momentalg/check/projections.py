"""The matrices of projection statistics on a realised design, written out row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from momentalg.check.linear import Matrix, Vector, matmul, residual_maker, same_level
from momentalg.check.sample import Sample
from momentalg.expr import nodes as n
from momentalg.expr.columns import is_kernel, is_levels
from momentalg.model.resolved import ResolvedModel


@dataclass(frozen=True)
class Matrices:
    """Matrices over the observations of a sample; `values` gives a covariate monomial, observation by observation."""

    sample: Sample
    model: ResolvedModel
    values: Callable[[n.Monomial], Vector]

    def kernel(self, of: n.Kernel | n.Monomial | None) -> Matrix:
        """The symmetric part of Z_c Z_d', a diagonal matrix, or the identity."""
        if not is_kernel(of):
            weights = self.values(of or ())
            return [[w if i == j else Fraction(0) for j in range(len(weights))] for i, w in enumerate(weights)]
        left, right = (self.values(c.monomial) for c in of)
        return [
            [one * (left[i] * right[j] + left[j] * right[i]) / 2 for j, one in enumerate(row)]
            for i, row in enumerate(same_level(self._labels(of[0].factor)))
        ]

    def projection(self, columns: tuple[n.Column, ...], kernel: n.Kernel | n.Monomial | None) -> Matrix:
        """The matrix P K P of a projection statistic, made once for each sample."""
        asked = (columns, kernel, self.model)
        if asked not in self.sample.projections:
            p = residual_maker(self._spanned(columns), len(self.sample.rows))
            whole = p if kernel is None else matmul(matmul(p, self.kernel(kernel)), p)
            self.sample.projections[asked] = whole
        found: Matrix = self.sample.projections[asked]
        return found

    def _spanned(self, columns: tuple[n.Column, ...]) -> Matrix:
        found: Matrix = []
        for column in columns:
            values = self.values(column.monomial if is_levels(column) else column)
            if not is_levels(column):
                found.append(values)
                continue
            labels = self._labels(column.factor)
            for level in dict.fromkeys(labels):
                found.append([v if a == level else Fraction(0) for a, v in zip(labels, values, strict=True)])
        return found

    def _labels(self, factor: n.Factor) -> list[tuple[object, ...]]:
        """The level of each observation; a local label with those of the levels that it is local to."""
        columns = sorted(self.model.closure(factor))
        return [tuple(row[c] for c in columns) for row in self.sample.rows.values()]
