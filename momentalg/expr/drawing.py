"""How parts of a formula are drawn: boxes that know how tightly they hold together, and what a printer must draw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from momentalg.expr.symbols import Symbol


class Level(IntEnum):
    """How tightly a printed piece holds together; it is put in parentheses where something tighter is needed."""

    SUM = 0  # a + b, -a
    OPEN = 1  # a big operator: what follows would seem to belong to it
    RATIO = 2  # a/b on one line
    PRODUCT = 3
    FRACTION = 4  # a fraction with a bar: stands in a product, but is no base of a power
    POWER = 5
    ATOM = 6


@dataclass(frozen=True)
class Box:
    """A printed piece."""

    code: str
    level: Level = Level.ATOM
    tall: bool = False  # higher than a line: its parentheses grow
    opens: bool = False  # begins with a word or a fence: a thin space keeps it from what stands before
    closes: bool = False  # ends with one
    digit: bool = False  # begins with a digit


Term = tuple[bool, Box]
"""A term of a sum: whether it is subtracted, and what is added or subtracted."""


def signed_sum(terms: Sequence[Term], continued: bool = False) -> str:
    """Join terms by ``+`` and ``-``; `continued` begins with a sign, as on a second line."""
    code = ""
    for position, (negative, box) in enumerate(terms):
        if position or continued:
            code += " - " if negative else " + "
        elif negative:
            code += "-"
        code += box.code
    return code.strip()


def lines_of(terms: Sequence[Term], width: float, measure: Callable[[str], float]) -> list[list[Term]]:
    """Break a sum over lines of about `width`, never inside a term; terms that are lines apart stay in order."""
    lines: list[list[Term]] = [[]]
    used = 0.0
    for term in terms:
        needed = measure(term[1].code) + 3  # with its sign
        if lines[-1] and used + needed > width:
            lines.append([])
            used = 0.0
        lines[-1].append(term)
        used += needed
    return lines


class Drawing(ABC):
    """The parts that a printer draws, each in its own language."""

    splits_fractions = True
    """Whether coefficients and sums are kept beside a fraction's bar; on one line, all is above or below the slash."""

    @abstractmethod
    def symbol(self, symbol: Symbol) -> Box:
        """Draw a symbol."""

    @abstractmethod
    def integer(self, value: int) -> Box:
        """Draw a nonnegative integer."""

    @abstractmethod
    def add(self, terms: Sequence[Term], continued: bool = False) -> str:
        """Join terms by their signs; `continued` begins with a sign, as on a second line."""

    @abstractmethod
    def juxtapose(self, factors: Sequence[Box]) -> str:
        """Join factors to a product."""

    @abstractmethod
    def ratio(self, above: Box, below: Box) -> Box:
        """Draw a fraction."""

    @abstractmethod
    def raised(self, base: Box, exponent: int) -> Box:
        """Draw a power of a base that needs no parentheses."""

    @abstractmethod
    def fence(self, inside: Box) -> Box:
        """Put in parentheses."""

    @abstractmethod
    def call(self, head: str | Symbol, args: Sequence[Box], given: Sequence[Box] = ()) -> Box:
        """Draw E[a | b], Var(a | b): an operator and its arguments."""

    @abstractmethod
    def big_sum(self, below: Sequence[Box], first: bool, above: Box | None, body: Box) -> Box:
        """Draw a sum sign over the indices `below`; `first` writes the index as running from 1 to `above`."""

    @abstractmethod
    def decorated(self, mark: str, body: Box) -> Box:
        """Draw a "hat" or a "bar" over an expression."""
