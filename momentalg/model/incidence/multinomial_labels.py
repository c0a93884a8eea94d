"""Multinomial labels: a fixed number of observations, each of which draws its row and its column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from momentalg.errors import ModelError
from momentalg.model.distributions.base import SizeLaw
from momentalg.model.distributions.constant import Constant
from momentalg.model.distributions.exact import whole
from momentalg.model.incidence.base import Columns, Incidence, Probabilities, read_columns, read_probabilities


@dataclass(frozen=True, repr=False)
class MultinomialLabels(Incidence):
    """n observations with i.i.d. labels (i, j): probability p_i q_j, or p_ij where they are drawn jointly."""

    rows: str
    columns_: str
    observations: int | None = None
    probabilities_: tuple[Probabilities, ...] = ()
    joint: bool | None = None  # None: independent

    @property
    def strata(self) -> Columns:
        return ()

    @property
    def drawn(self) -> tuple[Columns, ...]:
        return ((self.rows, self.columns_),) if self.joint else ((self.rows,), (self.columns_,))

    @property
    def count(self) -> SizeLaw | None:
        return None if self.observations is None else Constant(self.observations)

    def probabilities(self, columns: Columns) -> Mapping[tuple[int, ...], Fraction] | None:
        if not self.probabilities_:
            return None
        if self.joint:
            return {(i, j): p for i, row in enumerate(self.probabilities_) for j, p in enumerate(row)}
        return {(place,): p for place, p in enumerate(self.probabilities_[columns != (self.rows,)])}


def multinomial_labels(
    rows: str, columns: str, observations: int | None = None, probabilities: Any = None, joint: bool = False
) -> MultinomialLabels:
    """A fixed number of observations, whose labels are i.i.d.: row i and column j with probability p_i q_j, or p_ij.

    `probabilities` are two lists, ``[p, q]``, or with ``joint=True`` the table of the p_ij, a list for each row. What
    is not given stays a symbol. Row counts are multinomial, so negatively correlated; rows and columns may be empty.
    """
    read_columns(rows, columns)
    number = None if observations is None else whole(observations, "the number of observations")
    read: tuple[Probabilities, ...] = ()
    if probabilities is not None:
        lists = [v.tolist() if hasattr(v, "tolist") else v for v in probabilities]
        if joint and len({len(row) for row in lists}) == 1:
            flat = read_probabilities([p for row in lists for p in row], f"the probabilities of {rows} and {columns}")
            width = len(lists[0])
            read = tuple(flat[start : start + width] for start in range(0, len(flat), width))
        elif not joint and len(lists) == 2:
            names = (f"the probabilities of {rows}", f"the probabilities of {columns}")
            read = tuple(read_probabilities(p, name) for p, name in zip(lists, names, strict=True))
        else:
            raise ModelError(
                "probabilities= takes two lists, those of the rows and those of the columns, or with joint=True a "
                f"table with a list of equal length for each row; found {probabilities!r}"
            )
    return MultinomialLabels(rows, columns, number, read, joint or None)
