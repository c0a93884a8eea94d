"""The second step of a weighted estimator: what it is given are cross-products per cell, and the first solution.

Cells are the levels of all label columns together. W has the columns of the mean and of the effects, each once and in
shifted covariates, and y; everything that a working covariance asks of the data is W'W per cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Monomial, Variable
from momentalg.lower.arrays import ONE, ZERO, Expr, Matrix, Table, Vector
from momentalg.lower.columns import MeanColumn, Side, in_order, shift_weights, shown_column
from momentalg.lower.ir import EffectBlock, FactorEffects, Reweighting
from momentalg.lower.level_arrays import Blocks
from momentalg.lower.projections import Projections
from momentalg.lower.scope import Scope
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.expectation import variance_keys
from momentalg.moments.weighting import is_nested_chain


@dataclass(frozen=True)
class Reweighted:
    """Lowers the second step; `first` has the components in shifted covariates, by key."""

    scope: Scope
    model: ResolvedModel
    centred: Mapping[Variable, Expr]
    shifts: Mapping[Variable, Expr]
    first: Mapping[str, Expr]

    def lower(self, iterated: bool) -> Reweighting:
        """What the second step is given."""
        keys = tuple(variance_keys(self.model))
        first = self.scope.name(
            Vector(tuple(self.first[key] for key in keys)), "first", f"the first step: {', '.join(keys)}"
        )
        mean = tuple(c.monomial for c in self.model.mean)
        return Reweighting(
            iterated=iterated,
            nested=is_nested_chain(self.model),
            cells=self._products(),
            suffix=self.scope.places.tables.suffix(self._cells),
            sizes=self.scope.accumulators.per_level(self._cells, ()),
            mean=tuple(self._columns.index(m) for m in mean),
            mean_keys=tuple(str(c.key) for c in self.model.mean),
            mean_back=self._back(mean),
            factors=tuple(self._factor(table, columns) for table, columns in self._tables.items()),
            blocks=tuple(self._blocks()),
            components=tuple(self._components()),
            keys=keys,
            first=first,
        )

    @property
    def _tables(self) -> dict[Table, list[Monomial]]:
        """The columns of the effects by table, the finest table first."""
        found: dict[Table, list[Monomial]] = {}
        for block in self.model.groups:
            found.setdefault(self.scope.table(block.factor), []).extend(c.monomial for c in block.coefficients)
        return dict(sorted(found.items(), key=lambda item: -len(item[0])))

    @property
    def _cells(self) -> Table:
        return self.scope.places.tables.ask(self.scope.table(c for table in self._tables for c in table))

    @property
    def _columns(self) -> tuple[Monomial, ...]:
        """The columns of W before y."""
        effects = (c.monomial for block in self.model.groups for c in block.coefficients)
        return tuple(dict.fromkeys([*(c.monomial for c in self.model.mean), *effects]))

    def _products(self) -> Expr:
        """W'W per cell; with known weights of the residuals W'R^-1 W."""
        projections = Projections(self.scope, self.centred)
        columns: list[Side] = [*map(projections.column, self._columns), None]
        weights: list[MeanColumn] = []
        if self.model.weights is not None:
            weights.append(projections.column(((Variable("column", self.model.weights), 1),)))
        total = self.scope.total_of
        rows = tuple(tuple(total(self._cells, *in_order(a, b), *weights) for b in columns) for a in columns)
        shown = ", ".join(map(shown_column, columns))
        by = f", times {self.model.weights}" if weights else ""
        return self.scope.name(Blocks(rows), "products", f"per cell the cross-products of {shown}{by}")

    def _factor(self, table: Table, columns: list[Monomial]) -> FactorEffects:
        tables, cells = self.scope.places.tables, self._cells
        return FactorEffects(
            name=join_factor(table),
            positions=None if table == cells else tables.positions(table, cells),
            levels=tables.levels(table),
            columns=tuple(self._columns.index(m) for m in columns),
            labels=tuple(cells.index(c) for c in table),
        )

    def _blocks(self) -> list[EffectBlock]:
        order = list(self._tables)
        taken = dict.fromkeys(order, 0)
        found = []
        for block in self.model.groups:
            table = self.scope.table(block.factor)
            monomials = tuple(c.monomial for c in block.coefficients)
            places = tuple(range(taken[table], taken[table] + len(monomials)))
            taken[table] += len(monomials)
            names = tuple(str(c.key) for c in block.coefficients)
            found.append(EffectBlock(block.name, order.index(table), places, names, self._back(monomials)))
        return found

    def _components(self) -> list[tuple[int, int, int]]:
        """For each component but the residual variance: its factor, and its two columns among those of the factor."""
        return [
            (block.factor, first, second)
            for block in self._blocks()
            for n, first in enumerate(block.places)
            for second in block.places[n:]
        ]

    def _back(self, monomials: tuple[Monomial, ...]) -> Expr | None:
        """What coefficients in shifted covariates are multiplied by to give those in the covariates as they are."""
        weights = shift_weights(monomials, self.shifts)
        rows = tuple(tuple(weights[m].get(n, ZERO) for n in range(len(monomials))) for m in monomials)
        unit = all(
            (value == ONE) == (i == j) and value in (ONE, ZERO) for i, r in enumerate(rows) for j, value in enumerate(r)
        )
        return None if unit else Matrix(rows)


def second_step(found: Reweighting | None) -> list[Expr]:
    """Every expression that the second step is given."""
    if found is None:
        return []
    backs = [found.mean_back, *(block.back for block in found.blocks)]
    places = [value for factor in found.factors for value in (factor.positions, factor.levels)]
    return [value for value in (found.cells, found.sizes, found.first, *backs, *places) if value is not None]
