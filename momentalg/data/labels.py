"""Labels of levels, on their way into the sums of a module, which knows codes, and back.

Whatever a frame calls them, labels are of one kind in sums, so that sums of different engines merge: whole numbers are
int64 (uint64 beyond it), numbers float64, texts str, truth values bool, dates and times datetime64[us].
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def in_order(name: str, codes: Array, labels: Array) -> tuple[Array, Array]:
    """The same labels in sorted order, which is that of levels in a module."""
    import numpy as np

    try:
        order = np.argsort(labels)
    except TypeError as error:
        raise DataError(
            f"the labels in {name!r} are of kinds that have no order, such as texts and numbers; make them one kind, "
            f"as in frame.astype({{{name!r}: str}})"
        ) from error
    if (order[1:] > order[:-1]).all():
        return codes, labels
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], labels[order]


def local(outer_codes: Array, outer: Array, codes: Array, labels: Array) -> tuple[Array, Array]:
    """Labels that are local to those of another column, told apart as in ``A:a``: their codes, and they, sorted.

    Raises `DataError` where two of them would be called the same.
    """
    import numpy as np

    pairs, new = np.unique(outer_codes * len(labels) + codes, return_inverse=True)
    above, below = plain(outer).tolist(), plain(labels).tolist()
    found = [f"{above[pair // len(labels)]}:{below[pair % len(labels)]}" for pair in pairs.tolist()]
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise DataError(f"two levels would both be called {twice!r}; leave ':' out of the labels that are nested")
    order = np.argsort(np.array(found))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[new.reshape(-1)], np.array(found)[order]


def plain(labels: Array, name: str | None = None) -> Array:
    """Labels as they are in sums: of one kind, whatever the frame that they are from; others are left as they are.

    Raises `DataError`, with the name of their column if it is given, for labels that would not be told apart.
    """
    import numpy as np

    match labels.dtype.kind:
        case "i" | "u":
            return labels if labels.dtype == np.uint64 and labels.max(initial=0) >= 2**63 else labels.astype(np.int64)
        case "f":
            return _floats(labels, name)
        case "M":
            return _times(labels)
        case "O":
            return _from_objects(labels, name)
        case _:
            return labels


def _named(name: str | None) -> str:
    return "labels" if name is None else f"the labels in {name!r}"


def _floats(labels: Array, name: str | None) -> Array:
    """Numbers as float64, 0 without a sign; those that may have been several whole numbers are refused."""
    import numpy as np

    found: Array = labels.astype(np.float64) + 0.0
    for label in found[np.isfinite(found) & (np.abs(found) >= 2**53)][:1]:
        raise DataError(
            f"{_named(name)}, such as {label:.17g}, are floats beyond 2**53, where whole numbers are not told apart; "
            "read them as whole numbers or as text (pandas makes floats of whole numbers where some are missing)"
        )
    return found


def _from_objects(labels: Array, name: str | None) -> Array:
    """Labels of one kind as an array of it; those of no kind that NumPy has as they are, and of several refused."""
    import numpy as np

    found = labels.tolist()
    first: dict[str, Any] = {}
    for label in found:
        first.setdefault(_kind(label), label)
    if len(first) > 1:
        (one, label), (other, another) = list(first.items())[:2]
        raise DataError(
            f"{_named(name)} are of kinds that have no order and may mean the same, {one} and {other}, such as "
            f"{label!r} and {another!r}; make them one kind, as in frame.astype({{{name or 'name'!r}: str}})"
        )
    match next(iter(first), "others"):
        case "texts":
            texts = labels.astype(str)
            if (texts != labels).any():
                raise DataError("a label ends in the character NUL, which texts of NumPy lose: take it off")
            return texts
        case "truth values":
            return labels.astype(bool)
        case "numbers" if all(isinstance(v, (int, np.integer)) for v in found):
            return labels.astype(np.int64) if all(-(2**63) <= v < 2**63 for v in found) else labels
        case "numbers" if all(isinstance(v, (int, float, np.integer, np.floating)) for v in found):
            return _floats(labels, name)
        case "dates" | "times":
            if any(getattr(v, "nanosecond", 0) for v in found):  # which only timestamps of pandas have
                import pandas as pd

                return np.asarray(pd.DatetimeIndex(labels).as_unit("ns"))
            return labels.astype("datetime64[us]")
    return labels


def _kind(label: Any) -> str:
    """What a label is, in words; those of one kind that are not equal do not mean the same."""
    if type(label).__name__.startswith("bool"):
        return "truth values"
    match label:
        case str():
            return "texts"
        case Number():
            return "numbers"
        case dt.datetime():
            return "times" if label.tzinfo is None else "times with a zone"
        case dt.date():
            return "dates"
    return "others"


def _times(labels: Array) -> Array:
    """Dates and times as microseconds; nanoseconds are kept where they are finer than that."""
    found = labels.astype("datetime64[us]")
    return found if (found == labels).all() else labels


def labelled(level: Array, labels: Sequence[Array | None]) -> Array:
    """Levels by their labels, in place of codes of these; None where labels were read as they are."""
    names = level.dtype.names
    parts = [level] if names is None else [level[name] for name in names]
    return together([part if known is None else known[part] for part, known in zip(parts, labels, strict=True)])


def together(parts: Sequence[Array]) -> Array:
    """Levels as they are in sums, from their labels by column: those of several columns are fields of one array."""
    import numpy as np

    if len(parts) == 1:
        return np.asarray(parts[0])
    found = np.empty(len(parts[0]), dtype=[(f"label_{k}", part.dtype) for k, part in enumerate(parts)])
    for k, part in enumerate(parts):
        found[f"label_{k}"] = part
    return found
