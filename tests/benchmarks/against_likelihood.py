"""Moments against likelihood packages on the same data: seconds, memory beyond the data, and the estimates.

    python -m tests.benchmarks.against_likelihood                        crossed, 10^5 and 10^6 rows
    python -m tests.benchmarks.against_likelihood -n 100000 --design one-way

Two tasks: the components alone; and the full fit, that is components, common terms, their standard errors and the
predictions of all effects. Every fit is in a process of its own, after one of 1,000 rows there (so that imports,
compilers and the derivation of a model are not in it), and may take `--at-most` seconds. Short ones are repeated, and
the median is shown. Packages that are absent are left out by name.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np

import momentalg as ma
from tests.benchmarks import memory, peers
from tests.benchmarks.rows import CROSSED, DESIGNS, ONE_WAY, SLOPES_OF_USERS, Columns, Design

SHORT, REPEATS = 3.0, 3  # seconds of a fit that is repeated, and how often
MEASURED = (CROSSED, ONE_WAY, SLOPES_OF_USERS)
FULL_FIT, FULL_MEMORY, COMPONENTS, AIMED_AT = 50.0, 0.1, 1000.0, 10**6  # what is aimed at, from so many rows
HEAD = """| rows | engine | components, s | full fit, s | processor, s | MB beyond the data | estimates |
|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Line:
    """What one way of fitting took; `failure` says why there are no numbers."""

    name: str
    version: str
    rows: int
    components: float | None = None  # seconds
    full: float | None = None
    processor: float | None = None  # seconds of all cores, of the full fit
    peak: float | None = None  # bytes
    estimates: Mapping[str, float] | None = None
    failure: str = ""

    def __str__(self) -> str:
        head = f"| {self.rows:.0e} | {self.name} {self.version} |".replace("e+0", "e")
        if self.estimates is None:
            return f"{head} {self.failure} | | | | |"
        numbers = [f"{s:.4g}" if s is not None else "-" for s in (self.components, self.full, self.processor)]
        peak = f"{self.peak / 1e6:.0f}" if self.peak else "-"
        shown = ", ".join(f"{key} {value:.4f}" for key, value in self.estimates.items()).replace("|", "\\|")
        return f"{head} {' | '.join(numbers)} | {peak} | {shown} |"


def two_step(design: Design, columns: Columns, engine: str | None = None) -> peers.Fit:
    """`model.fit` with its defaults, then standard errors and predictions."""
    fit = ma.Model(design.formula).fit(dict(columns), engine=engine)
    return dict(fit.estimates), lambda: (fit.bse, fit.ranef())


def two_step_numba(design: Design, columns: Columns) -> peers.Fit:
    """The same by the engine numba."""
    return two_step(design, columns, "numba")


def classical(design: Design, columns: Columns) -> peers.Fit:
    """`model.fit` of statistics that are not weighted; where there are no replicates, the model declares it."""
    fit = design.model.fit(dict(columns), weighting="none")
    return dict(fit.estimates), lambda: None


def generated(design: Design, columns: Columns, backend: str = "numpy") -> peers.Fit:
    """The generated module alone, of statistics that are not weighted: sums, and their solution."""
    module = _module(design.name, backend)
    return dict(module.solve(module.accumulate(dict(columns)))), lambda: None


def generated_numba(design: Design, columns: Columns) -> peers.Fit:
    """The same by the module for numba."""
    return generated(design, columns, "numba")


OURS: dict[str, Callable[[Design, Columns], peers.Fit]] = {
    f.__name__: f for f in (two_step, two_step_numba, classical, generated, generated_numba)
}
COMPONENTS_ONLY = ("classical", "generated", "generated_numba")


@cache
def _module(name: str, backend: str) -> ModuleType:
    found: ModuleType = DESIGNS[name].model.moment_equations(weighting="none").estimator(backend=backend).load()
    return found


def measured(name: str, design_name: str, folder: str, repeats: int) -> dict[str, Any]:
    """Seconds, peak and estimates of one way of fitting, in this process."""
    design = DESIGNS[design_name]

    def fit(columns: Columns) -> tuple[float, float, float, peers.Estimates]:
        start, processor = time.perf_counter(), time.process_time()
        estimates, complete = (
            OURS[name](design, columns) if name in OURS else peers.PEERS[name](design.formula, columns)
        )
        components = time.perf_counter() - start
        complete()
        return components, time.perf_counter() - start, time.process_time() - processor, estimates

    fit(design.data(1000))
    columns = memory.loaded(folder)
    peak, first = memory.peak_of(lambda: fit(columns))
    runs = [first]
    if first[1] < SHORT and repeats > 1:
        runs = [fit(columns) for _ in range(repeats if first[1] > 0.5 else 5 * repeats)]
    components, full, processor, estimates = zip(*runs, strict=True)
    return {
        "components": median(components),
        "full": None if name in COMPONENTS_ONLY else median(full),
        "processor": median(processor),
        "peak": peak,
        "estimates": estimates[0],
    }


def lines(design: Design, n: int, at_most: float, names: Sequence[str] = ()) -> Iterator[Line]:
    """One line for each way of fitting n rows; those of `names`, or all."""
    columns = design.data(n)
    versions = peers.versions()
    with memory.on_disk(columns) as folder:
        for name in (*OURS, *peers.PEERS, peers.LME4):
            if names and name not in names:
                continue
            shown, at = (f"momentalg, {name}", "of this checkout") if name in OURS else (name, versions[name])
            if at is None:
                yield Line(shown, "", n, failure="left out: not installed")
                continue
            try:
                if name == peers.LME4:
                    found = dict(peers.lme4(design.formula, columns, at_most))
                    at = found.pop("version")
                else:
                    given = name, design.name, folder
                    found = memory.in_own_process(measured, *given, REPEATS, at_most=at_most, for_memory=False)
                    found["peak"] = memory.in_own_process(measured, *given, 1, at_most=2 * at_most)["peak"]
            except (memory.TookTooLongError, subprocess.TimeoutExpired):
                yield Line(shown, at, n, failure=f"more than {at_most:.0f} s")
            except RuntimeError as error:
                yield Line(shown, at, n, failure=str(error)[:200].replace("|", "/"))
            else:
                yield Line(shown, at, n, **found)


def ratios(found: Sequence[Line]) -> Iterator[str]:
    """What the aims say, by number of rows; by the clock, and by the processor's time, which no neighbour disturbs."""
    for n in sorted({line.rows for line in found}):
        by_name = {line.name: line for line in found if line.rows == n}
        fitted = [line for line in by_name.values() if line.estimates is not None]
        rivals = [line for line in fitted if not line.name.startswith("momentalg")]
        ours = [line for line in fitted if line.name.startswith("momentalg")]
        rows = f"{n:.0e} rows".replace("e+0", "e")
        gpboost = by_name.get("gpboost")
        for line in (line for line in ours if line.full is not None and gpboost is not None):
            if gpboost.estimates is None:
                yield f"{rows}, full fit, {line.name}: {line.full:.3g} s; GPBoost {gpboost.failure}"
                continue
            times = f"{quotient(gpboost.full, line.full)} (processor {quotient(gpboost.processor, line.processor)})"
            yield f"{rows}, full fit, {line.name}: {times} times faster than GPBoost{_aim(n, FULL_FIT)}"
            if line.peak and gpboost.peak:
                share = f"{line.peak / gpboost.peak:.3f} of its memory{_aim(n, FULL_MEMORY)}"
                yield f"{rows}, full fit, {line.name}: {share}"
        if rivals:
            fastest = min(rivals, key=lambda line: line.components or np.inf)
            for line in ours:
                times = f"{quotient(fastest.components, line.components)} times faster than {fastest.name}"
                yield f"{rows}, components, {line.name}: {times}{_aim(n, COMPONENTS)}"


def _aim(n: int, aim: float) -> str:
    return f"; aim {aim:,g}" if n >= AIMED_AT else ""


def quotient(one: float | None, other: float | None) -> str:
    """How many times the other goes into the one."""
    return f"{one / other:,.1f}" if one and other else "-"


def main(arguments: Sequence[str]) -> int:
    """Print the table, and the ratios that are aimed at."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join((*OURS, *peers.PEERS, peers.LME4))}; all without")
    parser.add_argument("-n", type=int, action="append", help="rows; may be given more than once")
    parser.add_argument("--design", choices=[d.name for d in MEASURED], default=CROSSED.name)
    parser.add_argument("--at-most", type=float, default=120.0, help="seconds of a fit")
    given = parser.parse_args(arguments)
    found = []
    print(HEAD)
    for n in given.n or (10**5, 10**6):
        for line in lines(DESIGNS[given.design], n, given.at_most, given.names):
            found.append(line)
            print(line, flush=True)
    print("", *ratios(found), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
