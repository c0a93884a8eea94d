"""Tables over cells, with NumPy: products on the levels that they share, and sums over levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.terms import Level
from momentalg.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

LARGEST_TABLE = 50_000_000
"""The most rows that an intermediate table may have, about 1.5 GB."""
DENSE = 20
"""So many possible cells for each row are counted in an array; more of them are sorted."""


@dataclass(frozen=True)
class Table:
    """A function of levels, on the combinations that occur; elsewhere it is zero."""

    levels: tuple[Level, ...]
    codes: tuple[Array, ...]  # one array of codes for each level
    values: Array

    def join(self, other: Table) -> Table:
        """The product, on the combinations that occur in both."""
        import numpy as np

        shared = [v for v in self.levels if v in other.levels]
        here, there = _together([self.of(v) for v in shared], [other.of(v) for v in shared], self, other)
        order = np.argsort(there, kind="stable")
        first = np.searchsorted(there[order], here, side="left")
        counts = np.searchsorted(there[order], here, side="right") - first
        size = int(counts.sum())
        if size > LARGEST_TABLE:
            raise UnsupportedError(
                f"a sum over {' and '.join(v.column for v in dict.fromkeys((*self.levels, *other.levels)))} needs a "
                f"table of {size:,} rows for these data; {LARGEST_TABLE:,} are allowed. Use fewer data, or statistics "
                "whose variance is cheaper"
            )
        mine = np.repeat(np.arange(len(here)), counts)
        theirs = order[np.arange(size) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)]
        new = [v for v in other.levels if v not in self.levels]
        return Table(
            (*self.levels, *new),
            (*(c[mine] for c in self.codes), *(other.of(v)[theirs] for v in new)),
            self.values[mine] * other.values[theirs],
        )

    def sum_out(self, level: Level) -> Table:
        """The sum over a level."""
        keep = [n for n, v in enumerate(self.levels) if v != level]
        codes = [self.codes[n] for n in keep]
        first, group = grouped(codes, len(self.values))
        summed = group_sums(self.values, group, len(first))
        return Table(tuple(self.levels[n] for n in keep), tuple(c[first] for c in codes), summed)

    def of(self, level: Level) -> Array:
        """The codes of a level."""
        return self.codes[self.levels.index(level)]

    def at(self, where: Mapping[Level, Array], rows: int) -> Array:
        """The values at the given codes of all levels, row by row; zero where the combination does not occur."""
        import numpy as np

        place = Table(tuple(where), tuple(where.values()), np.zeros(rows))
        here, there = _together([where[v] for v in self.levels], list(self.codes), place, self)
        order = np.argsort(there, kind="stable")
        found = np.minimum(np.searchsorted(there[order], here), max(len(order) - 1, 0))
        missing = there[order][found] != here if len(order) else np.ones(rows, dtype=bool)
        values: Array = self.values[order][found] if len(order) else np.zeros(rows, dtype=self.values.dtype)
        values = values.copy()
        values[missing] = 0
        return values


def grouped(codes: Sequence[Array], rows: int) -> tuple[Array, Array]:
    """Rows with the same codes are a group: the first row of each group, and the group of each row."""
    import numpy as np

    if not codes or not rows:
        return np.zeros(min(rows, 1), dtype=np.int64), np.zeros(rows, dtype=np.int64)
    key = packed(codes)
    span = int(key.max()) + 1
    if span > DENSE * rows:
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        return first, group.reshape(-1)
    place = np.full(span, rows)  # the first row of each number; counting beats sorting where numbers are few
    place[key[::-1]] = np.arange(rows - 1, -1, -1)
    occurs = place < rows
    return place[occurs], (np.cumsum(occurs) - 1)[key]


def group_sums(values: Array, group: Array, groups: int) -> Array:
    """The sum of the values of each group."""
    import numpy as np

    if values.dtype != object:
        return np.bincount(group, weights=values, minlength=groups)
    if not groups:
        return values[:0]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(groups))
    found: Array = np.add.reduceat(values[order], starts)
    return found


def packed(codes: Sequence[Array]) -> Array:
    """One whole number for each row, the same for the same codes."""
    import numpy as np

    found = codes[0].astype(np.int64)
    span = int(found.max()) + 1
    for more in codes[1:]:
        width = int(more.max()) + 1
        if span > 2**62 // max(width, 1):
            found = np.unique(found, return_inverse=True)[1].reshape(-1)
            span = int(found.max()) + 1
        found *= width
        found += more
        span *= width
    return found


def _together(a: Sequence[Array], b: Sequence[Array], first: Table, second: Table) -> tuple[Array, Array]:
    """One whole number for each row of two tables, the same for the same codes."""
    import numpy as np

    rows, more = len(first.values), len(second.values)
    if not a or not rows or not more:
        return np.zeros(rows, dtype=np.int64), np.zeros(more, dtype=np.int64)
    found = packed([np.concatenate(pair) for pair in zip(a, b, strict=True)])
    return found[:rows], found[rows:]
