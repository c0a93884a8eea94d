"""Letters and entries: the design variables of a unit as they stand in results, and in sums over units.

A letter is a value on the unit itself, such as N_i, or a sum within it: sum_j n_ij^2 over the subgroups of unit i.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count

from momentalg.cumulants.design_moments import WITHIN, Letter, is_effect
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import DEFAULT, OBSERVATION, SIZE, Cell, Entry, Level, What, cell_of
from momentalg.cumulants.totals import DesignTotal, canonical, components, single
from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.model.resolved import ResolvedModel

Unit = tuple[Level, ...]
"""The levels of one unit, one of each of its columns."""


def units_symbol(model: ResolvedModel) -> DesignTotal:
    """The number of units: of levels, unless a level may be empty, which data do not show."""
    if join_factor(model.unit) in model.may_be_empty:
        return single((), What("units", (), model.unit))
    if len(model.unit) == 1:
        return DesignTotal(model.unit, ())
    levels = [Level(c, "", n) for n, c in enumerate(model.unit)]
    return canonical(levels, [Entry(cell_of({v.column: v for v in levels}), SIZE, 0)])


def to_letters(polynomial: Polynomial, model: ResolvedModel) -> Polynomial:
    """Write the values of free units as letters; a crossed design has no units, and none."""
    if not model.has_unit:
        return polynomial

    def value(symbol: object, power: int) -> Polynomial | None:
        if isinstance(symbol, DesignTotal) and symbol.entries:
            if any(is_effect(e.what) and len(e.cell) > len(model.unit) for e in symbol.entries):
                return None  # effects of a nested factor
            units = {unit_of(e, model) for e in symbol.entries}
            unit = units.pop() if len(units) == 1 else None
            if unit and all(level.free for level in unit):
                ((letter, own),) = letters_of(symbol.entries, unit, _name_of(unit))
                return Polynomial.symbol(letter, own * power)
        return None

    return polynomial.substitute(value)


def unit_of(entry: Entry, model: ResolvedModel) -> Unit | None:
    """The unit that an entry lies in; None where its cell is in no one unit."""
    unit = tuple(level for level in entry.cell if level.column in model.unit)
    return unit if len(unit) == len(model.unit) else None


def _name_of(unit: Unit) -> str:
    """The name of a unit; where its columns have different ones, all of them."""
    return ",".join(dict.fromkeys(level.name for level in unit))


def letters_of(entries: Iterable[Entry], unit: Unit, name: str | int) -> Iterator[tuple[Letter, int]]:
    """The letters, with their powers, that a product of entries within one unit is; `name` is what it is called."""
    place = {level: level._replace(name=DEFAULT, number=-1) for level in unit}
    freed = [e._replace(cell=tuple(place.get(v, v) for v in e.cell)) for e in entries]
    inner = dict.fromkeys(v for e in freed for v in e.cell if not v.free)
    for levels, part in components(inner, freed):
        if levels:
            yield Letter(name, "", _within(canonical(levels, part))), 1
            continue
        for cell, what, power in part:
            named = next((v.name for v in cell if v.column == OBSERVATION), "")
            plain = named or len(cell) == len(unit)
            yield Letter(name, named, what if plain else _within(single(cell, what))), power


def _within(total: DesignTotal) -> What:
    if any(is_effect(e.what) for e in total.entries):
        raise UnsupportedError(
            "given the effects of a nested factor, moments over random designs are not derivable; "
            "condition on the design first, as in via=[ma.design, 'a:b'], or ask for it given=ma.design"
        )
    return What(WITHIN, (), total)


def entries_of(letter: Letter, power: int, unit: Unit, fresh: Iterator[int]) -> tuple[list[Entry], list[Level]]:
    """A letter to a power as entries of `unit`, with the levels within it that are summed over, numbered afresh."""
    if letter.what.kind != WITHIN:
        levels = {level.column: level for level in unit}
        if letter.observation:
            levels[OBSERVATION] = Level(OBSERVATION, letter.observation)
        return [Entry(cell_of(levels), letter.what, power)], []
    place = {level._replace(name=DEFAULT, number=-1): level for level in unit}
    return unfolded(letter.what.detail, power, place, fresh)


def unfolded(
    total: DesignTotal, power: int, place: Mapping[Level, Level], fresh: Iterator[int]
) -> tuple[list[Entry], list[Level]]:
    """A design total to a power as entries, with free levels renamed by `place` and bound ones numbered afresh."""
    entries: list[Entry] = []
    bound: list[Level] = []
    for _ in range(power if total.levels else 1):
        inner = {Level(c, "", n): Level(c, "", next(fresh)) for n, c in enumerate(total.levels)}
        bound += inner.values()
        for e in total.entries:
            cell: Cell = tuple(place.get(v, inner.get(v, v)) for v in e.cell)
            entries.append(Entry(cell, e.what, e.power if total.levels else e.power * power))
    return entries, bound


def unit_named(name: str, model: ResolvedModel) -> Unit:
    """The free levels of the unit with this name."""
    names = name.split(",") if "," in name else [name] * len(model.unit)
    return tuple(Level(c, n) for c, n in zip(model.unit, names, strict=True))


def from_letters(polynomial: Polynomial, model: ResolvedModel) -> Polynomial:
    """Write letters of named units as values on their free level again."""
    return polynomial.substitute(_value_of(model))


def _value_of(model: ResolvedModel) -> Callable[[object, int], Polynomial | None]:
    def value(symbol: object, power: int) -> Polynomial | None:
        if not isinstance(symbol, Letter):
            return None
        entries, bound = entries_of(symbol, 1, unit_named(str(symbol.unit), model), count())
        total = canonical(bound, entries) if bound else DesignTotal((), tuple(entries))
        return Polynomial.symbol(total, power)

    return value
