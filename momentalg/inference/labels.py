"""Labels of levels, on their way into the sums of a module, which knows codes, and back."""

from __future__ import annotations

from collections.abc import Sequence
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
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], labels[order]


def plain(labels: Array) -> Array:
    """Labels that are all text as an array of text."""
    return labels.astype(str) if labels.dtype.kind == "O" and all(isinstance(v, str) for v in labels) else labels


def labelled(level: Array, labels: Sequence[Array | None]) -> Array:
    """Levels by their labels, in place of codes of these; None where labels were read as they are."""
    import numpy as np

    names = level.dtype.names
    if names is None:
        return level if labels[0] is None else np.asarray(labels[0][level])
    parts = [level[n] if known is None else known[level[n]] for n, known in zip(names, labels, strict=True)]
    found = np.empty(len(level), dtype=[(n, part.dtype) for n, part in zip(names, parts, strict=True)])
    for name, part in zip(names, parts, strict=True):
        found[name] = part
    return found
