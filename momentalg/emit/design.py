"""The design of data in a report: rows, levels, their sizes, and how factors meet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import Columns, cell_tables, read_columns
from momentalg.emit.tables import Facts, Grid
from momentalg.expr.names import join_factor
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    from momentalg.data.tables import CellTables

MOST_PAIRS = 10
"""So many pairs of factors are described."""
MOST_LEVELS = 12
"""So many levels of a fixed factor are listed with their numbers of observations."""


def data_facts(data: Any, model: ResolvedModel) -> Facts:
    """What the data are: rows, and how pairs of factors meet. Rows with missing values are left out, and counted."""
    columns = read_columns(data, model, missing="drop")
    tables = cell_tables(columns.arrays, columns.labels, model)
    found = [("Observations", f"{columns.n}")]
    if columns.dropped:
        found.append(("Dropped", f"{columns.dropped} rows with missing values"))
    factors = _factors(model)
    if len(factors) == 1:
        (factor,) = factors
        found.append((f"Levels of {join_factor(factor)}", f"{_levels(tables, factor)}"))
        average = f"{tables.rows / _levels(tables, factor):.4g}"
        spread = _spread(tables, factor)
        found.append(("Observations in a level", spread if spread == average else f"{spread}, on average {average}"))
    found += [(f"{join_factor(a)} and {join_factor(b)}", _meeting(tables, a, b)) for a, b in _pairs(model)]
    found += [(name, _counted(columns, name)) for name in model.coded]
    found.append((f"Mean of {model.response}", f"{columns.arrays[model.response].mean():.6g}"))
    return tuple(found)


def _counted(columns: Columns, name: str) -> str:
    """The levels of a fixed factor, with the number of observations of each."""
    import numpy as np

    counts = np.bincount(columns.arrays[name], minlength=len(columns.labels[name]))
    pairs = sorted(zip(map(str, columns.labels[name]), counts.tolist(), strict=True))
    shown = ", ".join(f"{label}: {count}" for label, count in pairs[:MOST_LEVELS])
    return f"{shown}, ... ({len(pairs)} levels)" if len(pairs) > MOST_LEVELS else shown


def design_grid(data: Any, model: ResolvedModel) -> Grid | None:
    """The levels of several factors and of their intersections; a single factor is told in words."""
    columns = read_columns(data, model, missing="drop")
    tables = cell_tables(columns.arrays, columns.labels, model)
    factors = _factors(model)
    if len(factors) == 1:
        return None
    cells = [tuple(c for c in model.columns if c in {*a, *b}) for a, b in _pairs(model)]
    extra = [c for c in cells if not any(set(c) == set(f) for f in factors) and not _nested_pair(c, tables, factors)]
    rows = [
        (join_factor(f), f"{_levels(tables, f)}", _spread(tables, f), f"{tables.rows / _levels(tables, f):.4g}")
        for f in (*factors, *dict.fromkeys(extra))
    ]
    return Grid(("factor", "levels", "observations in a level", "on average"), tuple(rows))


def _factors(model: ResolvedModel) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(block.factor for block in model.groups))


def _pairs(model: ResolvedModel) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Pairs of factors of which none is an intersection with the other; one for each set of columns."""
    found: dict[frozenset[str], tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for a, b in combinations(_factors(model), 2):
        if not set(a) <= set(b) and not set(b) <= set(a):
            found.setdefault(frozenset((*a, *b)), (a, b))
    return list(found.values())[:MOST_PAIRS]


def _levels(tables: CellTables, factor: tuple[str, ...]) -> int:
    return len(tables.cells(factor)[0])


def _spread(tables: CellTables, factor: tuple[str, ...]) -> str:
    sizes = tables.sizes(factor)
    low, high = int(sizes.min()), int(sizes.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _nested_pair(cell: tuple[str, ...], tables: CellTables, factors: list[tuple[str, ...]]) -> bool:
    """Whether a cell is a level of a factor that lies within another, and so says nothing new."""
    return any(set(f) < set(cell) and _levels(tables, cell) == _levels(tables, f) for f in factors)


def _meeting(tables: CellTables, a: tuple[str, ...], b: tuple[str, ...]) -> str:
    """How two factors meet in the data."""
    cell = tuple(dict.fromkeys((*a, *b)))
    first, second, occur = (_levels(tables, f) for f in (a, b, cell))
    if occur == second:
        return f"a level of {join_factor(b)} lies in one level of {join_factor(a)}"
    if occur == first:
        return f"a level of {join_factor(a)} lies in one level of {join_factor(b)}"
    sizes = tables.sizes(cell)
    replicated = int((sizes > 1).sum())
    possible = f"{occur} of {first * second} cells occur"
    if not replicated:
        return f"crossed; {possible}, each with one observation"
    return f"crossed; {possible}, {', '.join(_replication(replicated, occur, int(sizes.max())))}"


def _replication(replicated: int, occur: int, most: int) -> Iterator[str]:
    yield f"{'all' if replicated == occur else replicated} with replicates, up to {most}"
