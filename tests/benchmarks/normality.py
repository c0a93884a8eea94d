"""Size and power of `fit.normality()` by simulation: ``python -m tests.benchmarks.normality``.

Prints Markdown: how often the tests of the effects and of the residual reject normality at 5 %, with the Monte-Carlo
error. Where a component is normal, the figure should be 5; elsewhere it is the power.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator

import numpy as np

from momentalg.inference.normality import normality
from tests.benchmarks.coverage import Cell, model, simulated, table

LAWS = (
    ("normal", "normal"),
    ("normal", "t5"),
    ("normal", "lognormal"),
    ("uniform", "normal"),
    ("t5", "normal"),
    ("lognormal", "normal"),
)
CELLS = tuple(Cell(groups, sizes, *laws) for groups in (50, 200) for sizes in ("Poisson", "lognormal") for laws in LAWS)


def rows(samples: int, replicates: int, seed: int) -> Iterator[list[str]]:
    """A row for each cell: the share of data sets in which each test rejects at 5 %."""
    for number, cell in enumerate(CELLS):
        p_values = []
        for sample in range(samples):
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, sample)))
            found = normality(model().fit(simulated(cell, rng)), replicates, seed=sample)
            p_values.append([test.p_value for test in found.tests])
        rejected = np.nan_to_num(np.array(p_values), nan=1.0) <= 0.05
        shares = [f"{100 * r.mean():.1f} ({100 * r.std() / math.sqrt(samples):.1f})" for r in rejected.T]
        yield [str(cell.groups), cell.sizes, cell.effects, cell.residuals, *shares]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the exit code says whether the size is below 10 % where a component is normal."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.normality", description=__doc__)
    parser.add_argument("--samples", type=int, default=1000, help="data sets per cell (default 1000)")
    parser.add_argument("--replicates", type=int, default=199, help="simulated data sets of each test (default 199)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    start = time.time()
    print(f"Rejections at 5 %, {asked.samples} data sets a cell; in per cent (Monte-Carlo error)\n")
    head = ["groups", "sizes", "effects", "residual", "effects rejected", "residual rejected"]
    found = table(head, rows(asked.samples, asked.replicates, asked.seed))
    print(f"\n{time.time() - start:.0f} seconds")
    sizes = [row[4 + k] for row in found for k in (0, 1) if row[2 + k] == "normal"]
    too_often = [s for s in sizes if float(s.split(" (")[0]) - 2 * float(s.split(" (")[1].rstrip(")")) > 10]
    return 1 if too_often else 0


if __name__ == "__main__":
    raise SystemExit(main())
