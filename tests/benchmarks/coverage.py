"""Coverage of the intervals of `fit.conf_int()` by simulation: ``python -m tests.benchmarks.coverage``.

Prints Markdown: how often nominal 95 % intervals of variances hold the truth, for one factor and for users crossed with
items, beside Wald intervals from the same standard errors, plain and of the logarithm; then standard errors by
sandwich, jackknife and cluster bootstrap beside the spread of the estimates. Every number has its Monte-Carlo error.
``--replicates 100 --crossed 100 --resampled 20`` is a quick look.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import pandas as pd

import momentalg as ma
from momentalg.inference.resampling import bootstrap

BETWEEN, WITHIN, ITEMS = 0.5, 1.0, 0.25  # an intraclass correlation of 1/3 with one factor
TRUTH = {"var(1|user)": BETWEEN, "var(residual)": WITHIN}
CROSSED_TRUTH = {"var(1|user)": BETWEEN, "var(1|item)": ITEMS, "var(residual)": WITHIN}
LOG_SD = 0.8
Z = 1.959964
LEAST = {"normal": 93, "uniform": 93, "t5": 92, "lognormal": 85}  # per cent, of the effects' variance at 1,000 groups


@dataclass(frozen=True)
class Cell:
    """One design: how many groups, the law of their sizes, the laws of effects and residuals; crossed with items."""

    groups: int
    sizes: str
    effects: str
    residuals: str
    items: int = 0

    @property
    def truth(self) -> dict[str, float]:
        """The variances by key."""
        return CROSSED_TRUTH if self.items else TRUTH

    @property
    def described(self) -> list[str]:
        """The first columns of a table."""
        groups = f"{self.groups} x {self.items}" if self.items else str(self.groups)
        return [groups, self.sizes, f"{self.effects}, {self.residuals}"]


CELLS = tuple(
    Cell(groups, sizes, *laws)
    for groups in (1000, 100)
    for sizes in ("Poisson", "lognormal")
    for laws in (
        ("normal", "normal"),
        ("uniform", "uniform"),
        ("t5", "t5"),
        ("lognormal", "normal"),
        ("lognormal", "lognormal"),
    )
)


CROSSED = tuple(Cell(300, "lognormal", law, "normal", 60) for law in ("normal", "t5", "lognormal"))


def standard(law: str, rng: np.random.Generator, n: int) -> np.ndarray:
    """`n` draws with mean 0 and variance 1."""
    if law == "normal":
        return rng.standard_normal(n)
    if law == "uniform":
        return rng.uniform(-math.sqrt(3), math.sqrt(3), n)
    if law == "t5":
        return rng.standard_t(5, n) / math.sqrt(5 / 3)
    if law == "lognormal":
        ratio = math.exp(LOG_SD**2)
        return (np.exp(LOG_SD * rng.standard_normal(n)) - math.sqrt(ratio)) / math.sqrt((ratio - 1) * ratio)
    raise ValueError(law)


def drawn_sizes(law: str, rng: np.random.Generator, groups: int) -> np.ndarray:
    """Sizes with a mean of about 10."""
    if law == "Poisson":
        return 1 + rng.poisson(9, groups)
    return np.ceil(np.exp(1.8 + rng.standard_normal(groups))).astype(int)


def simulated(cell: Cell, rng: np.random.Generator) -> pd.DataFrame:
    """A data set of a cell."""
    user = np.repeat(np.arange(cell.groups), drawn_sizes(cell.sizes, rng, cell.groups))
    y = math.sqrt(BETWEEN) * standard(cell.effects, rng, cell.groups)[user]
    y += math.sqrt(WITHIN) * standard(cell.residuals, rng, len(user))
    if not cell.items:
        return pd.DataFrame({"user": user, "y": y})
    popularity = np.exp(rng.standard_normal(cell.items))
    item = rng.choice(cell.items, len(user), p=popularity / popularity.sum())
    y += math.sqrt(ITEMS) * standard(cell.effects, rng, cell.items)[item]
    return pd.DataFrame({"user": user, "item": item, "y": y})


@lru_cache
def model(crossed: bool = False) -> ma.Model:
    """The model that is fitted; made once in each process."""
    return ma.Model("y ~ 1 + (1 | user) + (1 | item)" if crossed else "y ~ 1 + (1 | user)")


def stream(cell: Cell, number: int, seed: int) -> np.random.Generator:
    """The random stream of a replicate, of its own for each cell."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=((*CELLS, *CROSSED).index(cell), number)))


def intervals_of(cell: Cell, seed: int, number: int) -> dict[tuple[str, str], tuple[float, float]]:
    """The ends of the intervals of one data set, by parameter and method; and whether there was a warning."""
    fit = model(bool(cell.items)).fit(simulated(cell, stream(cell, number, seed)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = fit.conf_int()
    said = " ".join(str(w.message) for w in caught)
    found = {}
    for key in cell.truth:
        estimate, error = fit.params[key], fit.bse[key]
        found[key, "conf_int"] = (table.loc[key, 0], table.loc[key, 1])
        found[key, "Wald"] = (estimate - Z * error, estimate + Z * error)
        factor = math.exp(min(Z * error / estimate, 500)) if estimate > 0 else math.nan
        found[key, "Wald of the log"] = (estimate / factor, estimate * factor)
        found[key, "warned"] = (float(key in said), 0.0)
    return found


def errors_of(cell: Cell, seed: int, draws: int, number: int) -> dict[tuple[str, str], float]:
    """The estimates of one data set, and their standard errors by three ways."""
    frame = simulated(cell, stream(cell, number, seed))
    fit = model().fit(frame)
    jackknife = fit.cov_params("jackknife")
    resampled = bootstrap(fit, frame, kind="cluster", replicates=draws, seed=number).estimates
    found = {}
    for key in TRUTH:
        found[key, "estimate"] = fit.params[key]
        found[key, "sandwich"] = fit.bse[key]
        found[key, "jackknife"] = math.sqrt(jackknife.loc[key, key])
        found[key, "bootstrap"] = float(resampled[key].std())
    return found


def coverage_rows(cells: tuple[Cell, ...], replicates: int, seed: int, run: Callable) -> Iterator[list[str]]:
    """A row of the first table for each cell and parameter, as they are done."""
    for cell in cells:
        found = list(run(partial(intervals_of, cell, seed), range(replicates)))
        for key, truth in cell.truth.items():
            row = [*cell.described, _code(key)]
            for method in ("conf_int", "Wald of the log", "Wald"):
                ends = np.array([one[key, method] for one in found])
                hits = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
                row.append(f"{100 * hits.mean():.1f} ({100 * hits.std() / math.sqrt(len(hits)):.1f})")
                if method == "conf_int":
                    below, above = (truth < ends[:, 0]).mean(), (truth > ends[:, 1]).mean()
                    row.append(f"{100 * below:.1f}, {100 * above:.1f}")
                    row.append(f"{np.median(ends[:, 1] - ends[:, 0]):.3f}")
            row.append(f"{100 * np.mean([one[key, 'warned'][0] for one in found]):.0f}")
            yield row


def error_rows(cells: tuple[Cell, ...], replicates: int, seed: int, draws: int, run: Callable) -> Iterator[list[str]]:
    """A row of the second table for each cell and parameter: root mean squares of standard errors over the spread.

    The Monte-Carlo error of a ratio is that of log spread and log standard error, from 20 blocks of replicates.
    """
    for cell in cells:
        found = list(run(partial(errors_of, cell, seed, draws), range(replicates)))
        for key in TRUTH:
            row = [*cell.described, _code(key)]
            estimates = np.array([one[key, "estimate"] for one in found])
            sandwich = np.array([one[key, "sandwich"] for one in found])
            for method in ("sandwich", "jackknife", "bootstrap"):
                errors = np.array([one[key, method] for one in found])
                row.append(_ratio(errors, estimates))
                if method != "sandwich":
                    ratio = errors / sandwich
                    row.append(f"{ratio.mean():.3f} ({ratio.std() / math.sqrt(len(ratio)):.3f})")
            yield row


def _code(key: str) -> str:
    """A key as code in a cell of a Markdown table."""
    return "`" + key.replace("|", "\\|") + "`"


def _ratio(errors: np.ndarray, estimates: np.ndarray) -> str:
    """Root mean square of the errors over the standard deviation of the estimates; its error by leaving out blocks."""

    def ratio(kept: np.ndarray) -> float:
        return math.sqrt((errors[kept] ** 2).mean()) / estimates[kept].std(ddof=1)

    number = np.arange(len(errors))
    blocks = min(20, len(errors))
    left_out = np.array([ratio(number % blocks != b) for b in range(blocks)])
    return f"{ratio(number >= 0):.2f} ({math.sqrt((blocks - 1) * left_out.var()):.2f})"


def table(head: list[str], rows: Iterator[list[str]]) -> list[list[str]]:
    """Print a Markdown table row by row, as rows come."""
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head), flush=True)
    kept = []
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
        kept.append(row)
    return kept


def below_target(rows: list[list[str]]) -> list[str]:
    """The cells with 1,000 groups whose coverage is below what is asked for, by more than two Monte-Carlo errors."""
    found = []
    for row in rows:
        covered, error = (float(v) for v in row[4].rstrip(")").split(" ("))
        least = LEAST[row[2].split(", ")[0]]
        if row[0] == "1000" and row[3] == _code("var(1|user)") and covered + 2 * error < least:
            found.append(f"{', '.join(row[:4])}: {row[4]}, asked for {least}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; the exit code says whether the targets at 1,000 groups are met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.coverage", description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000, help="data sets per cell (default 1000)")
    parser.add_argument("--crossed", type=int, default=1000, help="data sets per crossed cell (default 1000; 0: none)")
    parser.add_argument(
        "--resampled", type=int, default=100, help="data sets for standard errors (default 100; 0: none)"
    )
    parser.add_argument("--bootstrap", type=int, default=400, help="bootstrap replicates of each (default 400)")
    parser.add_argument("--groups", type=int, nargs="*", default=[1000, 100], help="1000 and 100, or one of them")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    cells = tuple(cell for cell in CELLS if cell.groups in asked.groups)
    start = time.time()
    pool = ProcessPoolExecutor(asked.processes) if asked.processes > 1 else None
    run: Callable = partial(pool.map, chunksize=20) if pool else map
    design = ["groups", "sizes", "effects, residual", "parameter"]
    print(f"Coverage of nominal 95 % intervals, {asked.replicates} data sets a cell; in per cent (Monte-Carlo error)\n")
    head = [*design, "`conf_int()`", "truth below, above", "median width", "Wald of the log", "Wald", "warned"]
    rows = table(head, coverage_rows(cells, asked.replicates, asked.seed, run))
    if asked.crossed:
        print(f"\nThe same for crossed factors, {asked.crossed} data sets a cell\n")
        table(head, coverage_rows(CROSSED, asked.crossed, asked.seed, run))
    if asked.resampled:
        print(f"\nStandard errors over the spread of the estimates, {asked.resampled} data sets, (Monte-Carlo error)\n")
        head = [*design, "sandwich", "jackknife", "jackknife/sandwich", "bootstrap", "bootstrap/sandwich"]
        table(head, error_rows(cells, asked.resampled, asked.seed, asked.bootstrap, run))
    missed = below_target(rows)
    print(f"\n{time.time() - start:.0f} seconds. " + ("Below target: " + "; ".join(missed) if missed else "All met."))
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
