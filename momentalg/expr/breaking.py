"""Formulas over several lines: a sum breaks between its terms, and a term too wide for a line inside its parentheses.

The printers of this module mark every + and - at which a line may end; nothing breaks inside a power or a hat, and a
fraction of long sums is written with a slash, beside which its parentheses break. Marks are private-use characters,
which no escaped name contains, and tell how deep in parentheses they stand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from momentalg.expr.drawing import Box, Level, Term
from momentalg.expr.latex import LatexPrinter
from momentalg.expr.mathml import MathmlPrinter
from momentalg.expr.measure import measure
from momentalg.expr.nodes import Node
from momentalg.expr.notation import Notation
from momentalg.expr.symbols import Symbol

_FIRST, _LAST = 0xE000, 0xE0FF
_MARK = chr(_FIRST)
_MARKS = re.compile(f"([{chr(_FIRST)}-{chr(_LAST)}])")
EARLY = 0.4  # a line is not broken before this part of its width, if it can be broken later


def latex_lines(node: Node, notation: Notation, width: int) -> list[str]:
    """The formula as lines of LaTeX, each of about `width` letters; lines after the first begin with their sign."""
    return [line.latex for line in _lines(node, notation, width)]


def mathml_lines(node: Node, notation: Notation, width: int, marked: Collection[int] = ()) -> list[str]:
    """The formula as lines of MathML (without ``<math>``), broken where `latex_lines` breaks it.

    The terms whose numbers are in `marked`, if they fit on a line, stand in rows of the class "acted".
    """
    return [f"<mrow>{line.mathml}</mrow>" for line in _lines(node, notation, width, marked)]


@dataclass(frozen=True)
class _Piece:
    """A stretch of a formula without a break, in both languages; `depth` is that of the break before it."""

    latex: str
    mathml: str
    depth: int

    @property
    def width(self) -> float:
        return measure(self.latex)


def _lines(node: Node, notation: Notation, width: int, marked: Collection[int] = ()) -> list[_Piece]:
    pieces = _pieces(node, notation, width, marked)
    lines: list[list[_Piece]] = []
    rest = list(pieces)
    while rest:
        cut = _cut(rest, width)
        lines.append(rest[:cut])
        rest = rest[cut:]
    return [_Piece("".join(p.latex for p in x).strip(), "".join(p.mathml for p in x), x[0].depth) for x in lines]


def _cut(pieces: Sequence[_Piece], width: int) -> int:
    """How many pieces go on the next line: all that fit, or fewer, to end it less deep in parentheses."""
    used, fits = 0.0, 0
    places: list[tuple[int, int]] = []
    for number, piece in enumerate(pieces):
        if number and used + piece.width > width:
            break
        if number and used >= EARLY * width:
            places.append((piece.depth, -number))
        used += piece.width
        fits = number + 1
    if fits == len(pieces):
        return fits
    places.append((pieces[fits].depth, -fits))
    return -min(places)[1]


def _pieces(node: Node, notation: Notation, width: int, marked: Collection[int]) -> list[_Piece]:
    """Terms that fit on a line whole, wider ones in pieces."""
    plain = (LatexPrinter(notation), MathmlPrinter(notation))
    marking = (_BreakingLatex(notation), _BreakingMathml(notation))
    whole = zip(*(p.draw_terms(node) for p in plain), strict=True)
    broken = zip(*(p.draw_terms(node) for p in marking), strict=True)
    found: list[_Piece] = []
    for number, (terms, parts) in enumerate(zip(whole, broken, strict=True)):
        fits = measure(terms[0][1].code) <= width
        used, drawn = (plain, terms) if fits else (marking, parts)
        if fits and number in marked:
            drawn = (drawn[0], _acted(drawn[1]))
        latex, mathml = (p.add([term], number > 0) for p, term in zip(used, drawn, strict=True))
        found += _split(f" {latex}" if number else latex, mathml)
    return found


def _acted(term: Term) -> Term:
    negative, box = term
    return negative, replace(box, code=f'<mrow class="acted">{box.code}</mrow>')


def _split(latex: str, mathml: str) -> list[_Piece]:
    first, *rest = _MARKS.split(latex)
    other, *rest_mathml = _MARKS.split(_cuttable(mathml))
    found = [_Piece(first, other, 0)]
    for mark, code, code_mathml in zip(rest[::2], rest[1::2], rest_mathml[1::2], strict=True):
        found.append(_Piece(code, code_mathml, ord(mark) - _FIRST))
    return found


def _whole(box: Box) -> Box:
    """The box without marks: it stays on one line."""
    return replace(box, code=_MARKS.sub("", box.code))


def _deeper(code: str) -> str:
    return _MARKS.sub(lambda mark: chr(min(ord(mark[0]) + 1, _LAST)), code)


class _BreakingLatex(LatexPrinter):
    """Marks breaks; fences around them have a fixed size, since growing ones cannot be broken."""

    def add(self, terms: Sequence[Term], continued: bool = False) -> str:
        parts = [LatexPrinter.add(self, [t], continued or n > 0) for n, t in enumerate(terms)]
        return f" {_MARK}".join(parts)

    def fence(self, inside: Box) -> Box:
        if not _MARKS.search(inside.code):
            return super().fence(inside)
        code = _sized(_deeper(inside.code), "()", inside.tall)
        return Box(code, tall=inside.tall, opens=True, closes=True)

    def call(self, head: str | Symbol, args: Sequence[Box], given: Sequence[Box] = ()) -> Box:
        if not any(_MARKS.search(a.code) for a in args):
            return super().call(head, args, given)
        tall = any(a.tall for a in args)
        name = super().call(head, [Box("")]).code[:-2]
        inside = _deeper(", ".join(a.code for a in args))
        if given:
            inside += r" \mid " + ", ".join(_whole(g).code for g in given)
        return Box(name + _sized(inside, "[]" if head == "E" else "()", tall), tall=tall, closes=True)

    def ratio(self, above: Box, below: Box) -> Box:
        if not _is_long(above, below):
            return super().ratio(_whole(above), _whole(below))
        upper, lower = self.at_least(above, Level.PRODUCT), self.at_least(below, Level.POWER)
        return Box(f"{upper.code} / {lower.code}", Level.RATIO, upper.tall or lower.tall, upper.opens, lower.closes)

    def raised(self, base: Box, exponent: int) -> Box:
        return super().raised(_whole(base), exponent)

    def decorated(self, mark: str, body: Box) -> Box:
        return super().decorated(mark, _whole(body))


def _is_long(above: Box, below: Box) -> bool:
    """Whether a fraction, of a term that is too wide for a line, has sums of three terms or more."""
    return len(_MARKS.findall(above.code + below.code)) > 1


def _sized(code: str, pair: str, tall: bool) -> str:
    size = "bigg" if tall else "big"
    return rf"\{size}l{pair[0]}{code}\{size}r{pair[1]}"


class _BreakingMathml(MathmlPrinter):
    """Marks the same breaks."""

    def add(self, terms: Sequence[Term], continued: bool = False) -> str:
        parts = [MathmlPrinter.add(self, [t], continued or n > 0) for n, t in enumerate(terms)]
        return parts[0] if len(parts) == 1 else f"<mrow>{_MARK.join(parts)}</mrow>"

    def fence(self, inside: Box) -> Box:
        return super().fence(replace(inside, code=_deeper(inside.code)))

    def call(self, head: str | Symbol, args: Sequence[Box], given: Sequence[Box] = ()) -> Box:
        deeper = [replace(a, code=_deeper(a.code)) for a in args]
        return super().call(head, deeper, [_whole(g) for g in given])

    def ratio(self, above: Box, below: Box) -> Box:
        if not _is_long(above, below):
            return super().ratio(_whole(above), _whole(below))
        upper, lower = self.at_least(above, Level.PRODUCT), self.at_least(below, Level.POWER)
        code = f"<mrow>{upper.code}<mo>/</mo>{lower.code}</mrow>"
        return Box(code, Level.RATIO, upper.tall or lower.tall, upper.opens, lower.closes)

    def raised(self, base: Box, exponent: int) -> Box:
        return super().raised(_whole(base), exponent)

    def decorated(self, mark: str, body: Box) -> Box:
        return super().decorated(mark, _whole(body))


def _cuttable(code: str) -> str:
    """MathML in which no element contains a mark: rows around marks are dissolved. Only rows ever contain one."""
    parts = re.split(r"(</?mrow[^>]*>)", code)
    open_rows: list[int] = []
    around: dict[int, bool] = {}
    for position, part in enumerate(parts):
        if part.startswith("<mrow"):
            open_rows.append(position)
            around[position] = False
        elif part == "</mrow>":
            start = open_rows.pop()
            if around[start]:
                parts[start] = parts[position] = ""
        elif _MARKS.search(part):
            around.update(dict.fromkeys(open_rows, True))
    return "".join(parts)
