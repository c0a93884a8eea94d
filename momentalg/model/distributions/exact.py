"""Reading a number exactly: int, Fraction, Decimal, a string such as "1/3" or "0.1", or a float."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational

from momentalg.errors import ModelError

ExactLike = int | Fraction | Decimal | str | float
"""What a user may pass for a number of a law."""


def exact(value: object, what: str, *, floats: bool = True) -> Fraction:
    """Return `value` as a Fraction; `what` names it in the error.

    A float is read as the shortest decimal that stands for it, which is what was typed: 0.1 is 1/10. With
    ``floats=False`` it is refused, for places such as probabilities where a rounded number is a mistake.
    """
    if isinstance(value, bool) or not isinstance(value, (Rational, Decimal, str, float)):
        raise ModelError(f"{what} must be a number: an int, a Fraction or a string such as '1/3'; found {value!r}")
    if isinstance(value, Rational):  # NumPy's whole numbers among them, which would overflow
        return Fraction(int(value.numerator), int(value.denominator))
    if isinstance(value, float):
        if not floats:
            raise ModelError(f"{what} must be exact; found the float {value!r}: write a string such as '1/3' or '0.1'")
        if not math.isfinite(value):
            raise ModelError(f"{what} must be finite; found {value!r}")
        value = float.__repr__(value)
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise ModelError(f"{what} must be a number such as '1/3' or '0.25'; found {value!r}") from None


def positive(value: object, what: str) -> Fraction:
    """Return `value` as a positive Fraction."""
    number = exact(value, what)
    if number <= 0:
        raise ModelError(f"{what} must be positive; found {shown(number)}")
    return number


def whole(value: object, what: str) -> int:
    """Return `value` as a whole number that is not negative, such as a number of observations."""
    number = value if isinstance(value, Integral) and not isinstance(value, bool) else exact(value, what)
    if number.denominator != 1 or number < 0:
        raise ModelError(f"{what} must be a whole number, 0 or more; found {value!r}")
    return int(number)


def shown(number: Fraction) -> str:
    """`number` as it stands in code that a user could type: ``3``, or ``'1/3'``."""
    return str(number) if number.denominator == 1 else f"'{number}'"
