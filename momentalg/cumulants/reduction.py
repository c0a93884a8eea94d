"""Denominators of a level cancel: (1 + N theta)^-1 (N theta) is 1 - (1 + N theta)^-1, level by level.

With D = c m + rest, where m is the largest monomial of D, the product m D^-k is (D^(1-k) - rest D^-k)/c. Used from left
to right wherever it applies, it makes equal sums of such products equal, and it ends: what it puts in is smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from momentalg.cumulants.level_weights import WEIGHT
from momentalg.cumulants.normal_form import Unifier, normal_form
from momentalg.cumulants.polynomial import Polynomial, Powers, Symbol
from momentalg.cumulants.terms import SIZE, Cell, Entry, Level, Term
from momentalg.cumulants.totals import DesignTotal
from momentalg.model.resolved import ResolvedModel

Factors = dict[tuple[Cell, object], int]


class Rule(NamedTuple):
    """D = coefficient * lead + rest, on the default levels."""

    coefficient: Fraction
    lead: tuple[Entry, ...]
    rest: tuple[tuple[Fraction, tuple[Entry, ...]], ...]


def reduced(polynomial: Polynomial, model: ResolvedModel) -> Polynomial:
    """The polynomial with what stands over denominators of levels divided by them, as far as it goes."""
    while any(power > 0 and _applicable(s) is not None for monomial in polynomial.terms for s, power in monomial):
        polynomial = polynomial.substitute(lambda s, power: _substitute(s, power, model))
    return polynomial


def _substitute(symbol: Symbol, power: int, model: ResolvedModel) -> Polynomial | None:
    if power < 0 or _applicable(symbol) is None:
        return None
    assert isinstance(symbol, DesignTotal)
    return Polynomial((m, c) for m, c in _applied(symbol, model)) ** power


def _applicable(symbol: Symbol) -> tuple[Entry, Rule] | None:
    """A denominator of a design total whose largest monomial stands above it."""
    if not isinstance(symbol, DesignTotal) or not symbol.levels:
        return None
    present = {(e.cell, e.what): e.power for e in symbol.entries}
    for entry in symbol.entries:
        if entry.what.kind == WEIGHT and entry.power < 0 and (rule := _rule(entry.what.detail)) is not None:
            moved = _at(rule.lead, entry.cell)
            if all(present.get((e.cell, e.what), 0) >= e.power for e in moved):
                return entry, rule
    return None


def _rule(divisor: Polynomial) -> Rule | None:
    """None for a denominator with sums over levels inside, which stays as it is."""
    terms = [(number, _entries(monomial)) for monomial, number in divisor.terms.items()]
    if any(entries is None for _, entries in terms):
        return None
    ordered = sorted(((sum(e.power for e in es or ()), repr(es), c, es or ()) for c, es in terms), key=lambda t: t[:2])
    *rest, (_, _, coefficient, lead) = ordered
    return Rule(coefficient, lead, tuple((c, es) for _, _, c, es in rest))


def _entries(monomial: Powers) -> tuple[Entry, ...] | None:
    found = []
    for symbol, power in sorted(monomial, key=repr):
        if not isinstance(symbol, DesignTotal) or symbol.levels or power < 0:
            return None
        (entry,) = symbol.entries
        found.append(entry._replace(power=entry.power * power))
    return tuple(found)


def _at(entries: tuple[Entry, ...], cell: Cell) -> list[Entry]:
    """The entries on the levels of a cell in place of the default ones."""
    levels = {level.column: level for level in cell}
    return [e._replace(cell=tuple(levels.get(v.column, v) for v in e.cell)) for e in entries]


def _applied(total: DesignTotal, model: ResolvedModel) -> Iterator[tuple[Powers, Fraction]]:
    found = _applicable(total)
    assert found is not None
    entry, rule = found
    left: Factors = {(e.cell, e.what): e.power for e in total.entries}
    for e in _at(rule.lead, entry.cell):
        left[e.cell, e.what] -= e.power
    kept = {key: power for key, power in left.items() if power}
    key = (entry.cell, entry.what)
    once = {**kept, key: kept[key] + 1}
    if not once[key]:  # the level is there, which the denominator said
        del once[key]
        once.setdefault((entry.cell, SIZE), 0)
    yield from _normal(once, Fraction(1) / rule.coefficient, total, model)
    for number, entries in rule.rest:
        more = dict(kept)
        for e in _at(entries, entry.cell):
            more[e.cell, e.what] = more.get((e.cell, e.what), 0) + e.power
        yield from _normal(more, -number / rule.coefficient, total, model)


def _normal(
    factors: Factors, number: Fraction, total: DesignTotal, model: ResolvedModel
) -> Iterator[tuple[Powers, Fraction]]:
    entries = tuple(Entry(cell, what, power) for (cell, what), power in factors.items())  # type: ignore[arg-type]
    bound = frozenset(Level(column, "", n) for n, column in enumerate(total.levels))
    monomial = normal_form(Term(Fraction(1), (), entries, bound), model, Unifier(len(total.levels)))
    if monomial is not None:
        yield monomial, number
