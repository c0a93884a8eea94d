"""What the average of the estimates of chunks costs beside the exact merger of their sums, on simulated data.

    python -m tests.benchmarks.price_of_averaging [replicates] [chunks]

For each design and parameter the ratio of root mean squared errors, averaged over merged, of the same data sets, with
its Monte-Carlo error. Variances are 1/3 for effects, shared alike by crossed factors, and the rest for the residual.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

import momentalg as ma

Array = np.ndarray[Any, Any]
REPLICATES, CHUNKS = 1000, 8
WEIGHTINGS = ("none", "two-step")


@dataclass(frozen=True)
class Design:
    """A model, how its data are drawn, and the true values of its parameters."""

    name: str
    formula: str
    truth: dict[str, float]
    draw: Callable[[np.random.Generator], dict[str, Array]]
    by: tuple[str, ...]


@dataclass(frozen=True)
class Price:
    """The ratio of root mean squared errors for one parameter."""

    design: str
    weighting: str
    by: str
    key: str
    ratio: float
    error: float


def one_way(sizes: Callable[[np.random.Generator, int], Array], groups: int = 500) -> Callable[..., dict[str, Array]]:
    """Groups of these sizes."""

    def draw(rng: np.random.Generator) -> dict[str, Array]:
        user = np.repeat(np.arange(groups), sizes(rng, groups))
        effects = rng.normal(0, np.sqrt(1 / 3), groups)
        return {"user": user, "y": effects[user] + rng.normal(0, np.sqrt(2 / 3), len(user))}

    return draw


def crossed(rng: np.random.Generator) -> dict[str, Array]:
    """Users with lognormal activity and items whose popularity falls as a power of their rank; at most one row each."""
    users, items, rows = 400, 100, 6000
    activity = rng.lognormal(0, 1, users)
    popularity = 1 / np.arange(1, items + 1) ** 0.8
    user = rng.choice(users, rows, p=activity / activity.sum())
    item = rng.choice(items, rows, p=popularity / popularity.sum())
    cell = np.unique(user * items + item)
    user, item = np.divmod(cell, items)
    response = rng.normal(0, np.sqrt(1 / 6), users)[user] + rng.normal(0, np.sqrt(1 / 6), items)[item]
    return {"user": user, "item": item, "y": response + rng.normal(0, np.sqrt(2 / 3), len(user))}


def poisson(rng: np.random.Generator, groups: int) -> Array:
    """Sizes 1 + Poisson(9)."""
    return 1 + rng.poisson(9, groups)


def lognormal(rng: np.random.Generator, groups: int) -> Array:
    """Sizes of median 5 and log-sd 1.3, rounded up."""
    return np.ceil(rng.lognormal(np.log(5), 1.3, groups)).astype(np.int64)


ONE = {"Intercept": 0.0, "var(1|user)": 1 / 3, "var(residual)": 2 / 3}
TWO = {"Intercept": 0.0, "var(1|user)": 1 / 6, "var(1|item)": 1 / 6, "var(residual)": 2 / 3}
BOTH = ("units", "rows")
DESIGNS = (
    Design("one factor, Poisson sizes", "y ~ 1 + (1 | user)", ONE, one_way(poisson), BOTH),
    Design("one factor, lognormal sizes", "y ~ 1 + (1 | user)", ONE, one_way(lognormal), BOTH),
    Design("crossed, skewed", "y ~ 1 + (1 | user) + (1 | item)", TWO, crossed, ("rows",)),
)


def prices(replicates: int, chunks: int, designs: tuple[Design, ...] = DESIGNS) -> Iterator[Price]:
    """Measure all designs, for the equations as they are and weighted in a second step."""
    for (number, design), weighting in product(enumerate(designs), WEIGHTINGS):
        model, truth = ma.Model(design.formula), np.array(list(design.truth.values()))
        for by in design.by:
            averaged, merged = [], []
            for r in range(replicates):
                rng = np.random.default_rng(np.random.SeedSequence(1, spawn_key=(number, r)))
                found = ma.alchemy(model, design.draw(rng), chunks, by, seed=r, measure=False, weighting=weighting)
                averaged.append([found.params[key] for key in design.truth])
                merged.append([found.merged[key] for key in design.truth])
            squares = [(np.array(values) - truth) ** 2 for values in (averaged, merged)]
            for k, key in enumerate(design.truth):
                yield Price(design.name, weighting, by, key, *ratio_of_roots(squares[0][:, k], squares[1][:, k]))


def ratio_of_roots(above: Array, below: Array) -> tuple[float, float]:
    """The root of the ratio of two means of paired values, and its standard error by the delta method."""
    ratio = above.mean() / below.mean()
    error = np.std(above - ratio * below, ddof=1) / below.mean() / np.sqrt(len(above))
    return float(np.sqrt(ratio)), float(error / (2 * np.sqrt(ratio)))


def main(replicates: int = REPLICATES, chunks: int = CHUNKS) -> None:
    """Measure and print."""
    print(f"{chunks} chunks, {replicates} data sets: RMSE of the average of chunks / RMSE of the merger")
    for price in prices(replicates, chunks):
        which = f"{price.design:28} {price.weighting:8} {price.by:6} {price.key:14}"
        print(f"{which} {price.ratio:6.3f} +- {price.error:.3f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
