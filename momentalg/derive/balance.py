"""Balanced designs: every cell has the same number of observations, so that every size is a product of counts.

With n observations in each cell of all factors together, a level of some of them has n times the number of levels of
the others; a nested column counts its levels within one level of what it is nested in. With one factor n is N.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from momentalg.cumulants.denominators import cancelled
from momentalg.cumulants.design_moments import COUNT, WITHIN, Letter, Moment
from momentalg.cumulants.normal_form import Unifier, normal_form
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import DEFAULT, SIZE, Entry, Level, Term, What, cell_of
from momentalg.cumulants.totals import DesignTotal, single
from momentalg.errors import UnsupportedError
from momentalg.model.resolved import ResolvedModel

BALANCED = "balanced: all sizes are equal"
BALANCED_CELLS = "balanced: every cell occurs, and all have the same size"


def balanced(polynomial: Polynomial, model: ResolvedModel) -> Polynomial:
    """The polynomial with sizes and numbers of cells as products of the one size and the numbers of levels."""
    return cancelled(polynomial.substitute(lambda symbol, power: _symbol(symbol, power, model)))


def description(model: ResolvedModel) -> str:
    """What is assumed, in words."""
    return BALANCED if len(model.levelled) == 1 else BALANCED_CELLS


def _symbol(symbol: object, power: int, model: ResolvedModel) -> Polynomial | None:
    if isinstance(symbol, Letter):
        return size_of(model.unit, model, power) if symbol.what == SIZE else None
    if isinstance(symbol, Moment):
        return _moment(symbol, power, model)
    if isinstance(symbol, DesignTotal):
        return _total(symbol, power, model)
    return None


def size_of(columns: Iterable[str], model: ResolvedModel, power: int = 1) -> Polynomial:
    """The number of observations in a cell of these columns, to a power."""
    known = model.closure(columns)
    cell = single(cell_of({c: Level(c, DEFAULT) for c in model.levelled}), SIZE)
    result = Polynomial.symbol(cell, power)
    for column in model.levelled:
        if column not in known:
            result = result * levels_of(column, model, power)
    return result


def levels_of(column: str, model: ResolvedModel, power: int = 1) -> Polynomial:
    """The number of levels of a column, within one level of what it is nested in, to a power."""
    parent = model.local_to.get(column)
    found = _count(model.closure((column,)), model, power)
    return found if parent is None else found * _count(model.closure((parent,)), model, -power)


def _count(columns: frozenset[str], model: ResolvedModel, power: int) -> Polynomial:
    """The number of cells of some columns, to a power."""
    levels = [Level(c, "", n) for n, c in enumerate(c for c in model.levelled if c in columns)]
    entry = Entry(cell_of({v.column: v for v in levels}), SIZE, 0)
    monomial = normal_form(Term(Fraction(1), (), (entry,), frozenset(levels)), model, Unifier(len(levels)))
    assert monomial is not None
    return Polynomial({frozenset((s, p * power) for s, p in monomial): Fraction(1)})


def _moment(moment: Moment, power: int, model: ResolvedModel) -> Polynomial:
    """Sizes come out of moments of the design; what has no other variable is a constant."""
    if any(what.kind in (WITHIN, COUNT) for a in moment.arguments for (_, what), _ in a):
        raise UnsupportedError(
            "balanced=True with random numbers of levels is not derivable; ask for the result given=ma.design"
        )
    exponent = sum(p for a in moment.arguments for (_, what), p in a if what == SIZE)
    arguments = [tuple(x for x in a if x[0][1] != SIZE) for a in moment.arguments]
    if any(not a for a in arguments):
        rest = Polynomial.constant(int(len(arguments) == 1))
    else:
        rest = Polynomial.symbol(Moment(tuple(sorted(arguments, key=repr)), moment.given), power)
    return rest * size_of(model.unit, model, exponent * power) if exponent else rest


def _total(total: DesignTotal, power: int, model: ResolvedModel) -> Polynomial:
    named = next((e.what.detail for e in total.entries if e.what.kind == "named"), None)
    if isinstance(named, Polynomial) and not total.levels:
        whole = balanced(named, model)
        if power < 0 and len(whole.terms) > 1:
            return Polynomial.symbol(single((), What("named", (), whole)), power)
    else:
        whole = _sum(total, model)
    return whole**power if power > 0 else _inverse(whole, -power)


def _sum(total: DesignTotal, model: ResolvedModel) -> Polynomial:
    """A sum over levels: sizes are constants, and a level that nothing else depends on is counted."""
    result = Polynomial.constant(1)
    kept = [e for e in total.entries if e.what != SIZE]
    for entry in total.entries:
        if entry.what == SIZE and entry.power:
            result = result * size_of((v.column for v in entry.cell), model, entry.power)
    touched = {v for e in kept for v in e.cell}
    bound = [Level(c, "", n) for n, c in enumerate(total.levels)]
    for level in bound:
        if level not in touched:
            result = result * levels_of(level.column, model)
    inner = frozenset(level for level in bound if level in touched)
    rest = normal_form(Term(Fraction(1), (), tuple(kept), inner), model, Unifier(len(bound)))
    return Polynomial() if rest is None else result * Polynomial({rest: Fraction(1)})


def _inverse(single_term: Polynomial, power: int) -> Polynomial:
    ((monomial, coefficient),) = single_term.terms.items()
    return Polynomial({frozenset((s, -p * power) for s, p in monomial): coefficient**-power})
