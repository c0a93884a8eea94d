"""Draws: each row draws a random number of columns, with replacement; popular columns are drawn by many."""

from __future__ import annotations

from collections.abc import Mapping
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
    read_probabilities,
)


@dataclass(frozen=True, repr=False)
class Draws(Incidence):
    """Row i has N_i observations, i.i.d. over rows, each in column j with probability q_j."""

    rows: str
    columns_: str
    sizes: SizeLaw | None = None
    probabilities_: Probabilities = ()

    @property
    def strata(self) -> Columns:
        return (self.rows,)

    @property
    def drawn(self) -> tuple[Columns, ...]:
        return ((self.columns_,),)

    @property
    def count(self) -> SizeLaw | None:
        return self.sizes

    def probabilities(self, columns: Columns) -> Mapping[tuple[int, ...], Fraction] | None:
        return {(place,): p for place, p in enumerate(self.probabilities_)} or None


def draws(rows: str, columns: str, sizes: Any = None, probabilities: Any = None) -> Draws:
    """Row i makes N_i draws of a column, i.i.d. with probabilities q_j, with replacement: users who rate items.

    `sizes` is the law of N_i, such as ``ma.Poisson(3)``, and `probabilities` the list of the q_j; what is not given
    stays a symbol: E(N), E(N^2), ..., and the power sums of q, of which sum q_j^2 is the overlap of two rows. N >= 1 is
    assumed unless the law says otherwise, or ``ma.may_be_empty(rows)``; columns may be empty.
    """
    read_columns(rows, columns)
    read = () if probabilities is None else read_probabilities(probabilities, f"the probabilities of {columns}")
    return Draws(rows, columns, read_count(sizes, "the number of draws of a row"), read)
