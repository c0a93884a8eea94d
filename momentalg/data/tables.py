"""Design totals on data: sums over levels, from tables of the cells that occur, with NumPy.

A table has an array of codes for each of its levels and one of values. Tables are joined on the levels that they share,
and levels are summed out one by one, the cheapest first (variable elimination), so that a sparse design costs what its
cells cost. Values are floats, or Python numbers in object arrays where exact results are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.level_weights import WEIGHT
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import DEFAULT, OBSERVATION, Entry, Level
from momentalg.cumulants.totals import DesignTotal
from momentalg.data.joins import Table, group_sums, grouped
from momentalg.errors import DataError, UnsupportedError
from momentalg.expr.names import split_factor
from momentalg.expr.nodes import Monomial, Variable

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ROUNDING = 1e-11
"""What is smaller, against the terms of a difference, is their rounding."""


@dataclass(frozen=True)
class CellTables:
    """The rows of a design as codes of labels, 0, 1, ..., and values of covariates, and the tables made of them.

    Values are float arrays; with `exact`, object arrays of Python numbers.
    """

    codes: Mapping[str, Array]
    values: Mapping[Variable, Array]
    rows: int
    exact: bool = False
    _known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def remembered(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def cells(self, columns: Sequence[str]) -> tuple[Array, Array]:
        """The first row of each cell that occurs on these columns, and the number of each row's cell."""
        found: tuple[Array, Array] = self.remembered(
            ("cells", tuple(columns)), lambda: grouped([self.codes[c] for c in columns], self.rows)
        )
        return found

    def sizes(self, columns: Sequence[str]) -> Array:
        """The number of rows in each cell."""
        return self.totals(columns, ())

    def totals(self, columns: Sequence[str], monomial: Monomial) -> Array:
        """The total of a covariate monomial over each cell."""
        found: Array = self.remembered(
            ("totals", tuple(columns), monomial), lambda: self._totals(tuple(columns), monomial)
        )
        return found

    def _totals(self, columns: Sequence[str], monomial: Monomial) -> Array:
        import numpy as np

        first, cell = self.cells(columns)
        if monomial:
            return group_sums(self.product(monomial), cell, len(first))
        return np.bincount(cell, minlength=len(first)).astype(object if self.exact else float)

    def product(self, monomial: Monomial) -> Array:
        """A product of covariates, row by row."""
        import numpy as np

        product: Array = np.ones(self.rows, dtype=object if self.exact else float)
        if self.exact:
            product[:] = 1
        for variable, power in monomial:
            product = product * self._value(variable) ** power
        return product

    def constant(self, columns: Sequence[str], variable: Variable) -> Array:
        """The value of a covariate that is constant on the cells of these columns."""
        first, cell = self.cells(columns)
        values = self._value(variable)
        found: Array = values[first]
        differ = found[cell] != values
        if differ.any():
            row = int(differ.argmax())
            raise DataError(
                f"{variable.name} is declared constant within {', '.join(columns)}, but is both "
                f"{found[cell[row]]} and {values[row]} (row {row})"
            )
        return found

    def table(self, entry: Entry) -> Table:
        """The table of an entry, to its power."""
        if any(v.column == OBSERVATION for v in entry.cell):
            raise UnsupportedError(
                "results for named observations are symbolic; ask for the value of a level or of the whole data"
            )
        columns = tuple(v.column for v in entry.cell)
        kind, monomial = entry.what.kind, entry.what.monomial
        first, _ = self.cells(columns)
        if kind == WEIGHT:
            at = {Level(c, DEFAULT): self.codes[c][first] for c in columns}
            values = self._difference(entry.what.detail, at, len(first))
        else:
            values = self.totals(columns, monomial) if kind == "total" else self.constant(columns, monomial[0][0])
        return Table(entry.cell, tuple(self.codes[c][first] for c in columns), powers(values, entry.power))

    def _difference(self, detail: Polynomial, at: Mapping[Level, Array], levels: int) -> Array:
        """A denominator of each level; 0 where floats leave only the rounding of what it adds up and subtracts."""
        terms = [polynomial_value(Polynomial({m: c}), self, {}, at, levels) for m, c in detail.terms.items()]
        values = reduce(add, terms)
        return values if self.exact else values * (abs(values) > ROUNDING * reduce(add, map(abs, terms)))

    def design_total(self, symbol: Any) -> Table:
        """A design total, as a table over its free levels; a table without levels has one value, or none for zero."""
        found: Table = self.remembered(symbol, lambda: self._design_total(symbol))
        return found

    def _design_total(self, symbol: Any) -> Table:
        import numpy as np

        if not isinstance(symbol, DesignTotal):
            raise UnsupportedError(
                "this result depends on the law of the design, not on one design: ask for it given the design "
                "(given=ma.design), or evaluate it with law=..., for instance law=ma.empirical(frame)"
            )
        parts = [self._named(e) if e.what.kind in ("named", "units") else self.table(e) for e in symbol.entries]
        left = [Level(column, "", number) for number, column in enumerate(symbol.levels)]
        for level in left:
            if not any(level in part.levels for part in parts):
                first, _ = self.cells((level.column,))
                ones = np.ones(len(first)) if not self.exact else np.array([1] * len(first), dtype=object)
                parts.append(Table((level,), (self.codes[level.column][first],), ones))
        while left:
            level = min(left, key=lambda v: (_scope(v, parts), v))
            touching = sorted((p for p in parts if level in p.levels), key=lambda p: len(p.values))
            parts = [p for p in parts if level not in p.levels]
            parts.append(reduce(Table.join, touching).sum_out(level))
            left.remove(level)
        return reduce(Table.join, parts)

    def _named(self, entry: Entry) -> Table:
        """A denominator that is a constant of the whole data."""
        import numpy as np

        if entry.what.kind == "units":
            raise DataError("the number of units is not known from data when a level may be empty")
        detail = entry.what.detail
        polynomial = detail if isinstance(detail, Polynomial) else Polynomial.symbol(detail)
        value = polynomial_value(polynomial, self, {}, {}, 1)
        return Table((), (), powers(np.array([value[0]], dtype=object if self.exact else float), entry.power))

    def _value(self, variable: Variable) -> Array:
        if variable.kind == "size":
            factor = split_factor(variable.name)
            return self.sizes(factor)[self.cells(factor)[1]]
        try:
            return self.values[variable]
        except KeyError:
            raise DataError(f"the result needs the covariate {variable.name}, which is not given") from None


def polynomial_value(
    polynomial: Polynomial,
    tables: CellTables,
    parameters: Mapping[str, Any],
    free: Mapping[Level, Array],
    rows: int,
) -> Array:
    """The value of a given-design result at `rows` choices of its free levels, given by their codes."""
    import numpy as np

    from momentalg.cumulants.evaluate import parameter

    known: dict[Any, Any] = {}

    def value(symbol: Any) -> Any:
        if symbol not in known:
            known[symbol] = (
                parameter(symbol, parameters) if isinstance(symbol, str) else tables.design_total(symbol).at(free, rows)
            )
        return known[symbol]

    result: Array = np.array([0] * rows, dtype=object if tables.exact else float)
    for monomial, coefficient in polynomial.terms.items():
        product: Any = coefficient if tables.exact else float(coefficient)
        for symbol, power in monomial:
            product = product * powers(value(symbol), power)
        result = result + product
    return result


def covariates_of(polynomial: Polynomial) -> frozenset[Variable]:
    """The covariates that a result is made of."""
    found: set[Variable] = set()
    for symbol in polynomial.symbols():
        for entry in symbol.entries if isinstance(symbol, DesignTotal) else ():
            found |= {variable for variable, _ in entry.what.monomial}
            detail = entry.what.detail
            if isinstance(detail, (Polynomial, DesignTotal)):
                found |= covariates_of(detail if isinstance(detail, Polynomial) else Polynomial.symbol(detail))
    return frozenset(found)


def powers(values: Any, power: int) -> Any:
    """A whole power of numbers; exact ones stay exact. Raises `DataError` for a division by zero."""
    import numpy as np

    if power >= 0:
        return values**power
    if np.any(values == 0):
        raise DataError("the result divides by a design constant that is zero for these data")
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values ** float(power)
    return _reciprocal(values) ** -power


def _reciprocal(values: Any) -> Any:
    from fractions import Fraction

    import numpy as np

    def one(value: Any) -> Any:
        return 1 / Fraction(value) if isinstance(value, int) else 1 / value

    if isinstance(values, np.ndarray):
        found = np.empty(values.shape, dtype=object)
        found[:] = [one(v) for v in values]
        return found
    return one(values)


def _scope(level: Level, parts: Sequence[Table]) -> tuple[int, float]:
    """How many levels a join on this one has, and how large it can be."""
    touching = [p for p in parts if level in p.levels]
    joined = frozenset(v for p in touching for v in p.levels)
    return len(joined), math.prod(float(len(p.values)) for p in touching)
