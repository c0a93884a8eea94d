"""Projection statistics and their traces, from cross-products and totals per level.

P removes columns of the levels of one factor, if any, as `lower.removed` says, and then the mean columns X. With t_d,
for each level of another factor, its totals of d times X as left by the first step, and all else left by it too:

    y'P y                   = y'y - (X'y)' (X'X)^- X'y
    y'P Z_c Z_d' P y        = sum over the levels of r_c r_d,            r_c = totals of c y - t_c' b,  b = (X'X)^- X'y
    tr(P Z_d Z_e')          = sum d e - tr((X'X)^- T_de),                T_de = sum over the levels of t_d t_e'
    tr(P Z_c Z_d' P Z_e Z_h') = sum over the cells of s_de s_hc - s_de t_c'(X'X)^- t_h - s_hc t_d'(X'X)^- t_e
                              + tr((X'X)^- T_eh (X'X)^- T_cd),           s_de the totals of d e in the cells

Columns that the first step removes whole are left out there rather than computed as zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from momentalg.errors import UnsupportedError
from momentalg.expr.columns import is_kernel, level_columns, monomials
from momentalg.expr.keys import monomial_key
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Kernel, LevelColumns, Monomial, Node, Projected, Trace, Variable
from momentalg.lower.absorbed import CrossedProjection
from momentalg.lower.arrays import (
    ZERO,
    Apply,
    Const,
    Diagonal,
    Expr,
    GeneralisedInverse,
    Matrix,
    Product,
    Rank,
    Settled,
    Table,
    TraceOf,
    Transposed,
    Vector,
    const,
)
from momentalg.lower.assembling import minus, plus, power, times
from momentalg.lower.columns import MeanColumn, in_order, mean_column, shown_column, shown_total, spelled
from momentalg.lower.level_arrays import Columns, Filled, KernelTrace, SumLevels
from momentalg.lower.linked import Linked, shown_link
from momentalg.lower.removed import Removed
from momentalg.lower.scope import Scope
from momentalg.lower.shapes import along_number
from momentalg.lower.weighted import Weighted
from momentalg.statistics.projection import spanned

OFF_LEVELS = (
    "a generated estimator computes sums over levels of squared residuals off covariates alone, not off the levels of "
    "another factor; statistics='within' needs no more"
)


@dataclass(frozen=True)
class Projections:
    """Lowers projection statistics within one scope; `centred` are the level covariates about their means."""

    scope: Scope
    centred: Mapping[Variable, Expr]

    def lower(self, node: Node) -> Expr:
        """The value of a `Projected` or a `Trace`."""
        if not isinstance(node, Projected | Trace):
            raise UnsupportedError(f"{type(node).__name__} is not a projection statistic")
        removed = level_columns(node.columns)
        several = len({self.scope.table(c.factor) for c in removed}) > 1
        made = self.crossed if several else self.projection
        projection: Projection | CrossedProjection = made(monomials(node.columns), removed)
        kernel = self._kernel(node.kernel)
        if isinstance(node, Projected):
            return projection.statistic(kernel)
        of = self._kernel(node.of)
        if isinstance(kernel, MeanColumn) or isinstance(of, MeanColumn):
            return projection.diagonal(*((of, kernel) if isinstance(kernel, MeanColumn) else (kernel, of)))
        return projection.trace(kernel, of)

    def projection(self, common: tuple[Monomial, ...], removed: tuple[LevelColumns, ...] = ()) -> Projection:
        """P off mean columns, and off columns of the levels of one factor at most."""
        model = self.scope.places.tables.model
        inner = tuple(self.column(m) for m in common if not spanned(m, removed, model))
        table = next((self.scope.table(c.factor) for c in removed), ())
        columns = tuple(self.column(c.monomial) for c in removed)
        return Projection(self.scope, Removed(self.scope, table, columns), inner, removed)

    def crossed(self, common: tuple[Monomial, ...], removed: tuple[LevelColumns, ...]) -> CrossedProjection:
        """P off mean columns, and off columns of the levels of several factors."""
        model = self.scope.places.tables.model
        inner = tuple(self.column(m) for m in common if not spanned(m, removed, model))
        by_table: dict[Table, list[MeanColumn]] = {}
        for columns in removed:
            by_table.setdefault(self.scope.table(columns.factor), []).append(self.column(columns.monomial))
        factors = tuple((table, tuple(columns)) for table, columns in by_table.items())
        return CrossedProjection(self.scope, factors, inner)

    def column(self, monomial: Monomial) -> MeanColumn:
        """A covariate monomial, as a part by observation times a part by level."""
        return mean_column(monomial, self.scope.symbols, self.centred, self.scope.places)

    def _kernel(self, kernel: Kernel | Monomial | None) -> Linked | MeanColumn | None:
        """A kernel of a factor; of a diagonal matrix, its covariate; of the identity, nothing."""
        if not is_kernel(kernel):
            return self.column(kernel) if kernel else None
        return Linked(self.scope.table(kernel[0].factor), *(self.column(c.monomial) for c in kernel))


@dataclass(frozen=True)
class Projection:
    """P, off columns of levels and then off mean columns, with what it makes of the data and the design."""

    scope: Scope
    removed: Removed
    columns: tuple[MeanColumn, ...]
    level_columns: tuple[LevelColumns, ...] = ()

    # -- statistics ----------------------------------------------------------------------------------------------

    def statistic(self, kernel: Linked | MeanColumn | None) -> Expr:
        """y'P y, y'P Z_c Z_d' P y, or y'P D P y for D the diagonal matrix of a covariate."""
        if kernel is None:
            return self._residual_squares()
        if isinstance(kernel, MeanColumn):
            return Weighted(self).squares(kernel)
        if self._vanishes(kernel):
            return ZERO
        left, right = (self._residual_totals(kernel.table, c) for c in (kernel.left, kernel.right))
        product = power(left, 2) if left == right else times(left, right)
        shown = f"sum over {join_factor(kernel.table)} of the products of these totals"
        return self.scope.name(SumLevels(product), "between", shown)

    def _residual_squares(self) -> Expr:
        squares = self.removed.total(None, None)
        if not self.columns:
            return squares if not self.removed.columns else self.name(squares, "", "y'P y")
        value = minus(squares, Product((self.moments(), self.coefficients()), "scalar"))
        return self.name(
            value, "" if self.removed.columns else "around_fit", f"residual sum of squares of y on {self.listed}"
        )

    def _residual_totals(self, table: Table, column: MeanColumn) -> Expr:
        sums = self.removed.level_total(table, column, None)
        if self.columns:
            fitted = Product((self.totals(table, column), self.coefficients()), along_number(table))
            sums = minus(sums, fitted)
        of = f"{shown_column(column)} times the residual" if column.monomial else "the residual"
        shown = f"per level of {join_factor(table)}, the total of {of} of y on {self.listed or 'nothing'}"
        return self.name(sums, f"residual_{spelled(column)}" if column.monomial else "residual", shown, table)

    # -- traces --------------------------------------------------------------------------------------------------

    def trace(self, kernel: Linked | None, of: Linked | None) -> Expr:
        """tr(P), tr(P V) or tr(P K P V)."""
        links = [link for link in (kernel, of) if link is not None]
        if any(self._vanishes(link) for link in links):
            return ZERO
        if not links:
            return minus(minus(self.scope.accumulators.total(()), self.removed.rank()), self.rank())
        return self._trace_once(links[0]) if len(links) == 1 else self._trace_twice(*links)

    def rank(self) -> Expr:
        """The rank of the mean columns, as left by what is removed first."""
        if not self.columns:
            return ZERO
        return self.name(Rank(self.gram(), self._lengths()), "rank", f"the rank of {self.listed}")

    def _trace_once(self, link: Linked) -> Expr:
        value = self.removed.trace(link.table, link.left, link.right)
        if self.columns:
            value = minus(value, TraceOf(Product((self.inverse(), self.cross(link)), "matrix")))
        return self._trace_named(value, self._scale(link), link)

    def _trace_twice(self, kernel: Linked, of: Linked) -> Expr:
        if self.removed.columns:
            raise UnsupportedError(OFF_LEVELS)
        kernel, of = sorted((kernel, of), key=lambda link: (link.table, link.left.monomial, link.right.monomial))
        found = [self._crossed(kernel, of)]
        if kernel.left != kernel.right and of.left != of.right:
            found.append(self._crossed(Linked(kernel.table, kernel.right, kernel.left), of))
        squares, values = zip(*found, strict=True)
        value = times(const(Fraction(1, len(values))), plus(*values))
        if kernel.left == kernel.right and of.left == of.right:
            return self._trace_named(value, squares[0], kernel, of)
        lengths = (self.scope.total_of((), c, c) for c in (kernel.left, kernel.right, of.left, of.right))
        return self._trace_named(value, Apply("sqrt", times(*lengths)), kernel, of)

    def _crossed(self, kernel: Linked, of: Linked) -> tuple[Expr, Expr]:
        """tr(Z_c Z_d' Z_e Z_h') and tr(P Z_c Z_d' P Z_e Z_h'), for the two sides of both kernels."""
        cells = self.scope.table((*kernel.table, *of.table))
        pairs = in_order(kernel.right, of.left), in_order(of.right, kernel.left)
        left, right = (self.scope.total_of(cells, *pair) for pair in pairs)
        product = power(left, 2) if left == right else self.scope.places.times(left, right)
        shown = " * ".join(shown_total(*pair) for pair in pairs)
        squares: Expr = ZERO
        if product != ZERO:
            squares = self.scope.named_total(SumLevels(product), f"sum over {join_factor(cells)} of {shown}")
        if not self.columns:
            return squares, squares
        one, two = ((*self._both(link), self._positions(link.table, cells)) for link in (kernel, of))
        size = self.scope.accumulators.per_level(cells, ())
        full = (Filled(size, value) if isinstance(value, Const) else value for value in (left, right))
        return squares, KernelTrace(self.inverse(), one, two, *full)

    def _both(self, link: Linked) -> tuple[Expr, Expr]:
        return self.totals(link.table, link.left), self.totals(link.table, link.right)

    def _positions(self, table: Table, cells: Table) -> Expr | None:
        return None if table == cells else self.scope.places.tables.positions(table, cells)

    def diagonal(self, kernel: Linked | MeanColumn | None, weight: MeanColumn) -> Expr:
        """tr(P D) or tr(P K P D), D the diagonal matrix of a covariate; K may be one as well."""
        if kernel is not None and self.removed.columns:
            raise UnsupportedError(OFF_LEVELS)
        return Weighted(self).trace(kernel, weight)

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def listed(self) -> str:
        """The mean columns in words, and where they are."""
        columns = ", ".join(monomial_key(c.monomial) for c in self.columns)
        return columns + self.removed.where if columns else self.removed.where.removeprefix(" within ")

    def gram(self) -> Expr:
        """X'X."""
        matrix = Matrix(tuple(tuple(self.removed.total(a, b) for b in self.columns) for a in self.columns))
        return self.name(matrix, "gram", f"X'X of the columns {self.listed}")

    def inverse(self) -> Expr:
        """(X'X)^-, a symmetric generalised inverse."""
        gram = self.gram()
        return self.name(GeneralisedInverse(gram, self._lengths()), "inverse", f"(X'X)^-{self.removed.where}")

    def moments(self) -> Expr:
        """X'y."""
        return self.name(
            Vector(tuple(self.removed.total(c, None) for c in self.columns)), "moments", f"X'y{self.removed.where}"
        )

    def coefficients(self) -> Expr:
        """Least squares: (X'X)^- X'y."""
        solved = Product((self.inverse(), self.moments()), "vector")
        return self.name(solved, "slopes", f"least squares of y on {self.listed}: (X'X)^- X'y")

    def totals(self, table: Table, column: MeanColumn) -> Expr:
        """t_d, for each level of a table."""
        values = Columns(tuple(self.removed.level_total(table, column, c) for c in self.columns))
        times_column = f" times {shown_column(column)}" if column.monomial else ""
        hint = f"totals_{spelled(column)}" if column.monomial else "totals"
        shown = f"t: per level of {join_factor(table)} the totals of {self.listed}{times_column}"
        return self.name(values, hint, shown, table)

    def cross(self, link: Linked) -> Expr:
        """T_de."""
        left, right = self._both(link)
        product = Product((Transposed(left), right), "matrix")
        shown = f"T: sum over {join_factor(link.table)} of t t', of the totals of {self.listed}"
        return self.name(product, f"cross_{self.spelled_link(link)}", shown)

    def _lengths(self) -> Expr:
        """The squared lengths of columns: what is small beside them is rounding, not variation."""
        if not self.removed.columns:
            return Diagonal(self.gram())
        return Vector(tuple(self.scope.total_of((), c, c) for c in self.columns))

    def _scale(self, link: Linked) -> Expr:
        if link.left == link.right:
            return self.scope.total_of((), link.left, link.left)
        return plus(*(self.scope.total_of((), c, c) for c in (link.left, link.right)))

    def _trace_named(self, value: Expr, scale: Expr | None, *links: Linked) -> Expr:
        inside = " ".join(f"P {shown_link(link)}" for link in links)
        settled = value if scale is None or value == scale else Settled(value, scale)
        hint = "_by_".join(self.spelled_link(link) for link in links)
        return self.name(settled, f"trace_{hint}", f"tr({inside}), P off {self.listed or 'nothing'}")

    def spelled_link(self, link: Linked) -> str:
        """A kernel as part of a name."""
        sides = [spelled(side) for side in (link.left, link.right)]
        covariates = [] if sides == ["one", "one"] else sides[:1] if sides[0] == sides[1] else sides
        return "_".join([*covariates, self.scope.places.tables.name(link.table)])

    def _vanishes(self, link: Linked) -> bool:
        """Whether the columns of the levels of a factor are removed whole."""
        model = self.scope.places.tables.model
        sides = (LevelColumns(link.table, side.monomial) for side in (link.left, link.right))
        return any(spanned(side, self.level_columns, model) for side in sides)

    def name(self, value: Expr, hint: str, formula: str, table: Table = ()) -> Expr:
        by = self.removed.by
        suffix = self.scope.places.tables.suffix(table) if table else ""
        return self.scope.name(value, "_".join(part for part in (by, hint) if part) + suffix, formula)
