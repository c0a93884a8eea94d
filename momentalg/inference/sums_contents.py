"""What sums hold, in words that a file can keep: two sums add only where these are the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from momentalg.emit.numpy_code import code
from momentalg.lower.arrays import HasLabel
from momentalg.lower.ir import EstimatorIR, RowSymbol


def contents(ir: EstimatorIR) -> dict[str, Any]:
    """The sums of an estimator, from its representation: plain dictionaries and lists, as JSON has them.

    ``rows``: what each row has, a column or a value made of others, perhaps shifted; ``tables``: the label columns of
    each, and its sums as products of powers of these; ``totals`` the same over all rows; ``moments`` the row values
    whose mean, and squares about it, are kept beside.
    """
    return {
        "rows": {symbol.name: _row(symbol) for symbol in ir.rows},
        "tables": [
            {
                "level": f"level{table.suffix}",
                "of": list(table.columns),
                "size": f"size{table.suffix}",
                "sums": {a.name: dict(a.powers) for a in ir.accumulators if a.table == table.columns},
                "values": {s.name: s.column for s in ir.levels if s.table == table.columns},
            }
            for table in ir.tables
        ],
        "totals": {a.name: dict(a.powers) for a in ir.accumulators if a.table is None},
        "moments": [slope.name for slope in ir.unshifted_slopes],
    }


def numbers(held: dict[str, Any]) -> Iterator[str]:
    """The names of the sums that are one number each."""
    yield from held["totals"]
    for name in held["moments"]:
        yield from (f"mean_{name}", f"squares_{name}")
    yield from (f"shift_{name}" for name, row in held["rows"].items() if row["shifted"])


def _row(symbol: RowSymbol) -> dict[str, Any]:
    found: dict[str, Any] = {"column": symbol.column, "value": None, "shifted": symbol.shifted}
    match symbol.value:
        case None:
            return found
        case HasLabel(column, label):
            return {**found, "value": f"{column!r} == {label!r}"}
        case value:
            return {**found, "value": code(value)}
