"""The shapes of array expressions, and the tables that they lie along."""

from __future__ import annotations

from typing import Literal

from momentalg.lower.arrays import (
    Along,
    Apply,
    Diagonal,
    Expr,
    GeneralisedInverse,
    Matrix,
    Plus,
    Power,
    Product,
    Ref,
    Settled,
    Shape,
    Solved,
    Table,
    Times,
    Transposed,
    Vector,
)
from momentalg.lower.level_arrays import (
    Blocks,
    Columns,
    Filled,
    Gather,
    LevelInverses,
    LevelProducts,
    RowForms,
    Scatter,
)


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
