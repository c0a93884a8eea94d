"""Labels of two sums match only where they are of one kind: the text "7" is not the number 7."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentalg.data.labels import together
from momentalg.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Table = Mapping[str, Any]

KINDS = {"i": "numbers", "u": "numbers", "f": "numbers", "b": "truth values", "U": "texts", "M": "dates or times"}


def alike(levels: Mapping[str, tuple[str, ...]], left: Table, right: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two tables of sums with labels of one type each; `levels` has the columns that they are from.

    Raises `DataError` for labels of different kinds, and for those that no type holds together.
    """
    tables = dict(left), dict(right)
    for name, columns in levels.items():
        parts = [by_column(table[name]) for table in tables]
        found = [_alike(c, one, other) for c, one, other in zip(columns, *parts, strict=True)]
        for table, old, new in zip(tables, parts, zip(*found, strict=True), strict=True):
            if any(a is not b for a, b in zip(old, new, strict=True)):
                table[name] = together(new)
    return tables


def _alike(column: str, left: Array, right: Array) -> tuple[Array, Array]:
    require_same_kind(column, left, right)
    if left.dtype.kind + right.dtype.kind in ("iu", "ui"):  # NumPy would make floats of the two
        whole = [x.astype("u8") if x.dtype.kind == "i" and x.min(initial=0) >= 0 else x for x in (left, right)]
        return whole[0], whole[1]
    if left.dtype.kind == right.dtype.kind == "M" and left.dtype != right.dtype:
        return _time(column, left), _time(column, right)
    return left, right


def _time(column: str, labels: Array) -> Array:
    """Times in nanoseconds, into which NumPy turns others without a word where they do not fit."""
    found = labels.astype("M8[ns]")
    for at in (found.astype(labels.dtype) != labels).nonzero()[0][:1]:
        raise DataError(
            f"the levels of {column!r} are times to nanoseconds in one part, in which {labels[at]} of the other has "
            "no place; make all of them microseconds, or texts"
        )
    return found


def require_same_kind(column: str, left: Array, right: Array) -> None:
    """Check that labels of a column are of one kind; objects, such as fractions, are left to what compares them."""
    one, other = (KINDS.get(labels.dtype.kind) for labels in (left, right))
    if one and other and one != other:
        raise DataError(
            f"the levels of {column!r} are {one} in one part, such as {first_of(left)!r}, and {other} in the other, "
            f"such as {first_of(right)!r}, and do not merge; read the labels alike"
        )


def by_column(level: Array) -> list[Array]:
    """The labels of each column of a table's levels."""
    return [level] if level.dtype.names is None else [level[name] for name in level.dtype.names]


def first_of(labels: Array, at: int = 0) -> Any:
    """A label as plain Python has it, for messages."""
    label = labels[at : at + 1].tolist()[0]
    return label if labels.dtype.kind != "M" else str(labels[at])


def called(columns: tuple[str, ...], level: Array, at: int) -> str:
    """A level of a table in words."""
    return " and ".join(f"{c!r} {first_of(part, at)!r}" for c, part in zip(columns, by_column(level), strict=True))
