"""Data for the benchmarks of size: n rows of one design, the same for everything that is measured on them.

There are 20 rows to a user and 200 to an item, so that tables grow with the data. Effects are skewed, and estimates
can be compared with what they are of: `Design.truth`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import momentalg as ma

Array = np.ndarray[Any, Any]
Columns = dict[str, Array]

MEAN, SLOPE, USERS, SLOPES, ITEMS, RESIDUAL = 3.0, 0.5, 0.5, 0.2, 0.25, 1.0  # means, and variances


@dataclass(frozen=True)
class Design:
    """A model, the statistics whose pass is measured, and how its data look."""

    name: str
    formula: str
    factors: tuple[str, ...]
    unreplicated: str | None = None  # a factor that is declared to have one row to a level at most
    slope: bool = False

    @property
    def model(self) -> ma.Model:
        """The model, with what is declared of its design."""
        return ma.Model(self.formula, assume=[ma.unreplicated(self.unreplicated)] if self.unreplicated else [])

    @property
    def truth(self) -> dict[str, float]:
        """The parameters that the data are drawn with."""
        found = {"Intercept": MEAN, "var(1|user)": USERS, "var(residual)": RESIDUAL}
        if self.slope:
            found |= {"x": SLOPE, "cov(1,x|user)": 0.0, "var(x|user)": SLOPES}
        if "item" in self.factors:
            found["var(1|item)"] = ITEMS
        return found

    def data(self, n: int, seed: int = 1, by_user: bool = False) -> Columns:
        """Columns of n rows in random order, or in the order of users."""
        random = np.random.default_rng(seed)
        users, items = max(n // 20, 50), max(n // 200, 50)
        columns: Columns = {}
        if "item" in self.factors:
            cell = _distinct(users * items, n, random) if self.unreplicated else random.integers(0, users * items, n)
            columns["user"], columns["item"] = np.divmod(cell, items)
        else:
            columns["user"] = random.integers(0, users, n)
        if by_user:
            order = np.argsort(columns["user"], kind="stable")
            columns = {name: codes[order] for name, codes in columns.items()}
        y = MEAN + np.sqrt(USERS) * skewed(users, random)[columns["user"]]
        if "item" in self.factors:
            y += np.sqrt(ITEMS) * skewed(items, random)[columns["item"]]
        if self.slope:
            columns["x"] = random.standard_normal(n)
            y += (SLOPE + np.sqrt(SLOPES) * skewed(users, random)[columns["user"]]) * columns["x"]
        columns["y"] = y + np.sqrt(RESIDUAL) * random.standard_normal(n)
        return columns


ONE_WAY = Design("one-way", "y ~ 1 + (1 | user)", ("user",))
CROSSED = Design("crossed", "y ~ 1 + (1 | user) + (1 | item)", ("user", "item"), unreplicated="user:item")
REPLICATED = Design("crossed, with cells", "y ~ 1 + (1 | user) + (1 | item)", ("user", "item"))
SLOPES_OF_USERS = Design("slope", "y ~ 1 + x + (1 + x | user)", ("user",), slope=True)
DESIGNS = {design.name: design for design in (ONE_WAY, CROSSED, REPLICATED, SLOPES_OF_USERS)}


def skewed(levels: int, random: np.random.Generator) -> Array:
    """Effects of an exponential law, with mean 0 and variance 1."""
    return random.standard_exponential(levels) - 1.0


def nbytes(columns: Columns) -> int:
    """What columns take in memory."""
    return sum(values.nbytes for values in columns.values())


@dataclass(frozen=True)
class Stream:
    """Rows that are drawn chunk by chunk, and are never in memory together; the effects of levels are fixed.

    Drawing is cheap beside a pass: noise is uniform, of the variance of the residual.
    """

    rows: int
    design: Design = ONE_WAY
    levels: int = 20_000
    chunk: int = 1_000_000
    seed: int = 1

    def __iter__(self) -> Iterator[Columns]:
        random = np.random.Generator(np.random.SFC64(self.seed))
        effects = MEAN + np.sqrt(USERS) * skewed(self.levels, random)
        slopes = SLOPE + np.sqrt(SLOPES) * skewed(self.levels, random)
        for first in range(0, self.rows, self.chunk):
            n = min(self.chunk, self.rows - first)
            user = random.integers(0, self.levels, n, dtype=np.int32)
            y = effects[user] + noise(n, random)
            if self.design.slope:
                x = noise(n, random)
                yield {"user": user, "x": x, "y": y + slopes[user] * x}
            else:
                yield {"user": user, "y": y}


def noise(n: int, random: np.random.Generator) -> Array:
    """Uniform noise of the variance of the residual."""
    return (random.random(n) - 0.5) * np.sqrt(12 * RESIDUAL)


def _distinct(cells: int, n: int, random: np.random.Generator) -> Array:
    """n different cells of so many, in random order."""
    found = np.unique(random.integers(0, cells, n))
    while len(found) < n:
        found = np.union1d(found, random.integers(0, cells, n - len(found) + 100))
    return random.permutation(found)[:n]
