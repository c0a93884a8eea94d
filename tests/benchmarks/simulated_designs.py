"""Designs to estimate variance components on: sizes, incidence and effects are drawn anew for each data set.

The residual has variance 1 and is normal. Effects are normal or lognormal (log-sd 0.8), of mean 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Random = np.random.Generator
Columns = dict[str, Array]

ONE, CROSSED, NESTED = "y ~ 1 + (1 | user)", "y ~ 1 + (1 | user) + (1 | item)", "y ~ 1 + (1 | school/class)"
SLOPES = "y ~ 1 + x + (1 + x | user)"


@dataclass(frozen=True)
class Design:
    """A model, how its data are drawn, the true values of its parameters, and the most that weights may cost."""

    name: str
    formula: str
    truth: Mapping[str, float]
    draw: Callable[[Random], Columns]
    limit: float  # of RMSE in units of REML's

    def data(self, number: int) -> Columns:
        """The data set of this number; the same for the same number."""
        return self.draw(np.random.default_rng(np.random.SeedSequence(1, spawn_key=(*self.name.encode(), number))))


def normal(random: Random, variance: float, count: int) -> Array:
    """Normal effects."""
    return random.normal(0, np.sqrt(variance), count)


def lognormal(random: Random, variance: float, count: int, spread: float = 0.8) -> Array:
    """Lognormal effects: skewness 3.7, excess kurtosis 33."""
    middle, ratio = np.exp(spread**2 / 2), np.exp(spread**2)
    return (random.lognormal(0, spread, count) - middle) / (middle * np.sqrt(ratio - 1)) * np.sqrt(variance)


EFFECTS = {"normal": normal, "lognormal": lognormal}


def poisson_sizes(random: Random, groups: int) -> Array:
    """1 + Poisson(9)."""
    return 1 + random.poisson(9, groups)


def lognormal_sizes(random: Random, groups: int, median: float = 5, spread: float = 1.3) -> Array:
    """Lognormal numbers of this median and log-sd, rounded up; on average 11.6 or so."""
    return np.ceil(random.lognormal(np.log(median), spread, groups)).astype(np.int64)


def power_sizes(random: Random, groups: int) -> Array:
    """P(N >= k) = (4/k)^1.5 from 4 on, a law without variance, cut at 3000; on average 11.5 or so."""
    return np.minimum(np.floor(4 * random.random(groups) ** (-1 / 1.5)), 3000).astype(np.int64)


SIZES = {"Poisson": poisson_sizes, "lognormal": lognormal_sizes, "power-law": power_sizes}


def one_factor(random: Random, sizes: str, effects: str, variance: float, groups: int = 1000) -> Columns:
    """Users of random sizes."""
    user = np.repeat(np.arange(groups), SIZES[sizes](random, groups))
    effect = EFFECTS[effects](random, variance, groups)
    return {"user": user, "y": effect[user] + random.standard_normal(len(user))}


def crossed(random: Random, levels: tuple[int, int], rows: int, skew: tuple[float, float], effects: str) -> Columns:
    """Rows at independent users and items: users of lognormal activity, items as popular as a power of their rank."""
    activity, popularity = random.lognormal(0, skew[0], levels[0]), np.arange(1, levels[1] + 1.0) ** -skew[1]
    user = random.choice(levels[0], rows, p=activity / activity.sum())
    item = random.choice(levels[1], rows, p=popularity / popularity.sum())
    draw = EFFECTS[effects]
    response = draw(random, 0.5, levels[0])[user] + draw(random, 0.5, levels[1])[item] + random.standard_normal(rows)
    return {"user": user, "item": item, "y": response}


def nested(random: Random, effects: str = "normal", schools: int = 100) -> Columns:
    """Classes of skewed sizes in schools of a skewed number of classes."""
    classes = lognormal_sizes(random, schools, 4, 0.8)
    school_of_class = np.repeat(np.arange(schools), classes)
    sizes = lognormal_sizes(random, len(school_of_class), 9, 1.0)
    classroom = np.repeat(np.arange(len(sizes)), sizes)
    school = school_of_class[classroom]
    draw = EFFECTS[effects]
    response = draw(random, 0.3, schools)[school] + draw(random, 0.3, len(sizes))[classroom]
    return {"school": school, "class": classroom, "y": response + random.standard_normal(len(school))}


def slopes(random: Random, sizes: Callable[[Random, int], Array], groups: int) -> Columns:
    """Users with a correlated intercept and slope in a covariate that varies within and between them."""
    user = np.repeat(np.arange(groups), sizes(random, groups))
    x = random.normal(0, 0.5, groups)[user] + random.standard_normal(len(user))
    effect = random.standard_normal((groups, 2)) @ np.linalg.cholesky(np.array([[0.5, 0.15], [0.15, 0.2]])).T
    response = 1 + x + effect[user, 0] + effect[user, 1] * x + random.standard_normal(len(user))
    return {"user": user, "x": x, "y": response}


def two_to_eight(random: Random, groups: int) -> Array:
    """Each size from 2 to 8 as likely."""
    return random.integers(2, 9, groups)


def _one(sizes: str, effects: str, variance: float) -> Design:
    truth = {"Intercept": 0.0, "var(1|user)": variance, "var(residual)": 1.0}
    name = f"one factor, {sizes} sizes, {variance:g}, {effects} effects"
    draw = partial(one_factor, sizes=sizes, effects=effects, variance=variance)
    return Design(name, ONE, truth, draw, 1.01)


def _crossed(name: str, *args: Any) -> Design:
    truth = {"Intercept": 0.0, "var(1|user)": 0.5, "var(1|item)": 0.5, "var(residual)": 1.0}
    return Design(name, CROSSED, truth, lambda random: crossed(random, *args), 1.12)


def _nested(effects: str) -> Design:
    truth = {"Intercept": 0.0, "var(1|school)": 0.3, "var(1|school:class)": 0.3, "var(residual)": 1.0}
    return Design(f"nested, skewed sizes, {effects} effects", NESTED, truth, partial(nested, effects=effects), 1.12)


def _slopes(name: str, sizes: Callable[[Random, int], Array], groups: int) -> Design:
    components = {"var(1|user)": 0.5, "cov(1,x|user)": 0.15, "var(x|user)": 0.2, "var(residual)": 1.0}
    draw = partial(slopes, sizes=sizes, groups=groups)
    return Design(name, SLOPES, {"Intercept": 1.0, "x": 1.0} | components, draw, 1.12)


DESIGNS = (
    *(_one(sizes, effects, variance) for sizes in SIZES for variance in (0.5, 0.05) for effects in EFFECTS),
    _nested("normal"),
    _nested("lognormal"),
    _slopes("slopes, 500 users of 2 to 8 rows", two_to_eight, 500),
    _slopes("slopes, 1000 users of lognormal sizes", lognormal_sizes, 1000),
    _slopes("slopes, 1000 users of power-law sizes", power_sizes, 1000),
    _crossed("crossed, sparse and very skewed", (5000, 2000), 20_000, (1.5, 1.0), "normal"),
    _crossed("crossed, uniform", (500, 50), 10_000, (0.0, 0.0), "normal"),
    _crossed("crossed, skewed", (500, 50), 10_000, (1.0, 1.0), "normal"),
    _crossed("crossed, skewed, lognormal effects", (500, 50), 10_000, (1.0, 1.0), "lognormal"),
)
