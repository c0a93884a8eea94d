"""How cost grows with rows, from 10^4 to 10^8: a table and a log-log picture, beside likelihood packages.

    python -m tests.benchmarks.linear_cost              measure all, and write results/ beside this file
    python -m tests.benchmarks.linear_cost --ours       our passes only; the packages' points stay as they are
    python -m tests.benchmarks.linear_cost --redraw     the table and the picture, from the numbers that are there

Passes: sums, merging and solution for classical statistics of two crossed factors of 5,000 and 500 levels, chunks of
at most 10^6 rows that are drawn while the clock stands. The exponent is the slope of log seconds of the processor on
log rows by least squares: over all sizes; and once more of what is beyond the first 1,000 rows, in seconds and in rows,
which leaves out the start.

Fits: the components and the full fit, with standard errors and predictions of all effects, of data in memory whose
levels grow with the rows, by moments and by likelihood: see `against_likelihood`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np

from tests.benchmarks import memory
from tests.benchmarks.against_likelihood import HEAD, Line, lines, ratios
from tests.benchmarks.engines import backends
from tests.benchmarks.rows import CROSSED, Columns, skewed

RESULTS = Path(__file__).parent / "results"
SIZES = (10**4, 10**5, 10**6, 10**7, 10**8)
FITS = (10**4, 10**5, 10**6)
AT_MOST = 120.0
CHUNK, USERS, ITEMS = 10**6, 5_000, 500
START_ROWS, SHORT = 1000, 1.0
LEAST, MOST = 0.95, 1.05


@dataclass(frozen=True)
class Growth:
    """Seconds of the processor by rows, what the first rows take, and the peak of memory beyond the start by rows."""

    backend: str
    start: float
    rows: list[int]
    seconds: list[float]
    peaks: list[int]

    def exponent(self, without_start: bool = False) -> float:
        """The slope of log seconds on log rows."""
        rows, seconds = np.array(self.rows), np.array(self.seconds)
        if without_start:
            rows, seconds = rows - START_ROWS, seconds - self.start
        return float(np.polyfit(np.log(rows), np.log(seconds), 1)[0])


def chunks(rows: int, seed: int = 1) -> Iterator[Columns]:
    """Rows of two crossed factors, chunk by chunk."""
    random = np.random.Generator(np.random.SFC64(seed))
    users, items = skewed(USERS, random), skewed(ITEMS, random)
    for first in range(0, rows, CHUNK):
        n = min(CHUNK, rows - first)
        user, item = random.integers(0, USERS, n), random.integers(0, ITEMS, n)
        yield {"user": user, "item": item, "y": users[user] + items[item] + random.standard_normal(n)}


def processor_seconds(module: ModuleType, rows: int) -> float:
    """Of one pass over the rows: accumulate, combine, solve; not of drawing them."""
    sums, seconds = None, 0.0
    for columns in chunks(rows):
        start = time.process_time()
        more = module.accumulate(columns)
        sums = more if sums is None else module.combine(sums, more)
        seconds += time.process_time() - start
    start = time.process_time()
    module.solve(sums)
    return seconds + time.process_time() - start


def one_size(backend: str, rows: int) -> tuple[float, int]:
    """The median of the seconds of some passes, and the peak of one, in a process of its own."""
    module = CROSSED.model.moment_equations(weighting="none").estimator(backend=backend).load()
    processor_seconds(module, min(rows, 10**5))  # imports, compiles, and fills the caches
    peak, first = memory.peak_of(lambda: processor_seconds(module, rows))
    repeats = 1 if first > SHORT else min(int(SHORT / first) + 3, 200)
    return (first if first > SHORT else median(processor_seconds(module, rows) for _ in range(repeats))), peak


def growth(backend: str) -> Growth:
    """All sizes by one backend."""
    start, _ = memory.in_own_process(one_size, backend, START_ROWS)
    found = []
    for rows in SIZES:
        found.append(memory.in_own_process(one_size, backend, rows))
        print(f"{backend}, {rows:.0e} rows: {found[-1][0]:.4g} s", flush=True)
    return Growth(backend, start, list(SIZES), [s for s, _ in found], [p for _, p in found])


def fits() -> list[Line]:
    """All packages on the same data."""
    found = []
    for n in FITS:
        for line in lines(CROSSED, n, AT_MOST):
            print(line, flush=True)
            found.append(line)
    return found


def table(growths: Sequence[Growth], found: Sequence[Line], settings: Mapping[str, Any]) -> str:
    """The figures in Markdown."""
    head = ["rows", *(f"{g.backend}, s | ns a row | MB" for g in growths)]
    shown = [
        "# What a fit costs",
        "",
        "Written by `python -m tests.benchmarks.linear_cost`, whose docstring says what is measured. "
        + ", ".join(f"{name} {value}" for name, value in settings.items())
        + ".",
        "",
        "## Components of two crossed factors in one pass, by generated modules",
        "",
        f"{USERS:,} and {ITEMS:,} levels, chunks of at most {CHUNK:,} rows; seconds of the processor. Memory is the",
        "peak of chunks and tables together.",
        "",
        f"| {' | '.join(head)} |",
        "|" + "---|" * (1 + 3 * len(growths)),
    ]
    for k, rows in enumerate(SIZES):
        cells = (
            f"{g.seconds[k]:.4g} | {1e9 * (g.seconds[k] - g.start) / (rows - START_ROWS):.1f} | {g.peaks[k] / 1e6:.1f}"
            for g in growths
        )
        shown.append(f"| {_power(rows)} | {' | '.join(cells)} |")
    shown.append("")
    shown += [
        f"- {g.backend}: exponent {g.exponent():.3f}; without the {1e3 * g.start:.2f} ms that the first {START_ROWS:,} "
        f"rows take, and without these: {g.exponent(without_start=True):.3f}; the ns a row are of the others, too."
        for g in growths
    ]
    shown += [
        "",
        "## The same data by moments and by likelihood",
        "",
        f"n/20 and n/200 levels; at most {AT_MOST:.0f} s a fit; a full fit has standard errors and the predictions of",
        "all effects. GPBoost is maximum likelihood; glmm, mixedlm, statsmodels and lme4 are REML.",
        "",
        HEAD,
        *(str(line) for line in found),
        "",
        *(f"- {ratio}" for ratio in ratios(found)),
    ]
    return "\n".join(shown) + "\n"


COLOURS = {  # that colour-blind readers tell apart; marks and lines differ as well
    "generated": "#0072b2",
    "two_step": "#1a1a1a",
    "two_step_numba": "#1a1a1a",
    "gpboost": "#d55e00",
    "glmm": "#009e73",
    "mixedlm": "#cc79a7",
    "statsmodels": "#e69f00",
    "lme4": "#8c8c8c",
}
MARKS = dict(zip(COLOURS, "oss^vDPX", strict=True))


def picture(growths: Sequence[Growth], found: Sequence[Line], target: Path) -> None:
    """Seconds and memory by rows, both on logarithmic scales, as SVG; the same bytes for the same numbers."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "momentalg", "font.size": 9, "svg.fonttype": "none"}):
        figure = Figure(figsize=(9.0, 4.4), layout="constrained")
        time_axes, memory_axes = figure.subplots(1, 2)
        for g in growths:
            style = {
                "color": COLOURS["generated"],
                "marker": MARKS["generated"],
                "markersize": 3.5,
                "linestyle": _dashes(g.backend),
            }
            label = f"components, generated {g.backend} (exponent {g.exponent(without_start=True):.2f})"
            time_axes.plot(g.rows, g.seconds, label=label, **style)
            memory_axes.plot(g.rows, np.array(g.peaks) / 1e6, label=f"streamed, {g.backend}", **style)
        for name in COLOURS:
            ours = name in ("two_step", "two_step_numba")
            points = [p for p in found if p.name in (name, f"momentalg, {name}") and p.full]
            if not points:
                continue
            style = {"color": COLOURS[name], "marker": MARKS[name], "markersize": 4.5}
            style["linestyle"] = _dashes("numba" if name.endswith("numba") else "numpy") if ours else ":"
            title = "momentalg" + (", numba" if name.endswith("numba") else "") if ours else name
            rows = [p.rows for p in points]
            time_axes.plot(rows, [p.full for p in points], label=f"full fit, {title}", **style)
            memory_axes.plot(rows, [(p.peak or np.nan) / 1e6 for p in points], label=f"full fit, {title}", **style)
        for axes, what in ((time_axes, "seconds"), (memory_axes, "MB beyond the data")):
            axes.set(xscale="log", yscale="log", xlabel="rows", ylabel=what)
            axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
            axes.minorticks_off()
            axes.spines[["top", "right"]].set_visible(False)
        figure.legend(*time_axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
        figure.suptitle("Two crossed factors: time and memory by rows")
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})


def _dashes(backend: str) -> str:
    return "-" if backend == "numpy" else "--"


def _power(rows: int) -> str:
    return f"10^{round(np.log10(rows))}"


def write(growths: Sequence[Growth], found: Sequence[Line], settings: Mapping[str, Any]) -> None:
    """The numbers, the table and the picture."""
    RESULTS.mkdir(exist_ok=True)
    numbers = {"settings": settings, "growth": [asdict(g) for g in growths], "fits": [asdict(line) for line in found]}
    (RESULTS / "cost.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "cost.md").write_text(table(growths, found, settings), encoding="utf-8")
    picture(growths, found, RESULTS / "cost.svg")


def main(arguments: Sequence[str]) -> int:
    """Measure and write; the exit code says whether the exponents are near 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", action="store_true", help="do not run the fits beside likelihood packages again")
    parser.add_argument("--redraw", action="store_true", help="measure nothing")
    given = parser.parse_args(arguments)
    growths, found = [], []
    if given.ours or given.redraw:
        numbers = json.loads((RESULTS / "cost.json").read_text(encoding="utf-8"))
        found = [Line(**line) for line in numbers["fits"]]
        growths, settings = [Growth(**g) for g in numbers["growth"]], numbers["settings"]
    if not given.redraw:
        growths = [growth(backend) for backend in backends()]
        settings = measured_with()
    if not given.redraw and not given.ours:
        found = fits()
        settings = measured_with()
    write(growths, found, settings)
    for g in growths:
        print(f"{g.backend}: exponent {g.exponent():.3f}, without the start {g.exponent(without_start=True):.3f}")
    return 0 if all(LEAST <= g.exponent(without_start=True) <= MOST for g in growths) else 1


def measured_with() -> dict[str, Any]:
    """What the figures were measured with."""
    found = {"Python": platform.python_version(), "NumPy": version("numpy"), "cores": os.cpu_count()}
    if hasattr(os, "getloadavg"):  # of all programs on the machine, over a quarter of an hour: 1 is a quiet one
        found["load"] = round(os.getloadavg()[2], 1)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
