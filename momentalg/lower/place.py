"""Values along tables, brought together: a coarser one is read at finer levels, a finer one added up over them."""

from __future__ import annotations

from collections.abc import Callable

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.lower.arrays import Expr, Power, Table, Times
from momentalg.lower.assembling import plus, power, times
from momentalg.lower.level_arrays import Gather, Scatter, SumLevels
from momentalg.lower.shapes import shape_of, table_of
from momentalg.lower.tables import Tables


class Places:
    """Arithmetic with values along different tables; the result lies along the table of all their columns."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def at(self, value: Expr, table: Table) -> Expr:
        """`value` along a table at least as fine as its own."""
        here = table_of(value)
        if here in ((), table):
            return value
        if not set(here) <= set(table):
            raise UnsupportedError(
                f"a level of {join_factor(table)} lies in no one level of {join_factor(here)}; sum over "
                f"{join_factor(self.tables.of((*table, *here)))}, or over the observations"
            )
        if isinstance(value, Power):  # n**2 / N is a whole number where n = N; n**2 * (1 / N) need not be
            return power(self.at(value.base, table), value.exponent)
        return Gather(value, self.tables.positions(here, table), table)

    def union(self, *values: Expr) -> Table:
        """The coarsest table that all values can be read along."""
        return self.tables.of(column for value in values for column in table_of(value))

    def times(self, *values: Expr) -> Expr:
        """The product, along the union."""
        return self._together(times, values)

    def plus(self, *values: Expr) -> Expr:
        """The sum, along the union."""
        return self._together(plus, values)

    def onto(self, value: Expr, table: Table) -> Expr:
        """The sum of `value`, along a finer table or the same, over the levels in each level of `table`."""
        here = table_of(value)
        if shape_of(value) == "scalar":
            raise ValueError("a scalar is not summed over levels: multiply it by how many there are")
        if here == table:
            return value
        return SumLevels(value) if table == () else Scatter(value, self.tables.positions(table, here), table)

    def _together(self, assemble: Callable[..., Expr], values: tuple[Expr, ...]) -> Expr:
        tables = {table_of(v) for v in values} - {()}
        if len(tables) <= 1:
            return assemble(*values)
        union = self.union(*values)
        if assemble is times:  # what lies along one table is multiplied there, and read once
            groups: dict[Table, list[Expr]] = {}
            for factor in (f for v in values for f in (v.args if isinstance(v, Times) else (v,))):
                groups.setdefault(table_of(factor), []).append(factor)
            values = tuple(times(*group) for group in groups.values())
        return assemble(*(self.at(v, union) for v in values))


def inverted(value: Expr) -> Expr:
    """One over a value; a power of a product is a product of powers, so that factors keep their places."""
    if isinstance(value, Times):
        return times(*(power(f, -1) for f in value.args))
    return power(value.base, -value.exponent) if isinstance(value, Power) else power(value, -1)
