"""Clusters of observations: which levels are independent of one another, and what a sandwich sums over them.

Observations that share a level of any factor are dependent. Factors that are nested in no other are the outermost; with
one of these its levels are i.i.d. units, with several (crossed factors) the sums over the levels of each are added, and
those over their intersections are subtracted (Cameron, Gelbach and Miller 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import Columns, cell_tables, read_columns
from momentalg.data.levels import with_levels
from momentalg.data.tables import CellTables
from momentalg.errors import DataError
from momentalg.inference.rows import Rows
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]

Factor = tuple[str, ...]

NEGATIVE = (
    "a standard error is missing where the multiway variance came out negative: the levels of one factor are too few, "
    "or the other explains next to nothing"
)


@dataclass(frozen=True)
class Observations:
    """The rows of one frame as columns of a model, with the tables of the cells that occur."""

    model: ResolvedModel
    columns: Columns
    tables: CellTables

    @property
    def rows(self) -> Rows:
        """Response, mean columns and coefficients of effects, row by row."""
        import numpy as np
        import pandas as pd

        given = {f: np.asarray(self.tables.sizes(f)[self.codes(f)], dtype=float) for f in self.model.factors}
        index = pd.RangeIndex(self.columns.n)
        return Rows(model=self.model, columns=self.columns, index=index, left_out=index[:0], sizes={}, given=given)

    def codes(self, factor: Factor) -> Array:
        """The number of the level in which each observation lies, shape (n,)."""
        return self.tables.cells(factor)[1]


def read_observations(model: Model, data: Any, missing: str) -> Observations:
    """Read one frame, with the levels of its fixed factors; raises `DataError` for parts of data, and for sums."""
    if isinstance(data, (list, tuple)) or hasattr(data, "__next__") or hasattr(data, "estimator"):
        raise DataError(
            f"the rows of one frame are needed, not {type(data).__name__}: put parts together, as in pd.concat(parts)"
        )
    known, frame = with_levels(model, data)
    columns = read_columns(frame, known.resolved, missing)
    return Observations(known.resolved, columns, cell_tables(columns.arrays, columns.labels, known.resolved))


def outermost(model: ResolvedModel, of: Factor | None = None) -> tuple[Factor, ...]:
    """The factors that are nested in no other, in the order of the model; with `of`, those in which `of` is nested.

    Of several with the same levels it is the first.
    """
    closures = {model.closure(f): f for f in reversed(model.factors)}
    kept = {f for closure, f in closures.items() if not any(closure > other for other in closures)}
    return tuple(f for f in dict.fromkeys(model.factors) if f in kept and (of is None or model.is_nested(of, f)))


def meat(scores: Array, clusters: Sequence[Sequence[Array]]) -> Array:
    """The sum over clusters of psi psi', psi the total of `scores` (n, p) in a cluster; (p, p).

    `clusters` holds for each clustering the codes that make it up: levels of it are the distinct rows of these. Several
    are combined by inclusion and exclusion, and the result may then fail to be nonnegative.
    """
    import numpy as np

    total: Array = np.zeros((scores.shape[1], scores.shape[1]))
    for count in range(1, len(clusters) + 1):
        for chosen in combinations(clusters, count):
            sums = cluster_totals(scores, [code for codes in chosen for code in codes])
            total += (-1) ** (count + 1) * sums.T @ sums
    return total


def cluster_totals(scores: Array, codes: Sequence[Array]) -> Array:
    """The totals of `scores` (n, p) over the distinct rows of `codes`, shape (clusters, p)."""
    import numpy as np

    cluster = _numbered(codes)
    count = int(cluster.max()) + 1
    return np.column_stack([np.bincount(cluster, weights=column, minlength=count) for column in scores.T])


def number_of(clusters: Sequence[Sequence[Array]]) -> int:
    """The number of clusters: of several clusterings the smallest, which limits what is known of the spread."""
    return min(int(_numbered(codes).max()) + 1 for codes in clusters)


def _numbered(codes: Sequence[Array]) -> Array:
    """The distinct rows of codes, numbered from 0."""
    import numpy as np

    found: Array = np.unique(codes[0], return_inverse=True)[1].reshape(-1)
    for code in codes[1:]:
        found = np.unique(found * (int(code.max()) + 1) + code, return_inverse=True)[1].reshape(-1)
    return found
