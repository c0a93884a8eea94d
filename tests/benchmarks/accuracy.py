"""What rounding takes from components: 10^8 rows whose mean is 10^8, streamed, against whole-number arithmetic.

    python -m tests.benchmarks.accuracy              all cases, 10^8 rows
    python -m tests.benchmarks.accuracy -n 1000000   fewer
    python -m tests.benchmarks.accuracy --engine numba

The response is a mean plus a whole number of steps, a power of 2 that float64 (or float32) holds exactly beside that
mean. So the sums of the noise are sums of whole numbers, which have no error, and the analysis of variance of these is
the truth to the last digits. Beside it stands what sums without a shift lose.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import momentalg as ma
from tests.benchmarks.rows import Array, Columns

LIMIT = 1e-9  # relative, of each component
CHUNK = 1_000_000
FORMULA = "y ~ 1 + (1 | user)"


@dataclass(frozen=True)
class Case:
    """A response `mean + step * k`, k whole, at random levels; float32 holds it beside 10^8 in steps of 8."""

    name: str
    levels: int
    step: float = 2.0**-19
    dtype: str = "f8"
    mean: float = 1e8

    def chunks(self, rows: int) -> Iterator[tuple[Array, Array]]:
        """Levels and k, chunk by chunk; the same on every call. The variance within is about 9 times that between."""
        random = np.random.Generator(np.random.SFC64(4))
        effects = random.integers(-(2**18), 2**18, self.levels)
        for first in range(0, rows, CHUNK):
            n = min(CHUNK, rows - first)
            user = random.integers(0, self.levels, n)
            yield user, effects[user] + random.integers(-3 * 2**18, 3 * 2**18, n)

    def columns(self, rows: int, mean: float | None = None) -> Iterator[Columns]:
        """What a fit is given; raises RuntimeError where the response is not exact."""
        for user, k in self.chunks(rows):
            exact = (self.mean if mean is None else mean) + self.step * k
            y = exact.astype(self.dtype)
            if not np.array_equal(y, exact):
                raise RuntimeError(f"{self.name}: {self.dtype} does not hold the response")
            yield {"user": user, "y": y}


CASES = (
    Case("20,000 levels", 20_000),
    Case("3 levels", 3),
    Case("3 levels, float32", 3, step=8.0, dtype="f4"),
)


@dataclass(frozen=True)
class Exact:
    """Sums of whole numbers: per level rows and total, and the total of squares."""

    size: list[int]
    total: list[int]
    squares: int

    def components(self, step: float) -> dict[str, float]:
        """The analysis of variance; each quotient is rounded once, and their sum is exact."""
        n, grand, r = sum(self.size), sum(self.total), len(self.size)
        between = _fsum(Fraction(t * t, s) for s, t in zip(self.size, self.total, strict=True))
        residual = (self.squares - between) / (n - r)
        among = between - Fraction(grand * grand, n)
        group = (among - (r - 1) * residual) / (n - Fraction(sum(s * s for s in self.size), n))
        scale = Fraction(step) ** 2
        return {"var(1|user)": float(scale * group), "var(residual)": float(scale * residual)}


def _fsum(terms: Iterator[Fraction]) -> Fraction:
    """The sum of fractions, each as two floats, that is to 1e-32 of it."""
    parts = []
    for term in terms:
        high = float(term)
        parts += [high, float(term - Fraction(high))]
    high = math.fsum(parts)
    return Fraction(high) + Fraction(math.fsum([*parts, -high]))


def exact(case: Case, rows: int) -> Exact:
    """Sums in whole numbers: those of a chunk fit into 64 bits, and Python's integers add them."""
    size, total, squares = [0] * case.levels, [0] * case.levels, 0
    for user, k in case.chunks(rows):
        total_of_chunk = np.zeros(case.levels, dtype=np.int64)
        np.add.at(total_of_chunk, user, k)
        size_of_chunk = np.bincount(user, minlength=case.levels)
        size = [a + b for a, b in zip(size, size_of_chunk.tolist(), strict=True)]
        total = [a + b for a, b in zip(total, total_of_chunk.tolist(), strict=True)]
        squares += int(np.dot(k, k))  # at most 10^6 * 2^40, of integers, without rounding
    occupied = [level for level in range(case.levels) if size[level]]
    return Exact([size[i] for i in occupied], [total[i] for i in occupied], squares)


def plain(case: Case, rows: int) -> dict[str, float]:
    """The same analysis from sums of y and y**2 about 0, in float64: what goes wrong without a shift."""
    size, total, squares = np.zeros(case.levels), np.zeros(case.levels), 0.0
    for columns in case.columns(rows):
        y = columns["y"].astype(float)
        size += np.bincount(columns["user"], minlength=case.levels)
        total += np.bincount(columns["user"], weights=y, minlength=case.levels)
        squares += float(y @ y)
    size, total = size[size > 0], total[size > 0]
    n, r, between = size.sum(), len(size), float((total**2 / size).sum())
    residual = (squares - between) / (n - r)
    group = (between - total.sum() ** 2 / n - (r - 1) * residual) / (n - (size**2).sum() / n)
    return {"var(1|user)": float(group), "var(residual)": residual}


def loss(found: dict[str, Any], truth: dict[str, float]) -> float:
    """The greatest relative error of the components."""
    return max(abs(found[key] / value - 1) for key, value in truth.items())


def losses(case: Case, rows: int, engine: str | None) -> dict[str, float]:
    """The losses of a case: not weighted, against whole numbers; two-step, against mean 0; plain sums."""
    model, truth = ma.Model(FORMULA), exact(case, rows).components(case.step)
    unweighted = model.fit(case.columns(rows), weighting="none", engine=engine).estimates
    two_step = model.fit(case.columns(rows), engine=engine).estimates
    about_zero = model.fit(case.columns(rows, mean=0.0), engine=engine).estimates
    return {
        "not weighted": loss(dict(unweighted), truth),
        "two-step": loss(dict(two_step), {key: about_zero[key] for key in truth}),
        "plain sums": loss(plain(case, rows), truth),
    }


def main(arguments: Sequence[str]) -> int:
    """Print the losses; the exit code says whether they are within the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=10**8, help="rows")
    parser.add_argument("--engine", help="numpy or numba")
    given = parser.parse_args(arguments)
    print(f"relative loss of the components, {given.n:.0e} rows with mean 1e8; at most {LIMIT:.0e}")
    print("| case | not weighted, against whole numbers | two-step, against mean 0 | plain sums |\n|---|---|---|---|")
    holds = True
    for case in CASES:
        found = losses(case, given.n, given.engine)
        print(f"| {case.name} | " + " | ".join(f"{value:.1e}" for value in found.values()) + " |", flush=True)
        holds &= max(found["not weighted"], found["two-step"]) <= LIMIT
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
