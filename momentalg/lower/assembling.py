"""Arithmetic of array expressions: it assembles, unites like terms and folds what is trivial; it never expands."""

from __future__ import annotations

from fractions import Fraction

from momentalg.lower.arrays import ONE, Const, Expr, Plus, Power, Times, const


def plus(*args: Expr) -> Expr:
    """Assemble a sum: nested sums flattened, like terms united, a number put last, a positive term first."""
    weights: dict[Expr, Fraction] = {}
    number = Fraction(0)
    for term in (t for a in args for t in (a.args if isinstance(a, Plus) else (a,))):
        if isinstance(term, Const):
            number += term.value
            continue
        weight, rest = _weighted(term)
        weights[rest] = weights.get(rest, Fraction(0)) + weight
    kept = [times(Const(w), t) for t, w in weights.items() if w]
    if kept:
        leading = next((k for k, w in enumerate(w for w in weights.values() if w) if w > 0), 0)
        kept.insert(0, kept.pop(leading))
    if number or not kept:
        kept.append(Const(number))
    return kept[0] if len(kept) == 1 else Plus(tuple(kept))


def _weighted(term: Expr) -> tuple[Fraction, Expr]:
    if isinstance(term, Times) and isinstance(term.args[0], Const):
        return term.args[0].value, times(*term.args[1:])
    return Fraction(1), term


def times(*args: Expr) -> Expr:
    """Assemble a product: nested products flattened, powers of one base united, a number put in front."""
    exponents: dict[Expr, int] = {}
    number = Fraction(1)
    for factor in (f for a in args for f in (a.args if isinstance(a, Times) else (a,))):
        if isinstance(factor, Const):
            number *= factor.value
            continue
        base, exponent = (factor.base, factor.exponent) if isinstance(factor, Power) else (factor, 1)
        exponents[base] = exponents.get(base, 0) + exponent
    kept = [Power(base, e) if e != 1 else base for base, e in exponents.items() if e]
    if number == 0 or not kept:
        return Const(number)
    if number != 1:
        kept.insert(0, Const(number))
    return kept[0] if len(kept) == 1 else Times(tuple(kept))


def power(base: Expr, exponent: int) -> Expr:
    """Assemble a whole power."""
    if exponent == 0:
        return ONE
    if exponent == 1:
        return base
    if isinstance(base, Const) and (base.value or exponent > 0):
        return Const(base.value**exponent)
    if isinstance(base, Power):
        return power(base.base, base.exponent * exponent)
    return Power(base, exponent)


def minus(left: Expr, right: Expr) -> Expr:
    """Assemble a difference."""
    return plus(left, times(const(-1), right))


def over(left: Expr, right: Expr) -> Expr:
    """Assemble a quotient."""
    return times(left, power(right, -1))
