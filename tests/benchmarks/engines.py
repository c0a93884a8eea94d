"""Passes in memory: generated modules against a pass by hand, against reading, and against group-bys of other engines.

    python -m tests.benchmarks.engines                       10^6 rows
    python -m tests.benchmarks.engines -n 10000000 crossed   10^7 rows of the design with this word

All sides run in turns in one process; an entry is a median. Engines that are not installed are left out by name.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

from momentalg.errors import UnsupportedError
from tests.benchmarks import memory, passes
from tests.benchmarks.rows import CROSSED, DESIGNS, ONE_WAY, SLOPES_OF_USERS, Columns, Design, nbytes
from tests.benchmarks.timing import Measurement, interleaved_calls

MEASURED = (ONE_WAY, CROSSED, SLOPES_OF_USERS)
HAND, THIRD, TEXT = 1.15, 1 / 3, 1.2
READ = {"numpy": {10**6: 15.0, 10**7: 20.0}, "numba": {10**6: 4.0, 10**7: 6.0}}  # of the crossed design
EXTRA = {"numpy": 0.6, "numba": 0.1}  # of the size of the data


@cache
def backends() -> tuple[str, ...]:
    """Those that are there of the languages that generated Python modules may be in."""
    return tuple(name for name in ("numpy", "numba") if available(name))


def available(backend: str) -> bool:
    """Whether modules can be generated and run; says so where they cannot."""
    if backend == "numba" and not passes.installed("numba"):
        print("left out: numba, which is not installed")
        return False
    try:
        ONE_WAY.model.moment_equations(weighting="none").estimator(backend=backend)
    except UnsupportedError as error:
        print(f"left out: {backend} ({error})")
        return False
    return True


def measured(design: Design, n: int, repeats: int, by_user: bool = False) -> Iterator[Measurement]:
    """All ratios of a design of n rows, after checking that passes agree.

    What runs on one core is compared by the processor's time; numba, Polars and DuckDB take both, and go by the clock.
    """
    columns = design.data(n, by_user=by_user)
    ours: dict[str, Callable[[], object]] = {name: passes.generated(design, columns, name) for name in backends()}
    calls = {"by hand": passes.by_hand(design, columns), "numpy": ours["numpy"]}
    require_same({**calls, **ours})
    calls["read"] = passes.read_limit(columns)
    seconds = interleaved_calls(calls, repeats)
    name = f"{design.name}{', by user' if by_user else ''}, {n:.0e} rows".replace("e+0", "e")
    yield _ratio(f"numpy: {name}", "by hand", seconds["numpy"], seconds["by hand"], HAND)
    yield _ratio(f"numpy: {name}", "read limit", seconds["numpy"], seconds["read"], _limit("numpy", design, n))
    del calls["by hand"]
    others = {e: f(design, columns) for e, f in passes.GROUP_BYS.items() if _present(e)}
    by_clock = interleaved_calls({**calls, **ours, **others}, repeats, time.perf_counter)
    for backend in ours:
        if backend == "numba":
            yield _ratio(
                f"{backend}: {name}", "read limit", by_clock[backend], by_clock["read"], _limit(backend, design, n)
            )
        for engine in others:
            yield _ratio(f"{backend}: {name}", engine, by_clock[backend], by_clock[engine], THIRD)


def _limit(backend: str, design: Design, n: int) -> float:
    return READ[backend].get(n, np.inf) if design is CROSSED else np.inf


def require_same(calls: dict[str, Callable[[], object]]) -> None:
    """Raise RuntimeError unless all passes give the same sums."""
    expected = calls["by hand"]()
    for name, call in calls.items():
        found = call()
        assert isinstance(found, dict)
        assert isinstance(expected, dict)
        for key, values in expected.items():
            if not np.allclose(found[key], values, rtol=1e-9, atol=1e-8):
                raise RuntimeError(f"{key!r} by {name} and by hand differ")


def from_text(design: Design, n: int, repeats: int) -> Measurement:
    """End to end, from a frame whose labels are text, in units of pandas' factorize and the pass by hand."""
    import pandas as pd

    columns = design.data(n)
    words = {f: pd.array([f"{f}{k}" for k in columns[f].tolist()], dtype="str") for f in design.factors}
    frame = pd.DataFrame({**columns, **words})
    model = design.model

    def factorised() -> object:
        codes = {f: pd.factorize(frame[f])[0] for f in design.factors}
        return passes.by_hand(design, {**{name: frame[name].to_numpy() for name in columns}, **codes})()

    calls = {"momentalg": lambda: model.sums(frame, weighting="none"), "by hand": factorised}
    seconds = interleaved_calls(calls, repeats)
    name = f"from text: {design.name}, {n:.0e} rows".replace("e+0", "e")
    return _ratio(name, "factorize, hand", seconds["momentalg"], seconds["by hand"], TEXT)


def extra_memory(design: Design, n: int, backend: str) -> Measurement:
    """The peak of a pass beyond the data, as a multiple of the data."""
    columns = design.data(n)
    size = nbytes(columns)
    with memory.on_disk(columns) as folder:
        del columns
        peak, tables = memory.in_own_process(peak_of_pass, design.name, folder, backend)
    return Measurement(
        what=f"{backend}: {design.name}, {n:.0e} rows: memory".replace("e+0", "e"),
        unit="the data",
        ratio=peak / size,
        limit=EXTRA[backend],
        seconds={},
        notes={"MB of data": size / 1e6, "MB beyond": peak / 1e6, "MB of sums, which are in it": tables / 1e6},
    )


def peak_of_pass(name: str, folder: str, backend: str) -> tuple[int, int]:
    """The peak, and the size of the sums, in a process of its own."""
    design = DESIGNS[name]
    passes.generated(design, design.data(1000), backend)()  # imports, compiles and warms up
    columns: Columns = memory.loaded(folder)
    peak, sums = memory.peak_of(passes.generated(design, columns, backend))
    return peak, sum(values.nbytes for values in sums.values() if isinstance(values, np.ndarray))


def _ratio(what: str, unit: str, seconds: float, of: float, limit: float) -> Measurement:
    return Measurement(what, unit, seconds / of, limit, {what: seconds, unit: of})


@cache
def _present(engine: str) -> bool:
    if not passes.installed(engine):
        print(f"left out: {engine}, which is not installed")
        return False
    return True


def measure() -> list[Measurement]:
    """The quick ones: 10^6 rows."""
    n = 10**6
    found = [m for design in MEASURED for m in measured(design, n, repeats=7) if np.isfinite(m.limit)]
    found.append(from_text(ONE_WAY, n, repeats=5))
    if memory.measurable():
        found += [extra_memory(CROSSED, n, backend) for backend in backends()]
    return found


def shown(measurement: Measurement) -> str:
    """A line of the table."""
    limit = f"{measurement.limit:6.2f}" if np.isfinite(measurement.limit) else "     -"
    parts = ", ".join(f"{name} {1e3 * s:.4g} ms" for name, s in measurement.seconds.items())
    notes = ", ".join(f"{name} {value:.3g}" for name, value in measurement.notes.items())
    mark = "" if measurement.holds else " (over)"
    return f"| {measurement.what} | {measurement.unit} | {measurement.ratio:.3f}{mark} | {limit} | {parts}{notes} |"


def main(arguments: Sequence[str]) -> int:
    """Print all ratios of the designs that are asked for, and the memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="of the names of designs: one-way, crossed, slope; all without")
    parser.add_argument("-n", type=int, default=10**6, help="rows")
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args(arguments)
    designs = [d for d in MEASURED if not given.words or any(word in d.name for word in given.words)]
    if not designs:
        parser.error(f"no design with {' or '.join(given.words)}; there are {', '.join(d.name for d in MEASURED)}")
    print("| what | in units of | ratio | limit | behind it |\n|---|---|---|---|---|")
    results = []
    for design in designs:
        for by_user in (False, True):
            for measurement in measured(design, given.n, given.repeats, by_user):
                results.append(measurement)
                print(shown(measurement), flush=True)
        results.append(from_text(design, given.n, given.repeats // 2))
        print(shown(results[-1]), flush=True)
        for backend in backends() if memory.measurable() else ():
            results.append(extra_memory(design, given.n, backend))
            print(shown(results[-1]), flush=True)
    if not memory.measurable():
        print("left out: memory, which only Linux tells")
    return 0 if all(m.holds for m in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
