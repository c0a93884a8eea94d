"""Multinomial labels: a fixed number of observations, each of which draws its row and its column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from momentalg.errors import ModelError
from momentalg.model.distributions.base import SizeLaw
from momentalg.model.distributions.constant import Constant
from momentalg.model.distributions.exact import whole
from momentalg.model.incidence.base import (
    Columns,
    Incidence,
    Probabilities,
    read_columns,
    read_lists,
    read_probabilities,
)


@dataclass(frozen=True, repr=False)
class MultinomialLabels(Incidence):
    """n observations with i.i.d. labels (i, j): probability p_i q_j, or p_ij where they are drawn jointly."""

    rows: str
    columns_: Columns
    observations: int | None = None
    probabilities_: tuple[Probabilities, ...] = ()
    joint: bool | None = None  # None: independent

    @property
    def strata(self) -> Columns:
        return ()

    @property
    def drawn(self) -> tuple[Columns, ...]:
        return ((self.rows, *self.columns_),) if self.joint else ((self.rows,), *((c,) for c in self.columns_))

    @property
    def count(self) -> SizeLaw | None:
        return None if self.observations is None else Constant(self.observations)

    def probabilities(self, columns: Columns) -> Mapping[tuple[int, ...], Fraction] | None:
        if not self.probabilities_:
            return None
        if self.joint:
            return {(i, j): p for i, row in enumerate(self.probabilities_) for j, p in enumerate(row)}
        return {(place,): p for place, p in enumerate(self.probabilities_[self.columns.index(columns[0])])}


def multinomial_labels(
    rows: str,
    columns: str | Sequence[str],
    observations: int | None = None,
    probabilities: Any = None,
    joint: bool = False,
) -> MultinomialLabels:
    """A fixed number of observations, whose labels are i.i.d.: row i and column j with probability p_i q_j, or p_ij.

    `probabilities` are lists, ``[p, q]``, of every column its own, or with ``joint=True`` the table of the p_ij, a list
    for each row. What is not given stays a symbol. Row counts are multinomial, so negatively correlated; rows and
    columns may be empty.
    """
    several = read_columns(rows, columns)
    number = None if observations is None else whole(observations, "the number of observations")
    if not joint:
        return MultinomialLabels(rows, several, number, read_lists(probabilities, (rows, *several)))
    if len(several) > 1:
        raise ModelError(f"labels are drawn jointly in two columns; found {', '.join((rows, *several))}")
    return MultinomialLabels(rows, several, number, _read_table(probabilities, f"{rows} and {several[0]}"), joint)


def _read_table(table: Any, what: str) -> tuple[Probabilities, ...]:
    if table is None:
        return ()
    lists = table.tolist() if hasattr(table, "tolist") else table
    if not isinstance(lists, list | tuple) or len({len(row) for row in lists if isinstance(row, list | tuple)}) != 1:
        raise ModelError(f"with joint=True, probabilities= takes a table, rows of equal length; found {table!r}")
    flat = read_probabilities([p for row in lists for p in row], f"the probabilities of {what}")
    width = len(lists[0])
    return tuple(flat[start : start + width] for start in range(0, len(flat), width))
