"""Results of queries become the sums of a generated NumPy module, whose `combine` and `solve` take them from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.data.coding import codes
from momentalg.data.columns import numbers
from momentalg.data.engines.engine import Part
from momentalg.data.frames import select
from momentalg.data.labels import in_order, local, plain, together
from momentalg.data.queries.names import ROWS, Kept, Names
from momentalg.data.refusals import missing_values, no_rows, not_constant, not_told_apart, replicated, require_missing
from momentalg.errors import DataError, NothingLeftError
from momentalg.lower.ir import EstimatorIR

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, repr=False)
class Results:
    """The results of all queries of an estimator, frames of any kind by the name of the query: data to fit."""

    ir: EstimatorIR
    frames: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<Results of queries for {self.ir.formula}: {', '.join(self.frames) or 'none'}>"

    def require(self, ir: EstimatorIR) -> None:
        """Raise `DataError` where another estimator would have other sums accumulated."""
        if _accumulated(self.ir) != _accumulated(ir):
            made = ir.code.removesuffix(".estimator()") or "the model's own moment equations"
            found = f"{self.ir.formula} with {self.ir.statistics or 'statistics of its own'}"
            raise DataError(
                f"these are results of queries of {found}, which are not the sums that this fit needs; generate its "
                f"queries: {made}.estimator('sql')"
            )


def _accumulated(ir: EstimatorIR) -> tuple[Any, ...]:
    return ir.response, ir.tables, ir.rows, ir.levels, ir.coded, ir.accumulators, ir.unshifted_slopes, ir.facts


def part_of(ir: EstimatorIR, results: Mapping[str, Any], missing: str, local_to: Mapping[str, str]) -> Part:
    """The sums in the results of all queries, frames of any kind by the name of the query.

    `local_to` says which label columns are local to another one: their labels are called as in ``batch:cask``.
    Raises `DataError` for rows that cannot be used, and for results that do not belong together.
    """
    require_missing(missing)
    names = Names(ir)
    absent = [name for name in (ROWS, *(kept.query for kept in names.kept)) if name not in results]
    if absent:
        raise DataError(
            f"there is no result of the query {absent[0]!r}; there are {', '.join(map(repr, results)) or 'none'}"
        )
    rows = Rows(names, select(results[ROWS], [names.own[symbol] for symbol in names.checks]))
    complete, dropped = rows.counted(missing)
    shifts = {f"shift_{s}": rows.number(f"shift_{s}") for s in names.shifted}
    table: dict[str, Any] = dict(shifts)
    for slope in ir.unshifted_slopes:
        table |= {f"{what}_{slope.name}": rows.number(f"{what}_{slope.name}") for what in ("mean", "squares")}
    for kept in names.kept:
        table |= _sums(names, kept, results[kept.query], shifts, complete, local_to)
    return Part(table, complete, dropped)


@dataclass(frozen=True)
class Rows:
    """The one row of the query that checks the rows."""

    names: Names
    frame: Any

    def __post_init__(self) -> None:
        if len(self.frame) != 1:
            raise DataError(f"the result of the query {ROWS!r} has {len(self.frame)} rows; it must have one")

    def number(self, symbol: str) -> float:
        """A number in the row, NaN where there is none."""
        name = self.names.own[symbol]
        return float(numbers(self.frame[name], name)[0])

    def counted(self, missing: str) -> tuple[int, int]:
        """The number of rows that are in the sums, and of those left out; `DataError` when there are others."""
        total, complete = (int(self.number(symbol)) for symbol in ("rows", "complete"))
        if total == 0:
            raise no_rows()
        if complete < total and missing == "refuse":
            counts = {r.column: int(self.number(f"missing_{r.name}")) for r in self.names.reads}
            raise missing_values(total - complete, total, {c: count for c, count in counts.items() if count})
        if complete == 0:
            raise NothingLeftError(total)
        self._require_numbers()
        self._require_known()
        self._require_facts()
        return complete, total - complete

    def _require_numbers(self) -> None:
        for read in self.names.numbers:
            for what in ("least", "largest"):  # a column of text, truth values or huge integers has such values
                series = self.frame[self.names.own[f"{what}_{read.name}"]]
                numbers(series, read.column, read.column == self.names.ir.response)
        for symbol, called in self.names.finite.items():
            if count := int(self.number(f"infinite_{symbol}")):
                raise DataError(
                    f"{called!r} is not a finite number in {count} rows: infinite, or outside the domain of a "
                    "function; leave these rows out, or bound the values"
                )
        for symbol in self.names.divisors:
            if count := int(self.number(f"not_positive_{symbol}")):
                raise DataError(f"{self.names.finite[symbol]!r} is not positive in {count} rows, as weights must be")

    def _require_known(self) -> None:
        for k, c in enumerate(self.names.ir.coded):
            if count := int(self.number(f"unknown_coded_{k}")):
                known = ", ".join(map(repr, c.labels))
                raise DataError(f"{c.column!r} is none of its levels {known} in {count} rows; declare all levels")

    def _require_facts(self) -> None:
        for k, fact in enumerate(self.names.ir.facts):
            if count := int(self.number(f"broken_{k}")):
                if fact.symbol is None:
                    raise replicated(fact.table, f"{count} cells have more than one")
                name = self.names.finite[fact.symbol]
                raise not_constant(name, fact.table, f"is not in {count} of its levels")


def _sums(
    names: Names, kept: Kept, result: Any, shifts: Mapping[str, float], complete: int, local_to: Mapping[str, str]
) -> dict[str, Any]:
    """The sums of one query, its levels sorted by their labels."""
    import numpy as np

    labels = [names.labels[column].name for column in kept.columns]
    values = ["size", *(a.name for a in kept.sums), *(f"{e}_{s}" for e in ("least", "largest") for s in kept.levels)]
    frame = select(result, [names.own[symbol] for symbol in (*labels, *values, *shifts)])
    found = {symbol: numbers(frame[names.own[symbol]], names.own[symbol]) for symbol in (*values, *shifts)}
    size = found["size"].astype(np.int64)
    if int(size.sum()) != complete or any((found[s] != shift).any() for s, shift in shifts.items()):
        raise DataError(
            f"the results of the queries {ROWS!r} and {kept.query!r} are not of the same rows: run all queries again, "
            "in one transaction where the table is written to"
        )
    for name in values[1:]:
        if not np.isfinite(found[name]).all():
            raise DataError(f"{name!r} of the query {kept.query!r} is not finite: values are too large")
    if not kept.columns:
        return {a.name: float(found[a.name][0]) for a in kept.sums}
    order, level = _levels(kept.columns, [frame[names.own[name]] for name in labels], local_to)
    table = {f"level{kept.suffix}": level, f"size{kept.suffix}": size[order]}
    table |= {a.name: found[a.name][order] for a in kept.sums}
    for symbol in kept.levels:
        least, largest = found[f"least_{symbol}"][order], found[f"largest_{symbol}"][order]
        differ = least != largest
        if differ.any():
            t = int(differ.argmax())
            raise DataError(
                f"{names.finite[symbol]!r} must be constant on a level; at level {level[t]} it is both {least[t]} and "
                f"{largest[t]}"
            )
        table[symbol] = least
    return table


def _levels(columns: Sequence[str], series: Sequence[Any], local_to: Mapping[str, str]) -> tuple[Array, Array]:
    """The order of levels by their labels, one column after the other, and the levels in it, as modules have them."""
    import numpy as np

    coded: dict[str, tuple[Array, Array]] = {}
    for column in sorted(columns, key=lambda c: _depth(c, local_to)):  # outer columns first
        try:
            code, labels = codes(series[columns.index(column)].alias(column))
        except TypeError as error:
            raise not_told_apart(column, error) from error
        if (code < 0).any():
            raise DataError(f"labels in {column!r} are NaN: leave these rows out of the table, in a view")
        code, outer = code.astype(np.int64), local_to.get(column)
        if outer in coded:
            code, labels = local(*coded[outer], code, labels)
        coded[column] = in_order(column, code, labels)
    ranks = [coded[column][0] for column in columns]
    order = np.lexsort(ranks[::-1])
    return order, together([plain(labels)[rank[order]] for rank, labels in (coded[column] for column in columns)])


def _depth(column: str, local_to: Mapping[str, str]) -> int:
    return 1 + _depth(local_to[column], local_to) if column in local_to else 0
