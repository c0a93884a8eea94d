"""Weights of a level: what a statistic divides by at a level, 1/(1 + N theta) or 1/sum_j n_ij^2, as one entry.

The denominator is kept as a polynomial in design totals of the default level of each column, with a leading coefficient
of 1; the entry's cell says which levels are meant. It is opaque: 1/(1 + N) and N/(1 + N) do not add up to 1.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction

from momentalg.cumulants.polynomial import UNIT, Polynomial
from momentalg.cumulants.terms import DEFAULT, OBSERVATION, Entry, Level, Term, What, cell_of
from momentalg.cumulants.totals import DesignTotal, canonical
from momentalg.errors import UnsupportedError

WEIGHT = "weight"
"""The kind of an entry that is a denominator at its cell; `detail` is its value on the default levels."""


def levels_of(polynomial: Polynomial) -> frozenset[Level]:
    """The free levels that a polynomial in design totals depends on."""
    totals = (s for s in polynomial.symbols() if isinstance(s, DesignTotal))
    return frozenset(v for total in totals for e in total.entries for v in e.cell if v.free)


def inverted(found: Polynomial, exponent: int) -> Term:
    """1/found to a power, an entry on the cell of the levels that it depends on."""
    levels = levels_of(found)
    columns = {v.column: v for v in levels}
    if len(columns) < len(levels) or OBSERVATION in columns:
        raise UnsupportedError(
            "a statistic is divided by something that depends on two levels of one factor, or on one observation; "
            "a denominator is a design constant of one level, such as 1 + theta*N, or of the whole data"
        )
    first = min(found.terms, key=lambda m: (m != UNIT, repr(sorted(m, key=repr))))
    lead = found.terms[first]
    what = What(WEIGHT, (), moved(found.scale(1 / lead), {v: v._replace(name=DEFAULT) for v in levels}))
    return Term(Fraction(lead) ** -exponent, entries=(Entry(cell_of(columns), what, -exponent),))


def default_levels(columns: Sequence[str], labels: Sequence[Hashable]) -> dict[tuple[str, str], Hashable]:
    """The labels that a denominator is evaluated at: those of the cell that it stands on."""
    return {(column, DEFAULT): label for column, label in zip(columns, labels, strict=True)}


def moved(polynomial: Polynomial, new: Mapping[Level, Level]) -> Polynomial:
    """The polynomial with some free levels named anew."""

    def value(symbol: object, power: int) -> Polynomial | None:
        if not isinstance(symbol, DesignTotal):
            return None
        entries = [e._replace(cell=tuple(new.get(v, v) for v in e.cell)) for e in symbol.entries]
        bound = [Level(column, "", number) for number, column in enumerate(symbol.levels)]
        return Polynomial.symbol(canonical(bound, entries), power)

    return polynomial.substitute(value)
