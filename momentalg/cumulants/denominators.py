"""Named denominators cancel: D^-1 (Q D) is Q, where D is a design constant of several terms.

A denominator such as n - sum_i N_i^2/n, or N S_xx - S_x^2 of a level, is one symbol to a negative power. When what it
divides is a multiple of it, the quotient takes its place, by exact division of polynomials; otherwise nothing is
changed.
"""

from __future__ import annotations

from fractions import Fraction
from operator import add, sub

from momentalg.cumulants.level_weights import WEIGHT, moved
from momentalg.cumulants.polynomial import Polynomial, Powers, Symbol
from momentalg.cumulants.terms import DEFAULT
from momentalg.cumulants.totals import DesignTotal

LIMIT = 200  # terms of a quotient; an exact one is shorter than what it comes from


def cancelled(polynomial: Polynomial) -> Polynomial:
    """The polynomial with every named denominator cancelled that divides what it stands under."""
    for symbol in sorted(polynomial.symbols(), key=repr):
        divisor = named_value(symbol)
        if divisor is None:
            continue
        for power in sorted({p for m in polynomial.terms for s, p in m if s == symbol and p < 0}):
            polynomial = _cancel_power(polynomial, symbol, power, divisor)
    return polynomial


def named_value(symbol: Symbol) -> Polynomial | None:
    """The polynomial that a denominator stands for: of the whole data, or of levels that are not summed over."""
    if not isinstance(symbol, DesignTotal) or symbol.levels or len(symbol.entries) > 1:
        return None
    (entry,) = symbol.entries
    if entry.what.kind not in ("named", WEIGHT) or not isinstance(entry.what.detail, Polynomial):
        return None
    return moved(entry.what.detail, {level._replace(name=DEFAULT): level for level in entry.cell})


def _cancel_power(polynomial: Polynomial, symbol: Symbol, power: int, divisor: Polynomial) -> Polynomial:
    """Divide what stands under symbol^power, for each product of parameters by itself."""
    pair = (symbol, power)
    result = Polynomial({m: c for m, c in polynomial.terms.items() if pair not in m})
    under = Polynomial({m - {pair}: c for m, c in polynomial.terms.items() if pair in m})
    for outside, constant in under.split(lambda s: not isinstance(s, DesignTotal)).items():
        left, exponent = constant, power
        while exponent < 0 and (quotient := divide(left, divisor)) is not None:
            left, exponent = quotient, exponent + 1
        kept = {(symbol, exponent)} if exponent else set()
        result = result + left * Polynomial([(outside | kept, Fraction(1))])
    return result


def divide(dividend: Polynomial, divisor: Polynomial) -> Polynomial | None:
    """The exact quotient, by long division in a lexicographic order of monomials; None when there is a remainder."""
    symbols = sorted(dividend.symbols() | divisor.symbols(), key=repr)

    def exponents(monomial: Powers) -> tuple[int, ...]:
        powers = dict(monomial)
        return tuple(powers.get(s, 0) for s in symbols)

    left = {exponents(m): c for m, c in dividend.terms.items()}
    by = {exponents(m): c for m, c in divisor.terms.items()}
    lead = max(by)
    quotient: list[tuple[Powers, Fraction]] = []
    while left:
        if len(quotient) > LIMIT:
            return None
        top = max(left)
        factor = tuple(map(sub, top, lead))
        coefficient = left[top] / by[lead]
        quotient.append((frozenset((s, d) for s, d in zip(symbols, factor, strict=True) if d), coefficient))
        for powers, c in by.items():
            product = tuple(map(add, powers, factor))
            left[product] = left.get(product, 0) - coefficient * c
            if not left[product]:
                del left[product]
    return Polynomial(quotient)
