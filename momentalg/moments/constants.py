"""The exact value of a design constant, traces included, on a small design: Hartley's synthesis in Fractions."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction

from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.expr.columns import is_factor
from momentalg.expr.nodes import Add, Monomial, Mul, Node, Number, Pow, Trace
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
    """tr(P K P V) as the sum over the columns z of V of (Pz)'K(Pz)."""
    columns: Matrix = []
    for column in node.columns:
        columns += _indicators(column, design) if is_factor(column) else [_monomial(column, design, model)]
    projection = residual_projection(columns, design.rows)
    unit = [[Fraction(int(i == j)) for j in range(design.rows)] for i in range(design.rows)]
    total = Fraction(0)
    for z in unit if node.of is None else _indicators(node.of, design):
        left = [sum((p * x for p, x in zip(row, z, strict=True)), Fraction(0)) for row in projection]
        for k in unit if node.kernel is None else _indicators(node.kernel, design):
            total += sum((a * b for a, b in zip(k, left, strict=True)), Fraction(0)) ** 2
    return total


def _indicators(factor: tuple[str, ...], design: DesignTable) -> Matrix:
    cells: list[tuple[Hashable, ...]] = design.cells(factor)
    return [[Fraction(int(c == level)) for c in cells] for level in dict.fromkeys(cells)]


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
