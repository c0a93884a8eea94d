"""Draws: each row draws a random number of columns, with replacement; popular columns are drawn by many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from momentalg.model.distributions.base import SizeLaw
from momentalg.model.incidence.base import (
    Columns,
    Incidence,
    Probabilities,
    read_columns,
    read_count,
    read_lists,
)


@dataclass(frozen=True, repr=False)
class Draws(Incidence):
    """Row i has N_i observations, i.i.d. over rows, each in column j with probability q_j."""

    rows: str
    columns_: Columns
    sizes: SizeLaw | None = None
    probabilities_: tuple[Probabilities, ...] = ()

    @property
    def strata(self) -> Columns:
        return (self.rows,)

    @property
    def drawn(self) -> tuple[Columns, ...]:
        return tuple((column,) for column in self.columns_)

    @property
    def count(self) -> SizeLaw | None:
        return self.sizes

    def probabilities(self, columns: Columns) -> Mapping[tuple[int, ...], Fraction] | None:
        if not self.probabilities_:
            return None
        return {(place,): p for place, p in enumerate(self.probabilities_[self.columns_.index(columns[0])])}


def draws(rows: str, columns: str | Sequence[str], sizes: Any = None, probabilities: Any = None) -> Draws:
    """Row i makes N_i draws of a column, i.i.d. with probabilities q_j, with replacement: users who rate items.

    `sizes` is the law of N_i, such as ``ma.Poisson(3)``, and `probabilities` the list of the q_j; what is not given
    stays a symbol: E(N), E(N^2), ..., and the power sums of q, of which sum q_j^2 is the overlap of two rows. N >= 1 is
    assumed unless the law says otherwise, or ``ma.may_be_empty(rows)``; columns may be empty. With several `columns`,
    ``["item", "day"]``, a draw is of one label each, independently, and `probabilities` has a list for each of them.
    """
    several = read_columns(rows, columns)
    alone = len(several) == 1 and not isinstance(next(iter(probabilities or ()), None), list | tuple)
    read = read_lists([probabilities] if alone else probabilities, several)
    return Draws(rows, several, read_count(sizes, "the number of draws of a row"), read)
