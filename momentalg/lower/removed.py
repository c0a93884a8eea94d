"""What a projection removes before the mean columns: nothing, or columns of the levels of one factor.

With C the columns of a factor f, Z_c for each of its covariates, everything is a sum over levels of f, or over cells of
f and another factor, of the small matrices W_l = C_l'C_l of the levels:

    a'P b      = sum a b - sum over the levels of (C'a)' W^- (C'b)           P = I - C W^- C'
    Z_d'P b    = totals of d b  - sums over the cells of (C'Z_d)' W^- (C'b)
    tr(P Z_d Z_e') = sum d e - sum over the cells of (C'Z_d)' W^- (C'Z_e)

For the indicators alone W is the size of the level, and C'a the level's total of a.
"""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.expr.keys import monomial_key
from momentalg.expr.names import join_factor
from momentalg.lower.arrays import ZERO, Expr, Table, const
from momentalg.lower.assembling import minus, over, plus, power, times
from momentalg.lower.columns import MeanColumn, Side, in_order, shown_column, shown_totals, spelled
from momentalg.lower.level_arrays import (
    Blocks,
    Columns,
    LevelInverses,
    LevelProducts,
    LevelRanks,
    LevelTraces,
    RowForms,
    SumLevels,
)
from momentalg.lower.place import inverted
from momentalg.lower.scope import Scope

MINUS = const(-1)


@dataclass(frozen=True)
class Removed:
    """The projection off the columns of one factor's levels; off nothing, when there are none."""

    scope: Scope
    table: Table = ()
    columns: tuple[MeanColumn, ...] = ()

    @property
    def by(self) -> str:
        """What the names of what is left end in."""
        return f"within{self.scope.places.tables.suffix(self.table)}" if self.columns else ""

    @property
    def where(self) -> str:
        """In words, after what the projection is applied to."""
        return f" within the levels of {join_factor(self.table)}" if self.columns else ""

    def total(self, first: Side, second: Side) -> Expr:
        """a'P b."""
        first, second = in_order(first, second)
        total = self.scope.total_of((), first, second)
        return minus(total, self._explained((), first, second)) if self.columns else total

    def level_total(self, table: Table, column: MeanColumn, other: Side) -> Expr:
        """Z_d'P b: an entry for each level of another table."""
        total = self.scope.total_of(table, column, other)
        if not self.columns:
            return total
        cells = self.scope.table((*table, *self.table))
        if self._plain:
            mean = over(self.scope.total_of(self.table, other), self._size)
            explained = self.scope.places.times(self.scope.total_of(cells, column), mean)
        else:
            left = self._parts(cells, column)
            explained = RowForms(
                left, self._at(self._weights(), cells), self._at(self._parts(self.table, other), cells)
            )
        return self.scope.places.plus(total, times(MINUS, self.scope.places.onto(explained, table)))

    def trace(self, table: Table, first: MeanColumn, second: MeanColumn) -> Expr:
        """tr(P Z_d Z_e')."""
        sides = in_order(first, second)
        total = self.scope.total_of((), *sides)
        if not self.columns:
            return total
        return minus(total, self._explained(self.scope.table((*table, *self.table)), *sides))

    def weighted(self, first: Side, second: Side, *weights: MeanColumn) -> Expr:
        """a'P D P b, D the diagonal matrix of a product of covariates."""
        total = self.scope.total_of((), first, second, *weights)
        if not self.columns:
            return total
        (weight,) = weights
        sums = self.scope.total_of
        if self._plain:
            one, two = (over(sums(self.table, side), self._size) for side in (first, second))
            parts = (
                times(MINUS, one, sums(self.table, second, weight)),
                times(MINUS, two, sums(self.table, first, weight)),
                times(one, two, sums(self.table, weight)),
            )
            return plus(total, SumLevels(plus(*parts)))
        left, right = (self._parts(self.table, side) for side in (first, second))
        crossed = (
            RowForms(left, self._weights(), self._parts(self.table, second, weight)),
            RowForms(right, self._weights(), self._parts(self.table, first, weight)),
        )
        fitted = (LevelProducts(self._weights(), side) for side in (left, right))
        twice = RowForms(next(fitted), self._blocks(weight), next(fitted))
        return plus(total, *(times(MINUS, SumLevels(c)) for c in crossed), SumLevels(twice))

    def weighted_trace(self, weight: MeanColumn) -> Expr:
        """tr(P D)."""
        total = self.scope.total_of((), weight)
        if not self.columns:
            return total
        if self._plain:
            return minus(total, SumLevels(over(self.scope.total_of(self.table, weight), self._size)))
        return minus(total, LevelTraces(self._weights(), self._blocks(weight)))

    def rank(self) -> Expr:
        """The rank of the removed columns."""
        if not self.columns:
            return ZERO
        if self._plain:
            return self.scope.places.tables.levels(self.table)
        ranks = LevelRanks(self._blocks())
        return self.scope.name(ranks, f"ranks_{self.by}", f"the ranks of {self._listed} on the levels, added up")

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def _plain(self) -> bool:
        """Whether the indicators of the levels are all that is removed."""
        return len(self.columns) == 1 and self.columns[0].monomial == ()

    @property
    def _size(self) -> Expr:
        return self.scope.accumulators.per_level(self.table, ())

    @property
    def _listed(self) -> str:
        return ", ".join(monomial_key(c.monomial) for c in self.columns)

    def _explained(self, cells: Table, first: Side, second: Side) -> Expr:
        """The sum over the cells, or over the levels where there are none, of (C'a)' W^- (C'b)."""
        table = cells or self.table
        if self._plain:
            left, right = (self.scope.total_of(table, side) for side in (first, second))
            product = power(left, 2) if left == right else times(left, right)
            value = self.scope.places.times(product, inverted(self._size))
            size = "N" if table == self.table else f"N[{join_factor(self.table)}]"
            shown = f"{shown_totals(first, second)} / {size}"
        else:
            left, right = (self._parts(table, side) for side in (first, second))
            value = RowForms(left, self._at(self._weights(), table), right)
            shown = (
                f"s' W t, s and t the totals of {self._listed} times {shown_column(first)} and {shown_column(second)}"
            )
        return self.scope.named_total(SumLevels(value), f"sum over {join_factor(table)} of {shown}")

    def _parts(self, table: Table, side: Side, *weights: MeanColumn) -> Expr:
        """C'a, or C'Da, per level of a table."""
        columns = Columns(tuple(self.scope.total_of(table, *in_order(c, side), *weights) for c in self.columns))
        name = "_".join([spelled(side), *map(spelled, weights), "by", self.scope.places.tables.name(table)])
        shown = f"for each level of {join_factor(table)} the totals of {self._listed} times {shown_column(side)}"
        return self.scope.name(columns, name, shown)

    def _blocks(self, *weights: MeanColumn) -> Expr:
        """W, or C'DC."""
        rows = tuple(
            tuple(self.scope.total_of(self.table, *in_order(c, d), *weights) for d in self.columns)
            for c in self.columns
        )
        return self.scope.name(Blocks(rows), f"grams_{self.by}", f"for each level Z'Z of its columns {self._listed}")

    def _weights(self) -> Expr:
        """W^-."""
        return self.scope.name(LevelInverses(self._blocks()), f"inverses_{self.by}", "their generalised inverses")

    def _at(self, value: Expr, table: Table) -> Expr:
        return self.scope.places.at(value, table)
