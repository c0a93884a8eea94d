"""The columns of a projection: covariate monomials, and factors, which stand for the indicators of their levels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from momentalg.expr.nodes import Column, Factor, Monomial

if TYPE_CHECKING:
    from typing_extensions import TypeIs


def is_factor(column: Column) -> TypeIs[Factor]:
    """Whether a column stands for the levels of a factor; the empty one is the constant, a monomial."""
    return column != () and isinstance(column[0], str)


def factors(columns: Iterable[Column]) -> tuple[Factor, ...]:
    """The factors among columns, in order."""
    return tuple(c for c in columns if is_factor(c))


def monomials(columns: Iterable[Column]) -> tuple[Monomial, ...]:
    """The covariate monomials among columns, the constant included, in order."""
    return tuple(c for c in columns if not is_factor(c))
