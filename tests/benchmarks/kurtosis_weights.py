"""What weights with free kurtosis gain over the two-step fit: root mean squared errors on the same data, paired.

    python -m tests.benchmarks.kurtosis_weights            1,000 data sets per design, as a Markdown table
    python -m tests.benchmarks.kurtosis_weights -n 100

y ~ 1 + (1 | g), var(1|g) = 0.5, var(residual) = 1; laws of effects and residuals are scaled to these. Entries are
RMSE/RMSE of the two-step fit +- the Monte-Carlo standard error (delta method on the paired squared errors).
(OPENBLAS_NUM_THREADS=1 helps.)
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

import momentalg as ma
from tests.benchmarks.price_of_averaging import ratio_of_roots

Array = np.ndarray[Any, Any]
Law = Callable[[np.random.Generator, int], Array]

MODEL = ma.Model("y ~ 1 + (1 | g)")
TRUTH = {"var(1|g)": 0.5, "var(residual)": 1.0}
LAWS: dict[str, Law] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "t5": lambda rng, n: rng.standard_t(5, n) / (5 / 3) ** 0.5,
    "lognormal": lambda rng, n: (np.exp(rng.standard_normal(n)) - np.exp(0.5)) / (np.e * (np.e - 1)) ** 0.5,
}
SIZES: dict[str, Law] = {
    "1 + Poisson(4)": lambda rng, m: 1 + rng.poisson(4, m),
    "lognormal(1, 1.2)": lambda rng, m: np.ceil(np.exp(rng.normal(1.0, 1.2, m))).astype(int),
}
PAIRS = [("normal", "normal"), ("t5", "normal"), ("lognormal", "normal"), ("t5", "t5"), ("lognormal", "lognormal")]


def ratios(sizes: str, levels: int, laws: tuple[str, str], replicates: int, seed: int = 1) -> Iterator[tuple[Any, ...]]:
    """For each component, RMSE with kurtosis over that of the two-step fit, and its standard error."""
    rng = np.random.default_rng(seed)
    errors: dict[str, list[list[float]]] = {"two-step": [], "kurtosis": []}
    for _ in range(replicates):
        g = np.repeat(np.arange(levels), SIZES[sizes](rng, levels))
        effects = TRUTH["var(1|g)"] ** 0.5 * LAWS[laws[0]](rng, levels)
        frame = pd.DataFrame({"y": effects[g] + LAWS[laws[1]](rng, len(g)), "g": g})
        for weighting, found in errors.items():
            estimates = MODEL.fit(frame, weighting=weighting).estimates
            found.append([estimates[key] - value for key, value in TRUTH.items()])
    two, free = (np.array(found) ** 2 for found in errors.values())
    for k, key in enumerate(TRUTH):
        yield key, *ratio_of_roots(free[:, k], two[:, k])


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description="RMSE of weights with kurtosis over that of the two-step fit.")
    parser.add_argument("-n", "--replicates", type=int, default=1000)
    replicates = parser.parse_args().replicates
    print(f"| sizes | levels | effects | residual | {' | '.join(TRUTH)} |")
    print("|---|---|---|---|---|---|")
    for sizes in SIZES:
        for levels in (100, 1000):
            for laws in PAIRS:
                found = [f"{r:.3f} +- {se:.3f}" for _, r, se in ratios(sizes, levels, laws, replicates)]
                print(f"| {sizes} | {levels} | {' | '.join((*laws, *found))} |", flush=True)


if __name__ == "__main__":
    main()
