"""Linear and quadratic statistics as c + l'y + y'Ay, and their exact means and covariances from matrices.

The form is found by evaluating the statistic at unit vectors (polarisation), and its moments from

    E(y'Ay) = tr(AV) + m'Am
    Cov(Q, R) = g'Vh + 2 tr(AVBV) + sum kappa3 (Z'g M_B + Z'h M_A) + sum kappa4 M_A M_B

with Q = l'y + y'Ay, R = k'y + y'By, g = l + 2Am, h = k + 2Bm, M_A = Z'AZ within each independent vector of effects,
the sums running over these vectors (every level of every block, and every residual) and over their coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from momentalg.check.linear import Matrix, Vector, dot, matmul, matvec, trace_of_product
from momentalg.check.parameters import ParameterValues
from momentalg.check.reader import NumberReader
from momentalg.check.residuals import residual_cumulant
from momentalg.check.sample import Labels, Observation, Sample, design_scope
from momentalg.errors import StatisticError
from momentalg.expr import nodes as n
from momentalg.model.resolved import GroupBlock, ResolvedModel


@dataclass(frozen=True)
class QuadraticForm:
    """c + l'y + y'Ay with a symmetric A."""

    constant: Fraction
    linear: Vector
    matrix: Matrix

    def value(self, y: Sequence[Fraction]) -> Fraction:
        """The value at y."""
        return self.constant + dot(self.linear, y) + dot(y, matvec(self.matrix, y))

    def gradient(self, y: Sequence[Fraction]) -> Vector:
        """The gradient l + 2Ay at y."""
        return [a + 2 * b for a, b in zip(self.linear, matvec(self.matrix, y), strict=True)]


@dataclass(frozen=True)
class _Effects:
    """One independent vector of effects: its block, and the loadings of the observations, by coefficient."""

    block: GroupBlock | None
    loadings: list[Vector]
    row: Labels | None = None  # of a residual: the row that it belongs to

    @property
    def names(self) -> list[str]:
        return ["1"] if self.block is None else [str(c.key) for c in self.block.coefficients]

    def inner(self, matrix: Matrix) -> Matrix:
        """Z'AZ."""
        return [[dot(a, matvec(matrix, b)) for b in self.loadings] for a in self.loadings]


class QuadraticOracle:
    """One design with one set of parameters: means and covariances of quadratic statistics on it."""

    def __init__(
        self,
        design_rows: Sequence[Labels],
        resolved: ResolvedModel,
        parameters: Mapping[str, Fraction | int | str],
    ) -> None:
        self._sample = Sample(dict(enumerate(design_rows)))
        self._model = resolved
        self._parameters = ParameterValues(resolved, parameters)
        reader = NumberReader(self._sample, resolved, {})
        self._size = len(design_rows)
        self._mean = [
            sum((self._parameters.mean(c.key) * reader.monomial_at(c.monomial, o) for c in resolved.mean), Fraction(0))
            for o in range(self._size)
        ]
        self._effects = [_Effects(None, [self._unit(o)], row) for o, row in enumerate(design_rows)]
        for block in resolved.groups:
            for level in self._sample.levels(block.factor):
                inside = set(self._sample.where(level))
                loadings = [
                    [reader.monomial_at(c.monomial, o) if o in inside else Fraction(0) for o in range(self._size)]
                    for c in block.coefficients
                ]
                self._effects.append(_Effects(block, loadings))
        self._variance = self._covariance_matrix()

    def form(self, statistic: n.Node, at: Mapping[str, Any] | None = None) -> QuadraticForm:
        """The statistic as c + l'y + y'Ay; raises `StatisticError` when it is not quadratic in the response."""
        scope = design_scope(self._sample, self._model, at)

        def value(y: Sequence[Fraction]) -> Fraction:
            responses: dict[Observation, Fraction] = dict(enumerate(y))
            return NumberReader(self._sample, self._model, responses, parameter=self._parameters).read(statistic, scope)

        units = [self._unit(o) for o in range(self._size)]
        constant = value([Fraction(0)] * self._size)
        plus = [value(u) - constant for u in units]
        minus = [value([-x for x in u]) - constant for u in units]
        linear = [(a - b) / 2 for a, b in zip(plus, minus, strict=True)]
        matrix = [[Fraction(0)] * self._size for _ in units]
        for i in range(self._size):
            matrix[i][i] = (plus[i] + minus[i]) / 2
            for j in range(i):
                both = value([a + b for a, b in zip(units[i], units[j], strict=True)]) - constant
                matrix[i][j] = matrix[j][i] = (both - plus[i] - plus[j]) / 2
        form = QuadraticForm(constant, linear, matrix)
        probe = [Fraction(3 * o + 2, o + 5) for o in range(self._size)]
        if form.value(probe) != value(probe):
            raise StatisticError("the quadratic-form oracle needs a statistic of degree 2 or less in the response")
        return form

    def mean(self, statistic: n.Node, at: Mapping[str, Any] | None = None) -> Fraction:
        """The exact expectation given the design."""
        form = self.form(statistic, at)
        return form.value(self._mean) + trace_of_product(form.matrix, self._variance)

    def covariance(self, first: n.Node, second: n.Node, at: Mapping[str, Any] | None = None) -> Fraction:
        """The exact covariance given the design, for effects of any distribution."""
        a, b = self.form(first, at), self.form(second, at)
        g, h = a.gradient(self._mean), b.gradient(self._mean)
        av, bv = matmul(a.matrix, self._variance), matmul(b.matrix, self._variance)
        total = dot(g, matvec(self._variance, h)) + 2 * trace_of_product(av, bv)
        for effects in self._effects:
            m_a, m_b = effects.inner(a.matrix), effects.inner(b.matrix)
            z_g, z_h = ([dot(z, gradient) for z in effects.loadings] for gradient in (g, h))
            places = range(len(effects.loadings))
            for p, q, r in product(places, repeat=3):
                if weight := z_g[p] * m_b[q][r] + z_h[p] * m_a[q][r]:
                    total += weight * self._cumulant(effects, p, q, r)
            for p, q, r, s in product(places, repeat=4):
                if weight := m_a[p][q] * m_b[r][s]:
                    total += weight * self._cumulant(effects, p, q, r, s)
        return total

    def _cumulant(self, effects: _Effects, *places: int) -> Fraction:
        if effects.row is not None:
            return residual_cumulant(effects.row, len(places), self._model, self._parameters)
        return self._parameters.cumulant(effects.block, tuple(effects.names[p] for p in places))

    def _covariance_matrix(self) -> Matrix:
        v = [[Fraction(0)] * self._size for _ in range(self._size)]
        for effects in self._effects:
            for p, left in enumerate(effects.loadings):
                for q, right in enumerate(effects.loadings):
                    kappa = self._cumulant(effects, p, q)
                    for i in (i for i in range(self._size) if left[i]):
                        for j in (j for j in range(self._size) if right[j]):
                            v[i][j] += kappa * left[i] * right[j]
        return v

    def _unit(self, observation: int) -> Vector:
        return [Fraction(int(o == observation)) for o in range(self._size)]
