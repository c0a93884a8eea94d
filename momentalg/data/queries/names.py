"""What SQL programs read from a table of the user's, and the names of their results, which are all our own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from momentalg.lower.arrays import HasLabel
from momentalg.lower.ir import Accumulator, EstimatorIR
from momentalg.model.mapping import FrozenMapping

ROWS = "rows"
"""The query that checks the rows."""
TOTALS = "totals"
"""The query of the sums over all rows."""
_LONGEST = 60  # characters of a name: PostgreSQL cuts off what is beyond 63


@dataclass(frozen=True)
class Read:
    """A column of the user's table, and what its values are called in the queries."""

    name: str
    column: str
    kind: Literal["label", "coded", "number"]


@dataclass(frozen=True)
class Kept:
    """A query's result: the label columns that it has a row for each combination of, and the sums in it."""

    query: str
    suffix: str
    columns: tuple[str, ...]
    sums: tuple[Accumulator, ...]
    levels: tuple[str, ...]  # symbols of covariates that are constant on the labels


@dataclass(frozen=True)
class Names:
    """The names of an estimator's queries, of what these read, and of the columns of their results.

    `own` has a name for every symbol of the estimator; no two differ in capitals alone, which databases may ignore.
    """

    ir: EstimatorIR

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """What is read: labels, labels that are known by name, numbers."""
        labels = dict.fromkeys(c for columns in self._tables for c in columns)
        found = [Read(f"label_{k}", column, "label") for k, column in enumerate(labels)]
        found += [Read(f"coded_{k}", c.column, "coded") for k, c in enumerate(self.ir.coded)]
        found += [Read(s.name, s.column, "number") for s in self.ir.rows if s.column is not None]
        return (*found, *(Read(s.name, s.column, "number") for s in self.ir.levels))

    @property
    def _tables(self) -> tuple[tuple[str, ...], ...]:
        return (*(t.columns for t in self.ir.tables), *(fact.table for fact in self.ir.facts))

    @cached_property
    def numbers(self) -> tuple[Read, ...]:
        """The columns of numbers that are read."""
        return tuple(r for r in self.reads if r.kind == "number")

    @cached_property
    def labels(self) -> dict[str, Read]:
        """The columns of labels, by the user's name."""
        return {r.column: r for r in self.reads if r.kind == "label"}

    @cached_property
    def finite(self) -> dict[str, str]:
        """What must be a finite number in a row that has no missing value: its symbol, and what to call it."""
        return {r.name: r.column for r in self.numbers} | {
            s.name: s.label for s in self.ir.rows if not isinstance(s.value, HasLabel)
        }

    @cached_property
    def shifted(self) -> tuple[str, ...]:
        """The symbols that sums are about a shift of."""
        return tuple(s.name for s in self.ir.rows if s.shifted)

    @cached_property
    def divisors(self) -> tuple[str, ...]:
        """The symbols that sums are divided by."""
        return tuple(dict.fromkeys(n for a in self.ir.accumulators for n, exponent in a.powers if exponent < 0))

    @cached_property
    def kept(self) -> tuple[Kept, ...]:
        """The queries of sums: one for each table, and one for the totals if there are any."""

        def sums(table: tuple[str, ...] | None) -> tuple[Accumulator, ...]:
            return tuple(a for a in self.ir.accumulators if a.table == table)

        found = [
            Kept(
                f"level{t.suffix}",
                t.suffix,
                t.columns,
                sums(t.columns),
                tuple(s.name for s in self.ir.levels if s.table == t.columns),
            )
            for t in self.ir.tables
        ]
        return (*found, *([Kept(TOTALS, "", (), sums(None), ())] if sums(None) else []))

    @cached_property
    def checks(self) -> tuple[str, ...]:
        """What the query that checks the rows has."""
        slopes = [s.name for s in self.ir.unshifted_slopes]
        return (
            *("rows", "complete"),
            *(f"missing_{r.name}" for r in self.reads),
            *(f"{what}_{r.name}" for what in ("least", "largest") for r in self.numbers),
            *(f"infinite_{s}" for s in self.finite),
            *(f"not_positive_{s}" for s in self.divisors),
            *(f"unknown_{r.name}" for r in self.reads if r.kind == "coded"),
            *(f"broken_{k}" for k in range(len(self.ir.facts))),
            *(f"shift_{s}" for s in self.shifted),
            *(f"{what}_{s}" for what in ("mean", "squares") for s in slopes),
        )

    @cached_property
    def own(self) -> FrozenMapping[str, str]:
        """The name in SQL of each symbol, and of each number that is found about it."""
        symbols = (*(r.name for r in self.reads), *(s.name for s in self.ir.rows))
        return distinct(["size", *symbols, *(a.name for a in self.ir.accumulators), *self.checks])


def distinct(names: Iterable[str]) -> FrozenMapping[str, str]:
    """Names of their own for `names`, which are these where they are short and no other one is the same in capitals."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        chosen, number = name[:_LONGEST], 1
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{name[: _LONGEST - 6]}_{number}"
        found[name] = chosen
        taken.add(chosen.casefold())
    return FrozenMapping(found)
