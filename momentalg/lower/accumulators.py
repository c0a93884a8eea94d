"""What one pass accumulates: sums of products of row symbols, per level of a table or over all rows.

Sums are taken about shifts. When two sets of sums meet, one is re-centred: with d = old shift - new shift,
(s + d)^p is expanded, so that what a sum needs for this is kept beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import product
from math import comb, prod

from momentalg.expr.names import join_factor
from momentalg.lower.arrays import Along, Expr, Ref, Table, const
from momentalg.lower.assembling import plus, power, times
from momentalg.lower.ir import Accumulator, Margin, Powers, Quantity
from momentalg.lower.level_arrays import CountLevels, Scatter, SumLevels
from momentalg.lower.tables import Tables


def multiply(first: Powers, second: Powers) -> Powers:
    """The product of two products of powers."""
    found = dict(first)
    for name, exponent in second:
        found[name] = found.get(name, 0) + exponent
    return tuple(sorted((name, e) for name, e in found.items() if e))


def label(powers: Powers, names: Collection[str] = ()) -> str:
    """A name part for a product of powers: x2_y for x**2 * y, x_2_y where x2 is one of the `names` of symbols."""

    def power_of(name: str, exponent: int) -> str:
        if exponent == 1:
            return name
        plain = f"{name}{exponent}"
        return f"{name}_{exponent}" if plain in names or name[-1].isdigit() else plain

    above = [power_of(name, e) for name, e in powers if e > 0]
    below = [power_of(name, -e) for name, e in powers if e < 0]
    return "_".join([*above, *(["per", *below] if below else [])])


def formula(powers: Powers) -> str:
    """A product of powers as it is written."""
    above = " * ".join(name + (f"**{e}" if e > 1 else "") for name, e in powers if e > 0)
    below = "".join(f" / {name}" + (f"**{-e}" if e < -1 else "") for name, e in powers if e < 0)
    return (above or "1") + below


class Accumulators:
    """Collects the sums that are asked for; `finish` completes them with what re-centring needs."""

    def __init__(self, shifted: Iterable[str], tables: Tables, names: Iterable[str] = ()) -> None:
        self.shifted = frozenset(shifted)
        self.names = frozenset(names)
        self.tables = tables
        self._levels: dict[tuple[Table, Powers], None] = {}
        self._totals: dict[Powers, None] = {}

    def per_level(self, table: Table, powers: Powers) -> Ref:
        """The sum over the rows of each level of a table; the size of the level for the empty product."""
        self._levels[self.tables.ask(table), powers] = None
        name = f"sum_{label(powers, self.names)}" if powers else "size"
        return Ref(name + self.tables.suffix(table), Along(table))

    def total(self, powers: Powers) -> Ref:
        """The sum over all rows; their number for the empty product."""
        self._totals[powers] = None
        return Ref(f"total_{label(powers, self.names)}" if powers else "n")

    def finish(self) -> tuple[tuple[Accumulator, ...], tuple[Quantity | Margin, ...]]:
        """The accumulators, and what is found from them first: sums of margins, and totals that are sums of levels.

        By cells, every sum is kept on the intersection of all tables, so that rows of that table are all there is.
        """
        if self.tables.by_cells:
            self.tables.ask(self.tables.cells())
        kept: dict[Table, set[Powers]] = {table: {()} for table in self.tables.accumulated()}
        coarser = [(t, p) for t, p in self._levels if t not in kept]
        for table, powers in self._levels:
            kept[self.tables.parent(table)].update(self._divisors(powers))
        if self.tables.by_cells:
            all_of_them = [*self._totals, *(p for found in kept.values() for p in found)]
            kept[self.tables.cells()].update(d for powers in all_of_them for d in self._divisors(powers))
        of_levels = {p: table for table in reversed(kept) for p in kept[table]}
        alone = {d for powers in self._totals for d in self._divisors(powers)} - set(of_levels)
        found = [self._accumulator(p, table, of_levels) for table in kept for p in sorted(kept[table], key=_order) if p]
        found += [self._accumulator(p, None, of_levels) for p in sorted(alone, key=_order)]
        derived: list[Quantity | Margin] = list(self.tables.margins())
        sizes = [(t, ()) for t in self.tables.asked if t not in kept]
        derived += [self._margin(t, p) for t, p in dict.fromkeys((*sizes, *coarser))]
        derived += [
            Quantity(
                self.tables.levels(t).name,
                CountLevels(self.per_level(t, ())),
                f"the number of levels of {join_factor(t)}",
            )
            for t in self.tables.asked
        ]
        derived += [
            Quantity(
                self.total(p).name,
                SumLevels(self.per_level(of_levels[p], p)),
                f"total of {formula(p)}" if p else "the number of rows",
            )
            for p in sorted({*self._totals, ()}, key=_order)
            if p in of_levels
        ]
        return tuple(found), tuple(derived)

    def _margin(self, table: Table, powers: Powers) -> Quantity:
        fine = self.tables.parent(table)
        value = Scatter(self.per_level(fine, powers), self.tables.positions(table, fine), table)
        shown = f"total of {formula(powers)}" if powers else "N"
        return Quantity(self.per_level(table, powers).name, value, f"{shown} of each level of {join_factor(table)}")

    def _divisors(self, powers: Powers) -> list[Powers]:
        """The products that appear when the shifted symbols of `powers` are moved."""
        choices = [[(n, k) for k in (range(e + 1) if n in self.shifted else (e,))] for n, e in powers]
        return [tuple((n, k) for n, k in choice if k) for choice in product(*choices)]

    def _accumulator(self, powers: Powers, table: Table | None, of_levels: dict[Powers, Table]) -> Accumulator:
        """A sum per level of a table, or over all rows when it is None."""
        terms: list[Expr] = []
        exponents = dict(powers)
        for kept in sorted(self._divisors(powers), key=_order, reverse=True):
            below = dict(kept)
            moved = {n: e - below.get(n, 0) for n, e in exponents.items()}
            weight = const(prod(comb(e, moved[n]) for n, e in exponents.items() if moved[n]))
            moves = [power(Ref(f"move_{n}"), d) for n, d in moved.items() if d]
            if table is not None:
                part: Expr = self.per_level(table, kept)
            elif kept in of_levels:
                part = SumLevels(self.per_level(of_levels[kept], kept))
            else:
                part = self.total(kept)
            terms.append(times(weight, *moves, part))
        name = self.total(powers).name if table is None else self.per_level(table, powers).name
        return Accumulator(name, powers, table, plus(*terms), formula(powers))


def _order(powers: Powers) -> tuple[int, Powers]:
    return sum(e for _, e in powers), powers
