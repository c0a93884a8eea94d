"""The numbers that results over random designs take under an incidence whose laws are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

from momentalg.cumulants.design_symbols import COUNT, Moment
from momentalg.cumulants.evaluate import DesignTable, design_total, parameter, total_value
from momentalg.cumulants.incidence import is_law_constant
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import DEFAULT, SIZE
from momentalg.cumulants.totals import DesignTotal, levels_of
from momentalg.errors import DataError, ModelError, UnsupportedError
from momentalg.model.incidence.base import Columns, Incidence, probability

Number = Any


def evaluate_incidence(
    polynomial: Polynomial,
    parameters: Mapping[str, Number],
    law: Incidence,
    units: Mapping[str, int],
    at: Mapping[str, int],
) -> Number:
    """The value of a result in raw moments; `units` are numbers of levels, `at` the places of named levels.

    Levels have the places 0, 1, ..., in which their probabilities are given. Raises `ModelError` for what is left open.
    """
    numbers = law.levels(units)

    @cache
    def value(symbol: Any) -> Number:
        match symbol:
            case str():
                return parameter(symbol, parameters)
            case Moment(((((_, what), power),),), ()) if what.kind == COUNT or is_law_constant(what):
                found = law.count if what.kind == COUNT else law.number
                if found is None:
                    raise ModelError(f"{law!r} leaves a law open that the result needs: give it")
                return found.moment(power)
            case DesignTotal((column,), ()):
                return _number(column, numbers)
            case DesignTotal((), (entry,)) if entry.what.kind == "units":
                return _number(entry.what.detail[0], numbers)
            case DesignTotal((), (entry,)) if entry[:2] == ((), SIZE) and not law.strata:
                if law.count is None:
                    raise ModelError(f"say how many observations there are: {law!r} leaves it open")
                return law.count.moment(1)
            case DesignTotal() if all(is_law_constant(e.what) for e in symbol.entries):
                return design_total(symbol, _table(symbol, law), _places(symbol, at))
        raise UnsupportedError(
            "the result keeps a design constant, such as a ratio or a number of non-empty cells, at the value that it "
            "takes in the data, or has a moment of a ratio or of covariates: no law of sizes gives it. Ask for the "
            "moment given the design, with given=ma.design"
        )

    return total_value(polynomial, value)


def _number(column: str, numbers: Mapping[str, int]) -> Fraction:
    if column not in numbers:
        raise DataError(f"say how many levels {column!r} has, as in units={{{column!r}: 40}}")
    return Fraction(numbers[column])


def _places(symbol: DesignTotal, at: Mapping[str, int]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for level in levels_of(symbol):
        if level.free:
            name = level.column if level.name == DEFAULT else level.name
            if name not in at:
                raise DataError(f"the result is of one level: say which, by its place, as in at={{{name!r}: 0}}")
            found[level.column, level.name] = at[name]
    return found


def _table(symbol: DesignTotal, law: Incidence) -> DesignTable:
    """The combinations of the labels that a symbol speaks of, with their probabilities as values."""
    columns = {level.column for level in levels_of(symbol)} | set(symbol.levels)
    sets = [some for some in law.drawn if columns & set(some)]
    rows = [dict(pair for place in places for pair in place) for places in product(*(_labels(s, law) for s in sets))]
    labels = {c: [row[c] for row in rows] for some in sets for c in some}
    values = {}
    for some in sets:
        for asked in (some, *((c,) for c in some)):
            chances = _marginal(some, asked, law)
            values[probability(asked)] = [chances[tuple(row[c] for c in asked)] for row in rows]
    return DesignTable(labels, values, len(rows))


def _labels(some: Columns, law: Incidence) -> Iterator[tuple[tuple[str, int], ...]]:
    return (tuple(zip(some, place, strict=True)) for place in _given(some, law))


def _marginal(some: Columns, asked: Columns, law: Incidence) -> dict[tuple[int, ...], Fraction]:
    found: dict[tuple[int, ...], Fraction] = {}
    for place, chance in _given(some, law).items():
        key = tuple(place[some.index(c)] for c in asked)
        found[key] = found.get(key, Fraction(0)) + chance
    return found


def _given(some: Columns, law: Incidence) -> Mapping[tuple[int, ...], Fraction]:
    chances = law.probabilities(some)
    if chances is None:
        raise ModelError(f"{law!r} leaves the probabilities of {' and '.join(some)} open, which the result needs")
    return chances
