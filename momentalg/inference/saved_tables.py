"""What a table of saved sums must be: arrays of the types and lengths that its page tells, and labels each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError
from momentalg.inference.label_kinds import by_column

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def require_labels(level: Array, columns: list[str]) -> None:
    """Check that labels have a place in a file; `columns` are what they are from."""
    for column, labels in zip(columns, by_column(level), strict=True):
        if not _has_a_place(labels.dtype):
            raise DataError(
                f"the labels of {column!r} have no place in a file of sums: they are such as {labels.tolist()[0]!r}"
                ", and a file holds whole numbers, numbers, texts, truth values, dates and times without a zone; make "
                f"them texts, as in frame.assign(**{{{column!r}: frame[{column!r}].map(str)}})"
            )


def require_table(part: dict[str, Any], arrays: dict[str, Array], rows: int, name: str) -> None:
    """Check one table of the page's ``holds``, whose sizes count all rows; errors call the file `name`."""
    import numpy as np

    level, size = arrays[part["level"]], arrays[part["size"]]
    labels = by_column(level)
    if len(labels) != len(part["of"]) or not all(_has_a_place(found.dtype) for found in labels):
        raise DataError(f"{name}: the labels of {':'.join(part['of'])} are of a type that is not known, {level.dtype}")
    types = {part["size"]: np.dtype(np.int64), **dict.fromkeys((*part["sums"], *part["values"]), np.dtype(np.float64))}
    for array, kind in types.items():
        if arrays[array].dtype != kind or arrays[array].shape != level.shape or level.ndim != 1:
            found = f"{arrays[array].dtype} of shape {arrays[array].shape}"
            raise DataError(f"{name}: {array} is {found}; expected {kind} of shape {level.shape}")
        if not np.isfinite(arrays[array]).all():
            raise DataError(f"{name}: {array} has values that are not finite")
    if (size < 1).any() or int(size.sum()) != rows:
        raise DataError(f"{name}: {part['size']} does not count its {rows} rows")
    if not _are_distinct(by_column(level)):
        raise DataError(f"{name}: labels in {part['level']} occur twice")


def _are_distinct(level: list[Array]) -> bool:
    """Whether no combination of labels occurs twice; most are sorted, which is seen at once."""
    import numpy as np

    if _increase(level):
        return True
    order = np.lexsort(level[::-1])
    return _increase([labels[order] for labels in level])


def _increase(level: list[Array]) -> bool:
    import numpy as np

    above, tied = np.zeros(len(level[0]) - 1, dtype=bool), np.ones(len(level[0]) - 1, dtype=bool)
    for labels in level:
        above |= tied & (labels[1:] > labels[:-1])
        tied &= labels[1:] == labels[:-1]
    return bool(above.all())


def _has_a_place(kind: np.dtype[Any]) -> bool:
    import numpy as np

    plain = kind in (np.dtype(t) for t in ("int64", "uint64", "float64", "bool", "datetime64[us]", "datetime64[ns]"))
    return plain or kind.kind == "U"
