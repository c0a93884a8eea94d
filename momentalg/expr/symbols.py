"""Symbols as data: a glyph with subscripts, which each printer draws in its own way."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from momentalg.expr.greek import GREEK
from momentalg.expr.names import quote

Style = Literal["italic", "greek", "upright", "bold", "code", "sans"]

_NUMBERED = re.compile(r"([A-Za-z]+?)_?([0-9]+)\Z")


@dataclass(frozen=True)
class Glyph:
    """One letter or word in one style, perhaps numbered: the x_1 of a column ``x1``."""

    style: Style
    text: str
    number: str = ""


@dataclass(frozen=True)
class Symbol:
    """A glyph with its subscripts and decorations.

    `subscripts` are groups, separated by commas; the symbols of a group stand side by side, as in Y_{ij}. `square`
    tells that the symbol itself is written as a square (sigma^2), which a power multiplies. `plain` is how it is
    written in a terminal, subscripts included; without it the glyph's `ascii` is used. `beside` are further glyphs of
    one symbol, as in (alpha beta)_ij.
    """

    glyph: Glyph
    ascii: str
    subscripts: tuple[tuple[Symbol, ...], ...] = ()
    square: bool = False
    power: int = 1
    hat: bool = False
    prime: bool = False
    plain: str | None = None
    beside: tuple[Glyph, ...] = ()

    def at(self, *index: Symbol) -> Symbol:
        """The same symbol with one more group of subscripts, if there is one."""
        return replace(self, subscripts=(*self.subscripts, index)) if index else self

    @property
    def fenced(self) -> bool:
        """Whether its several glyphs need parentheses, because something is said of all of them."""
        return bool(self.beside) and (bool(self.subscripts) or self.hat or self.exponent != 1)

    @property
    def is_letter(self) -> bool:
        """Whether it is one plain letter, which may stand beside another without a comma."""
        plain = not self.glyph.number and not self.subscripts and not self.beside
        return plain and self.glyph.style in ("italic", "greek")

    @property
    def exponent(self) -> int:
        """The exponent to draw in mathematics."""
        return self.power * (2 if self.square else 1)


DOT = Symbol(Glyph("italic", "."), ".")


_LETTER = re.compile(r"([A-Za-z][0-9]*|" + "|".join(GREEK) + r")(_.*)?\Z", re.DOTALL)


def takes_underscore(plain: str) -> bool:
    """Whether a terminal writes this symbol's one-letter subscripts as in ``S_i``; words take brackets, ``age[i]``."""
    match = _LETTER.match(plain)
    return match is not None and match[2] is None


def plain_name(name: str) -> str:
    """A user's name in a terminal: back-quoted where it is no word, or could be read as a letter with a subscript."""
    if name.startswith("bold "):
        return f"bold({name[5:]})"
    match = _LETTER.match(name)
    subscripted = match is not None and match[2] is not None and not match[2][1:].isdigit()
    return quote(name) if not subscripted else f"`{name}`"


def read_glyph(name: str) -> Glyph:
    """Read a letter's name: ``alpha``, ``x``, ``x1`` or ``x_1``, ``bold P``; any other name is an upright word."""
    if name.startswith("bold ") and (name[5:] in GREEK or re.fullmatch("[A-Za-z]", name[5:])):
        return Glyph("bold", name[5:])
    match = _NUMBERED.match(name)
    base, number = (match[1], match[2]) if match else (name, "")
    if base in GREEK:
        return Glyph("greek", base, number)
    if re.fullmatch("[A-Za-z]", base):
        return Glyph("italic", base, number)
    return Glyph("upright", name)


_PLACEHOLDER = re.compile(rf"([A-Za-z]|{'|'.join(GREEK)})_({'|'.join(GREEK)}|[a-z0-9]+)(\^2)?\Z")


def placeholder(name: str) -> Symbol | None:
    """A placeholder of a law: ``design``, a letter with a subscript such as ``W_i`` or ``D_1i``, ``sigma_alpha^2``."""
    if name == "design":
        return Symbol(Glyph("upright", name), name)
    match = _PLACEHOLDER.match(name)
    if match is None:
        return None
    below = [match[2]] if match[2] in GREEK else re.findall("[a-z]|[0-9]+", match[2])
    glyphs = [Glyph("upright", part) if part.isdigit() else read_glyph(part) for part in below]
    subscript = tuple(Symbol(glyph, part) for glyph, part in zip(glyphs, below, strict=True))
    return Symbol(read_glyph(match[1]), match[1], (subscript,), square=match[3] is not None, plain=name)
