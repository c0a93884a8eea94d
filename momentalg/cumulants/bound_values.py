"""Sums over named observations and levels, of values that are polynomials: what the index of each sum becomes.

Values at a named observation become totals over its level, and values on a named level sums over levels; an indicator
that two observations are one names the one by the other.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import count

from momentalg.cumulants.binding import not_empty
from momentalg.cumulants.letters import from_letters, to_letters, unfolded
from momentalg.cumulants.normal_form import Unifier, normal_form
from momentalg.cumulants.polynomial import Polynomial, Powers, times
from momentalg.cumulants.terms import OBSERVATION, Cell, Level, Observation, Term, cell_of
from momentalg.cumulants.totals import DesignTotal, levels_of, relabelled
from momentalg.expr.nodes import Delta
from momentalg.model.resolved import ResolvedModel


def bind_observation(polynomial: Polynomial, index: str, home: Cell, model: ResolvedModel) -> Polynomial:
    """Sum over a named observation: a delta names it, otherwise its values become totals over the level."""
    result = Polynomial()
    named, bound = Level(OBSERVATION, index), Level(OBSERVATION, "", 0)
    cell = cell_of({OBSERVATION: bound, **{v.column: v for v in home}})
    for monomial, coefficient in from_letters(polynomial, model).terms.items():
        delta = next((s for s, _ in monomial if isinstance(s, Delta) and index in (s.first, s.second)), None)
        if delta is not None:
            other = delta.second if delta.first == index else delta.first
            result = result + _rename(monomial, index, other, coefficient)
            continue
        mine = [(s, p) for s, p in monomial if isinstance(s, DesignTotal) and named in levels_of(s)]
        numbers = count(1)
        parts = [unfolded(symbol, power, {named: bound}, numbers) for symbol, power in mine]
        entries = tuple(e for new, _ in parts for e in new)
        inner = frozenset(level for _, levels in parts for level in levels)
        term = Term(Fraction(1), (Observation((), (), cell),), entries, inner | {bound})
        summed = normal_form(term, model, Unifier(next(numbers)))
        if summed is not None:
            result = result + Polynomial({times(summed, monomial.difference(mine)): coefficient})
    return to_letters(result, model)


def _rename(monomial: Powers, index: str, other: str, coefficient: Fraction) -> Polynomial:
    """delta_jk: what is at k is at j; their values multiply, delta_jj is 1, and a delta is its own square."""
    powers: dict[object, int] = {}
    place = {Level(OBSERVATION, index): Level(OBSERVATION, other)}
    for symbol, power in monomial:
        if isinstance(symbol, DesignTotal):
            symbol = relabelled(symbol, place)
        elif isinstance(symbol, Delta):
            first, second = sorted(other if name == index else name for name in (symbol.first, symbol.second))
            if first == second:
                continue
            symbol = Delta(first, second)
        powers[symbol] = powers.get(symbol, 0) + power
    return Polynomial({frozenset((s, 1 if isinstance(s, Delta) else p) for s, p in powers.items()): coefficient})


def bind_levels(polynomial: Polynomial, names: dict[str, str], model: ResolvedModel, cell: bool = False) -> Polynomial:
    """Sum over named levels, or over the cells that they make: letters of those units become entries."""
    numbers = count()
    bind = {Level(c, name): Level(c, "", next(numbers)) for c, name in names.items()}
    result = Polynomial()
    for monomial, coefficient in from_letters(polynomial, model).terms.items():
        mine = [(s, p) for s, p in monomial if isinstance(s, DesignTotal) and any(v in bind for v in levels_of(s))]
        entries = [not_empty({c: bind[Level(c, name)] for c, name in names.items()})] if cell else []
        bound = list(bind.values())
        for symbol, power in mine:
            new, inner = unfolded(symbol, power, bind, numbers)
            entries += new
            bound += inner
        term = Term(Fraction(1), (), tuple(entries), frozenset(bound))
        summed = normal_form(term, model, Unifier(next(numbers)))
        if summed is not None:
            result = result + Polynomial({times(summed, monomial.difference(mine)): coefficient})
    return to_letters(result, model)
