"""What links observations of one level: the kernel Z_c Z_d' of a factor."""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.expr.keys import monomial_key
from momentalg.expr.names import join_factor
from momentalg.lower.arrays import Table
from momentalg.lower.columns import MeanColumn


@dataclass(frozen=True)
class Linked:
    """The kernel Z_c Z_d' of a factor, by its table and the two covariates."""

    table: Table
    left: MeanColumn
    right: MeanColumn


def shown_link(link: Linked) -> str:
    """Z_c Z_d' in words."""
    name = join_factor(link.table)
    left, right = (monomial_key(c.monomial) for c in (link.left, link.right))
    if left == right == "1":
        return f"Z Z' [{name}]"
    return f"Z Z' [{left}|{name}]" if left == right else f"Z Z' [{left},{right}|{name}]"
