"""Letters and entries: the design variables of a unit as they stand in results, and in sums over units."""

from __future__ import annotations

from momentalg.cumulants.design_moments import Letter
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import OBSERVATION, Entry, Level, What, cell_of
from momentalg.cumulants.totals import DesignTotal, single
from momentalg.expr.names import join_factor
from momentalg.model.resolved import ResolvedModel

UNITS = What("units")


def units_symbol(model: ResolvedModel) -> DesignTotal:
    """The number of units: of levels, unless a level may be empty, which data do not show."""
    return single((), UNITS) if join_factor(model.unit) in model.may_be_empty else DesignTotal(model.unit, ())


def to_letters(polynomial: Polynomial, model: ResolvedModel) -> Polynomial:
    """Write the values of free units as letters; a crossed design has no units, and none."""
    if not model.has_unit:
        return polynomial

    def value(symbol: object, power: int) -> Polynomial | None:
        if isinstance(symbol, DesignTotal) and not symbol.levels and _is_of_a_unit(symbol.entries[0], model):
            return Polynomial.symbol(letter_of(symbol.entries[0]), power)
        return None

    return polynomial.substitute(value)


def _is_of_a_unit(entry: Entry, model: ResolvedModel) -> bool:
    return {v.column for v in entry.cell if v.column != OBSERVATION} == set(model.unit)


def letter_of(entry: Entry) -> Letter:
    """The letter that an entry on one unit is."""
    named = next((v.name for v in entry.cell if v.column == OBSERVATION), "")
    (unit,) = {v.name or v.number for v in entry.cell if v.column != OBSERVATION}
    return Letter(unit, named, entry.what)


def from_letters(polynomial: Polynomial, model: ResolvedModel) -> Polynomial:
    """Write letters of named units as values on their free level again."""

    def value(symbol: object, power: int) -> Polynomial | None:
        if isinstance(symbol, Letter):
            return Polynomial.symbol(single(cell_of_letter(symbol, model, {}), symbol.what), power)
        return None

    return polynomial.substitute(value)


def cell_of_letter(letter: Letter, model: ResolvedModel, bound: dict[str | int, int]) -> tuple[Level, ...]:
    """The cell of a letter; units in `bound` are numbered levels."""
    number = bound.get(letter.unit)
    name = str(letter.unit) if number is None else ""
    levels = {c: Level(c, name, -1 if number is None else number) for c in model.unit}
    if letter.observation:
        levels[OBSERVATION] = Level(OBSERVATION, letter.observation)
    return cell_of(levels)
