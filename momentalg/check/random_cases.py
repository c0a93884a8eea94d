"""Seeded random designs, models and statistics, small enough for the oracles: the same seed gives the same case.

Levels are few and observations at most seven, cells are empty or replicated at random, and all numbers are exact.
Statistics are built at a chosen degree in the response, from totals, sizes, weights, and sums over levels and
observations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

from momentalg.check.parameters import cumulant_keys
from momentalg.expr import nodes as n
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel

FACTORS = ("user", "item", "day")
LEVEL_COVARIATE = n.Variable("column", "X")
OWN_COVARIATE = n.Variable("column", "x")
MOST_OBSERVATIONS = 7
DEGREES = ((1,), (2,), (3,), (4,), (1, 1), (1, 2), (2, 2), (1, 3), (1, 1, 1), (1, 1, 2), (1, 1, 1, 1))
HIGH_DEGREES = ((6,), (3, 3), (2, 4), (2, 2, 2), (1, 2, 3), (1, 1, 1, 1, 1, 1))


@dataclass(frozen=True)
class Case:
    """A model, the rows of a design, statistics whose joint cumulant is asked, and exact parameter values."""

    seed: int
    model: ResolvedModel
    rows: tuple[Mapping[str, Any], ...]
    statistics: tuple[n.Node, ...]
    parameters: Mapping[str, Fraction]
    at: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UnitCase:
    """A one-factor model, the joint law of a unit's design, statistics of a unit, and exact parameter values."""

    seed: int
    model: ResolvedModel
    law: tuple[Mapping[str, Any], ...]
    statistics: tuple[n.Node, ...]
    parameters: Mapping[str, Fraction]


def random_case(seed: int, factors: int = 1, degrees: Sequence[int] | None = None, slopes: bool | None = None) -> Case:
    """A random given-design case with up to three factors.

    `degrees` are the degrees of the statistics in the response; their sum is at most 4 when they are drawn, and 6 for
    one seed in eight. `slopes` decides whether a group may have a random slope, by default when there are several
    factors.
    """
    rng = Random(f"case {seed} {factors}")  # noqa: S311 - a generator of test cases
    nested = factors > 1 and rng.random() < 0.4
    rows = _rows(rng, factors, nested)
    if degrees is None:
        degrees = rng.choice(HIGH_DEGREES if rng.random() < 0.125 else DEGREES)
    model = _model(rng, factors, nested, factors > 1 if slopes is None else slopes)
    labels = sorted({row["user"] for row in rows})
    rng.shuffle(labels)
    at = dict(zip(("user", "k"), labels, strict=False))  # different names are different levels
    declared = [block.factor for block in model.groups]
    cells = [FACTORS[:2]] if factors > 1 else []  # statistics may also go over cells that have no effect of their own
    writer = _Writer(rng, tuple(dict.fromkeys((*declared, *cells))), other="k" in at)
    statistics = tuple(writer.statistic(degree) for degree in degrees)
    return Case(seed, model, rows, statistics, random_parameters(rng, model), at)


def random_unit_case(seed: int, degrees: Sequence[int] | None = None, empty: bool = False) -> UnitCase:
    """A random case of the random view: statistics of one unit whose size and covariates have a finite joint law.

    With `empty`, the size may be 0, and statistics do not divide by it.
    """
    rng = Random(f"unit {seed} {empty}")  # noqa: S311 - likewise
    if degrees is None:
        degrees = rng.choice(HIGH_DEGREES if rng.random() < 0.125 else DEGREES)
    model = _model(rng, 1, False, False)
    weights = [rng.randint(1, 4) for _ in range(rng.randint(2, 3))]
    law = []
    for weight in weights:
        size = rng.randint(0 if empty else 1, 3)
        own = [_number(rng) for _ in range(size)]
        entry = {"p": Fraction(weight, sum(weights)), "size(user)": size, "X": _number(rng), "x": own}
        law.append(entry)
    writer = _Writer(rng, (("user",),), inverse=not empty)
    statistics = tuple(writer.level_polynomial(degree, ("user",)) for degree in degrees)
    return UnitCase(seed, model, tuple(law), statistics, random_parameters(rng, model))


def random_parameters(rng: Random, model: ResolvedModel) -> dict[str, Fraction]:
    """Values for all parameters of the model, to order eight. Identities hold whether or not a law has them."""
    means = {str(c.key): _number(rng) for c in model.mean if c.key is not None}
    return means | {key: _number(rng, nonzero=True) for key, _, _ in cumulant_keys(model)}


def _number(rng: Random, nonzero: bool = False) -> Fraction:
    choices = [Fraction(k, d) for k in range(-3, 5) for d in (1, 2) if k or not nonzero]
    return rng.choice(choices)


def _rows(rng: Random, factors: int, nested: bool) -> tuple[Mapping[str, Any], ...]:
    level_values = {f"u{i}": _number(rng) for i in range(4)}
    cells: list[dict[str, str]] = []
    for i in range(rng.randint(1, 4)):
        for _ in range(rng.randint(1, 3)):
            cell = {"user": f"u{i}"}
            for name in FACTORS[1:factors]:
                cell[name] = f"{name[0]}{rng.randint(0, 2)}"
            cells.append(cell)
    rng.shuffle(cells)
    kept = sorted(cells[:MOST_OBSERVATIONS], key=lambda c: c["user"])
    if nested:  # labels that repeat from user to user, and labels that do not, are both legal
        unique = rng.random() < 0.5
        kept = [{**c, "item": c["user"] + c["item"] if unique else c["item"]} for c in kept]
    return tuple({**c, "X": level_values[c["user"]], "x": _number(rng)} for c in kept)


def _model(rng: Random, factors: int, nested: bool, slopes: bool) -> ResolvedModel:
    size = n.Variable("size", "user")
    columns: list[tuple[str, n.Monomial]] = [("Intercept", ())]
    offered: list[tuple[str, n.Monomial]] = [
        ("x", ((OWN_COVARIATE, 1),)),
        ("X", ((LEVEL_COVARIATE, 1),)),
        ("size(user)", ((size, 1),)),
        ("x:X", ((LEVEL_COVARIATE, 1), (OWN_COVARIATE, 1))),
        ("I(x**2)", ((OWN_COVARIATE, 2),)),
    ]
    columns += rng.sample(offered, rng.choice((0, 0, 1, 1, 2)))
    blocks: list[tuple[str, ...]] = [("user",)]
    if factors > 1:
        blocks.append(("user", "item") if nested else ("item",))
        if not nested and rng.random() < 0.3:
            blocks.append(("user", "item"))
    if factors > 2:
        blocks.append(("day",))
    groups = []
    for factor in blocks:
        coefficients = [Column("1")]
        if slopes and rng.random() < 0.4:
            coefficients.append(Column("x", ((OWN_COVARIATE, 1),)))
        groups.append(GroupBlock(factor, tuple(coefficients)))
    return ResolvedModel(
        "y",
        tuple(Column(key, monomial) for key, monomial in columns),
        tuple(groups),
        constant_on={LEVEL_COVARIATE: ("user",), size: ("user",)},
        local_to={"item": "user"} if nested else {},
    )


class _Writer:
    """Writes random statistics of a given degree in the response."""

    def __init__(
        self, rng: Random, factors: tuple[tuple[str, ...], ...], *, inverse: bool = True, other: bool = False
    ) -> None:
        self.rng = rng
        self.factors = factors
        self.inverse = inverse
        self.other = other  # whether there is a second user, whose totals may occur

    def statistic(self, degree: int) -> n.Node:
        """A statistic of any form: of a level, over levels, over observations, or arithmetic of these."""
        form = self.rng.randrange(6)
        if form == 0:
            return self.level_polynomial(degree, ("user",), free=True)
        if form == 1:
            return n.over(n.OBSERVATIONS, self._deviations(degree))
        if form == 2:
            return self._total((), degree)
        if form == 3 and degree > 1:
            first = self.rng.randint(1, degree - 1)
            return self._weighted(self.statistic(first) * self.statistic(degree - first))
        if form == 4:
            return self.statistic(degree) - self.rng.choice((1, Fraction(1, 2), 3)) * self._over_levels(degree)
        return self._over_levels(degree)

    def level_polynomial(self, degree: int, by: tuple[str, ...], free: bool = False) -> n.Node:
        """A product of totals by `by`, sometimes with another one added, times a weight; `free` lets level k occur."""
        product = n.mul(*self._level_factors(degree, by, free), *self._weights(by))
        if self.rng.random() < 0.25:
            product = product + self.rng.choice((2, -1)) * n.mul(*self._level_factors(degree, by, free))
        return product

    def _over_levels(self, degree: int) -> n.Node:
        by = self.rng.choice(self.factors)
        return n.Over(by, self.level_polynomial(degree, by))

    def _level_factors(self, degree: int, by: tuple[str, ...], free: bool) -> list[n.Node]:
        left, factors = degree, []
        while left:
            power = self.rng.choice([p for p in (1, 1, 1, 2, 2, 3) if p <= left])
            left -= power
            places: list[tuple[tuple[str, ...], tuple[str, ...]]] = [(by, ())] * 4
            places += [(f, ()) for f in self.factors if set(f) < set(by)]  # the coarser level that contains this one
            places += [((by[0],), ("k",))] if free and self.other else []
            where, level = self.rng.choice(places)
            factors.append(self._total(where, power, level))
        return factors

    def _total(self, by: tuple[str, ...], degree: int, level: tuple[str, ...] = ()) -> n.Node:
        body: n.Node = n.Response() ** degree
        covariate = self.rng.choice((None, None, None, OWN_COVARIATE, LEVEL_COVARIATE))
        return n.Total(body if covariate is None else n.Value(covariate) * body, by, level)

    def _weights(self, by: tuple[str, ...]) -> list[n.Node]:
        size = n.Size(by)
        options: list[list[n.Node]] = [[], [], [], [size], [n.Total(n.Value(OWN_COVARIATE), by)]]
        if self.inverse:
            options += [[size**-1], [size**-1], [size**-2], [n.Size((by[0],)), size**-1]]
        if "user" in by:
            options += [[n.Value(LEVEL_COVARIATE)], [n.Value(LEVEL_COVARIATE), size]]
        return self.rng.choice(options)

    def _deviations(self, degree: int) -> n.Node:
        by = self.rng.choice(self.factors)
        mean = n.Total(n.Response(), by) / n.Size(by)
        body: n.Node = (n.Response() - mean) ** degree
        if self.rng.random() < 0.3:
            body = n.Value(OWN_COVARIATE) * body
        return body

    def _weighted(self, whole: n.Node) -> n.Node:
        return whole / n.Size(()) if self.rng.random() < 0.5 else whole
