"""What group-bys give, as arrays of NumPy: levels by their labels, in sorted order, and their sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from momentalg.data.labels import in_order, local, plain, together
from momentalg.data.lazy.columns import Columns
from momentalg.data.lazy.groups import ROWS, SIZE, Group
from momentalg.data.refusals import unseen_nan
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

_PLAIN = (nw.Boolean, nw.Date)  # which NumPy has, besides numbers; its texts lose NUL at their end


@dataclass(frozen=True)
class LevelTable:
    """The levels of a group-by that have complete rows, sorted, and aggregates by name; what was left out, counted."""

    labels: Mapping[str, Array]  # by label column
    size: Array
    rows: int  # all that the data have
    found: Mapping[str, Array]  # aggregates in the order of the engine
    places: Array  # in that order, of the levels here
    is_whole: bool  # whether no level was left out

    @property
    def n(self) -> int:
        """The number of rows in the sums."""
        return int(self.size.sum())

    def per_level(self, name: str) -> Array:
        """An aggregate, level by level."""
        return self.found[name][self.places]

    def total(self, name: str) -> float:
        """The total of an aggregate over the levels."""
        return float((self.found[name] if self.is_whole else self.per_level(name)).sum())

    def is_finite(self) -> bool:
        """Whether all aggregates are."""
        return all(np.isfinite(a if self.is_whole else self.per_level(name)).all() for name, a in self.found.items())

    @property
    def level(self) -> Array:
        """The labels as they are in sums: an array, structured where there are several columns."""
        return together(list(self.labels.values()))


@dataclass(frozen=True)
class _Coded:
    """Labels by places that are in the order of the labels: `labels[place]`; or place + `first`, of whole numbers."""

    place: Array
    width: int
    labels: Array | None = None
    first: int = 0

    def at(self, place: Array) -> Array:
        """The labels at some places."""
        return place + self.first if self.labels is None else self.labels[place]

    def all(self) -> Array:
        """The labels, in order."""
        return self.at(np.arange(self.width))

    def dense(self) -> _Coded:
        """The same without places that do not occur."""
        if self.labels is not None:
            return self
        found, place = np.unique(self.place, return_inverse=True)
        return _Coded(place, len(found), found + self.first)


def level_table(found: Any, group: Group, columns: Columns, model: ResolvedModel) -> LevelTable:
    """The table of a group-by that an engine has computed; `found` is its frame, in memory."""
    size = _numbers(found[SIZE], np.int64)
    rows = int(_numbers(found[ROWS], np.int64).sum())
    keys = {c: found[columns.keys[c]] for c in group.columns}
    missing = [np.asarray(key.is_null().to_numpy(), dtype=bool) for key in keys.values() if key.is_null().any()]
    kept = None
    if missing or not size.all():
        kept = np.flatnonzero((size > 0) & ~np.logical_or.reduce([np.zeros(len(size), dtype=bool), *missing]))
        keys = {c: key[kept] for c, key in keys.items()}
    coded = {name: _coded(name, key) for name, key in keys.items()}
    for name in (c for c in model.local_columns if c in keys):
        outer, inner = coded[model.local_to[name]].dense(), coded[name].dense()
        place, told = local(outer.place, outer.all(), inner.place, inner.all())
        coded[name] = _Coded(place, len(told), told)
    order, labels = _in_order(list(coded.values()))
    places = order if kept is None else kept[order]
    return LevelTable(
        dict(zip(keys, labels, strict=True)),
        size[places],
        rows,
        {name: _numbers(found[f"a{k}"], np.float64) for k, name in enumerate(group.aggregates)},
        places,
        kept is None,
    )


def _numbers(series: Any, dtype: Any) -> Array:
    """Numbers as an array; as floats, NaN where an engine has null."""
    return np.asarray(series.to_numpy()).astype(dtype, copy=False)


def _coded(name: str, series: Any) -> _Coded:
    found = plain(_array(series), name)
    if found.dtype.kind == "f" and np.isnan(found).any():  # an engine has not seen that it is missing
        raise unseen_nan(f"labels in {name!r} are NaN")
    if found.dtype == np.int64 and len(found):
        first, last = int(found.min()), int(found.max())
        if last - first < 2**62:
            return _Coded(found - first, last - first + 1, None, first)
    import pandas as pd

    codes, labels = pd.factorize(found)
    codes, ordered = in_order(name, codes, np.asarray(labels))
    return _Coded(codes, len(ordered), plain(ordered))


def _array(series: Any) -> Array:
    """Labels as an array of their own kind; of objects where NumPy has none, or they are categories of any kind."""
    dtype = series.dtype
    if not (dtype.is_integer() or dtype.is_float() or isinstance(dtype, _PLAIN) or _is_naive(dtype)):
        found = np.empty(len(series), dtype=object)
        found[:] = series.to_list()
        return found
    return np.asarray(series.to_numpy())


def _is_naive(dtype: Any) -> bool:
    return isinstance(dtype, nw.Datetime) and dtype.time_zone is None


def _in_order(coded: Sequence[_Coded]) -> tuple[Array, list[Array]]:
    """The order of levels that are sorted by their labels, the first column before the others, and the sorted labels.

    Where they fit into 63 bits, places and row numbers are sorted as one whole number, which is fastest by far.
    """
    rows = len(coded[0].place)
    bits = rows.bit_length()
    if prod(c.width for c in coded) << bits >= 2**63:
        coded = [c.dense() for c in coded]
    if prod(c.width for c in coded) << bits >= 2**63:
        order = np.lexsort([c.place for c in reversed(coded)])
        return order, [c.at(c.place[order]) for c in coded]
    packed = coded[0].place
    for c in coded[1:]:
        packed = packed * c.width + c.place
    packed = (packed << bits) | np.arange(rows)
    packed.sort()
    order = packed & ((1 << bits) - 1)
    packed >>= bits
    labels = []
    for c in reversed(coded):
        above = packed // c.width
        labels.append(c.at(packed - above * c.width))
        packed = above
    return order, labels[::-1]
