"""What group-bys give, as arrays of NumPy: levels by their labels, in sorted order, and their sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from momentalg.data.labels import in_order, local, plain
from momentalg.data.lazy.columns import Columns
from momentalg.data.lazy.groups import ROWS, SIZE, Group
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_PLAIN = (nw.String, nw.Boolean, nw.Date)  # which NumPy has, besides numbers


@dataclass(frozen=True)
class LevelTable:
    """The levels of a group-by that have complete rows, sorted, and aggregates by name; what was left out, counted."""

    labels: Mapping[str, Array]  # by label column
    size: Array
    aggregates: Mapping[str, Array]
    rows: int  # all that the data have
    unlabelled: bool  # whether a label is missing somewhere

    @property
    def n(self) -> int:
        """The number of rows in the sums."""
        return int(self.size.sum())

    @property
    def level(self) -> Array:
        """The labels as they are in sums: an array, structured where there are several columns."""
        labels = list(self.labels.values())
        if len(labels) == 1:
            return labels[0]
        found = np.empty(len(self.size), dtype=[(f"label_{k}", part.dtype) for k, part in enumerate(labels)])
        for k, part in enumerate(labels):
            found[f"label_{k}"] = part
        return found


def level_table(found: Any, group: Group, columns: Columns, model: ResolvedModel) -> LevelTable:
    """The table of a group-by that an engine has computed; `found` is its frame, in memory."""
    size = _floats(found[SIZE]).astype(np.int64)
    rows = int(_floats(found[ROWS]).sum())
    keys = {c: found[columns.keys[c]] for c in group.columns}
    unlabelled = any(key.is_null().any() for key in keys.values())
    kept = np.flatnonzero(size)
    if unlabelled:
        there = ~np.logical_or.reduce([np.asarray(key.is_null().to_numpy(), dtype=bool) for key in keys.values()])
        kept = np.flatnonzero((size > 0) & there)
    whole = len(kept) == len(size)
    codes, labels = {}, {}
    for name, key in keys.items():
        codes[name], labels[name] = _coded(name, key if whole else key[kept])
    for name in sorted((c for c in keys if c in model.local_to), key=lambda c: len(model.closure((c,)))):
        outer = model.local_to[name]
        codes[name], labels[name] = local(codes[outer], labels[outer], codes[name], labels[name])
    order = _order(list(codes.values()), [len(known) for known in labels.values()])
    places = order if whole else kept[order]
    return LevelTable(
        {name: labels[name][codes[name][order]] for name in keys},
        size[places],
        {name: _floats(found[f"a{k}"])[places] for k, name in enumerate(group.aggregates)},
        rows,
        unlabelled,
    )


def _floats(series: Any) -> Array:
    """Numbers as float64, NaN where an engine has null."""
    return np.asarray(series.to_numpy()).astype(np.float64, copy=False)


def _coded(name: str, series: Any) -> tuple[Array, Array]:
    """Labels in sorted order, and the place of each level's own among them."""
    found = plain(_array(series))
    if found.dtype == np.int64 and len(found):
        low, high = int(found.min()), int(found.max())
        if high - low < 4 * len(found) + 1024:
            present = np.zeros(high - low + 1, dtype=bool)
            present[found - low] = True
            return (np.cumsum(present) - 1)[found - low], np.flatnonzero(present) + low
    import pandas as pd

    codes, labels = pd.factorize(found)
    codes, ordered = in_order(name, codes, np.asarray(labels))
    return codes, plain(ordered)


def _array(series: Any) -> Array:
    """Labels as an array of their own kind; of objects where NumPy has none."""
    dtype = series.dtype
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        series = series.cast(nw.String)
    elif not (dtype.is_integer() or dtype.is_float() or isinstance(dtype, _PLAIN) or _is_naive(dtype)):
        found = np.empty(len(series), dtype=object)
        found[:] = series.to_list()
        return found
    return np.asarray(series.to_numpy())


def _is_naive(dtype: Any) -> bool:
    return isinstance(dtype, nw.Datetime) and dtype.time_zone is None


def _order(codes: Sequence[Array], widths: Sequence[int]) -> Array:
    """The order in which levels come sorted by all their codes, the first before the others."""
    if prod(widths) >= 2**63:
        return np.lexsort(codes[::-1])
    packed = codes[0]
    for code, width in zip(codes[1:], widths[1:], strict=True):
        packed = packed * width + code
    return np.argsort(packed)
