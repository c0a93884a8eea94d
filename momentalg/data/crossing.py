"""Columns of levels on data, and their cross products: tables of the cells in which levels meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.data.joins import LARGEST_TABLE, group_sums, grouped
from momentalg.data.tables import CellTables
from momentalg.errors import UnsupportedError
from momentalg.expr.columns import is_levels
from momentalg.expr.nodes import Column, LevelColumns

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TOLERANCE = 1e-10
"""Columns that depend on the others to this relative size are counted as dependent."""
FEW = 8
"""So few columns are multiplied one by one, on the cells; more of them as matrices."""


@dataclass(frozen=True)
class Columns:
    """A column for each level: row o has `values[o]` in column `level[o]`, and zero elsewhere."""

    level: Array
    values: Array
    count: int

    def of(self, rows: Array) -> Columns:
        """Some rows alone."""
        return Columns(self.level[rows], self.values[rows], self.count)


@dataclass(frozen=True)
class Cells:
    """A cross product of columns, A'B, on the pairs of levels that meet."""

    first: Array
    second: Array
    values: Array


def columns_of(column: Column, tables: CellTables) -> Columns:
    """A column of a projection on the rows of some data; a covariate is a column of one level."""
    factor, monomial = (column.factor, column.monomial) if is_levels(column) else ((), column)
    first, level = tables.cells(factor)
    return Columns(level, tables.product(monomial), len(first))


def most_levels(columns: Sequence[Column], tables: CellTables) -> list[LevelColumns]:
    """The columns of the factor that has the most columns of levels."""
    by_factor: dict[frozenset[str], list[LevelColumns]] = {}
    for column in columns:
        if is_levels(column):
            by_factor.setdefault(frozenset(column.factor), []).append(column)
    counted = {f: len(tables.cells(sorted(f))[0]) * len(found) for f, found in by_factor.items()}
    return by_factor[max(counted, key=lambda f: counted[f])] if counted else []


def is_spanned(column: Column, absorbed: Sequence[LevelColumns]) -> bool:
    """Whether a column is a sum of absorbed ones: the same covariate by a coarser factor, or by none."""
    factor, monomial = (column.factor, column.monomial) if is_levels(column) else ((), column)
    return any(monomial == a.monomial and set(factor) <= set(a.factor) for a in absorbed)


def orthonormal(columns: Sequence[Columns]) -> list[Columns]:
    """Columns of one factor made orthonormal, level by level; what depends on the others becomes zero."""
    import numpy as np

    found: list[Columns] = []
    for c in columns:
        before = np.bincount(c.level, weights=c.values**2, minlength=c.count)
        values = without(c.values, found)
        after = np.bincount(c.level, weights=values**2, minlength=c.count)
        kept = after > TOLERANCE**2 * before
        scale = np.where(kept, 1 / np.sqrt(np.where(kept, after, 1.0)), 0.0)
        found.append(Columns(c.level, values * scale[c.level], c.count))
    return found


def without(values: Array, basis: Sequence[Columns]) -> Array:
    """What orthonormal columns leave; twice, as the first time leaves rounding errors."""
    import numpy as np

    for f in (*basis, *basis):
        values = values - f.values * np.bincount(f.level, weights=f.values * values, minlength=f.count)[f.level]
    return values


def cross(a: Columns, b: Columns) -> Cells:
    """A'B on the pairs of levels that meet."""
    first, group = grouped([a.level, b.level], len(a.values))
    return Cells(a.level[first], b.level[first], group_sums(a.values * b.values, group, len(first)))


def put(block: Array, cells: Cells) -> None:
    """Add a cross product to a matrix."""
    block[cells.first, cells.second] += cells.values


def dense(cells: Cells, first: int, second: int) -> Array:
    """A cross product as a matrix."""
    import numpy as np

    require_memory([first, second])
    found = np.zeros((first, second))
    put(found, cells)
    return found


def subtract(block: Array, left: Cells, right: Cells, middle: int) -> None:
    """Subtract the product of two cross products, over the levels between them."""
    import numpy as np

    if block.shape[1] < FEW:
        for n in range(block.shape[1]):  # a column at a time, on the cells
            column = np.zeros(middle)
            here = right.second == n
            column[right.first[here]] = right.values[here]
            block[:, n] -= np.bincount(left.first, weights=left.values * column[left.second], minlength=len(block))
        return
    block -= dense(left, block.shape[0], middle) @ dense(right, middle, block.shape[1])


def require_memory(shape: Sequence[int]) -> None:
    """Raise `UnsupportedError` for a matrix that is too large, before it is made."""
    size = 1
    for n in shape[:2]:
        size *= n
    if size > LARGEST_TABLE:
        raise UnsupportedError(
            f"this trace needs a matrix of {shape[0]:,} x {shape[1]:,} for these data, and {LARGEST_TABLE:,} numbers "
            "are allowed: use statistics that project off fewer levels, such as the default ones"
        )
