"""The numbers that results take: on a design, exactly, and under a law of the design of one unit.

A design total is a sum of products over levels; it is computed by eliminating one level at a time from tables keyed
by the cells that occur in the data (variable elimination), so that sparse designs cost what their cells cost.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from momentalg.cumulants.design_moments import NONEMPTY, WITHIN, Moment
from momentalg.cumulants.level_weights import WEIGHT, default_levels
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import DEFAULT, OBSERVATION, SIZE, Cell, Level, What
from momentalg.cumulants.totals import DesignTotal, levels_of
from momentalg.errors import AssumptionError, DataError, UnsupportedError
from momentalg.expr.keys import monomial_key
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Monomial, Variable
from momentalg.model.resolved import ResolvedModel

Number = Any  # Fraction where the input is exact, float where it is not
Argument = tuple[tuple[tuple[str, What], int], ...]
Table = dict[tuple[Hashable, ...], Number]


@dataclass(frozen=True)
class DesignTable:
    """The rows of a design: a label for each column, a value for each covariate. Built once, read many times."""

    labels: Mapping[str, Sequence[Hashable]]
    values: Mapping[Variable, Sequence[Number]]
    rows: int
    constants: Mapping[Variable, Number] = field(default_factory=dict)
    """Of a design that is one unit: the covariates of the unit, which has them without observations too."""

    def cells(self, columns: Sequence[str]) -> list[tuple[Hashable, ...]]:
        """The cell of every row, on the given columns."""
        return list(zip(*(self.labels[c] for c in columns), strict=True)) if columns else [()] * self.rows

    def total(self, columns: Sequence[str], monomial: Monomial) -> Table:
        """The total of a covariate monomial over every cell that occurs."""
        table: Table = {}
        for row, cell in enumerate(self.cells(columns)):
            value: Number = 1
            for variable, power in monomial:
                value = value * self._at(variable, row) ** power
            table[cell] = table.get(cell, 0) + value
        return table

    def value(self, columns: Sequence[str], variable: Variable) -> Table:
        """The value of a covariate that is constant on the cells of these columns."""
        table: Table = {}
        for row, cell in enumerate(self.cells(columns)):
            value = self._at(variable, row)
            if table.setdefault(cell, value) != value:
                raise DataError(
                    f"{variable.name} is declared constant within {', '.join(columns)}, but is not within {cell}"
                )
        return table

    def constant(self, variable: Variable) -> Number:
        """The value of a covariate of the unit, for a design that is one unit."""
        if variable in self.constants:
            return self.constants[variable]
        if not self.rows:
            raise UnsupportedError(
                f"{variable.name} of a unit without observations is not known: use the law given N >= 1 "
                "(law.truncated()), or make it a column"
            )
        return self.value((), variable)[()]

    def _at(self, variable: Variable, row: int) -> Number:
        try:
            return self.values[variable][row]
        except KeyError:
            raise DataError(f"the result needs the covariate {variable.name}, which is not given") from None


def evaluate(
    polynomial: Polynomial,
    parameters: Mapping[str, Number],
    design: DesignTable,
    free: Mapping[tuple[str, str], Hashable] | None = None,
) -> Number:
    """The value of a given-design result; `free` gives the label of each free level, by (column, name)."""
    cache: dict[object, Number] = {}

    def value(symbol: object) -> Number:
        if symbol not in cache:
            cache[symbol] = (
                parameter(symbol, parameters) if isinstance(symbol, str) else design_total(symbol, design, free or {})
            )
        return cache[symbol]

    return total_value(polynomial, value)


def total_value(polynomial: Polynomial, value: Callable[[Any], Number]) -> Number:
    """The polynomial with `value(symbol)` for every symbol."""
    result: Number = Fraction(0)
    for monomial, coefficient in polynomial.terms.items():
        product: Number = coefficient
        lost = 0
        for symbol, power in monomial:
            base = value(symbol)
            if base == 0 and power < 0:
                if not is_free_cell(symbol):
                    raise DataError("the result divides by a design constant that is zero for these data")
                lost += 1
            else:
                product = product * base**power
        if lost and product != 0:
            raise DataError("the result divides by the size of a cell that is empty in these data")
        result = result + product
    return result


def is_free_cell(symbol: Any) -> bool:
    """Whether a symbol is the size of the cell of several free levels, which may be empty.

    Where it is, sums over the non-empty cells do not have the term that two free levels leave of them: what else is
    in this term is zero.
    """
    if not isinstance(symbol, DesignTotal) or symbol.levels:
        return False
    cell, what, _ = symbol.entries[0]
    return len(cell) > 1 and what == SIZE and all(level.free for level in cell)


def parameter(key: str, parameters: Mapping[str, Number]) -> Number:
    """The value of a parameter; its absence is an error that lists what was given."""
    try:
        return parameters[key]
    except KeyError:
        given = ", ".join(parameters) or "none"
        raise DataError(f"the result needs the parameter {key}; given: {given}") from None


def design_total(symbol: Any, design: DesignTable, free: Mapping[tuple[str, str], Hashable]) -> Number:
    """The value of one design total on a design."""
    if not isinstance(symbol, DesignTotal):
        raise UnsupportedError(
            "this result depends on the law of the design, not on one design: ask for it given the design "
            "(given=ma.design), or evaluate it with law=..., for instance law=ma.empirical(frame)"
        )
    factors: list[tuple[tuple[Level, ...], Table]] = []
    for entry in symbol.entries:
        levels, table = _table(entry.cell, entry.what, design, free)
        factors.append((levels, {k: _power(v, entry.power) for k, v in table.items()}))
    for number, column in enumerate(symbol.levels):
        level = Level(column, "", number)
        touching = [f for f in factors if level in f[0]] or [((level,), dict.fromkeys(design.total((column,), ()), 1))]
        joined = touching[0]
        for other in touching[1:]:
            joined = _join(joined, other)
        factors = [f for f in factors if level not in f[0]] + [_sum_out(joined, level)]
    result: Number = Fraction(1)
    for _, table in factors:
        result = result * table.get((), 0)
    return result


def _power(value: Number, power: int) -> Number:
    if value == 0 and power < 0:
        raise DataError("the result divides by a covariate total that is zero for these data")
    return Fraction(value) ** power if isinstance(value, (int, Fraction)) else value**power


def _table(
    cell: Cell, what: What, design: DesignTable, free: Mapping[tuple[str, str], Hashable]
) -> tuple[tuple[Level, ...], Table]:
    if what.kind == "named":
        detail = what.detail
        if isinstance(detail, Polynomial):
            return (), {(): total_value(detail, lambda s: design_total(s, design, free))}
        return (), {(): design_total(detail, design, free)}
    if what.kind == "units":
        raise DataError("the number of units is not known from data when a level may be empty")
    if any(v.column == OBSERVATION for v in cell):
        raise UnsupportedError(
            "results for named observations are symbolic; ask for the value of a level or of the whole data"
        )
    columns = tuple(v.column for v in cell)
    if what.kind == WEIGHT:
        table = {k: evaluate(what.detail, {}, design, default_levels(columns, k)) for k in design.total(columns, ())}
    elif what.kind == "total":
        table = design.total(columns, what.monomial)
    else:
        table = design.value(columns, what.monomial[0][0])
    for position, level in reversed(list(enumerate(cell))):
        if level.free:
            label = free[level.column, level.name]
            table = {k[:position] + k[position + 1 :]: v for k, v in table.items() if k[position] == label}
    return tuple(v for v in cell if not v.free), table


def _join(a: tuple[tuple[Level, ...], Table], b: tuple[tuple[Level, ...], Table]) -> tuple[tuple[Level, ...], Table]:
    shared = [v for v in a[0] if v in b[0]]
    here, there = [a[0].index(v) for v in shared], [b[0].index(v) for v in shared]
    rest = [n for n, v in enumerate(b[0]) if v not in a[0]]
    index: dict[tuple[Hashable, ...], list[tuple[tuple[Hashable, ...], Number]]] = {}
    for key, value in b[1].items():
        index.setdefault(tuple(key[n] for n in there), []).append((tuple(key[n] for n in rest), value))
    table: Table = {}
    for key, value in a[1].items():
        for more, other in index.get(tuple(key[n] for n in here), ()):
            table[(*key, *more)] = value * other
    return (*a[0], *(b[0][n] for n in rest)), table


def _sum_out(factor: tuple[tuple[Level, ...], Table], level: Level) -> tuple[tuple[Level, ...], Table]:
    position = factor[0].index(level)
    table: Table = {}
    for key, value in factor[1].items():
        rest = key[:position] + key[position + 1 :]
        table[rest] = table.get(rest, 0) + value
    return factor[0][:position] + factor[0][position + 1 :], table


def evaluate_law(
    polynomial: Polynomial,
    parameters: Mapping[str, Number],
    moment: Callable[[Argument], Number],
    units: int | None,
    units_symbol: DesignTotal,
) -> Number:
    """The value of a canonical random-view result; `moment` is E of a product of powers of letters of a unit."""

    def value(symbol: Any) -> Number:
        if isinstance(symbol, Moment):
            return moment(symbol.arguments[0])
        if symbol == units_symbol:
            if units is None:
                raise DataError('the result is of a whole sample: say how many units it has, as in units={"user": 40}')
            return units
        if isinstance(symbol, str):
            return parameter(symbol, parameters)
        raise UnsupportedError(
            "this result depends on the values of one design, not only on its law: evaluate it with data=..., "
            "or ask for the unconditional moment"
        )

    return total_value(polynomial, value)


def powers_by_key(argument: Argument, model: ResolvedModel) -> dict[str, int] | None:
    """A product of letters of a unit by the keys that laws use: ``size(user)``, ``X``, ``total(x|user)``.

    None where a letter has no such key: one of a named observation, or that a unit is not empty.
    """
    unit = join_factor(model.unit)
    powers: dict[str, int] = {}
    for (observation, what), power in argument:
        if observation or what.kind not in ("total", "value"):
            return None
        key = f"size({unit})" if what == SIZE else monomial_key(what.monomial)
        if what.kind == "total" and what != SIZE:
            key = f"total({key}|{unit})"
        powers[key] = powers.get(key, 0) + power
    return powers


def letter_product(argument: Argument, unit: DesignTable, model: ResolvedModel) -> Number:
    """The product of powers of letters for a design that consists of one unit."""
    result: Number = Fraction(1)
    for (observation, what), power in argument:
        if observation:
            raise UnsupportedError("results for named observations are symbolic; ask for the value of a level total")
        if what == NONEMPTY:
            base: Number = Fraction(unit.rows > 0)
        elif what.kind == WITHIN:
            base = _within(what.detail, unit, model)
        elif what.kind == WEIGHT:
            base = evaluate(what.detail, {}, unit, default_levels(model.unit, [unit.labels[c][0] for c in model.unit]))
        elif what.kind == "total":
            base = sum(unit.total((), what.monomial).values(), Fraction(0))
        else:
            base = unit.constant(what.monomial[0][0])
        if base == 0 and power < 0:
            raise AssumptionError(
                "a negative power of a design variable that may be zero has no expectation under this law; "
                "if empty units are not observed, use law.truncated()"
            )
        result = result * base**power
    return result


def _within(total: DesignTotal, unit: DesignTable, model: ResolvedModel) -> Number:
    """The value of a sum within a unit, for a design that consists of one unit."""
    free = {(c, DEFAULT): labels[0] for c in model.unit if (labels := unit.labels[c])}
    if any(v.free and v.column not in model.unit for v in levels_of(total)):
        raise UnsupportedError(
            "the result is of one named level within a unit, and a law of units does not say which: ask for a sum over "
            "such levels, with ma.over(...)"
        )
    return design_total(total, unit, free) if unit.rows else Fraction(0)
