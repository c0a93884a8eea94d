"""Independent cells: the number of observations in each combination of a row and a column is i.i.d."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from momentalg.model.distributions.base import SizeLaw
from momentalg.model.incidence.base import Columns, Incidence, read_columns, read_count


@dataclass(frozen=True, repr=False)
class IndependentCells(Incidence):
    """n_ij i.i.d. over all R rows and C columns; `counts` is their law, or None."""

    rows: str
    columns_: Columns
    counts: SizeLaw | None = None

    @property
    def strata(self) -> Columns:
        return (self.rows, *self.columns_)

    @property
    def count(self) -> SizeLaw | None:
        return self.counts

    @property
    def may_be_empty(self) -> frozenset[str]:
        sure = self.counts is not None and not self.counts.may_be_zero
        return frozenset() if sure else frozenset(self.strata)


def independent_cells(rows: str, columns: str | Sequence[str], counts: Any = None) -> IndependentCells:
    """Numbers n_ij of observations that are i.i.d. over the cells of crossed factors, two or more.

    `counts` is the law of n_ij, such as ``ma.Poisson(2)`` or ``{0: "1/2", 1: "1/2"}``; without it the moments
    E(n), E(n^2), ... stay symbols. The numbers of rows and columns are fixed, and given as ``units={"user": 40,
    "item": 30}`` where a number is asked for. Rows and columns may be empty, unless the law has n_ij >= 1.
    """
    return IndependentCells(
        rows, read_columns(rows, columns), read_count(counts, "the number of observations of a cell")
    )
