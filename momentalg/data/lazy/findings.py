"""What the tables of a pass show that must not be: missing values, infinities, labels that are not known, broken facts.

The tables tell at no cost that something is wrong; a second look at the rows then says what.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from momentalg.data.columns import require_levels
from momentalg.data.lazy.columns import INFINITE, WIDE, Columns
from momentalg.data.lazy.groups import ROWS, Groups, count_of, range_of, strange
from momentalg.data.lazy.rows import has_no_known_label
from momentalg.data.lazy.tables import LevelTable
from momentalg.data.refusals import (
    called,
    infinite,
    missing_values,
    no_rows,
    not_constant,
    not_exact,
    not_positive,
    replicated,
    unseen_nan,
)
from momentalg.errors import DataError, NothingLeftError
from momentalg.lower.arrays import Table
from momentalg.lower.ir import EstimatorIR
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


def require_complete(tables: Sequence[LevelTable], found: Groups, columns: Columns, missing: str) -> None:
    """Raise `DataError` for no rows, for none that is complete, and for missing values that are refused."""
    whole = tables[found.tables.index(found.whole)]
    if whole.rows == 0:
        raise no_rows()
    counts = (whole.total(count_of(c)) for c in columns.names() if count_of(c) in whole.found)
    if missing == "refuse" and (any(t.n < t.rows for t in tables) or any(n < whole.rows for n in counts)):
        _refuse_missing(columns)
    if whole.n == 0:
        raise NothingLeftError(whole.rows)


def require_known(whole: LevelTable, ir: EstimatorIR, model: ResolvedModel, columns: Columns) -> None:
    """Raise `DataError` for a label of a fixed factor, or of a class, that is none of those declared."""
    for coded in ir.coded:
        if whole.total(strange(coded.column)) > 0:
            key = nw.col(columns.keys[coded.column])
            odd = columns.frame.filter(has_no_known_label(coded, columns) > 0).select(key).head(1).collect()
            require_levels(model, coded.column, odd[columns.keys[coded.column]].to_list())


def require_positive(whole: LevelTable, model: ResolvedModel) -> None:
    """Raise `DataError` for weights that are not positive."""
    if model.weights is not None and (least := whole.per_level(range_of(model.weights, "min")).min()) <= 0:
        raise not_positive(model.weights, float(least))


def require_finite(tables: Iterable[LevelTable], columns: Columns, otherwise: str) -> None:
    """Raise `DataError` for what is not finite, naming the column, or by the message `otherwise` where none is."""
    if not all(table.is_finite() for table in tables):
        refuse_infinite(columns, otherwise)


def refuse_infinite(columns: Columns, otherwise: str) -> None:
    """Raise `DataError`, naming the first column that is infinite somewhere, or by the message `otherwise`."""
    flags = {name: nw.col(own).abs() == INFINITE for name, own in columns.values.items()}
    counts, _ = _counted(columns, list(flags.values()))
    for name, count in zip(flags, counts, strict=True):
        if count and isinstance(columns.types[name], WIDE):
            raise not_exact(name)
        if count:
            raise infinite(name, count)
    nan = {name: nw.col(own).cast(nw.String).str.to_lowercase() == "nan" for name, own in columns.values.items()}
    counts, _ = _counted(columns, list(nan.values()))
    for name, count in zip(nan, counts, strict=True):
        if count:
            raise unseen_nan(f"{name!r} is NaN in {count} rows")
    raise DataError(otherwise)


def require_facts(tables: Sequence[LevelTable], found: Groups, model: ResolvedModel, columns: Columns) -> None:
    """Check what the model declares of the design, as `momentalg.data.columns.require_facts` does."""
    for variable, factor in model.constant_on.items():
        table = model.table_of(factor)
        group = found.covering(table)
        if group is not None and variable.kind == "column" and variable.name in columns.values:
            level_table = tables[found.tables.index(group)]
            _require_constant(level_table, variable.name, factor, table)
    for factor in sorted(model.unreplicated):
        _require_single(tables, found, factor, model.table_of(factor), columns)


def _require_constant(cells: LevelTable, name: str, factor: Table, table: Table) -> None:
    first, level = _levels(cells, table)
    low, high = (cells.per_level(range_of(name, end)) for end in ("min", "max"))
    least, most = low[first], high[first]
    np.minimum.at(least, level, low)
    np.maximum.at(most, level, high)
    if (least != most).any():
        at = int((least != most).argmax())
        both = f"{least[at]:g} and {most[at]:g}"
        raise not_constant(name, factor, f"at {_named(cells, factor, first[at])} it is both {both}")


def _require_single(tables: Sequence[LevelTable], found: Groups, factor: Table, table: Table, columns: Columns) -> None:
    group = found.covering(table)
    if group is not None:
        cells = tables[found.tables.index(group)]
        first, level = _levels(cells, table)
        sizes = np.bincount(level, weights=cells.size)
        if not (sizes > 1).any():
            return
        at = int((sizes > 1).argmax())
        named, size, count = _named(cells, factor, first[at]), int(sizes[at]), int((sizes > 1).sum())
    else:
        keys = [columns.keys[c] for c in table]
        there = reduce(or_, (nw.col(own).is_null() for own in columns.names().values()))
        counted = columns.frame.filter(~there).select(*keys).group_by(*keys).agg(nw.len().alias(ROWS))
        repeated = counted.filter(nw.col(ROWS) > 1)
        count = int(repeated.select(nw.len()).collect().item())
        if not count:
            return
        one = repeated.head(1).collect()
        named, size = called(factor, [one[columns.keys[c]].to_list()[0] for c in factor]), int(one[ROWS][0])
    raise replicated(factor, f"{named} has {size}; {count} cells have more than one")


def _levels(cells: LevelTable, table: Table) -> tuple[Array, Array]:
    """The first cell of each level of a coarser table, and for each cell its level."""
    if tuple(cells.labels) == tuple(table):
        return np.arange(len(cells.size)), np.arange(len(cells.size))
    code = np.zeros(len(cells.size), dtype=np.int64)
    for column in table:
        _, more = np.unique(cells.labels[column], return_inverse=True)
        _, code = np.unique(code * (more.max() + 1) + more, return_inverse=True)
    _, first, level = np.unique(code, return_index=True, return_inverse=True)
    return first, level


def _named(cells: LevelTable, factor: Table, row: int) -> str:
    return called(factor, [cells.labels[c][row].item() for c in factor])


def _refuse_missing(columns: Columns) -> None:
    gone = {name: nw.col(own).is_null() for name, own in columns.names().items()}
    (count, *counts), rows = _counted(columns, [reduce(or_, gone.values()), *gone.values()])
    raise missing_values(count, rows, {name: n for name, n in zip(gone, counts, strict=True) if n})


def _counted(columns: Columns, conditions: Sequence[Any]) -> tuple[list[int], int]:
    """In how many rows conditions hold, and the number of rows."""
    flags = [nw.when(c).then(nw.lit(1)).otherwise(nw.lit(0)).alias(f"m{k}") for k, c in enumerate(conditions)]
    sums = [nw.col(f"m{k}").sum() for k in range(len(flags))]
    found = columns.frame.select(*flags).select(*sums, nw.len().alias(ROWS)).collect()
    return [int(found[f"m{k}"].to_list()[0] or 0) for k in range(len(flags))], int(found[ROWS].to_list()[0])
