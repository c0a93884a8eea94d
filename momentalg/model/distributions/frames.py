"""Reading the columns of a unit from a data frame, exactly; any frame that narwhals knows, or a mapping of lists."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from momentalg.errors import DataError, ModelError
from momentalg.model.distributions.exact import exact


def columns_of(frame: Any, names: Iterable[str]) -> dict[str, list[Any]]:
    """The columns `names` of `frame`, as lists of Python objects of one length."""
    wanted = list(dict.fromkeys(names))
    if isinstance(frame, Mapping):
        available = list(frame)
        read = {name: _listed(frame[name]) for name in wanted if name in frame}
    else:
        import narwhals.stable.v2 as nw

        native = nw.from_native(frame)
        table = native.collect() if isinstance(native, nw.LazyFrame) else native
        available = table.columns
        read = {name: table[name].to_list() for name in wanted if name in available}
    missing = [name for name in wanted if name not in read]
    if missing:
        raise DataError(f"the frame has no column {missing[0]!r}; its columns are {', '.join(map(repr, available))}")
    if len({len(column) for column in read.values()}) > 1:
        raise DataError("the columns differ in length: " + ", ".join(f"{n!r} {len(c)}" for n, c in read.items()))
    return read


def labels(columns: Mapping[str, Sequence[Any]], factor: Sequence[str]) -> list[tuple[Any, ...]]:
    """The level of `factor` of each row; a missing label is an error."""
    for name in factor:
        for row, value in enumerate(columns[name]):
            if _is_missing(value):
                raise DataError(f"column {name!r} has no label in row {row}; drop such rows first")
    return list(zip(*(columns[name] for name in factor), strict=True))


def exact_values(values: Iterable[Any], name: str) -> list[Fraction]:
    """The numbers of a column at their exact value; a float counts as the binary number that it is, True as 1."""
    read: list[Fraction] = []
    for row, value in enumerate(values):
        if _is_missing(value):
            raise DataError(f"column {name!r} has no value in row {row}; drop such rows first")
        try:
            number = Fraction(value) if isinstance(value, (float, bool)) else exact(value, f"column {name!r}")
        except (OverflowError, ModelError):
            raise DataError(f"column {name!r} must have finite numbers; found {value!r} in row {row}") from None
        read.append(number)
    return read


def _listed(column: Any) -> list[Any]:
    """The values as Python objects; arrays and series know how to give them."""
    return list(column.tolist() if hasattr(column, "tolist") else column)


def _is_missing(value: Any) -> bool:
    """None, NaN or pandas' NA, which is known by not being equal to itself."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)
