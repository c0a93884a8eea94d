"""Array expressions along tables: sums over levels, values brought from table to table, a small matrix a level."""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.lower.arrays import Expr, Table


@dataclass(frozen=True)
class SumLevels(Expr):
    """The sum over the levels of a table."""

    arg: Expr


@dataclass(frozen=True)
class CountLevels(Expr):
    """The number of levels that a value lies along."""

    arg: Expr


@dataclass(frozen=True)
class Gather(Expr):
    """Per level of a finer table, the value at the coarser level that it lies in: `positions` tells which that is."""

    arg: Expr
    positions: Expr
    table: Table


@dataclass(frozen=True)
class Scatter(Expr):
    """Per level of a coarser table, the sum of the values at the finer levels in it."""

    arg: Expr
    positions: Expr
    table: Table


@dataclass(frozen=True)
class Filled(Expr):
    """A number for each level that `like` has a value for."""

    like: Expr
    value: Expr


@dataclass(frozen=True)
class Itself(Expr):
    """The positions of levels among themselves: 0, 1, ... up to their number."""

    levels: Expr


@dataclass(frozen=True)
class Columns(Expr):
    """Values per level side by side: a row for each level, a column for each of them."""

    columns: tuple[Expr, ...]


@dataclass(frozen=True)
class Blocks(Expr):
    """A small matrix for each level, of values per level."""

    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True)
class RowForms(Expr):
    """For each level the form s'At of its rows s and t of two sets of columns; A may be one for each level."""

    left: Expr
    matrix: Expr
    right: Expr


@dataclass(frozen=True)
class LevelInverses(Expr):
    """Generalised inverses of symmetric non-negative matrices, one for each level."""

    blocks: Expr


@dataclass(frozen=True)
class LevelProducts(Expr):
    """For each level its matrix times its row of columns."""

    blocks: Expr
    columns: Expr


@dataclass(frozen=True)
class LevelTraces(Expr):
    """The sum over the levels of the traces of products of two matrices of theirs."""

    left: Expr
    right: Expr


@dataclass(frozen=True)
class LevelRanks(Expr):
    """The sum over the levels of the ranks of the same matrices."""

    blocks: Expr


@dataclass(frozen=True)
class KernelTrace(Expr):
    """The trace of P Z_c Z_d' P Z_e Z_h', P off mean columns.

    `left` has the totals of the mean columns with c and with d, by level, and the positions of the levels of the cells
    (None where these are the cells); `right` the same for e and h. `first` and `second` are the totals of d e and of
    h c in the cells.
    """

    inverse: Expr
    left: tuple[Expr, Expr, Expr | None]
    right: tuple[Expr, Expr, Expr | None]
    first: Expr
    second: Expr


@dataclass(frozen=True)
class Contracted(Expr):
    """A sum over levels of a product of values that lie along tables which are cells of one another in a cycle.

    Each operand has, where it lies along several columns, the positions of its levels in those of each column; its
    subscript has a letter for each.
    """

    operands: tuple[Expr, ...]
    positions: tuple[tuple[Expr, ...], ...]
    subscripts: tuple[str, ...]
    formula: str
