"""The columns of a lazy frame that a fit reads: checked by their types, cast, and under names of our own.

Whatever a frame calls missing is null here, NaN included. What cannot be a number is made infinite, which shows in the
sums of the pass, so that no row is looked at twice to find it: whole numbers beyond 2**53 are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import narwhals.stable.v2 as nw

from momentalg.data.columns import LARGEST_EXACT
from momentalg.data.frames import needed_columns, require_columns
from momentalg.data.refusals import not_numeric, not_told_apart, truth_values
from momentalg.errors import DataError
from momentalg.model.resolved import ResolvedModel

_NESTED = (nw.List, nw.Array, nw.Struct, nw.Object)  # which do not group
WIDE = (nw.Int64, nw.UInt64, nw.Int128, nw.UInt128)  # which hold more than a float does
INFINITE = float("inf")
NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"  # in words that all engines read


@dataclass(frozen=True)
class Columns:
    """A lazy frame of label columns and of float columns, by the names that they have in it."""

    frame: Any
    keys: Mapping[str, str]
    values: Mapping[str, str]
    given: Any  # the user's frame, for messages
    types: Mapping[str, Any]

    def names(self) -> dict[str, str]:
        """All of them, labels first."""
        return {**self.keys, **self.values}

    def without_missing(self) -> Columns:
        """The same columns, null in every row that misses something, so that no sum takes it in."""
        complete = reduce(and_, (~nw.col(name).is_null() for name in self.names().values()))
        masked = (nw.when(complete).then(nw.col(name)).alias(name) for name in self.names().values())
        return Columns(self.frame.select(*masked), self.keys, self.values, self.given, self.types)


def read(model: ResolvedModel, data: Any) -> Columns:
    """The columns that a model needs of a lazy frame.

    Raises `DataError`, from the types of the columns alone, for what is missing or cannot be read.
    """
    frame = lazy(data)
    types = frame.collect_schema()
    names = needed_columns(model)
    require_columns(names, types.names())
    keys = {name: f"k{place}" for place, name in enumerate(n for n in names if n in model.columns)}
    values = {name: f"v{place}" for place, name in enumerate(n for n in names if n not in model.columns)}
    labels = [_label(name, types[name]).alias(own) for name, own in keys.items()]
    numbers = [_number(frame, name, types[name], name == model.response).alias(own) for name, own in values.items()]
    return Columns(frame.select(*labels, *numbers), keys, values, frame, {name: types[name] for name in names})


def lazy(data: Any) -> Any:
    """Any frame as a lazy one; raises `DataError` for what is no frame."""
    try:
        return nw.from_native(data).lazy()
    except TypeError:
        raise DataError(f"data must be a frame or a relation; found {type(data).__name__}") from None


def _label(name: str, dtype: Any) -> Any:
    if isinstance(dtype, _NESTED):
        raise not_told_apart(name, f"they are {dtype}")
    column = nw.col(name)
    if dtype.is_float():
        return nw.when(~column.is_nan()).then(column)
    if isinstance(dtype, (nw.Int128, nw.UInt128)):
        return column.cast(nw.Int64)  # which an engine refuses of larger ones
    return column.cast(nw.String) if isinstance(dtype, nw.Unknown) else column


def _number(frame: Any, name: str, dtype: Any, is_response: bool) -> Any:
    column = nw.col(name)
    if isinstance(dtype, nw.Boolean):
        if is_response:
            raise truth_values(name)
        return column.cast(nw.Float64)
    if not dtype.is_numeric():
        example = _example(frame, name, dtype)
        if not example:  # all are missing, whatever they would be
            return nw.lit(None).cast(nw.Float64)
        raise not_numeric(name, is_response, f"{example[0]!r} ({dtype})")
    if isinstance(dtype, WIDE):
        beyond = column > LARGEST_EXACT
        if not isinstance(dtype, (nw.UInt64, nw.UInt128)):
            beyond = beyond | (column < -LARGEST_EXACT)
        return nw.when(beyond).then(nw.lit(INFINITE)).otherwise(column.cast(nw.Float64))
    found = column.cast(nw.Float64)
    return nw.when(~column.is_nan()).then(found) if dtype.is_float() else found


def _example(frame: Any, name: str, dtype: Any) -> list[Any]:
    """A value of a column, for messages: a text that is no number, if there is one; none where all are missing."""
    there = frame.select(name).filter(~nw.col(name).is_null())
    if isinstance(dtype, nw.String):
        odd: list[Any] = there.filter(~nw.col(name).str.contains(NUMBER)).head(1).collect()[name].to_list()
        if odd:
            return odd
    found: list[Any] = there.head(1).collect()[name].to_list()
    return found
