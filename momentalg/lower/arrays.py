"""Array expressions: what an estimator computes, as a small tree that any array language can write down.

Shapes are "scalar", "vector" (one entry per column of a projection), "matrix" (columns twice), and `Along`: one number,
vector or matrix per level of a table. A table is a set of label columns, whose combinations are its levels. Operators
assemble and fold what is trivial; they never reorder, and what they take elementwise lies along one table.
`lower.place` brings values from one table to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Table = tuple[str, ...]
"""The label columns whose combinations are the levels."""


@dataclass(frozen=True)
class Along:
    """One entry per level of a table."""

    table: Table
    each: Literal["number", "vector", "matrix"] = "number"


Shape = Literal["scalar", "vector", "matrix"] | Along


@dataclass(frozen=True)
class Expr:
    """Base of all array expressions."""


@dataclass(frozen=True)
class Const(Expr):
    """An exact rational number."""

    value: Fraction


@dataclass(frozen=True)
class Ref(Expr):
    """A named quantity: an accumulator, a shift, or something computed before."""

    name: str
    shape: Shape = "scalar"


@dataclass(frozen=True)
class Plus(Expr):
    """A sum, elementwise."""

    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Times(Expr):
    """A product, elementwise."""

    args: tuple[Expr, ...]


@dataclass(frozen=True)
class Power(Expr):
    """A whole power, elementwise; negative for division."""

    base: Expr
    exponent: int


@dataclass(frozen=True)
class Apply(Expr):
    """An elementary function, elementwise: log, exp or sqrt."""

    function: str
    arg: Expr


@dataclass(frozen=True)
class HasLabel(Expr):
    """Per row, 1 where a column of labels holds a label, else 0."""

    column: str
    label: str | int | float


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
class Item(Expr):
    """One entry of a vector."""

    arg: Expr
    index: int


@dataclass(frozen=True)
class Vector(Expr):
    """A vector of scalars."""

    entries: tuple[Expr, ...]


@dataclass(frozen=True)
class Matrix(Expr):
    """A matrix of scalars, by rows."""

    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True)
class Columns(Expr):
    """Values per level side by side: a row for each level, a column for each of them."""

    columns: tuple[Expr, ...]


@dataclass(frozen=True)
class Blocks(Expr):
    """A small matrix for each level, of values per level."""

    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True)
class Product(Expr):
    """A matrix product, from left to right."""

    args: tuple[Expr, ...]
    shape: Shape


@dataclass(frozen=True)
class Transposed(Expr):
    """The transpose of columns."""

    arg: Expr


@dataclass(frozen=True)
class TraceOf(Expr):
    """The trace of a square matrix."""

    arg: Expr


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
class GeneralisedInverse(Expr):
    """A symmetric generalised inverse; `scale` holds the squared lengths against which rounding is judged."""

    matrix: Expr
    scale: Expr


@dataclass(frozen=True)
class Solved(Expr):
    """The solution of a square linear system."""

    matrix: Expr
    right: Expr


@dataclass(frozen=True)
class Rank(Expr):
    """The rank of a symmetric non-negative matrix, with the same `scale`."""

    matrix: Expr
    scale: Expr


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


@dataclass(frozen=True)
class Filled(Expr):
    """A number for each level that `like` has a value for."""

    like: Expr
    value: Expr


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
class Itself(Expr):
    """The positions of levels among themselves: 0, 1, ... up to their number."""

    levels: Expr


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
class AbsorbedTrace(Expr):
    """What the columns leave of the products of two columns of each level of a further factor."""

    equations: Expr
    total: Expr
    levels: Expr
    cells: tuple[LinkedCells, ...]
    left: Expr | None
    right: Expr | None


@dataclass(frozen=True)
class Diagonal(Expr):
    """The diagonal of a matrix."""

    arg: Expr


@dataclass(frozen=True)
class Settled(Expr):
    """`value`, or exactly 0 where it is only rounding left of terms of the size of `scale`."""

    value: Expr
    scale: Expr


ZERO = Const(Fraction(0))
ONE = Const(Fraction(1))


def const(value: int | Fraction) -> Const:
    """The number `value`."""
    return Const(Fraction(value))


def shape_of(expr: Expr) -> Shape:
    """The shape of `expr`; elementwise operations take the shape of their largest operand."""
    match expr:
        case Ref(_, shape) | Product(_, shape):
            return shape
        case Plus(args) | Times(args):
            shapes = [s for s in map(shape_of, args) if s != "scalar"]
            return shapes[0] if shapes else "scalar"
        case Power(arg, _) | Apply(_, arg) | Settled(arg, _):
            return shape_of(arg)
        case Vector() | Diagonal() | Solved():
            return "vector"
        case Matrix() | GeneralisedInverse():
            return "matrix"
        case Gather(arg, _, table) | Scatter(arg, _, table):
            return Along(table, each_of(arg))
        case Columns((first, *_)):
            return Along(table_of(first), "vector")
        case Blocks(((first, *_), *_)) | LevelInverses(Blocks(((first, *_), *_))):
            return Along(table_of(first), "matrix")
        case LevelInverses(Ref(_, shape)):
            return shape
        case Transposed(arg) | LevelProducts(_, arg) | Filled(arg, _):
            return shape_of(arg)
        case RowForms(left):
            return Along(table_of(left))
        case _:
            return "scalar"


def table_of(expr: Expr) -> Table:
    """The table that a value lies along; none for one that lies along none."""
    shape = shape_of(expr)
    return shape.table if isinstance(shape, Along) else ()


def along_number(table: Table) -> Shape:
    """The shape of one number per level of a table."""
    return Along(table)


def each_of(expr: Expr) -> Literal["number", "vector", "matrix"]:
    """What a value has for each level."""
    shape = shape_of(expr)
    return shape.each if isinstance(shape, Along) else "number"


def plus(*args: Expr) -> Expr:
    """Assemble a sum: nested sums flattened, like terms united, a number put last, a positive term first."""
    weights: dict[Expr, Fraction] = {}
    number = Fraction(0)
    for term in (t for a in args for t in (a.args if isinstance(a, Plus) else (a,))):
        if isinstance(term, Const):
            number += term.value
            continue
        weight, rest = _weighted(term)
        weights[rest] = weights.get(rest, Fraction(0)) + weight
    kept = [times(Const(w), t) for t, w in weights.items() if w]
    if kept:
        leading = next((k for k, w in enumerate(w for w in weights.values() if w) if w > 0), 0)
        kept.insert(0, kept.pop(leading))
    if number or not kept:
        kept.append(Const(number))
    return kept[0] if len(kept) == 1 else Plus(tuple(kept))


def _weighted(term: Expr) -> tuple[Fraction, Expr]:
    if isinstance(term, Times) and isinstance(term.args[0], Const):
        return term.args[0].value, times(*term.args[1:])
    return Fraction(1), term


def times(*args: Expr) -> Expr:
    """Assemble a product: nested products flattened, powers of one base united, a number put in front."""
    exponents: dict[Expr, int] = {}
    number = Fraction(1)
    for factor in (f for a in args for f in (a.args if isinstance(a, Times) else (a,))):
        if isinstance(factor, Const):
            number *= factor.value
            continue
        base, exponent = (factor.base, factor.exponent) if isinstance(factor, Power) else (factor, 1)
        exponents[base] = exponents.get(base, 0) + exponent
    kept = [Power(base, e) if e != 1 else base for base, e in exponents.items() if e]
    if number == 0 or not kept:
        return Const(number)
    if number != 1:
        kept.insert(0, Const(number))
    return kept[0] if len(kept) == 1 else Times(tuple(kept))


def power(base: Expr, exponent: int) -> Expr:
    """Assemble a whole power."""
    if exponent == 0:
        return ONE
    if exponent == 1:
        return base
    if isinstance(base, Const) and (base.value or exponent > 0):
        return Const(base.value**exponent)
    if isinstance(base, Power):
        return power(base.base, base.exponent * exponent)
    return Power(base, exponent)


def minus(left: Expr, right: Expr) -> Expr:
    """Assemble a difference."""
    return plus(left, times(const(-1), right))


def over(left: Expr, right: Expr) -> Expr:
    """Assemble a quotient."""
    return times(left, power(right, -1))
