"""Tables: sums are kept per level of sets of label columns, and coarser ones are margins of finer ones.

The table of the columns a and b has one entry for each combination of their labels that occurs. What is asked of a
table that is a margin of another one asked for, as the levels of a are of the cells of a and b, is added up when the
equations are solved, and not while rows are read.
"""

from __future__ import annotations

from collections.abc import Iterable

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.lower.arrays import Along, Ref, Table
from momentalg.lower.identifiers import identifiers
from momentalg.lower.ir import RESPONSE, FactorLevels, Margin
from momentalg.model.resolved import ResolvedModel


class Tables:
    """The tables that an estimator asks for, their names, and the positions of the levels of one in another."""

    def __init__(self, model: ResolvedModel, by_cells: bool = False) -> None:
        self.model = model
        self.by_cells = by_cells
        self.names = identifiers(model.columns, "f", lambda name: name in (RESPONSE, "per"))  # parts of longer names
        factors = list(dict.fromkeys(self.of(factor) for factor in model.factors))
        self.alone = factors[0] if len(factors) == 1 else None
        self.asked: dict[Table, None] = dict.fromkeys(factors)
        self._kept: dict[Table, None] = {}
        self._margins: dict[tuple[Table, Table], None] = {}

    def of(self, columns: Iterable[str]) -> Table:
        """The table of some label columns, with those that they are local to, in the order of the model."""
        found = self.model.closure(columns)
        unknown = sorted(found - set(self.model.columns))
        if unknown:
            raise UnsupportedError(
                f"{join_factor(tuple(unknown))} is no factor of the model, which has "
                f"{' and '.join(join_factor(f) for f in self.model.factors)}: add a term such as (1 | {unknown[0]})"
            )
        return tuple(c for c in self.model.columns if c in found)

    def ask(self, table: Table) -> Table:
        """Note that a table is needed."""
        self.asked[table] = None
        return table

    def keep(self, table: Table) -> Table:
        """Note that a table holds what is no sum, so that it is kept even where it is a margin of another."""
        self._kept[table] = None
        return self.ask(table)

    def suffix(self, table: Table) -> str:
        """What the names of a table's sums end in; nothing where the model has one factor."""
        return "" if table == self.alone else "_" + self.name(table)

    def name(self, table: Table) -> str:
        """The name of a table: its columns, as identifiers."""
        return "_".join(self.names[column] for column in table)

    def levels(self, table: Table) -> Ref:
        """The number of levels of a table."""
        return Ref(f"levels{self.suffix(self.ask(table))}")

    def positions(self, coarse: Table, fine: Table) -> Ref:
        """For each level of a table the position of the coarser level that it lies in."""
        self._margins[self.ask(coarse), self.ask(fine)] = None
        return Ref(f"{self.name(coarse)}_of_{self.name(fine)}", Along(fine))

    def accumulated(self) -> tuple[Table, ...]:
        """The tables that are kept while rows are read: those that are margins of no other, and those asked to be."""
        return tuple(t for t in self.asked if t in self._kept or not any(set(t) < set(other) for other in self.asked))

    def cells(self) -> Table:
        """The intersection of all tables that are asked for, which every one of them is a margin of."""
        return self.of(column for table in self.asked for column in table)

    def parent(self, table: Table) -> Table:
        """The table that is kept and that `table` is a margin of; itself, when it is kept."""
        kept = [t for t in self.accumulated() if set(table) <= set(t)]
        return min(kept, key=len)

    def asked_of_model(self) -> tuple[FactorLevels, ...]:
        """The factors of the model, with where their levels are found."""
        found = []
        for factor in dict.fromkeys(self.model.factors):
            table = self.of(factor)
            kept = self.parent(table)
            places = tuple(kept.index(column) for column in table)
            found.append(FactorLevels(join_factor(factor), self.suffix(table), self.suffix(kept), places))
        return tuple(found)

    def margins(self) -> tuple[Margin, ...]:
        """The positions that are needed, in an order in which they can be found."""
        kept = self.accumulated()
        for table in self.asked:
            if table not in kept:
                self.positions(table, self.parent(table))
        for coarse, fine in list(self._margins):
            if fine not in kept:
                self.positions(coarse, self.parent(fine))
        order = sorted(self._margins, key=lambda pair: pair[1] not in kept)
        return tuple(self._margin(coarse, fine) for coarse, fine in order)

    def _margin(self, coarse: Table, fine: Table) -> Margin:
        whole = self.parent(fine)
        through = None
        if whole != fine:
            through = self.positions(fine, whole).name, self.positions(coarse, whole).name
        return Margin(
            name=self.positions(coarse, fine).name,
            coarse=self.suffix(coarse),
            fine=self.suffix(fine),
            places=tuple(fine.index(column) for column in coarse),
            formula=f"for each level of {join_factor(fine)} the position of its level of {join_factor(coarse)}",
            through=through,
        )
