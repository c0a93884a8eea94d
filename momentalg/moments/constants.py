"""The exact value of a design constant, traces included, on a small design: Hartley's synthesis in Fractions."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction

from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.expr.columns import is_kernel, is_levels
from momentalg.expr.nodes import Add, Column, Kernel, Monomial, Mul, Node, Number, Pow, Trace
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.rational import Matrix, residual_projection


def constant_value(node: Node, design: DesignTable, model: ResolvedModel) -> Fraction:
    """The value of a node of sizes, covariate totals, level sums and traces on a design."""
    match node:
        case Number(value):
            return value
        case Add(args):
            return sum((constant_value(a, design, model) for a in args), Fraction(0))
        case Mul(args):
            product = Fraction(1)
            for a in args:
                product *= constant_value(a, design, model)
            return product
        case Pow(base, exponent):
            return constant_value(base, design, model) ** exponent
        case Trace():
            return _trace(node, design, model)
        case _:
            return Fraction(evaluate(joint_cumulant([translate(node, model)], model), {}, design))


def _trace(node: Trace, design: DesignTable, model: ResolvedModel) -> Fraction:
    """tr(P K P V), entry by entry of P K P and V."""
    columns = [v for column in node.columns for v in _vectors(column, design, model)]
    form = residual_projection(columns, design.rows)
    if node.kernel is not None:
        form = _product(_product(form, _matrix(node.kernel, design, model)), form)
    matrix = _matrix(node.of, design, model)
    return sum((a * b for p, v in zip(form, matrix, strict=True) for a, b in zip(p, v, strict=True)), Fraction(0))


def _product(left: Matrix, right: Matrix) -> Matrix:
    return [
        [sum((a * b for a, b in zip(row, c, strict=True)), Fraction(0)) for c in zip(*right, strict=True)]
        for row in left
    ]


def _matrix(of: Kernel | Monomial | None, design: DesignTable, model: ResolvedModel) -> Matrix:
    """The symmetric part of Z_c Z_d', a diagonal matrix, or the identity."""
    rows = range(design.rows)
    if not is_kernel(of):
        diagonal = _monomial(of or (), design, model)
        return [[diagonal[s] if s == t else Fraction(0) for t in rows] for s in rows]
    cells: list[tuple[Hashable, ...]] = design.cells(of[0].factor)
    left, right = (_monomial(c.monomial, design, model) for c in of)
    return [
        [(left[s] * right[t] + left[t] * right[s]) / 2 if cells[s] == cells[t] else Fraction(0) for t in rows]
        for s in rows
    ]


def _vectors(column: Column, design: DesignTable, model: ResolvedModel) -> Matrix:
    if not is_levels(column):
        return [_monomial(column, design, model)]
    values = _monomial(column.monomial, design, model)
    cells: list[tuple[Hashable, ...]] = design.cells(column.factor)
    return [
        [v if c == level else Fraction(0) for c, v in zip(cells, values, strict=True)] for level in dict.fromkeys(cells)
    ]


def _monomial(monomial: Monomial, design: DesignTable, model: ResolvedModel) -> list[Fraction]:
    values = [Fraction(1)] * design.rows
    for variable, power in monomial:
        if variable.kind == "size":
            columns = model.constant_on[variable]
            sizes = design.total(columns, ())
            column = [sizes[cell] for cell in design.cells(columns)]
        else:
            column = list(design.values[variable])
        values = [v * Fraction(x) ** power for v, x in zip(values, column, strict=True)]
    return values
