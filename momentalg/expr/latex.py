"""LaTeX for amsmath: formulas, and rows of an ``align*`` for equations that do not fit on a line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from momentalg.expr.drawing import Box, Level, Term, lines_of, signed_sum
from momentalg.expr.escape import escape_latex
from momentalg.expr.greek import GREEK
from momentalg.expr.measure import measure
from momentalg.expr.nodes import Node
from momentalg.expr.notation import Notation
from momentalg.expr.printing import Printer
from momentalg.expr.symbols import DOT, Glyph, Symbol


def latex(node: Node, notation: Notation | None = None) -> str:
    """Return `node` as LaTeX for math mode, with the symbols of `notation` (else with symbols of its own)."""
    return LatexPrinter(notation or Notation.read_from(node)).draw(node).code


def latex_aligned(
    left: Node,
    rights: Sequence[Node],
    notation: Notation | None = None,
    *,
    width: int = 66,
    notes: Sequence[str] = (),
) -> list[str]:
    r"""Return the rows of an ``align*`` for left = rights[0] = rights[1] = ...

    A right side wider than about `width` letters is broken before a + or - of its outermost sum. `notes`, one
    per right side, are plain text (laws, say) and stand at the right of its first row. Join the rows by ``\\``.
    """
    printer = LatexPrinter(notation or Notation.read_from(left, *rights))
    rows: list[str] = []
    for position, right in enumerate(rights):
        start = printer.draw(left).code if position == 0 else ""
        for number, line in enumerate(lines_of(printer.draw_terms(right), width, measure)):
            code = printer.add(line, continued=number > 0)
            relation = " &= " if number == 0 and start else "&= " if number == 0 else r"&\qquad {} "
            note = rf" && \text{{{escape_latex(notes[position])}}}" if number == 0 and position < len(notes) else ""
            rows.append(f"{start if number == 0 else ''}{relation}{code}{note}")
    return rows


class LatexPrinter(Printer):
    """Draws with amsmath."""

    def symbol(self, symbol: Symbol) -> Box:
        if symbol == DOT:
            return Box(r"\bullet")
        code = " ".join(map(_glyph, (symbol.glyph, *symbol.beside)))
        code = f"({code})" if symbol.fenced else code
        if symbol.hat:
            code = rf"\widehat{{{code}}}" if symbol.glyph.style in ("upright", "code", "sans") else rf"\hat{{{code}}}"
        groups = [[Symbol(Glyph("upright", symbol.glyph.number), "")]] if symbol.glyph.number else []
        subscript = self._subscripts([*groups, *map(list, symbol.subscripts)])
        if subscript:
            code += f"_{{{subscript}}}"
        if symbol.prime:
            code += "'"
        if symbol.exponent != 1:
            code += f"^{{{symbol.exponent}}}"
        word = symbol.glyph.style in ("upright", "code", "sans") and len(symbol.glyph.text) > 1
        return Box(code, Level.ATOM if symbol.exponent == 1 else Level.POWER, opens=word, closes=word)

    def _subscripts(self, groups: Sequence[Sequence[Symbol]]) -> str:
        shown = []
        for group in groups:
            separator = " " if all(s.is_letter for s in group) else ","
            shown.append(separator.join(self.symbol(s).code for s in group))
        return ",".join(shown)

    def integer(self, value: int) -> Box:
        return Box(str(value), digit=True)

    def add(self, terms: Sequence[Term], continued: bool = False) -> str:
        return signed_sum(terms, continued)

    def juxtapose(self, factors: Sequence[Box]) -> str:
        code = factors[0].code
        for before, after in pairwise(factors):
            if after.digit:
                code += r" \cdot "
            else:
                code += r" \, " if before.closes or after.opens else " "
            code += after.code
        return code

    def ratio(self, above: Box, below: Box) -> Box:
        return Box(rf"\frac{{{above.code}}}{{{below.code}}}", Level.FRACTION, tall=True)

    def raised(self, base: Box, exponent: int) -> Box:
        return Box(f"{base.code}^{{{exponent}}}", Level.POWER, base.tall, base.opens, digit=base.digit)

    def fence(self, inside: Box) -> Box:
        return Box(_fenced(inside.code, "()", inside.tall), tall=inside.tall, opens=True, closes=True)

    def call(self, head: str | Symbol, args: Sequence[Box], given: Sequence[Box] = ()) -> Box:
        name = self.symbol(head).code if isinstance(head, Symbol) else _operator(head)
        inside = ", ".join(a.code for a in args)
        tall = any(b.tall for b in (*args, *given))
        if given:
            inside += (r" \,\middle|\, " if tall else r" \mid ") + ", ".join(g.code for g in given)
        return Box(name + _fenced(inside, "[]" if head == "E" else "()", tall), tall=tall, closes=True)

    def big_sum(self, below: Sequence[Box], first: bool, above: Box | None, body: Box) -> Box:
        indices = ",".join(b.code for b in below)
        limits = f"_{{{indices}=1}}" if first else f"_{{{indices}}}"
        top = f"^{{{above.code}}}" if above else ""
        return Box(rf"\sum{limits}{top} {body.code}", Level.OPEN, tall=True)

    def decorated(self, mark: str, body: Box) -> Box:
        command = {"hat": "widehat", "bar": "overline"}[mark]
        return Box(rf"\{command}{{{body.code}}}", tall=body.tall, opens=True, closes=True)


def _operator(name: str) -> str:
    plain = name.isascii() and name.isalnum()
    return rf"\operatorname{{{name}}}" if plain else rf"\text{{\normalfont {escape_latex(name)}}}"


def _fenced(code: str, pair: str, tall: bool) -> str:
    return rf"\left{pair[0]}{code}\right{pair[1]}" if tall else f"{pair[0]}{code}{pair[1]}"


def _glyph(glyph: Glyph) -> str:
    match glyph.style:
        case "greek":
            return rf"\{glyph.text}"
        case "bold":
            return rf"\boldsymbol{{\{glyph.text}}}" if glyph.text in GREEK else rf"\mathbf{{{glyph.text}}}"
        case "upright" if glyph.text.isascii() and glyph.text.isalnum():
            return rf"\mathrm{{{glyph.text}}}" if not glyph.text.isdigit() else glyph.text
        case "upright":
            return rf"\text{{\normalfont {escape_latex(glyph.text)}}}"
        case "sans":
            return rf"\text{{\normalfont\sffamily {escape_latex(glyph.text)}}}"
        case "code":
            return rf"\text{{\normalfont\ttfamily {escape_latex(glyph.text)}}}"
    return glyph.text
