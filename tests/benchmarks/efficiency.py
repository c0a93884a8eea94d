"""What moments lose against REML: root mean squared errors on the same simulated data, paired, as a Markdown table.

    python -m tests.benchmarks.efficiency                        the full table, 1,000 data sets per design
    python -m tests.benchmarks.efficiency -n 100 crossed slopes  100 data sets of the designs with these words

(OPENBLAS_NUM_THREADS=1 helps: on a busy machine threads wait longer for each other than these sums take.)

REML is by the package glmm where it is installed, and otherwise by weighting="iterated", whose equations are REML's.
An entry is RMSE/RMSE of REML +- its Monte-Carlo standard error (delta method on the paired squared errors). Estimators
that take long see every k-th data set only, and are compared with REML on these. Estimates are as they are solved,
negative ones too; those of glmm are not negative.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

import momentalg as ma
from momentalg.emit.backend import estimator as generate
from tests.benchmarks.likelihood import ENGINES, installed
from tests.benchmarks.price_of_averaging import ratio_of_roots
from tests.benchmarks.simulated_designs import CROSSED, DESIGNS, NESTED, SLOPES, Array, Columns, Design
from tests.benchmarks.timing import Measurement

Fit = Callable[[Columns], Mapping[str, float]]
REPLICATES = 1000


@dataclass(frozen=True)
class Estimator:
    """A way to fit; it sees each data set whose number is a multiple of `every`."""

    name: str
    statistics: str | None = None
    weighting: str | None = None
    every: int = 1
    constants: Mapping[str, float] = field(default_factory=dict)  # of the generated module

    def module(self, formula: str) -> ModuleType:
        """The generated module, with its constants set."""
        model = ma.Model(formula)
        weighting = self.weighting or ("none" if self.statistics else "two-step")
        module: ModuleType = generate(model.moment_equations(self.statistics, weighting=weighting)).load()
        for name, value in self.constants.items():
            assert hasattr(module, name), f"no constant {name}"
            setattr(module, name, value)
        return module

    def prepared(self, formula: str) -> Fit:
        """The fit of columns: sums, and what solves them, without the cost of frames."""
        module = self.module(formula)
        return lambda columns: dict(module.solve(module.accumulate(columns)))

    def by_frame(self, formula: str, columns: Columns) -> Mapping[str, float]:
        """The same by `model.fit`, to compare with."""
        return ma.Model(formula).fit(dict(columns), statistics=self.statistics, weighting=self.weighting).estimates


@dataclass(frozen=True)
class Entry:
    """One parameter by one estimator: RMSE over that of REML; nan where nothing was fitted."""

    key: str
    estimator: str
    ratio: float
    error: float
    replicates: int
    negative: float  # the share of data sets in which the estimate is negative, of a variance


def estimators_of(design: Design) -> tuple[Estimator, ...]:
    """Those that apply to a design, dear ones on fewer data sets."""
    sparse = "sparse" in design.name
    default, classical = Estimator("two-step"), Estimator("none", weighting="none")
    minque0 = Estimator("minque0", "minque0")
    if design.formula == CROSSED:
        return (
            default,
            Estimator("two-step, traces by probes", constants={"DENSE": 0}),
            Estimator("iterated", weighting="iterated", every=10 if sparse else 1),
            classical,
            minque0,
            Estimator("henderson3", "henderson3", every=50 if sparse else 1),
        )
    iterated = Estimator("iterated", weighting="iterated")
    if design.formula == SLOPES:
        iterated = Estimator("iterated", weighting="iterated", every=5)
        return default, iterated, classical, minque0, Estimator("perry", "perry")
    if design.formula == NESTED:
        return default, iterated, classical, minque0, Estimator("henderson3", "henderson3")
    return default, iterated, classical, minque0, Estimator("unweighted_means", "unweighted_means")


@dataclass
class Errors:
    """The errors of all estimators on the data sets of one design; nan where one was not tried or failed."""

    design: Design
    reference: str
    estimators: Sequence[Estimator]
    found: dict[str, list[Any]]
    failures: dict[str, int]
    seconds: dict[str, float]

    def entries(self) -> Iterator[Entry]:
        """The ratios, parameter by parameter."""
        reml = np.array(self.found[self.reference])
        for k, key in enumerate(self.design.truth):
            for estimator in self.estimators:
                error = np.array(self.found[estimator.name])[:, k]
                both = np.isfinite(error) & np.isfinite(reml[:, k])
                ratio, uncertainty = np.nan, np.nan
                if both.sum() > 1:
                    ratio, uncertainty = ratio_of_roots(error[both] ** 2, reml[both, k] ** 2)
                negative = np.mean(error[both] < -self.design.truth[key]) if key.startswith("var(") else 0.0
                yield Entry(key, estimator.name, ratio, uncertainty, int(both.sum()), float(negative))

    @property
    def at_boundary(self) -> Array:
        """Whether a variance is 0 by REML, by data set."""
        variances = [k for k, key in enumerate(self.design.truth) if key.startswith("var(")]
        truth = np.array(list(self.design.truth.values()))
        found: Array = (np.array(self.found[self.reference])[:, variances] + truth[variances] < 1e-6).any(axis=1)
        return found

    def gap(self, name: str) -> float:
        """The greatest difference of an estimator from REML, in units of REML's RMSE, where REML is not at 0."""
        reml, other = np.array(self.found[self.reference]), np.array(self.found[name])
        inside = ~self.at_boundary & np.isfinite(other).all(axis=1)
        if not inside.any():
            return float("nan")
        return float(np.max(np.abs(reml - other)[inside] / np.sqrt(np.nanmean(reml**2, axis=0))))


def errors_of(design: Design, replicates: int, estimators: Sequence[Estimator], peers: Mapping[str, int]) -> Errors:
    """Fit all estimators, and the peers on every k-th data set; the first peer is the reference, if there is any."""
    fits: dict[str, tuple[Fit, int]] = {e.name: (e.prepared(design.formula), e.every) for e in estimators}
    for name, every in peers.items():
        fits[name] = (lambda columns, engine=ENGINES[name]: engine(design.formula, columns)), every  # type: ignore[misc]
    reference = next((name for name, every in peers.items() if every == 1), "iterated")
    nothing = [np.nan] * len(design.truth)
    found: dict[str, list[Any]] = {name: [] for name in fits}
    failures, seconds = dict.fromkeys(fits, 0), dict.fromkeys(fits, 0.0)
    for number in range(replicates):
        columns = design.data(number)
        for name, (fit, every) in fits.items():
            error = nothing
            if number % every == 0:
                start = time.process_time()
                try:
                    estimates = fit(columns)
                    error = [estimates[key] - true for key, true in design.truth.items()]
                except ArithmeticError:  # weights or a search that do not settle: counted, and left out of this pair
                    failures[name] += 1
                seconds[name] += time.process_time() - start
            found[name].append(error)
    return Errors(design, reference, estimators, found, failures, seconds)


def require_same_as_fits(design: Design, estimators: Sequence[Estimator]) -> None:
    """Check once that estimators on arrays are those of `model.fit`."""
    columns = design.data(0)
    for estimator in estimators:
        if estimator.every < 100 and not estimator.constants:
            ours, theirs = estimator.prepared(design.formula)(columns), estimator.by_frame(design.formula, columns)
            for key in design.truth:
                if not np.isclose(ours[key], theirs[key], rtol=1e-9, atol=1e-12):
                    raise RuntimeError(f"{design.name}, {estimator.name}, {key}: {ours[key]} is not {theirs[key]}")


def table(errors: Errors) -> str:
    """A design's Markdown table: a row per parameter, a column per estimator, with what else is to be known below."""
    names = [e.name for e in errors.estimators]
    entries = {(e.key, e.estimator): e for e in errors.entries()}
    reml = np.array(errors.found[errors.reference])
    lines = [f"**{errors.design.name}** `{errors.design.formula}`, {len(reml)} data sets", ""]
    lines += ["| parameter | RMSE of REML | " + " | ".join(names) + " |", "|---" * (2 + len(names)) + "|"]
    for k, key in enumerate(errors.design.truth):
        cells = [_cell(entries[key, name], len(reml)) for name in names]
        shown = key.replace("|", r"\|")  # which ends a cell otherwise, in code too
        lines.append(f"| `{shown}` | {np.sqrt(np.nanmean(reml[:, k] ** 2)):.5f} | " + " | ".join(cells) + " |")
    runs = {name: int(np.isfinite(np.array(values)[:, 0]).sum()) for name, values in errors.found.items()}
    per = ", ".join(f"{n} {1000 * s / max(runs[n], 1):.1f}" for n, s in errors.seconds.items())
    lines += ["", f"REML by {errors.reference}. Milliseconds of the processor per fit: {per}."]
    others = [n for n in errors.found if n != errors.reference and (n == "iterated" or n in ENGINES)]
    gaps = ", ".join(f"{n} {errors.gap(n):.1e} (of {runs[n]})" for n in others)
    if gaps:
        lines.append(f"Greatest difference from {errors.reference}, in its RMSE, where no variance is 0: {gaps}.")
    lines.append(f"Data sets with a variance of 0 by REML: {100 * errors.at_boundary.mean():.1f} %.")
    failed = {n: f for n, f in errors.failures.items() if f}
    if failed:
        lines.append(f"No solution: {failed}.")
    return "\n".join(lines) + "\n"


def _cell(entry: Entry, replicates: int) -> str:
    if not np.isfinite(entry.ratio):
        return "-"
    fewer = f" ({entry.replicates})" if entry.replicates < replicates else ""
    negative = f", {100 * entry.negative:.1f} % < 0" if entry.negative else ""
    return f"{entry.ratio:.4f} +- {entry.error:.4f}{fewer}{negative}"


def peers_of(design: Design, statsmodels_every: int) -> dict[str, int]:
    """The programs that are installed, and on which data sets they are run."""
    peers = {"glmm": 1} if installed("glmm") else {}
    if statsmodels_every and installed("statsmodels") and "sparse" not in design.name:
        peers["statsmodels"] = statsmodels_every * (2 if design.formula == CROSSED else 1)
    return peers


def measure() -> list[Measurement]:
    """The quick mode of `make bench`: the default fit on four designs, the worst component of each, against REML.

    The data sets are the same each time, so that the ratios are too.
    """
    few = {
        "one factor, lognormal sizes, 0.5, normal effects": 200,
        "one factor, power-law sizes, 0.05, lognormal effects": 200,
        "nested, skewed sizes, normal effects": 100,
        "slopes, 500 users of 2 to 8 rows": 100,
        "crossed, skewed": 25,
    }
    results = []
    for design in DESIGNS:
        if design.name not in few:
            continue
        peers = {"glmm": 1} if installed("glmm") else {}
        estimators = [Estimator("two-step")] + ([] if peers else [Estimator("iterated", weighting="iterated")])
        errors = errors_of(design, few[design.name], estimators, peers)
        worst = max((e for e in errors.entries() if e.estimator == "two-step"), key=lambda e: e.ratio)
        results.append(
            Measurement(
                what=f"RMSE: {design.name}, {worst.key}",
                unit=f"REML ({errors.reference})",
                ratio=worst.ratio,
                limit=design.limit,
                seconds=errors.seconds,
                notes={"replicates": worst.replicates, "standard error": worst.error},
            )
        )
    return results


def main() -> None:
    """Print the table of the designs that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.efficiency", description=__doc__)
    parser.add_argument("words", nargs="*", help="designs whose name has one of these words; all of them without any")
    parser.add_argument("-n", type=int, default=REPLICATES, help="data sets per design")
    parser.add_argument("--statsmodels", type=int, default=250, metavar="K", help="every K-th data set, 0 for none")
    asked = parser.parse_args()
    for name in ENGINES:
        if not installed(name):
            print(f"{name} is not installed, and left out", file=sys.stderr)
    for design in DESIGNS:
        if asked.words and not any(word in design.name for word in asked.words):
            continue
        estimators = estimators_of(design)
        require_same_as_fits(design, estimators)
        print(table(errors_of(design, asked.n, estimators, peers_of(design, asked.statsmodels))), flush=True)


if __name__ == "__main__":
    main()
