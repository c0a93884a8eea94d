"""The columns of a projection: covariate monomials, and columns of the levels of factors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from momentalg.expr.nodes import Column, Factor, Kernel, LevelColumns, Monomial

if TYPE_CHECKING:
    from typing_extensions import TypeIs


def is_levels(column: Column) -> TypeIs[LevelColumns]:
    """Whether a column stands for columns of the levels of a factor."""
    return isinstance(column, LevelColumns)


def level_columns(columns: Iterable[Column]) -> tuple[LevelColumns, ...]:
    """The columns of levels among columns, in order."""
    return tuple(c for c in columns if isinstance(c, LevelColumns))


def factors(columns: Iterable[Column]) -> tuple[Factor, ...]:
    """The factors the indicators of whose levels are among columns, in order."""
    return tuple(c.factor for c in level_columns(columns) if not c.monomial)


def monomials(columns: Iterable[Column]) -> tuple[Monomial, ...]:
    """The covariate monomials among columns, the constant included, in order."""
    return tuple(c for c in columns if not isinstance(c, LevelColumns))


def same_level(factor: Factor, monomial: Monomial = ()) -> Kernel:
    """The kernel Z Z' of a factor: 1 for observations of one level, or x_j x_k for the columns of a slope."""
    return LevelColumns(factor, monomial), LevelColumns(factor, monomial)


def is_kernel(of: Kernel | Monomial | None) -> TypeIs[Kernel]:
    """Whether V of a trace links observations of the same level, rather than being diagonal."""
    return of is not None and len(of) > 0 and isinstance(of[0], LevelColumns)


def linked_factor(kernel: Kernel | Monomial | None) -> Factor | None:
    """The factor of a kernel; None for the identity and for a diagonal matrix."""
    return kernel[0].factor if is_kernel(kernel) else None
