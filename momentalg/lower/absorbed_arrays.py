"""Array expressions of normal equations of the levels of several factors, one of which is absorbed."""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.lower.arrays import Expr


@dataclass(frozen=True)
class Group:
    """Base of what holds expressions and is none."""


@dataclass(frozen=True)
class AbsorbedFactor(Group):
    """Columns of the levels of a factor: their products, and those with the response and with the mean columns."""

    factor: str
    blocks: Expr
    response: Expr
    common: Expr | None


@dataclass(frozen=True)
class CrossedCells(Group):
    """The products of columns of the levels of two factors, by cell, with its positions among the levels of both."""

    first: int
    second: int
    first_positions: Expr
    second_positions: Expr
    blocks: Expr


@dataclass(frozen=True)
class LinkedCells(Group):
    """The same for columns of a factor and two columns of a further factor's levels, d and e."""

    positions: Expr
    linked_positions: Expr
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Absorbed(Expr):
    """The normal equations of columns of the levels of several factors, and of mean columns, if any."""

    factors: tuple[AbsorbedFactor, ...]
    cells: tuple[CrossedCells, ...]
    gram: Expr | None
    moments: Expr | None


@dataclass(frozen=True)
class AbsorbedSquares(Expr):
    """What the columns leave of the squares of the response."""

    equations: Expr
    total: Expr


@dataclass(frozen=True)
class AbsorbedRank(Expr):
    """The rank of the columns."""

    equations: Expr


@dataclass(frozen=True)
class AbsorbedDiagonal(Expr):
    """What the columns leave of the trace of a diagonal matrix; `weighted` are the same equations with it inside."""

    equations: Expr
    total: Expr
    weighted: Expr


@dataclass(frozen=True)
class AbsorbedTrace(Expr):
    """What the columns leave of the products of two columns of each level of a further factor."""

    equations: Expr
    total: Expr
    levels: Expr
    cells: tuple[LinkedCells, ...]
    left: Expr | None
    right: Expr | None
