"""The group-bys of one pass: which tables an estimator needs, and the aggregates in each of them.

What is wanted over all rows is taken per level of the table with the fewest label columns, and added up afterwards: a
file is read once for all of it, and rounding stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import narwhals.stable.v2 as nw

from momentalg.data.lazy.columns import Columns
from momentalg.data.lazy.rows import has_no_known_label, product, symbols
from momentalg.lower.arrays import Table
from momentalg.lower.ir import EstimatorIR, Powers
from momentalg.model.resolved import ResolvedModel

ROWS, SIZE = "rows", "size"  # of a level: all its rows, and those whose response is there
Kind = Literal["sum", "count", "min", "max"]


@dataclass
class Group:
    """A group-by: its label columns, and per level aggregates, by name, of expressions made from row symbols."""

    columns: Table
    suffix: str | None = None  # None: no table of the estimator, but asked for a fact
    aggregates: dict[str, tuple[Kind, Callable[[Mapping[str, Any]], Any]]] = field(default_factory=dict)
    sums: dict[Powers, str] = field(default_factory=dict)  # those of products of row symbols

    def add(self, name: str, kind: Kind, value: Any) -> None:
        """An aggregate of an expression of columns."""
        self.aggregates[name] = kind, lambda _symbols: value

    def add_sum(self, name: str, powers: Powers) -> None:
        """A sum of a product of row symbols, unless it is there."""
        if powers not in self.sums:
            self.sums[powers] = name
            self.aggregates[name] = "sum", partial(product, powers)

    def add_range(self, column: str, own: str) -> None:
        """The least and the largest value of a covariate."""
        for end in ("min", "max"):
            self.add(range_of(column, end), end, nw.col(own))


@dataclass(frozen=True)
class Groups:
    """All group-bys of an estimator; `whole` is the one that what is wanted over all rows is taken with."""

    tables: tuple[Group, ...]
    whole: Group

    def covering(self, table: Iterable[str]) -> Group | None:
        """The first group-by with at least these label columns."""
        return next((g for g in self.tables if set(g.columns) >= set(table)), None)


def about_mean(symbol: str) -> str:
    """The name of the row symbol that a slope is less a constant near its mean."""
    return f"about {symbol}"


def centred(ir: EstimatorIR) -> dict[str, str]:
    """What is near 0 on average, by the row symbol it is of: those that are shifted, and slopes less a constant."""
    return {r.name: r.name for r in ir.rows if r.shifted} | {s.name: about_mean(s.name) for s in ir.unshifted_slopes}


def range_of(column: str, end: Literal["min", "max"]) -> str:
    """The name of the least or largest value of a covariate."""
    return f"{end} of {column}"


def count_of(column: str) -> str:
    """The name of the number of rows where a column is there."""
    return f"count of {column}"


def strange(column: str) -> str:
    """The name of the number of rows whose label in a column is none of those known."""
    return f"strange in {column}"


def groups(ir: EstimatorIR, model: ResolvedModel, columns: Columns) -> Groups:
    """The group-bys that an estimator needs, with those that only declared facts need."""
    tables = {t.columns: Group(t.columns, t.suffix) for t in ir.tables}
    for accumulator in ir.accumulators:
        if accumulator.table is not None:
            tables[accumulator.table].add_sum(accumulator.name, accumulator.powers)
    for level in ir.levels:
        tables[level.table].add_range(level.column, columns.values[level.column])
    whole = min(tables.values(), key=lambda g: len(g.columns))
    for accumulator in ir.accumulators:
        if accumulator.table is None:
            whole.add_sum(accumulator.name, accumulator.powers)
    for symbol in centred(ir).values():
        whole.add_sum(f"first moment of {symbol}", ((symbol, 1),))
        whole.add_sum(f"second moment of {symbol}", ((symbol, 2),))
    for name, own in columns.names().items():
        if name not in whole.columns and name != ir.response:
            whole.add(count_of(name), "count", nw.col(own))
    for name in _unseen(ir, tables.values(), columns):
        whole.add_range(name, columns.values[name])
    if model.weights is not None:
        whole.add_range(model.weights, columns.values[model.weights])
    for coded in ir.coded:
        whole.add(strange(coded.column), "sum", has_no_known_label(coded, columns))
    found = Groups(tuple(tables.values()), whole)
    for variable, factor in model.constant_on.items():
        if variable.kind == "column" and variable.name in columns.values:
            table = model.table_of(factor)
            group = found.covering(table) or Group(table)
            group.add_range(variable.name, columns.values[variable.name])
            if group not in found.tables:
                found = Groups((*found.tables, group), whole)
    return found


def _unseen(ir: EstimatorIR, tables: Iterable[Group], columns: Columns) -> list[str]:
    """The covariates that only functions are summed of, so that the sums need not show where they are infinite."""
    summed = {r.column for r in ir.rows for g in tables if ((r.name, 1),) in g.sums} | {v.column for v in ir.levels}
    return [name for name in columns.values if name not in summed]


def query(group: Group, ir: EstimatorIR, columns: Columns, shifts: Mapping[str, float]) -> Any:
    """A group-by as a lazy frame, with the keys, `ROWS`, `SIZE`, and each aggregate under its place, as in ``a3``."""
    keys = [columns.keys[c] for c in group.columns]
    rows = symbols(ir, columns)
    rows |= {near: rows[name] - shifts[name] for name, near in centred(ir).items()}
    aggregates = list(enumerate(group.aggregates.values()))
    values = [value(rows).alias(f"r{k}") for k, (_, value) in aggregates]
    found = [getattr(nw.col(f"r{k}"), kind)().alias(f"a{k}") for k, (kind, _) in aggregates]
    there = nw.col(columns.values[ir.response]).alias(SIZE)
    complete = columns.frame.select(*keys, there, *values)
    return complete.group_by(*keys).agg(nw.len().alias(ROWS), nw.col(SIZE).count(), *found)
