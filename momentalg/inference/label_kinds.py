"""Labels of two sums match only where they are of one kind: the text "7" is not the number 7."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Table = Mapping[str, Any]

KINDS = {"i": "numbers", "u": "numbers", "f": "numbers", "b": "truth values", "U": "texts", "M": "dates or times"}


def require_same_kinds(
    levels: Mapping[str, tuple[str, ...]], left: Mapping[str, Any], right: Mapping[str, Any]
) -> None:
    """Check that the labels of two tables of sums are of one kind; `levels` has the columns that they are from."""
    for name, columns in levels.items():
        pairs = zip(by_column(left[name]), by_column(right[name]), strict=True)
        for column, (one, other) in zip(columns, pairs, strict=True):
            require_same_kind(column, one, other)


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
