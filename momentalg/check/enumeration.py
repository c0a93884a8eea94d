"""Given-design joint cumulants by brute force, for any model: several factors, slopes, covariates, any cells.

Each statistic is expanded into a polynomial in the single responses y_o, by going through the observations. Then

    E[product of y's] = sum over set partitions of products of joint cumulants of the single y's,
    kappa(y_o1, ..., y_ok) = sum over blocks f whose level the o's share, and over coefficients, of kappa_k(f) z...z

and the cumulants of the statistics follow from their raw moments. Indecomposable partitions, normal forms and design
totals, the means of the engine, do not occur here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from momentalg.check.parameters import ParameterValues
from momentalg.check.partitions import CumulantsFromMoments, MomentsFromCumulants, Multiset
from momentalg.check.reader import Reader
from momentalg.check.residuals import residual_cumulant
from momentalg.check.sample import Labels, Observation, Sample, design_scope
from momentalg.check.scope import Scope
from momentalg.errors import AssumptionError, StatisticError
from momentalg.expr import nodes as n
from momentalg.model.resolved import ResolvedModel

Polynomial = dict[tuple[Any, ...], Fraction]
"""A polynomial in the responses: the coefficient of each sorted tuple of observations."""


def polynomial_product(factors: Iterable[Polynomial]) -> Polynomial:
    """The product of polynomials in the responses; 1 of none."""
    result: Polynomial = {(): Fraction(1)}
    for factor in factors:
        previous, result = result, {}
        for left, a in previous.items():
            for right, b in factor.items():
                monomial = tuple(sorted(left + right))
                result[monomial] = result.get(monomial, Fraction(0)) + a * b
    return result


class SymbolReader(Reader[Polynomial]):
    """Reads a statistic as a polynomial in the responses."""

    def __init__(self, sample: Sample, model: ResolvedModel, parameters: ParameterValues | None = None) -> None:
        super().__init__(sample, model)
        self.parameters = parameters

    def number(self, value: Fraction) -> Polynomial:
        return {(): value} if value else {}

    def add(self, terms: list[Polynomial]) -> Polynomial:
        result: Polynomial = {}
        for term in terms:
            for monomial, coefficient in term.items():
                result[monomial] = result.get(monomial, Fraction(0)) + coefficient
        return {monomial: coefficient for monomial, coefficient in result.items() if coefficient}

    def multiply(self, factors: list[Polynomial]) -> Polynomial:
        return polynomial_product(factors)

    def invert(self, value: Polynomial) -> Polynomial:
        if not value:
            raise AssumptionError("division by zero: a size or denominator is 0 in this design")
        if set(value) != {()}:
            raise StatisticError("a statistic may not divide by the response: it would be no polynomial in it")
        return {(): 1 / value[()]}

    def response(self, observation: Observation) -> Polynomial:
        return {(observation,): Fraction(1)}

    def special(self, node: n.Node, scope: Scope) -> Polynomial:
        if isinstance(node, n.Parameter) and self.parameters is not None:
            return self.number(self.parameters(node.key))
        return super().special(node, scope)


class Enumeration:
    """One design with one set of parameters: moments and cumulants of any statistics on it, remembered."""

    def __init__(self, sample: Sample, model: ResolvedModel, parameters: ParameterValues) -> None:
        self._model = model
        self._parameters = parameters
        self._reader = SymbolReader(sample, model, parameters)
        self._sample = sample
        self._means = {o: self._mean(o) for o in sample.rows}
        self._loadings = [
            {o: [self._reader.monomial_at(c.monomial, o) for c in block.coefficients] for o in sample.rows}
            for block in model.groups
        ]
        self._moments = MomentsFromCumulants(self.response_cumulant)

    def cumulant(self, statistics: Sequence[n.Node], scope: Scope | None = None) -> Fraction:
        """The joint cumulant of the statistics: the mean of one, the covariance of two."""
        read = {node: self._reader.read(node, scope or {}) for node in dict.fromkeys(statistics)}
        polynomials = list(read.values())

        def moment(items: Multiset) -> Fraction:
            return self.moment(polynomials[i] for i in items)

        order = list(read)
        return CumulantsFromMoments(moment)(tuple(sorted(order.index(s) for s in statistics)))

    def polynomial(self, statistic: n.Node, scope: Scope | None = None) -> Polynomial:
        """The statistic as a polynomial in the responses."""
        return self._reader.read(statistic, scope or {})

    def moment(self, polynomials: Iterable[Polynomial]) -> Fraction:
        """The expectation of a product of polynomials in the responses."""
        return sum((c * self._moments(m) for m, c in polynomial_product(polynomials).items() if c), Fraction(0))

    def response_cumulant(self, observations: Multiset) -> Fraction:
        """The joint cumulant of single responses, repeated ones included."""
        if len(observations) == 1:
            return self._means[observations[0]]
        total = Fraction(0)
        for block, loadings in zip(self._model.groups, self._loadings, strict=True):
            if self._share(observations, block.factor):
                names = [str(c.key) for c in block.coefficients]
                for chosen, weight in _products([loadings[o] for o in observations]).items():
                    if weight:
                        total += weight * self._parameters.cumulant(block, tuple(names[i] for i in chosen))
        if len(set(observations)) == 1:
            row = self._sample.rows[observations[0]]
            total += residual_cumulant(row, len(observations), self._model, self._parameters)
        return total

    def _share(self, observations: Multiset, factor: tuple[str, ...]) -> bool:
        rows = [self._sample.rows[o] for o in observations]
        return all(row[c] == rows[0][c] for row in rows for c in factor)

    def _mean(self, observation: Observation) -> Fraction:
        values = (
            self._parameters.mean(column.key) * self._reader.monomial_at(column.monomial, observation)
            for column in self._model.mean
        )
        return sum(values, Fraction(0))


def _products(loadings: list[list[Fraction]]) -> dict[tuple[int, ...], Fraction]:
    """The sum of products of loadings over all choices of one coefficient for each, by the sorted choice."""
    result: dict[tuple[int, ...], Fraction] = {(): Fraction(1)}
    for own in loadings:
        previous, result = result, {}
        for chosen, weight in previous.items():
            for position, value in enumerate(own):
                key = tuple(sorted((*chosen, position)))
                result[key] = result.get(key, Fraction(0)) + weight * value
    return result


def enumerate_cumulant(
    statistics: Sequence[n.Node],
    design_rows: Sequence[Labels],
    resolved: ResolvedModel,
    parameters: Mapping[str, Fraction | int | str],
    at: Mapping[str, Any] | None = None,
    observations: Mapping[str, int] | None = None,
) -> Fraction:
    """The exact joint cumulant, given the design, of statistics on the rows of a table.

    `at` gives free levels, as in ``{"user": "u7", "k": "u8"}``; `observations` the rows of free observations.
    Raises `AssumptionError` for a parameter that is needed and missing, and for a division by zero.
    """
    sample = Sample(dict(enumerate(design_rows)))
    enumeration = Enumeration(sample, resolved, ParameterValues(resolved, parameters))
    return enumeration.cumulant(statistics, design_scope(sample, resolved, at, dict(observations or {})))
