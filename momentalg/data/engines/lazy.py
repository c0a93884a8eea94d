"""Data in any lazy frame, by group-by pushdown: its own engine does one pass, and tables of levels come back.

A first look at a few rows gives the shifts that sums are taken about. Should these turn out to be far from the means,
as they may be in sorted data, the pass is done again about the means that it found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Any

from momentalg.data.engines.engine import Part, Task
from momentalg.errors import DataError

if TYPE_CHECKING:
    from momentalg.data.lazy.columns import Columns
    from momentalg.data.lazy.groups import Groups
    from momentalg.data.lazy.tables import LevelTable

FIRST = 1000  # rows of the first look
FAR = 10.0  # standard deviations between shift and mean, beyond which sums lose digits that can be had
ROUNDING = 1e-15  # of a mean

Collect = Callable[[Sequence[Any]], Sequence[Any]]
"""Computes lazy frames of narwhals, all of which read the same rows, into frames in memory."""

First = Callable[[Any], Any]
"""Some of the rows of a lazy frame, as a lazy frame that costs little to compute."""


def one_by_one(frames: Sequence[Any]) -> Sequence[Any]:
    """Each lazy frame computed by itself."""
    return [frame.collect() for frame in frames]


def first_rows(frame: Any) -> Any:
    """The first rows."""
    return frame.head(FIRST)


@contextmanager
def told_by(title: str, *packages: str) -> Iterator[None]:
    """Turn what the packages of an engine raise, of memory, disks, damaged files and values, into `DataError`.

    What narwhals raises is of the engine too: it gives some of its errors names of its own.
    """
    try:
        yield
    except BaseException as error:  # a panic of Polars is no `Exception`
        if type(error).__module__.split(".")[0] not in (*packages, "narwhals", "pyo3_runtime"):
            raise
        raise DataError(f"{title} could not compute the sums: {next(iter(str(error).splitlines()), '')}") from error


def accumulate(task: Task, data: Any, collect: Collect = one_by_one, first: First = first_rows) -> Part:
    """The sums of a lazy frame of any kind; `collect` and `first` are what an engine has something better for."""
    from momentalg.data.lazy import columns, findings, groups

    read = columns.read(task.model, data)
    if task.missing == "drop":
        read = read.without_missing()
    asked = groups.groups(task.ir, task.model, read)
    shifts = _first_look(task, read, collect, first)
    tables = _pass(task, read, asked, shifts, collect)
    findings.require_complete(tables, asked, read, task.missing)
    whole = tables[asked.tables.index(asked.whole)]
    findings.require_known(whole, task.ir, task.model, read)
    findings.require_positive(whole, task.model)
    findings.require_finite(tables, read, task.module.NOT_FINITE)
    means = _far(task, asked, whole, shifts)
    if means:
        tables = _pass(task, read, asked, shifts | means, collect)
        whole = tables[asked.tables.index(asked.whole)]
        shifts |= means
    findings.require_facts(tables, asked, task.model, read)
    return Part(_sums(task, asked, tables, shifts), whole.n, whole.rows - whole.n)


def _first_look(task: Task, read: Columns, collect: Collect, first: First) -> dict[str, float]:
    """The means of what is to be centred in the first rows that have it, or else in all rows."""
    from momentalg.data.lazy.groups import centred
    from momentalg.data.lazy.rows import symbols

    known = symbols(task.ir, read)
    names = list(centred(task.ir))
    means = [known[name].mean().alias(f"s{k}") for k, name in enumerate(names)]
    found: list[Any] = []
    for frame in (first(read.frame), read.frame) if names else ():
        (seen,) = collect([frame.select(*means)])
        found = [seen[f"s{k}"].to_list()[0] for k in range(len(names))]
        if all(value is not None and isfinite(value) for value in found):
            break
    return {n: float(v) if v is not None and isfinite(v) else 0.0 for n, v in zip(names, found, strict=True)}


def _pass(
    task: Task, read: Columns, asked: Groups, shifts: Mapping[str, float], collect: Collect
) -> tuple[LevelTable, ...]:
    """The tables of one pass about some shifts."""
    from momentalg.data.lazy.groups import query
    from momentalg.data.lazy.tables import level_table

    found = collect([query(group, task.ir, read, shifts) for group in asked.tables])
    return tuple(level_table(f, g, read, task.model) for f, g in zip(found, asked.tables, strict=True))


def _moments(asked: Groups, whole: LevelTable, near: str) -> tuple[float, float]:
    """The sum and the sum of squares of what is near 0, over all rows."""
    first, second = (whole.total(asked.whole.sums[((near, power),)]) for power in (1, 2))
    return first, second


def _far(task: Task, asked: Groups, whole: LevelTable, shifts: Mapping[str, float]) -> dict[str, float]:
    """The means of what was summed far from its mean."""
    from momentalg.data.lazy.groups import centred

    found = {}
    for name, near in centred(task.ir).items():
        first, second = _moments(asked, whole, near)
        away = first / whole.n
        spread = max(second / whole.n - away**2, 0.0) ** 0.5
        if abs(away) > FAR * spread + ROUNDING * abs(shifts[name]):
            found[name] = shifts[name] + away
    return found


def _sums(task: Task, asked: Groups, tables: Sequence[LevelTable], shifts: Mapping[str, float]) -> dict[str, Any]:
    """The tables in the format of generated modules."""
    from momentalg.data.lazy.groups import about_mean, range_of

    found: dict[str, Any] = {}
    for group, table in zip(asked.tables, tables, strict=True):
        if group.suffix is not None:
            found[f"level{group.suffix}"], found[f"size{group.suffix}"] = table.level, table.size
    by_columns = {group.columns: table for group, table in zip(asked.tables, tables, strict=True)}
    whole = by_columns[asked.whole.columns]
    for sum_ in task.ir.accumulators:
        if sum_.table is None:
            found[sum_.name] = whole.total(asked.whole.sums[sum_.powers])
        else:
            found[sum_.name] = by_columns[sum_.table].per_level(sum_.name)
    for level in task.ir.levels:
        found[level.name] = by_columns[level.table].per_level(range_of(level.column, "min"))
    for slope in task.ir.unshifted_slopes:
        first, second = _moments(asked, whole, about_mean(slope.name))
        found[f"mean_{slope.name}"] = shifts[slope.name] + first / whole.n
        found[f"squares_{slope.name}"] = second - first**2 / whole.n
    return found | {f"shift_{row.name}": shifts[row.name] for row in task.ir.rows if row.shifted}
