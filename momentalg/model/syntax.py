"""The syntax tree of formulas and keys, with the place of every part, and its text.

The tree says what was written, not what it means: `expansion` and `functions` give it a meaning. Two trees are
equal when they say the same, wherever in their texts they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from momentalg.expr.names import quote


@dataclass(frozen=True)
class Syntax:
    """Base of all parts; `start` and `end` delimit the part in its text."""

    start: int = field(default=0, compare=False, kw_only=True, repr=False)
    end: int = field(default=0, compare=False, kw_only=True, repr=False)


@dataclass(frozen=True)
class Name(Syntax):
    """A name, without its back-quotes."""

    text: str
    quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Numeral(Syntax):
    """An unsigned exact number."""

    value: Fraction


@dataclass(frozen=True)
class Call(Syntax):
    """A function's name and its arguments."""

    function: str
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True)
class LevelOf(Syntax):
    """A level of a fixed factor, ``drug[b]``, or of a class of residuals; `label` is its text in keys."""

    column: str
    label: str


@dataclass(frozen=True)
class Unary(Syntax):
    """A sign, ``+`` or ``-``, and what it stands before."""

    operator: str
    operand: Syntax


@dataclass(frozen=True)
class Binary(Syntax):
    """An operator, one of ``+ - * / %in% : **``, between two parts."""

    operator: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True)
class Bar(Syntax):
    """A group term, ``(left | factor)`` or ``(left || factor)``; in a key, the last argument ``x | user``."""

    left: Syntax
    bar: str
    factor: Syntax


@dataclass(frozen=True)
class Formula:
    """Both sides of a formula, and the text that they were read from."""

    text: str = field(compare=False)
    response: Syntax
    terms: Syntax


_BINDING = {"+": 1, "-": 1, "*": 3, "/": 3, "%in%": 4, ":": 5, "**": 6}
_SIGN = 2  # a signed term stands in a sum; elsewhere it needs parentheses
_ATOM = 7


def text_of(part: Syntax) -> str:
    """The text of `part`, with no more parentheses than its meaning needs."""
    match part:
        case Name():
            return quote(part.text)
        case Numeral():
            return _decimal(part.value)
        case Call():
            inside = (_bare(a) if isinstance(a, Bar) else text_of(a) for a in part.arguments)
            return f"{part.function}({', '.join(inside)})"
        case LevelOf():
            return f"{quote(part.column)}[{part.label}]"
        case Unary():
            return part.operator + _within(part.operand, _SIGN)
        case Binary(operator="**"):
            signed = isinstance(part.right, Unary)
            return _within(part.left, _ATOM) + "**" + (_exponent(part.right) if signed else _within(part.right, 6))
        case Binary():
            binding = _BINDING[part.operator]
            space = " " if binding == 1 or part.operator == "%in%" else ""
            return f"{_within(part.left, binding)}{space}{part.operator}{space}{_within(part.right, binding + 1)}"
        case Bar():
            return f"({_bare(part)})"
    raise TypeError(f"not a part of a formula: {part!r}")


def _bare(part: Bar) -> str:
    return f"{text_of(part.left)} {part.bar} {text_of(part.factor)}"


def _within(part: Syntax, least: int) -> str:
    binding = _BINDING[part.operator] if isinstance(part, Binary) else _SIGN if isinstance(part, Unary) else _ATOM
    return text_of(part) if binding >= least else f"({text_of(part)})"


def _exponent(part: Syntax) -> str:
    """An exponent may carry signs without parentheses: ``x**-1``."""
    return part.operator + _exponent(part.operand) if isinstance(part, Unary) else _within(part, 6)


def _decimal(value: Fraction) -> str:
    """The exact decimal text of a number that was written as one."""
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    digits = str((value * 10**places).numerator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
