"""The statements of a SQL program. Each stands alone: it reads the user's table, and nothing that another one made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp

from momentalg.data.queries.names import ROWS, Kept, Names
from momentalg.emit.queries import expressions as sql

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

    Columns = Mapping[str, Expr]  # of a result, by their symbols

TABLE = "t"
"""What statements call the user's table."""


@dataclass(frozen=True)
class Step:
    """A named part of a statement: its columns, and the parts that they are from, which have one row but the first."""

    name: str
    columns: Columns
    sources: tuple[str, ...]
    where: Sequence[Expr] = ()
    group: Sequence[Expr] = ()


@dataclass(frozen=True)
class Statements:
    """The statements that accumulate the sums of an estimator from a table, given by its name in parts."""

    names: Names
    table: tuple[str, ...]

    def all(self) -> dict[str, Expr]:
        """Every statement by name, the check of the rows first."""
        return {ROWS: self.rows(), **{kept.query: self.sums(kept) for kept in self.names.kept}}

    def rows(self) -> Expr:
        """One row: the number of rows, what is wrong with them, the shifts, means and squares of unshifted slopes."""
        cells, facts = self._facts
        found = [self._seen, self._ranges, self._checked, *facts, self._shifts, self._slopes]
        steps = [step for step in found if step.columns]
        columns = {symbol: self._at(symbol, step.name) for step in steps for symbol in step.columns}
        last = Step("", columns, tuple(step.name for step in steps))
        return self._statement([self._given, self._complete, *cells, *steps], last)

    def sums(self, kept: Kept) -> Expr:
        """The sizes and sums of the levels of a table, or over all rows."""

        def moved(symbol: str) -> Expr:
            return self._at(symbol, "moved")

        labels = [self.names.labels[c].name for c in kept.columns]
        columns: dict[str, Expr] = {name: moved(name) for name in labels}
        columns["size"] = sql.count()
        columns |= {a.name: exp.Sum(this=sql.product(a.powers, moved)) for a in kept.sums}
        columns |= {f"least_{s}": exp.Min(this=moved(s)) for s in kept.levels}
        columns |= {f"largest_{s}": exp.Max(this=moved(s)) for s in kept.levels}
        columns |= {shift: exp.Min(this=moved(shift)) for shift in self._shifts.columns}
        shifts = [self._shifts] if self._shifts.columns else []
        last = Step("", columns, ("moved",), group=[moved(name) for name in labels])
        return self._statement([self._given, self._complete, *shifts, self._moved], last)

    @cached_property
    def _given(self) -> Step:
        """The columns of the user's table, numbers as floating-point numbers."""

        def taken(column: str, kind: str) -> Expr:
            found = sql.named(column, self._call(TABLE))
            return sql.double(found) if kind == "number" else found

        return Step("given", {r.name: taken(r.column, r.kind) for r in self.names.reads}, (TABLE,))

    @cached_property
    def _seen(self) -> Step:
        """The number of rows, and of missing values, column by column."""
        there = {f"missing_{r.name}": self._is_there(r.name, r.kind) for r in self.names.reads}
        missing = {name: sql.count(condition, negated=True) for name, condition in there.items()}
        return Step("seen", {"rows": sql.count(), **missing}, ("given",))

    @cached_property
    def _ranges(self) -> Step:
        """The least and largest values as the database has them, whose kind tells that of the column."""
        raw = {r.name: sql.named(r.column, self._call(TABLE)) for r in self.names.numbers}
        columns: dict[str, Expr] = {f"least_{name}": exp.Min(this=column) for name, column in raw.items()}
        columns |= {f"largest_{name}": exp.Max(this=column.copy()) for name, column in raw.items()}
        return Step("ranges", columns, (TABLE,))

    @cached_property
    def _complete(self) -> Step:
        """The rows in which nothing is missing, and the functions of their values."""

        def read(symbol: str) -> Expr:
            return self._at(symbol, "given")

        coded = {r.column: r.name for r in self.names.reads if r.kind == "coded"}
        columns = {r.name: read(r.name) for r in self.names.reads}
        for symbol in self.names.ir.rows:
            if symbol.value is not None:
                columns[symbol.name] = sql.value(symbol.value, read, lambda column: read(coded[column]))
        return Step("complete", columns, ("given",), [self._is_there(r.name, r.kind) for r in self.names.reads])

    @cached_property
    def _checked(self) -> Step:
        """The number of complete rows, and of those that cannot be used."""

        def read(symbol: str) -> Expr:
            return self._at(symbol, "complete")

        columns = {"complete": sql.count()}
        columns |= {f"infinite_{s}": sql.count(sql.is_finite(read(s)), negated=True) for s in self.names.finite}
        columns |= {f"not_positive_{s}": sql.count(read(s) <= 0) for s in self.names.divisors}
        for k, c in enumerate(self.names.ir.coded):
            known = read(f"coded_{k}").isin(*map(sql.label, c.labels))
            columns[f"unknown_coded_{k}"] = sql.count(known, negated=True)
        columns |= {f"mean_{s.name}": exp.Avg(this=read(s.name)) for s in self.names.ir.unshifted_slopes}
        return Step("checked", columns, ("complete",))

    @property
    def _facts(self) -> tuple[list[Step], list[Step]]:
        """For each fact that the model declares, the cells that it is about, and the number of those that break it."""
        cells, facts = [], []
        for k, fact in enumerate(self.names.ir.facts):
            group = [self._at(self.names.labels[column].name, "complete") for column in fact.table]
            if fact.symbol is None:
                columns: Columns = {"size": sql.count()}
                broken: Expr = self._at("size", f"cells_{k}") > 1
            else:
                value = self._at(fact.symbol, "complete")
                columns = {
                    f"least_{fact.symbol}": exp.Min(this=value),
                    f"largest_{fact.symbol}": exp.Max(this=value.copy()),
                }
                least, largest = (self._at(name, f"cells_{k}") for name in columns)
                broken = least.neq(largest)
            cells.append(Step(f"cells_{k}", columns, ("complete",), group=group))
            facts.append(Step(f"fact_{k}", {f"broken_{k}": sql.count(broken)}, (f"cells_{k}",)))
        return cells, facts

    @cached_property
    def _slopes(self) -> Step:
        """The sums of squares of unshifted slopes about their means."""

        def squared(symbol: str) -> Expr:
            apart = sql.difference(self._at(symbol, "complete"), self._at(f"mean_{symbol}", "checked"))
            return sql.power(apart, 2)

        slopes = [s.name for s in self.names.ir.unshifted_slopes]
        columns = {f"squares_{s}": exp.Sum(this=squared(s)) for s in slopes}
        return Step("slopes", columns, ("complete", "checked"))

    @cached_property
    def _shifts(self) -> Step:
        """What is subtracted from symbols in all sums."""
        columns = {f"shift_{s}": sql.rounded_mean(self._at(s, "complete")) for s in self.names.shifted}
        return Step("shifts", columns, ("complete",))

    @cached_property
    def _moved(self) -> Step:
        """The complete rows, in symbols about their shifts."""
        columns = {name: self._at(name, "complete") for name in self._complete.columns}
        for symbol in self.names.shifted:
            columns[symbol] = sql.difference(columns[symbol], self._at(f"shift_{symbol}", "shifts"))
        columns |= {shift: self._at(shift, "shifts") for shift in self._shifts.columns}
        return Step("moved", columns, ("complete", "shifts") if self._shifts.columns else ("complete",))

    def _is_there(self, symbol: str, kind: str) -> Expr:
        found = self._at(symbol, "given")
        return sql.is_there(found) if kind == "number" else exp.not_(found.is_(exp.null()))

    def _call(self, step: str) -> str:
        """What a part of a statement is called, which is never what the table is called."""
        return f"{step}_" if step == self.table[-1].casefold() else step

    def _source(self, step: str) -> Expr:
        if step != TABLE:
            return exp.Table(this=exp.to_identifier(self._call(step), quoted=True))
        parts = [exp.to_identifier(part, quoted=True) for part in reversed(self.table)]
        found = exp.Table(**dict(zip(("this", "db", "catalog"), parts, strict=False)))
        return exp.alias_(found, exp.to_identifier(self._call(TABLE), quoted=True), table=True)

    def _at(self, symbol: str, step: str) -> Expr:
        return sql.named(self.names.own[symbol], self._call(step))

    def _select(self, step: Step) -> exp.Select:
        found = [exp.alias_(c, exp.to_identifier(self.names.own[s], quoted=True)) for s, c in step.columns.items()]
        first, *others = map(self._source, step.sources)
        query = exp.select(*found).from_(first)
        for other in others:
            query = query.join(other, join_type="cross")
        query = query.where(*step.where) if step.where else query
        return query.group_by(*step.group) if step.group else query

    def _statement(self, steps: Sequence[Step], last: Step) -> exp.Select:
        query = self._select(last)
        for step in steps:
            query = query.with_(exp.to_identifier(self._call(step.name), quoted=True), as_=self._select(step))
        return query
