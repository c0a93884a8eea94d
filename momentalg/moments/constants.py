"""The exact value of design constants on a small design: design totals, and traces by absorption, in Fractions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.expr.columns import is_kernel, is_levels
from momentalg.expr.nodes import Add, Column, Kernel, LevelColumns, Monomial, Mul, Node, Number, Pow, Trace
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.rational import Matrix, Vector, absorbed

Columns = tuple[Column, ...]


def constant_value(node: Node, design: DesignTable, model: ResolvedModel) -> Fraction:
    """The value of a node of sizes, covariate totals, level sums and traces on a design."""
    return Constants(design, model).value(node)


@dataclass
class Constants:
    """The design constants of one design, each computed once."""

    design: DesignTable
    model: ResolvedModel
    _known: dict[Node, Fraction] = field(default_factory=dict)
    _projected: dict[Columns, _Projected] = field(default_factory=dict)

    def value(self, node: Node) -> Fraction:
        """The value of a node of sizes, covariate totals, level sums and traces."""
        match node:
            case Number(value):
                return value
            case Add(args):
                return sum((self.value(a) for a in args), Fraction(0))
            case Mul(args):
                product = Fraction(1)
                for a in args:
                    product *= self.value(a)
                return product
            case Pow(base, exponent):
                return self.value(base) ** exponent
        if node not in self._known:
            self._known[node] = self._trace(node) if isinstance(node, Trace) else self._total(node)
        return self._known[node]

    def _total(self, node: Node) -> Fraction:
        return Fraction(evaluate(joint_cumulant([translate(node, self.model)], self.model), {}, self.design))

    def _trace(self, node: Trace) -> Fraction:
        if node.columns not in self._projected:
            removed = [v for column in node.columns for v in self.vectors(column)]
            self._projected[node.columns] = _Projected(self, removed)
        return self._projected[node.columns].trace(node.kernel, node.of)

    def vectors(self, column: Column) -> Matrix:
        """A column, or the column of each level."""
        if not is_levels(column):
            return [self.monomial(column)]
        values = self.monomial(column.monomial)
        cells: list[tuple[Hashable, ...]] = self.design.cells(column.factor)
        return [
            [v if c == level else Fraction(0) for c, v in zip(cells, values, strict=True)]
            for level in dict.fromkeys(cells)
        ]

    def monomial(self, monomial: Monomial) -> Vector:
        """The values of a covariate monomial, row by row."""
        values = [Fraction(1)] * self.design.rows
        for variable, power in monomial:
            if variable.kind == "size":
                columns = self.model.constant_on[variable]
                sizes = self.design.total(columns, ())
                column: Sequence[Fraction] = [sizes[cell] for cell in self.design.cells(columns)]
            else:
                column = list(self.design.values[variable])
            values = [v * Fraction(x) ** power for v, x in zip(values, column, strict=True)]
        return values


@dataclass
class _Projected:
    """Traces for one P = I - V (V'V)^- V', by absorption: Z'PZ is what elimination of V leaves of Z'Z."""

    constants: Constants
    removed: Matrix
    _inner: dict[tuple[LevelColumns, LevelColumns], Matrix] = field(default_factory=dict)

    def trace(self, kernel: Kernel | Monomial | None, of: Kernel | Monomial | None) -> Fraction:
        """tr(P K P V)."""
        if kernel is not None and not is_kernel(kernel):
            return self.trace(of, kernel) if is_kernel(of) else self._diagonals(kernel, of or ())
        if of is not None and not is_kernel(of):
            return self._diagonal(kernel, self.constants.monomial(of))
        if of is None and kernel is None:
            return Fraction(self.constants.design.rows - absorbed(self.removed, (), ()).rank)
        if of is None or kernel is None:
            inner = self._between(*(of or kernel or ()))
            return sum((inner[n][n] for n in range(len(inner))), Fraction(0))
        (c, d), (e, f) = kernel, of
        total = _product(self._between(d, e), self._between(c, f))
        return total if c == d or e == f else (total + _product(self._between(c, e), self._between(d, f))) / 2

    def _between(self, left: LevelColumns, right: LevelColumns) -> Matrix:
        """Z_c'P Z_d."""
        if (left, right) not in self._inner:
            vectors = (self.constants.vectors(c) for c in (left, right))
            found = absorbed(self.removed, *vectors).inner
            self._inner[left, right] = found
            self._inner[right, left] = [list(column) for column in zip(*found, strict=True)]
        return self._inner[left, right]

    def _diagonals(self, first: Monomial, second: Monomial) -> Fraction:
        """tr(P D P E) of two diagonal matrices: the sum of d_s e_t P_st^2."""
        left, right = self.constants.monomial(first), self.constants.monomial(second)
        rows = range(len(left))
        units = [[Fraction(int(i == o)) for i in rows] for o in rows]
        inner = absorbed(self.removed, units, units).inner
        return sum((left[s] * right[t] * inner[s][t] ** 2 for s in rows for t in rows), Fraction(0))

    def _diagonal(self, kernel: Kernel | None, weights: Vector) -> Fraction:
        """tr(P K P D) from the rows of P Z_c and P Z_d; from those of P where K is the identity."""
        rows = range(len(weights))
        units = [[Fraction(int(i == o)) for i in rows] for o in rows]
        if kernel is None:
            inner = absorbed(self.removed, units, units).inner
            return sum((w * inner[o][o] for o, w in enumerate(weights)), Fraction(0))
        left, right = (absorbed(self.removed, units, self.constants.vectors(c)).inner for c in kernel)
        return sum(
            (w * a * b for w, p, q in zip(weights, left, right, strict=True) for a, b in zip(p, q, strict=True)),
            Fraction(0),
        )


def _product(left: Matrix, right: Matrix) -> Fraction:
    """The sum of the products of the entries of two matrices."""
    return sum((a * b for p, q in zip(left, right, strict=True) for a, b in zip(p, q, strict=True)), Fraction(0))
