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
