"""Projections off the levels of several crossed factors: their normal equations, those of one factor absorbed.

With Z the columns of all of them and of the mean, y'P y = y'y - (Z'y)' (Z'Z)^- Z'y and tr(P Z_d Z_e') = sum d e -
tr((Z'Z)^- (Z'Z_d) (Z'Z_e)'). Z'Z is sparse, made of the sums of the cells of each two factors; its inverse is not. The
factor with most levels is eliminated level by level when the equations are solved, and the rest is dense.
"""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.errors import UnsupportedError
from momentalg.expr.keys import monomial_key
from momentalg.expr.names import join_factor
from momentalg.lower.absorbed_arrays import (
    Absorbed,
    AbsorbedDiagonal,
    AbsorbedFactor,
    AbsorbedRank,
    AbsorbedSquares,
    AbsorbedTrace,
    CrossedCells,
    LinkedCells,
)
from momentalg.lower.arrays import Expr, Matrix, Settled, Table, Vector
from momentalg.lower.assembling import minus
from momentalg.lower.columns import MeanColumn, in_order, shown_column, spelled
from momentalg.lower.level_arrays import Blocks, Columns, Itself
from momentalg.lower.linked import Linked
from momentalg.lower.scope import Scope

ADVICE = "statistics='within' projects off the levels of one factor at a time"


@dataclass(frozen=True)
class CrossedProjection:
    """P, off columns of the levels of several factors and mean columns."""

    scope: Scope
    factors: tuple[tuple[Table, tuple[MeanColumn, ...]], ...]
    columns: tuple[MeanColumn, ...]

    def statistic(self, kernel: Linked | MeanColumn | None) -> Expr:
        """y'P y."""
        if kernel is not None:
            raise UnsupportedError(f"squared totals off the levels of {self._listed} are not computed; {ADVICE}")
        total = self.scope.total_of((), None, None)
        return self.scope.name(AbsorbedSquares(self._absorbed(), total), "left", f"y'P y, P off {self._listed}")

    def trace(self, kernel: Linked | None, of: Linked | None) -> Expr:
        """tr(P) or tr(P Z_d Z_e')."""
        if kernel is not None and of is not None:
            raise UnsupportedError(f"traces of two kernels off the levels of {self._listed} are not computed; {ADVICE}")
        link = kernel or of
        if link is None:
            rank = self.scope.name(AbsorbedRank(self._absorbed()), "rank", f"the rank of {self._listed}")
            return minus(self.scope.accumulators.total(()), rank)
        total = self.scope.total_of((), *in_order(link.left, link.right))
        cells = tuple(self._linked(table, columns, link) for table, columns in self.factors)
        common = self._common(link.table, (link.left,)), self._common(link.table, (link.right,))
        value: Expr = AbsorbedTrace(
            self._absorbed(), total, self.scope.places.tables.levels(link.table), cells, *common
        )
        if link.left == link.right:
            value = Settled(value, total)
        shown = f"tr(P Z Z'), Z of the levels of {join_factor(link.table)}, P off {self._listed}"
        return self.scope.name(value, "trace_levels", shown)

    def diagonal(self, kernel: Linked | MeanColumn | None, weight: MeanColumn) -> Expr:
        """tr(P D), D the diagonal matrix of a covariate."""
        if kernel is not None:
            raise UnsupportedError(f"weighted squares off the levels of {self._listed} are not computed; {ADVICE}")
        total = self.scope.total_of((), weight)
        value = Settled(AbsorbedDiagonal(self._absorbed(), total, self._absorbed(weight)), total)
        shown = f"tr(P D), D the diagonal of {shown_column(weight)}, P off {self._listed}"
        return self.scope.name(value, f"trace_{spelled(weight)}", shown)

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def _listed(self) -> str:
        levels = [
            f"[{join_factor(t)}]" if c.monomial == () else f"[{monomial_key(c.monomial)}|{join_factor(t)}]"
            for t, columns in self.factors
            for c in columns
        ]
        return ", ".join([*(monomial_key(c.monomial) for c in self.columns), *levels])

    def _absorbed(self, *weights: MeanColumn) -> Expr:
        """Z'Z and Z'y; with a weight Z'DZ."""
        factors = tuple(
            AbsorbedFactor(
                join_factor(table),
                self._blocks(table, columns, columns, *weights),
                Columns(tuple(self.scope.total_of(table, c, None) for c in columns)),
                self._common(table, columns, *weights),
            )
            for table, columns in self.factors
        )
        pairs = ((first, second) for second in range(len(self.factors)) for first in range(second))
        cells = tuple(self._crossed(first, second, *weights) for first, second in pairs)
        gram = moments = None
        if self.columns:
            total = self.scope.total_of
            rows = tuple(tuple(total((), *in_order(a, b), *weights) for b in self.columns) for a in self.columns)
            gram, moments = Matrix(rows), Vector(tuple(self.scope.total_of((), c, None) for c in self.columns))
        names = "_".join(self.scope.places.tables.name(table) for table, _ in self.factors)
        hint = "_".join([f"off_{names}", *map(spelled, weights)])
        shown = f"Z'Z, Z of {self._listed}" if not weights else f"Z'DZ, D of {', '.join(map(shown_column, weights))}"
        return self.scope.name(Absorbed(factors, cells, gram, moments), hint, shown)

    def _blocks(
        self, table: Table, left: tuple[MeanColumn, ...], right: tuple[MeanColumn, ...], *weights: MeanColumn
    ) -> Expr:
        total = self.scope.total_of
        return Blocks(tuple(tuple(total(table, *in_order(a, b), *weights) for b in right) for a in left))

    def _common(self, table: Table, columns: tuple[MeanColumn, ...], *weights: MeanColumn) -> Expr | None:
        """The totals of the columns times the mean columns, per level of a table."""
        return self._blocks(table, columns, self.columns, *weights) if self.columns else None

    def _crossed(self, first: int, second: int, *weights: MeanColumn) -> CrossedCells:
        (one, left), (two, right) = self.factors[first], self.factors[second]
        cells = self.scope.table((*one, *two))
        return CrossedCells(
            first,
            second,
            self._positions(one, cells),
            self._positions(two, cells),
            self._blocks(cells, left, right, *weights),
        )

    def _linked(self, table: Table, columns: tuple[MeanColumn, ...], link: Linked) -> LinkedCells:
        cells = self.scope.table((*table, *link.table))
        return LinkedCells(
            self._positions(table, cells),
            self._positions(link.table, cells),
            *(
                Columns(tuple(self.scope.total_of(cells, *in_order(c, d)) for c in columns))
                for d in (link.left, link.right)
            ),
        )

    def _positions(self, coarse: Table, fine: Table) -> Expr:
        tables = self.scope.places.tables
        return tables.positions(coarse, fine) if coarse != fine else Itself(tables.levels(fine))
