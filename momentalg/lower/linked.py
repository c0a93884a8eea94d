"""What links observations of one level: the kernel Z_c Z_d' of a factor."""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.lower.arrays import Table
from momentalg.lower.columns import MeanColumn


@dataclass(frozen=True)
class Linked:
    """The kernel Z_c Z_d' of a factor, by its table and the two covariates."""

    table: Table
    left: MeanColumn
    right: MeanColumn
