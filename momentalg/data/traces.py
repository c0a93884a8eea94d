"""Traces tr(P K P V) on data, for projections off covariates and off the columns of several factors.

P = I - V V^+ is written as  P = I - sum_k F_k F_k' - B B'.  The columns of the factor that has the most of them are
absorbed: within each level they are made orthonormal, F. What is left of the other columns, R, has the basis
B = (I - F F') R T, which is never formed: T comes from the cross products of R. So the work is done on cross products
of columns of levels, which are tables of cells; nothing of size n x n is made (absorption; Henderson's method III).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from momentalg.data.crossing import (
    TOLERANCE,
    Columns,
    columns_of,
    cross,
    dense,
    is_spanned,
    most_levels,
    orthonormal,
    put,
    require_memory,
    subtract,
    without,
)
from momentalg.data.joins import LARGEST_TABLE
from momentalg.data.tables import CellTables
from momentalg.errors import UnsupportedError
from momentalg.expr.columns import is_kernel
from momentalg.expr.nodes import Column, Kernel, Monomial, Trace

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def trace(node: Trace, tables: CellTables) -> float:
    """tr(P K P V) on the rows of `tables`; covariates of sizes are among its values."""
    projection: Projection = tables.remembered(("projection", node.columns), lambda: Projection(tables, node.columns))
    if node.kernel is None:
        if is_kernel(node.of):
            return projection.same(columns_of(node.of[0], tables), columns_of(node.of[1], tables))
        return projection.diagonal(tables.product(node.of) if node.of else None)
    if not is_kernel(node.kernel):
        return _of_diagonal(node.kernel, node.of, projection, tables)
    c, d = (columns_of(k, tables) for k in node.kernel)
    if is_kernel(node.of):
        a, b = (columns_of(k, tables) for k in node.of)
        return (projection.linked(c, d, a, b) + projection.linked(d, c, a, b)) / 2
    return projection.squared(c, d, tables.product(node.of) if node.of else None)


def _of_diagonal(diagonal: Monomial, of: Kernel | Monomial | None, projection: Projection, tables: CellTables) -> float:
    """tr(P D P V), D the diagonal of a covariate: the trace of P V P D, and of the squares of P for two diagonals."""
    weights = tables.product(diagonal)
    if is_kernel(of):
        return projection.squared(columns_of(of[0], tables), columns_of(of[1], tables), weights)
    return projection.diagonals(weights, tables.product(of) if of else None)


class Projection:
    """P, projecting off columns: cross products and traces."""

    def __init__(self, tables: CellTables, columns: Sequence[Column]) -> None:
        import numpy as np

        self.rows = tables.rows
        absorbed = most_levels(columns, tables)
        self.absorbed = orthonormal([columns_of(c, tables) for c in absorbed])
        rest = [columns_of(c, tables) for c in columns if not is_spanned(c, absorbed)]
        single = self._orthonormal_singles([r.values for r in rest if r.count == 1])
        self.rest = [*single, *(r for r in rest if r.count > 1)]
        self._meeting = {(id(f), id(r)): cross(f, r) for f in self.absorbed for r in self.rest}
        require_memory([sum(r.count for r in self.rest)] * 2)
        gram = self._rest_times_rest(None)
        scale = np.sqrt(np.maximum(self._squares(), 1e-300))
        found, vectors = np.linalg.eigh(gram / np.outer(scale, scale)) if len(gram) else (np.zeros(0), gram)
        kept = found > TOLERANCE
        self.basis = vectors[:, kept] / np.sqrt(found[kept]) / scale[:, None]

    def _orthonormal_singles(self, columns: list[Array]) -> list[Columns]:
        """The covariates made orthonormal to one another and to what is absorbed, by their singular values."""
        import numpy as np

        level = np.zeros(self.rows, dtype=np.int64)
        scaled = [v / length for v in columns if (length := float(np.sqrt((v**2).sum())))]
        matrix = np.stack([without(v, self.absorbed) for v in scaled], axis=1) if scaled else np.zeros((self.rows, 0))
        left, values, _ = np.linalg.svd(matrix, full_matrices=False)
        return [Columns(level, left[:, n], 1) for n in range(len(values)) if values[n] > TOLERANCE]

    # Traces.

    def diagonal(self, weights: Array | None) -> float:
        """tr(P W) of a diagonal W."""
        import numpy as np

        whole = self.rows if weights is None else float(weights.sum())
        absorbed = sum(float((f.values**2 * (1 if weights is None else weights)).sum()) for f in self.absorbed)
        if weights is None:
            return float(whole - round(absorbed) - self.basis.shape[1])
        return float(whole - absorbed - np.trace(self.basis.T @ self._rest_times_rest(weights) @ self.basis))

    def same(self, c: Columns, d: Columns) -> float:
        """tr(P Z_c Z_d')."""
        found = float((c.values * d.values).sum())
        for f in self.absorbed:
            found -= float((cross(c, f).values * cross(d, f).values).sum())
        for rows, low, count in self._ranges(c):
            left, right = (Columns(z.level[rows] - low, z.values[rows], count) for z in (c, d))
            found -= float((self._times_basis(left, rows) * self._times_basis(right, rows)).sum())
        return found

    def linked(self, c: Columns, d: Columns, a: Columns, b: Columns) -> float:
        """tr(P Z_c Z_d' P Z_a Z_b'), as the sum over pairs of levels of (Z_b' P Z_c) (Z_a' P Z_d)."""
        if self.absorbed:
            return float((self._between(b, c) * self._between(a, d)).sum())
        left, right = cross(b, c), cross(a, d)
        bb, cb, ab, db = (self._times_basis(z) for z in (b, c, a, d))
        found = float((left.values * right.values).sum())
        found -= float((left.values * (ab[left.first] * db[left.second]).sum(axis=1)).sum())
        found -= float((right.values * (bb[right.first] * cb[right.second]).sum(axis=1)).sum())
        return found + float(((bb.T @ ab) * (cb.T @ db)).sum())

    def squared(self, c: Columns, d: Columns, weights: Array | None) -> float:
        """tr(P Z_c Z_d' P W) of a diagonal W: tr(P Z_c Z_d') when it is the identity."""
        import numpy as np

        if weights is None:
            return self.same(c, d)
        found = 0.0
        for rows in self._chunks(max(c.count, d.count)):
            left, right = self._rows_of(c, rows), self._rows_of(d, rows)
            found += float((weights[rows] * np.einsum("ol,ol->o", left, right)).sum())
        return found

    def diagonals(self, weights: Array, others: Array | None) -> float:
        """tr(P D P E) of diagonal D and E: the sum of d_s e_t P_st^2 with P = I - BB' for covariates alone."""
        if others is None:
            return self.diagonal(weights)
        if self.absorbed:
            raise UnsupportedError("variances by class are estimated from residuals off covariates, not off levels")
        gram, both = (self.basis.T @ self._rest_times_rest(w) @ self.basis for w in (weights, weights * others))
        other = self.basis.T @ self._rest_times_rest(others) @ self.basis
        return float((weights * others).sum() - 2 * both.trace() + (gram * other).sum())

    # Cross products.

    def _times_basis(self, z: Columns, rows: Array | None = None) -> Array:
        """Z'B, a row for each level; with `rows`, Z has only these."""
        import numpy as np

        require_memory([z.count, len(self.basis)])
        rest, absorbed = (
            (blocks if rows is None else [b.of(rows) for b in blocks]) for blocks in (self.rest, self.absorbed)
        )
        found = np.zeros((z.count, len(self.basis)))
        start = 0
        for r, whole in zip(rest, self.rest, strict=True):
            block = found[:, start : start + r.count]
            put(block, cross(z, r))
            for f, all_rows in zip(absorbed, self.absorbed, strict=True):
                subtract(block, cross(z, f), self._meeting[id(all_rows), id(whole)], f.count)
            start += r.count
        product: Array = found @ self.basis
        return product

    def _ranges(self, z: Columns) -> Iterator[tuple[Array, int, int]]:
        """The rows of ranges of levels, small enough for a matrix each, with the first level and how many there are."""
        import numpy as np

        order = np.argsort(z.level, kind="stable")
        step = max(1, LARGEST_TABLE // 10 // max(len(self.basis), *(f.count for f in self.absorbed), 1))
        for low in range(0, z.count, step):
            high = min(low + step, z.count)
            ends = np.searchsorted(z.level[order], [low, high])
            yield order[ends[0] : ends[1]], low, high - low

    def _rest_times_rest(self, weights: Array | None) -> Array:
        """R'(I - FF') W (I - FF')R."""
        import numpy as np

        size = sum(r.count for r in self.rest)
        found = np.zeros((size, size))
        if weights is not None:
            for rows in self._chunks(size):
                left = self._rest_rows(rows)
                found += left.T @ (weights[rows, None] * left)
            return found
        start = 0
        for r in self.rest:
            below = 0
            for s in self.rest:
                block = found[start : start + r.count, below : below + s.count]
                put(block, cross(r, s))
                for f in self.absorbed:
                    subtract(block, cross(r, f), self._meeting[id(f), id(s)], f.count)
                below += s.count
            start += r.count
        return found

    def _squares(self) -> Array:
        """The squared lengths of the columns of R, before anything is absorbed."""
        import numpy as np

        found = [np.bincount(r.level, weights=r.values**2, minlength=r.count) for r in self.rest]
        return np.concatenate(found) if found else np.zeros(0)

    def _between(self, a: Columns, b: Columns) -> Array:
        """A'PB, dense."""
        import numpy as np

        require_memory([a.count, b.count])
        found = np.zeros((a.count, b.count))
        put(found, cross(a, b))
        for f in self.absorbed:
            subtract(found, cross(a, f), cross(f, b), f.count)
        left: Array = found - self._times_basis(a) @ self._times_basis(b).T
        return left

    # Rows, a few at a time.

    def _chunks(self, width: int) -> Iterator[slice]:
        step = max(1, LARGEST_TABLE // 20 // max(width, 1))
        return (slice(start, start + step) for start in range(0, self.rows, step))

    def _rest_rows(self, rows: slice) -> Array:
        """Rows of (I - FF')R."""
        import numpy as np

        found = np.zeros((len(range(*rows.indices(self.rows))), sum(r.count for r in self.rest)))
        start = 0
        for r in self.rest:
            block = found[:, start : start + r.count]
            block[np.arange(len(block)), r.level[rows]] += r.values[rows]
            for f in self.absorbed:
                block -= f.values[rows, None] * dense(cross(f, r), f.count, r.count)[f.level[rows]]
            start += r.count
        return found

    def _rows_of(self, z: Columns, rows: slice) -> Array:
        """Rows of P Z."""
        import numpy as np

        found = -(self._rest_rows(rows) @ self.basis) @ self._times_basis(z).T
        found[np.arange(len(found)), z.level[rows]] += z.values[rows]
        for f in self.absorbed:
            found -= f.values[rows, None] * dense(cross(f, z), f.count, z.count)[f.level[rows]]
        return found
