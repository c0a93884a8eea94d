"""Numbers that are not rational: a float with a bound on its error, and the intervals that the bound comes from.

`Interval` computes with 60 decimal digits and rounds outwards, so that the true value always lies inside; the
decimals of the standard library round as told, and their square root and exponential are correctly rounded.
`BoundedFloat` is what a user gets: the midpoint as a float, with a bound that accounts for every rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_CEILING,
    ROUND_FLOOR,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction

DIGITS = 60
_TRAPS = [InvalidOperation, DivisionByZero, Overflow]
DOWN = Context(prec=DIGITS, rounding=ROUND_FLOOR, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=_TRAPS)
UP = Context(prec=DIGITS, rounding=ROUND_CEILING, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=_TRAPS)


@dataclass(frozen=True)
class Interval:
    """All numbers from `lo` to `hi`; arithmetic returns an interval that contains every possible result."""

    lo: Decimal
    hi: Decimal

    @staticmethod
    def of(value: Interval | Fraction | int) -> Interval:
        """The narrowest interval around a rational number."""
        if isinstance(value, Interval):
            return value
        top, bottom = Decimal(value.numerator), Decimal(value.denominator)
        return Interval(DOWN.divide(top, bottom), UP.divide(top, bottom))

    def __add__(self, other: Interval | Fraction | int) -> Interval:
        other = Interval.of(other)
        return Interval(DOWN.add(self.lo, other.lo), UP.add(self.hi, other.hi))

    def __neg__(self) -> Interval:
        return Interval(self.hi.copy_negate(), self.lo.copy_negate())

    def __sub__(self, other: Interval | Fraction | int) -> Interval:
        return self + -Interval.of(other)

    def __rsub__(self, other: Fraction | int) -> Interval:
        return Interval.of(other) + -self

    def __mul__(self, other: Interval | Fraction | int) -> Interval:
        other = Interval.of(other)
        corners = [(a, b) for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
        return Interval(min(DOWN.multiply(a, b) for a, b in corners), max(UP.multiply(a, b) for a, b in corners))

    def reciprocal(self) -> Interval:
        """1 / self; an interval that contains zero has none."""
        if self.lo <= 0 <= self.hi:
            raise ZeroDivisionError("the divisor may be zero: its error bound contains it")
        return Interval(DOWN.divide(Decimal(1), self.hi), UP.divide(Decimal(1), self.lo))

    def __truediv__(self, other: Interval | Fraction | int) -> Interval:
        return self * Interval.of(other).reciprocal()

    def __rtruediv__(self, other: Fraction | int) -> Interval:
        return Interval.of(other) * self.reciprocal()

    def __pow__(self, exponent: int) -> Interval:
        base = self if exponent >= 0 else self.reciprocal()
        result = Interval.of(1)
        for _ in range(abs(exponent)):
            result = result * base
        return result

    __radd__ = __add__
    __rmul__ = __mul__

    def sqrt(self) -> Interval:
        """The square root, of an interval without negative numbers."""
        return Interval(max(Decimal(0), self.lo.sqrt(DOWN).next_minus(DOWN)), self.hi.sqrt(UP).next_plus(UP))

    def exp(self) -> Interval:
        """The exponential."""
        return Interval(self.lo.exp(DOWN).next_minus(DOWN), self.hi.exp(UP).next_plus(UP))


@dataclass(frozen=True)
class BoundedFloat:
    """A float and a bound on its error: the true value is within `bound` of `value`.

    Sums, products and quotients with ints, Fractions, floats (taken at their exact value) and each other carry the
    bound along.
    """

    value: float
    bound: float

    @classmethod
    def of(cls, interval: Interval) -> BoundedFloat:
        """The midpoint of `interval`, with a bound that covers all of it and the rounding to a float."""
        lo, hi = Fraction(interval.lo), Fraction(interval.hi)
        value = float((lo + hi) / 2)
        error = max(hi - Fraction(value), Fraction(value) - lo)
        bound = float(error)
        return cls(value, bound if Fraction(bound) >= error else math.nextafter(bound, math.inf))

    @property
    def interval(self) -> Interval:
        """The interval from value - bound to value + bound."""
        value, bound = Decimal(self.value), Decimal(self.bound)
        return Interval(DOWN.subtract(value, bound), UP.add(value, bound))

    def contains(self, number: Fraction | float) -> bool:
        """Whether `number` may be the true value."""
        return abs(Fraction(number) - Fraction(self.value)) <= Fraction(self.bound)

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value!r} (error at most {self.bound:.1e})"

    def __add__(self, other: object) -> BoundedFloat:
        lifted = _lift(other)
        return NotImplemented if lifted is None else BoundedFloat.of(self.interval + lifted)

    def __mul__(self, other: object) -> BoundedFloat:
        lifted = _lift(other)
        return NotImplemented if lifted is None else BoundedFloat.of(self.interval * lifted)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> BoundedFloat:
        return BoundedFloat(-self.value, self.bound)

    def __sub__(self, other: object) -> BoundedFloat:
        lifted = _lift(other)
        return NotImplemented if lifted is None else BoundedFloat.of(self.interval - lifted)

    def __rsub__(self, other: object) -> BoundedFloat:
        return -self + other

    def __truediv__(self, other: object) -> BoundedFloat:
        lifted = _lift(other)
        return NotImplemented if lifted is None else BoundedFloat.of(self.interval / lifted)

    def __rtruediv__(self, other: object) -> BoundedFloat:
        lifted = _lift(other)
        return NotImplemented if lifted is None else BoundedFloat.of(lifted / self.interval)

    def __pow__(self, exponent: int) -> BoundedFloat:
        return BoundedFloat.of(self.interval**exponent)


def _lift(other: object) -> Interval | None:
    if isinstance(other, BoundedFloat):
        return other.interval
    if isinstance(other, (int, Fraction, float)):
        return Interval.of(Fraction(other))
    return None


def square_root(value: Interval | Fraction) -> Interval | Fraction:
    """The square root of a number that is not negative; a Fraction when it is rational."""
    if isinstance(value, Fraction):
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return Interval.of(value).sqrt()
