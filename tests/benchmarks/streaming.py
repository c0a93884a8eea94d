"""Data that are larger than memory: rows drawn on the fly, and folders of Parquet files.

    python -m tests.benchmarks.streaming                    10^7 and 10^8 rows drawn; 10^7 rows in files
    python -m tests.benchmarks.streaming --billion          10^9 rows drawn as well
    python -m tests.benchmarks.streaming --only files -n 100000000

Drawn: `model.sums` is given an iterator of chunks. Seconds are of accumulating alone, since drawing takes as long; the
peak is beyond what the process has before, and holds chunks and tables. Files: `model.sums` of a pattern by each
engine, in units of what the engine's own scan and group-by of the same statistics takes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from momentalg.data.engines.engine import engines
from momentalg.errors import MomentalgError
from tests.benchmarks import memory
from tests.benchmarks.rows import DESIGNS, MEAN, ONE_WAY, SLOPES_OF_USERS, Columns, Stream
from tests.benchmarks.timing import Measurement, interleaved_calls

DRAWN = (10**7, 10**8)
BILLION = 10**9
SCAN, FLAT, LINEAR = 1.3, 1.1, 1.1  # most that files take; most that peak, and time per row, grow with the rows
ROWS_OF_A_FILE = 1_000_000


class Timed:
    """An iterator that tells how long its chunks took to make."""

    def __init__(self, chunks: Iterator[Columns]) -> None:
        self._chunks, self.seconds = chunks, 0.0

    def __iter__(self) -> Timed:
        return self

    def __next__(self) -> Columns:
        start = time.process_time()
        try:
            return next(self._chunks)
        finally:
            self.seconds += time.process_time() - start


def drawn(rows: int, design_name: str, engine: str | None) -> dict[str, Any]:
    """Peak bytes, the processor's seconds of accumulating and estimates of so many rows; in a process of its own."""
    design = DESIGNS[design_name]
    model = design.model
    model.fit(iter(Stream(2000, design, levels=20)), engine=engine).estimates.items()
    chunks = Timed(iter(Stream(rows, design)))
    start = time.process_time()
    peak, fit = memory.peak_of(lambda: model.fit(chunks, engine=engine))
    seconds = time.process_time() - start - chunks.seconds
    return {"peak": peak, "seconds": seconds, "drawing": chunks.seconds, "estimates": dict(fit.estimates)}


def drawn_table(sizes: Sequence[int], engine: str | None) -> bool:
    """Print the table of rows drawn on the fly; whether memory is flat and time linear."""
    print("| design | rows | accumulating, processor s | ns a row | drawing, s | peak, MB | estimates |")
    print("|---|---|---|---|---|---|---|")
    holds = True
    for design in (ONE_WAY, SLOPES_OF_USERS):
        found = []
        for rows in sizes:
            one = memory.in_own_process(drawn, rows, design.name, engine)
            found.append(one)
            shown = ", ".join(f"{key} {value:.4f}" for key, value in one["estimates"].items()).replace("|", "\\|")
            print(
                f"| {design.name} | {rows:.0e} | {one['seconds']:.2f} | {1e9 * one['seconds'] / rows:.1f} | "
                f"{one['drawing']:.2f} | {one['peak'] / 1e6:.1f} | {shown} |".replace("e+0", "e"),
                flush=True,
            )
        peaks = [one["peak"] for one in found]
        per_row = [one["seconds"] / rows for one, rows in zip(found, sizes, strict=True)]
        grown = [max(values) / values[0] if values[0] else 1.0 for values in (peaks, per_row)]
        print(f"\n{design.name}: the peak grows by {grown[0]:.3f}, the time per row by {grown[1]:.3f}\n")
        holds &= grown[0] <= FLAT and grown[1] <= LINEAR
    return holds


def written(folder: Path, rows: int) -> str:
    """The pattern of Parquet files that are written into a folder, a million rows each."""
    import pyarrow as pa
    from pyarrow import parquet

    for k, columns in enumerate(Stream(rows, chunk=ROWS_OF_A_FILE)):
        parquet.write_table(pa.table(columns), folder / f"part-{k:04}.parquet")
    return str(folder / "*.parquet")


def own_duckdb(pattern: str) -> object:
    """Scan and group by, in DuckDB's SQL; the shift is known."""
    import duckdb

    centred = f"(y - {MEAN})"
    columns = f"user, count(*), sum({centred}), sum({centred} * {centred})"
    return duckdb.connect().execute(f"select {columns} from read_parquet('{pattern}') group by user").fetchnumpy()


def own_polars(pattern: str) -> object:
    """Scan and group by, in Polars' streaming engine."""
    import polars as pl

    y = pl.col("y") - MEAN
    grouped = pl.scan_parquet(pattern).group_by("user").agg(pl.len(), y.sum().alias("sum"), (y * y).sum().alias("sum2"))
    return grouped.collect(engine="streaming")


def own_numpy(pattern: str) -> object:
    """File by file, read by Arrow and added by bincount: what a careful person writes."""
    from pyarrow import parquet

    size, total, squares = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    for path in sorted(Path(pattern).parent.glob(Path(pattern).name)):
        table = parquet.read_table(path)
        user, y = table["user"].to_numpy(), table["y"].to_numpy() - MEAN
        parts = np.bincount(user), np.bincount(user, y), np.bincount(user, y * y)
        length = max(len(size), len(parts[0]))
        size, total, squares = (
            np.pad(old, (0, length - len(old))) + np.pad(new, (0, length - len(new)))
            for old, new in zip((size, total, squares), parts, strict=True)
        )
    return size, total, squares


OWN: dict[str, Callable[[str], object]] = {"numpy": own_numpy, "duckdb": own_duckdb, "polars": own_polars}


def files(rows: int, repeats: int) -> Iterator[Measurement]:
    """By engine, the sums of a folder in units of its own scan and group-by, after checking that all agree."""
    if find_spec("pyarrow") is None:
        print("left out: files, since pyarrow, which writes them, is not installed")
        return
    model, known = ONE_WAY.model, engines()
    with tempfile.TemporaryDirectory() as folder:
        pattern = written(Path(folder), rows)
        calls: dict[str, Callable[[], object]] = {}
        for name, own in OWN.items():
            if name not in known or not known[name].is_present:
                print(f"left out: the engine {name}, which is not there")
                continue
            calls |= {name: partial(model.sums, pattern, engine=name), f"{name}'s own": partial(own, pattern)}
        expected = model.fit(Stream(rows, chunk=ROWS_OF_A_FILE).__iter__()).estimates
        for name in (n for n in OWN if n in calls):
            found = model.fit(pattern, engine=name).estimates
            worst = max(abs(found[key] / expected[key] - 1) for key in expected)
            if worst > 1e-9:
                raise RuntimeError(f"{name} differs from the stream by {worst:.1e}")
        seconds = interleaved_calls(calls, repeats, time.perf_counter)
        for name in (n for n in OWN if n in calls):
            taken, own_taken = seconds[name], seconds[f"{name}'s own"]
            yield Measurement(
                f"{name}: Parquet, {rows:.0e} rows".replace("e+0", "e"),
                "its own scan",
                taken / own_taken,
                SCAN,
                {"sums": taken, "own": own_taken},
            )


def main(arguments: Sequence[str]) -> int:
    """Print what is asked for; the exit code says whether all is within the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["drawn", "files"])
    parser.add_argument("--billion", action="store_true", help="draw 10^9 rows as well")
    parser.add_argument("--engine", help="of rows that are drawn: numpy or numba")
    parser.add_argument("-n", type=int, default=10**7, help="rows in files")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(arguments)
    holds = True
    if given.only != "files":
        try:
            holds = drawn_table((*DRAWN, *[BILLION] * given.billion), given.engine)
        except MomentalgError as error:
            print(f"left out: {given.engine} ({error})")
    if given.only != "drawn":
        for m in files(given.n, given.repeats):
            mark = "" if m.holds else ", over the limit"
            parts = ", ".join(f"{name} {value:.3f} s" for name, value in m.seconds.items())
            print(f"{m.what}: {m.ratio:.2f} of {m.unit} (limit {m.limit}{mark}); {parts}", flush=True)
            holds &= m.holds
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
