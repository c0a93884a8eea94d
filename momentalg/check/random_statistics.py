"""Seeded random statistics: polynomials of a chosen degree in the response, from totals by any factors of a model.

Weights are sizes, totals and values of covariates, and their inverses where no such inverse can be zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from random import Random

from momentalg.check.random_models import OWN_COVARIATE, Place
from momentalg.expr import nodes as n
from momentalg.model.resolved import ResolvedModel


class Writer:
    """Writes random statistics of a given degree in the response.

    `places` are the factors, and intersections of factors, that totals are taken by; `others` gives the names of
    levels that are free beside the default ones, by column. Without `inverse` nothing is divided by a size, and
    without `sums` no statistic is a sum of several terms. With `shrunk` weights may be those of optimal statistics,
    1/(1 + N theta).
    """

    def __init__(
        self,
        rng: Random,
        model: ResolvedModel,
        places: Sequence[Place],
        *,
        inverse: bool = True,
        sums: bool = True,
        shrunk: bool = False,
        others: Mapping[str, str] | None = None,
    ) -> None:
        self.rng = rng
        self.model = model
        self.places = tuple(places)
        self.inverse = inverse
        self.sums = sums
        self.shrunk = shrunk
        self.others = others or {}

    def statistic(self, degree: int) -> n.Node:
        """A statistic of any form: of a level, over levels, over observations, or arithmetic of these."""
        form = self.rng.randrange(8)
        if form == 0:
            return self.level_polynomial(degree, self.rng.choice(self.places), free=True)
        if form == 1 and self.sums:
            return n.over(n.OBSERVATIONS, self._deviations(degree))
        if form == 2:
            return self._total((), degree)
        if form == 3 and degree > 1:
            first = self.rng.randint(1, degree - 1)
            whole = self.statistic(first) * self.statistic(degree - first)
            return whole / n.Size(()) if self.rng.random() < 0.5 else whole
        if form == 4 and self.sums:
            return self.statistic(degree) - self.rng.choice((1, Fraction(1, 2), 3)) * self._over_levels(degree)
        if form == 5:
            return self._over_several_levels(degree)
        return self._over_levels(degree)

    def level_polynomial(self, degree: int, by: Place, free: bool = False) -> n.Node:
        """A product of totals by `by`, sometimes with another one added, times a weight; `free` lets others occur."""
        product = n.mul(*self._level_factors(degree, by, free), *self._weights(by))
        if self.sums and self.rng.random() < 0.25:
            product = product + self.rng.choice((2, -1)) * n.mul(*self._level_factors(degree, by, free))
        return product

    def _coarser(self, by: Place) -> list[Place]:
        """The places, `by` among them, whose level is known where that of `by` is."""
        inside = self.model.closure(by)
        return [place for place in self.places if set(place) <= inside]

    def _over_levels(self, degree: int) -> n.Node:
        by = self.rng.choice(self.places)
        return n.Over(by, self.level_polynomial(degree, by))

    def _over_several_levels(self, degree: int) -> n.Node:
        """A sum over levels that need not meet: S_i S_k n_ij n_kj and the like, of columns that are not nested."""
        columns = [c for c in self.model.columns if (c,) in self.places and c not in self.model.local_to]
        if not columns:
            return self._over_levels(degree)
        chosen = [self.rng.choice(columns) for _ in range(self.rng.choice((1, 2, 2, 3)))]
        levels = tuple((column, f"m{number}") for number, column in enumerate(chosen))
        factors: list[n.Node] = []
        left = degree
        while left:
            power = self.rng.choice([p for p in (1, 1, 2) if p <= left])
            left -= power
            column, name = self.rng.choice(levels)
            factors.append(self._total((column,), power, (name,)))
        for number, (column, name) in enumerate(levels):
            for other, second in levels[:number]:
                if other != column and self.rng.random() < 0.6:
                    factors.append(n.Size((other, column), (second, name)))
        column, name = self.rng.choice(levels)
        if self.inverse and self.rng.random() < 0.4:
            factors.append(n.Size((column,), (name,)) ** -1)
        return n.LevelSum(levels, n.mul(*factors))

    def _level_factors(self, degree: int, by: Place, free: bool) -> list[n.Node]:
        left, factors = degree, []
        while left:
            power = self.rng.choice([p for p in (1, 1, 1, 2, 2, 3) if p <= left])
            left -= power
            places: list[tuple[Place, tuple[str, ...]]] = [(by, ())] * 4
            places += [(place, ()) for place in self._coarser(by)]
            if free:
                places += [((column,), (name,)) for column, name in self.others.items() if (column,) in self.places]
            where, level = self.rng.choice(places)
            factors.append(self._total(where, power, level))
        return factors

    def _total(self, by: Place, degree: int, level: tuple[str, ...] = ()) -> n.Node:
        body: n.Node = n.Response() ** degree
        covariate = self.rng.choice((None, None, None, OWN_COVARIATE, *self._within()))
        return n.Total(body if covariate is None else n.Value(covariate) * body, by, level)

    def _within(self) -> list[n.Variable]:
        """The covariates that are constant within levels, sizes aside."""
        return [v for v in self.model.constant_on if v.kind == "column"]

    def _weights(self, by: Place) -> list[n.Node]:
        coarser = self._coarser(by)
        size = n.Size(by)
        options: list[list[n.Node]] = [[], [], [], [size], [n.Total(n.Value(OWN_COVARIATE), by)]]
        if self.inverse:
            options += [[size**-1], [size**-1], [size**-2]]
            options += [[n.Size(place), size**-1] for place in coarser]
            options += [[size, n.Size(place) ** -1] for place in coarser]
        if self.shrunk:
            options += [[(1 + Fraction(2, 3) * size) ** -1], [size, (1 + 2 * n.Size(coarser[0])) ** -1]]
        inside = self.model.closure(by)
        known = [v for v in self._within() if set(self.model.constant_on[v]) <= inside]
        if known:
            options += [[n.Value(self.rng.choice(known))], [n.Value(self.rng.choice(known)), size]]
        return self.rng.choice(options)

    def _deviations(self, degree: int) -> n.Node:
        body: n.Node = n.Response()
        number = 2 if degree < 3 and len(self.places) > 1 and self.rng.random() < 0.3 else 1
        for by in self.rng.sample(self.places, number):
            body = body - n.Total(n.Response(), by) / n.Size(by)
        body = body**degree
        if self.rng.random() < 0.3:
            body = n.Value(OWN_COVARIATE) * body
        return body
