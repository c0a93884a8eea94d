"""Values of rows as SQL expressions. Names of users get here as quoted identifiers and literals, never as text.

A binary expression inside another is always in parentheses: sqlglot writes a - (b - c) of its own trees as a - b - c.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from sqlglot import exp

from momentalg.lower import arrays
from momentalg.lower.ir import Powers

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

    Read = Callable[[str], Expr]  # from a symbol to the column that holds it

_FUNCTIONS: dict[str, type[exp.Func]] = {"log": exp.Ln, "exp": exp.Exp, "sqrt": exp.Sqrt}
ONE = exp.Literal.number(1)


def named(name: str, table: str) -> exp.Column:
    """A column of a table, both quoted."""
    return exp.column(exp.to_identifier(name, quoted=True), exp.to_identifier(table, quoted=True))


def double(value: Expr) -> Expr:
    """A value as a floating-point number, before anything is computed: integers overflow, decimals are cut off."""
    return exp.cast(value, "double")


def label(value: str | int | float) -> Expr:
    """A label as a literal."""
    match value:
        case bool():
            return exp.Boolean(this=value)
        case str():
            return exp.Literal.string(value)
        case _:
            return exp.Literal.number(repr(value))


def value(expr: arrays.Expr, read: Read, coded: Read) -> Expr:
    """A function of symbols; `coded` gives the column of labels that indicators are of."""
    match expr:
        case arrays.Ref(name):
            return read(name)
        case arrays.Const(number):
            return _constant(number)
        case arrays.Plus(args):
            return _joined(exp.Add, [value(a, read, coded) for a in args])
        case arrays.Times(args):
            return _joined(exp.Mul, [value(a, read, coded) for a in args])
        case arrays.Power(base, exponent):
            return power(value(base, read, coded), exponent)
        case arrays.Apply(function, arg):
            return _FUNCTIONS[function](this=value(arg, read, coded))
        case arrays.HasLabel(column, known):
            return double(exp.case().when(coded(column).eq(label(known)), ONE).else_(exp.Literal.number(0)))
        case _:
            raise TypeError(f"no SQL for {type(expr).__name__}")


def product(powers: Powers, read: Read) -> Expr:
    """A product of powers of symbols: what is above, divided by what is below."""
    above = [read(name) for name, exponent in powers for _ in range(exponent)]
    below = [read(name) for name, exponent in powers for _ in range(-exponent)]
    found = _joined(exp.Mul, above or [double(ONE.copy())])
    return divided(found, _joined(exp.Mul, below)) if below else found


def power(base: Expr, exponent: int) -> Expr:
    """A whole power, by multiplication."""
    found = _joined(exp.Mul, [base] * abs(exponent))
    return found if exponent > 0 else divided(double(ONE.copy()), found)


def divided(above: Expr, below: Expr) -> Expr:
    """A quotient of floating-point numbers, as it stands."""
    return exp.Div(this=_apart(above), expression=_apart(below), typed=True, safe=False)


def difference(left: Expr, right: Expr) -> Expr:
    """`left` less `right`."""
    return exp.Sub(this=_apart(left), expression=_apart(right))


def is_there(number: Expr) -> Expr:
    """Whether a number is neither NULL, for which this is NULL too, nor NaN.

    Databases differ: NaN is equal to itself and more than all numbers, or compares with nothing. Either way neither
    it nor what it is with the other sign is at most a number, whereas of an infinity one of the two is.
    """
    below, other = (exp.LTE(this=n, expression=_largest()) for n in (number, exp.Neg(this=number.copy())))
    return exp.paren(exp.or_(below, other), copy=False)


def is_finite(number: Expr) -> Expr:
    """Whether a number is finite; NULL for NULL."""
    return exp.Between(this=number, low=exp.Neg(this=_largest()), high=_largest())


def count(condition: Expr | None = None, negated: bool = False) -> Expr:
    """The number of rows, or of those where a condition holds; where it does not hold or is NULL, if `negated`."""
    if condition is None:
        return _whole(exp.Star())
    if negated:
        return _whole(exp.case().when(condition, exp.null()).else_(ONE))
    return _whole(exp.case().when(condition, ONE))


def rounded_mean(number: Expr) -> Expr:
    """The mean to about a millionth of the largest value, by adding and taking away 2**32 times that.

    A mean depends in its last digits on the order of the rows, which databases choose as they like. This does not, so
    that the sums of all queries are about the same shift.
    """
    large = _joined(exp.Mul, [exp.Max(this=exp.Abs(this=number)), exp.Literal.number(2**32)])
    return difference(_joined(exp.Add, [exp.Avg(this=number.copy()), large]), large.copy())


def _whole(counted: Expr) -> Expr:
    return exp.cast(exp.Count(this=counted, big_int=True), "bigint")


def _largest() -> Expr:
    return exp.Literal.number(repr(sys.float_info.max))


def _constant(number: Fraction) -> Expr:
    above, below = (double(exp.Literal.number(n)) for n in (number.numerator, number.denominator))
    return above if number.denominator == 1 else divided(above, below)


def _joined(operator: type[exp.Binary], parts: list[Expr]) -> Expr:
    first, *others = [_apart(part) for part in parts] if len(parts) > 1 else parts
    found: Expr = first
    for other in others:
        found = operator(this=found, expression=other.copy())
    return found


def _apart(part: Expr) -> Expr:
    """An expression in parentheses, where an operator beside it would tear it apart."""
    return exp.paren(part, copy=False) if isinstance(part, (exp.Binary, exp.Neg)) else part
