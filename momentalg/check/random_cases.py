"""Seeded random designs, models and statistics, small enough for the oracles: the same seed gives the same case.

Levels are few and observations at most seven, cells are empty or replicated at random, and all numbers are exact.
Statistics are built at a chosen degree in the response, from totals, sizes, weights, and sums over levels and
observations. The higher the degree, the fewer terms a model has: the cumulants have about choices^degree terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

from momentalg.check.parameters import cumulant_keys
from momentalg.check.random_models import (
    FACTORS,
    LEVEL_COVARIATE,
    OWN_COVARIATE,
    Layout,
    Place,
    random_layout,
    random_model,
    random_number,
    random_rows,
)
from momentalg.check.random_statistics import Writer
from momentalg.expr import nodes as n
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel

MOST_OBSERVATIONS = 7
DEGREES = ((1,), (2,), (3,), (4,), (1, 1), (1, 2), (2, 2), (1, 3), (1, 1, 1), (1, 1, 2), (1, 1, 1, 1))
HIGH_DEGREES = ((6,), (3, 3), (2, 4), (2, 2, 2), (1, 2, 3), (1, 1, 1, 1, 1, 1), (8,), (4, 4), (2, 2, 2, 2))
"""Degrees of statistics in the response; their sum is at most 8."""


@dataclass(frozen=True)
class Case:
    """A model, the rows of a design, statistics whose joint cumulant is asked, and exact parameter values.

    `at` gives the labels of free levels: a column's name stands for its default level, any other for a further level
    of the column in `others`.
    """

    seed: int
    model: ResolvedModel
    rows: tuple[Mapping[str, Any], ...]
    statistics: tuple[n.Node, ...]
    parameters: Mapping[str, Fraction]
    at: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def free(self) -> dict[tuple[str, str], Any]:
        """The labels of free levels, by column and name; the default level is called i."""
        named = {(column, "i"): self.at[column] for column in FACTORS if column in self.at}
        return named | {(column, name): self.at[name] for column, name in self.others.items()}


@dataclass(frozen=True)
class UnitCase:
    """A one-factor model, the joint law of a unit's design, statistics of a unit, and exact parameter values."""

    seed: int
    model: ResolvedModel
    law: tuple[Mapping[str, Any], ...]
    statistics: tuple[n.Node, ...]
    parameters: Mapping[str, Fraction]


def random_case(seed: int, factors: int = 1, degrees: Sequence[int] | None = None, slopes: bool | None = None) -> Case:
    """A random given-design case with up to four label columns.

    `degrees` are the degrees of the statistics in the response; when they are drawn, their sum is at most 4, and 6 or 8
    for one seed in eight. `slopes` decides whether a group may have random slopes, by default when there are several
    factors.
    """
    rng = Random(f"case {seed} {factors}")  # noqa: S311 - a generator of test cases
    if degrees is None:
        degrees = rng.choice(HIGH_DEGREES if rng.random() < 0.125 else DEGREES)
    layout = random_layout(rng, factors)
    total = sum(degrees)
    model = random_model(rng, layout, factors > 1 if slopes is None else slopes, _most_choices(total))
    rows = random_rows(rng, layout, MOST_OBSERVATIONS - max(0, total - 4) // 2, model)
    at, others = _free_levels(rng, layout, rows)
    writer = Writer(rng, model, _places(rng, layout, model), others=others, sums=total <= 4, shrunk=total <= 6)
    statistics = tuple(writer.statistic(degree) for degree in degrees)
    return Case(seed, model, rows, statistics, random_parameters(rng, model), at, others)


def random_unit_case(seed: int, degrees: Sequence[int] | None = None, empty: bool = False) -> UnitCase:
    """A random case of the random view: statistics of one unit whose size and covariates have a finite joint law.

    With `empty`, the size may be 0, and statistics do not divide by it.
    """
    rng = Random(f"unit {seed} {empty}")  # noqa: S311 - likewise
    if degrees is None:
        degrees = rng.choice(HIGH_DEGREES if rng.random() < 0.125 else DEGREES)
    model = _unit_model(rng, _most_choices(sum(degrees)) - 3)
    weights = [rng.randint(1, 4) for _ in range(rng.randint(2, 3))]
    law = []
    for weight in weights:
        size = rng.randint(0 if empty else 1, 3)
        own = [random_number(rng) for _ in range(size)]
        law.append({"p": Fraction(weight, sum(weights)), "size(user)": size, "X": random_number(rng), "x": own})
    writer = Writer(rng, model, [("user",)], inverse=not empty, sums=sum(degrees) <= 6)
    statistics = tuple(writer.level_polynomial(degree, ("user",)) for degree in degrees)
    return UnitCase(seed, model, tuple(law), statistics, random_parameters(rng, model))


def random_parameters(rng: Random, model: ResolvedModel) -> dict[str, Fraction]:
    """Values for all parameters of the model, to order eight. Identities hold whether or not a law has them."""
    means = {str(c.key): random_number(rng) for c in model.mean if c.key is not None}
    return means | {key: random_number(rng, nonzero=True) for key, _, _ in cumulant_keys(model)}


def _most_choices(degree: int) -> int:
    """How many choices a draw may have, so that there are at most some thousands of terms."""
    return {1: 9, 2: 9, 3: 8, 4: 6}.get(degree, 4 if degree <= 6 else 3)


def _places(rng: Random, layout: Layout, model: ResolvedModel) -> list[Place]:
    """The factors of the model, its columns, and intersections that have no effects of their own."""
    places = list(dict.fromkeys(model.factors))
    places += [layout.place(rng, [c]) for c in model.columns]
    if len(model.columns) > 1:
        places.append(layout.place(rng, rng.sample(model.columns, 2)))
    inside = {frozenset(p): p for p in places if set(p) <= set(model.columns)}
    return list(inside.values())


def _free_levels(
    rng: Random, layout: Layout, rows: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Labels of the default level of every column, and of further levels of columns that are not nested."""
    home = rng.choice(rows)
    at = {column: home[column] for column in layout.columns}
    others = {}
    for column, name in zip(layout.columns, ("k", "l", "m", "o"), strict=False):
        labels = sorted({row[column] for row in rows} - {home[column]})
        if labels and column not in layout.parents:  # different names are different levels
            at[name] = rng.choice(labels)
            others[column] = name
    return at, others


def _unit_model(rng: Random, most: int) -> ResolvedModel:
    size = n.Variable("size", "user")
    offered: list[tuple[str, n.Monomial]] = [
        ("x", ((OWN_COVARIATE, 1),)),
        ("X", ((LEVEL_COVARIATE, 1),)),
        ("size(user)", ((size, 1),)),
        ("x:X", ((LEVEL_COVARIATE, 1), (OWN_COVARIATE, 1))),
        ("I(x**2)", ((OWN_COVARIATE, 2),)),
    ]
    chosen = rng.sample(offered, min(max(most, 0), rng.choice((0, 0, 1, 1, 2))))
    return ResolvedModel(
        "y",
        tuple(Column(key, monomial) for key, monomial in [("Intercept", ()), *chosen]),
        (GroupBlock(("user",), (Column("1"),)),),
        constant_on={LEVEL_COVARIATE: ("user",), size: ("user",)},
    )
