"""MathML Core, readable by every current browser without scripts or network, with the LaTeX as annotation.

Letters carry their style as Unicode characters: browsers ignore ``mathvariant`` but for "normal".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from momentalg.expr.drawing import Box, Level, Term, lines_of
from momentalg.expr.escape import escape_html
from momentalg.expr.greek import GREEK
from momentalg.expr.latex import LatexPrinter, latex_aligned
from momentalg.expr.measure import measure
from momentalg.expr.nodes import Node
from momentalg.expr.notation import Notation
from momentalg.expr.printing import Printer
from momentalg.expr.symbols import DOT, Glyph, Symbol

Display = Literal["block", "inline"]

_TIMES = "<mo>&#x2062;</mo>"  # invisible times
_THIN = '<mspace width="0.167em"/>'
_APPLY = "<mo>&#x2061;</mo>"


def mathml(node: Node, notation: Notation | None = None, *, display: Display = "inline") -> str:
    """Return `node` as a complete ``<math>`` element, with the symbols of `notation` (else with its own)."""
    notation = notation or Notation.read_from(node)
    return _math(MathmlPrinter(notation).draw(node).code, LatexPrinter(notation).draw(node).code, display)


def mathml_aligned(
    left: Node,
    rights: Sequence[Node],
    notation: Notation | None = None,
    *,
    width: int = 66,
    notes: Sequence[str] = (),
) -> str:
    """Return left = rights[0] = ... as one ``<math>`` table, broken as by `latex_aligned`, `notes` at the right."""
    notation = notation or Notation.read_from(left, *rights)
    printer, ruler = MathmlPrinter(notation), LatexPrinter(notation)
    rows: list[str] = []
    for position, right in enumerate(rights):
        start = printer.draw(left).code if position == 0 else ""
        terms, widths = printer.draw_terms(right), ruler.draw_terms(right)
        taken = 0
        for number, line in enumerate(lines_of(widths, width, measure)):
            code = printer.add(terms[taken : taken + len(line)], continued=number > 0)
            taken += len(line)
            indent = '<mspace width="2em"/>' if number else "<mo>=</mo>"
            note = escape_html(notes[position]) if number == 0 and position < len(notes) else ""
            cells = [start if number == 0 else "", f"<mrow>{indent}{code}</mrow>"]
            styles = ["text-align: right", "text-align: left"]
            if notes:
                cells.append(f"<mtext>{note}</mtext>")
                styles.append("text-align: left; padding-left: 2em")
            rows.append("<mtr>" + "".join(_cell(c, s) for c, s in zip(cells, styles, strict=True)) + "</mtr>")
    source = latex_aligned(left, rights, notation, width=width, notes=notes)
    table = f'<mtable displaystyle="true">{"".join(rows)}</mtable>'
    return _math(table, r"\begin{aligned} " + r" \\ ".join(source) + r" \end{aligned}", "block")


def _cell(code: str, style: str) -> str:
    return f'<mtd style="{style}">{code}</mtd>'


def _math(code: str, source: str, display: Display) -> str:
    annotation = f'<annotation encoding="application/x-tex">{escape_html(source)}</annotation>'
    block = ' display="block"' if display == "block" else ""
    opening = f'<math xmlns="http://www.w3.org/1998/Math/MathML"{block}>'
    return f"{opening}<semantics><mrow>{code}</mrow>{annotation}</semantics></math>"


class MathmlPrinter(Printer):
    """Draws with MathML Core."""

    def symbol(self, symbol: Symbol) -> Box:
        if symbol == DOT:
            return Box('<mi mathvariant="normal">&#x2022;</mi>')
        code = _glyph(symbol.glyph)
        if symbol.beside:
            code = _row([code, *map(_glyph, symbol.beside)])
        if symbol.fenced:
            code = _fenced(code, "()", tall=False)
        if symbol.hat:
            code = f'<mover accent="true">{code}<mo stretchy="false">^</mo></mover>'
        groups = [[Symbol(Glyph("upright", symbol.glyph.number), "")]] if symbol.glyph.number else []
        below = self._subscripts([*groups, *map(list, symbol.subscripts)])
        marks = ["<mo>&#x2032;</mo>"] if symbol.prime else []
        marks += [f"<mn>{symbol.exponent}</mn>"] if symbol.exponent != 1 else []
        above = _row(marks) if marks else ""
        if below and above:
            code = f"<msubsup>{code}{below}{above}</msubsup>"
        elif below:
            code = f"<msub>{code}{below}</msub>"
        elif above:
            code = f"<msup>{code}{above}</msup>"
        word = symbol.glyph.style in ("upright", "code", "sans") and len(symbol.glyph.text) > 1
        return Box(code, Level.ATOM if symbol.exponent == 1 else Level.POWER, opens=word, closes=word)

    def _subscripts(self, groups: Sequence[Sequence[Symbol]]) -> str:
        parts: list[str] = []
        for group in groups:
            narrow = all(s.is_letter for s in group)
            for position, symbol in enumerate(group):
                if parts and (position == 0 or not narrow):
                    parts.append('<mo separator="true">,</mo>')
                parts.append(self.symbol(symbol).code)
        return _row(parts) if parts else ""

    def integer(self, value: int) -> Box:
        return Box(f"<mn>{value}</mn>", digit=True)

    def add(self, terms: Sequence[Term], continued: bool = False) -> str:
        code = ""
        for position, (negative, box) in enumerate(terms):
            sign = "&#x2212;" if negative else "+"
            if position or continued:
                code += f'<mo form="infix">{sign}</mo>'
            elif negative:
                code += f'<mo form="prefix">{sign}</mo>'
            code += box.code
        return f"<mrow>{code}</mrow>"

    def juxtapose(self, factors: Sequence[Box]) -> str:
        code = factors[0].code
        for before, after in pairwise(factors):
            if after.digit:
                code += "<mo>&#x22C5;</mo>"
            else:
                code += _TIMES + (_THIN if before.closes or after.opens else "")
            code += after.code
        return f"<mrow>{code}</mrow>"

    def ratio(self, above: Box, below: Box) -> Box:
        return Box(f"<mfrac>{above.code}{below.code}</mfrac>", Level.FRACTION, tall=True)

    def raised(self, base: Box, exponent: int) -> Box:
        code = f"<msup>{base.code}<mn>{exponent}</mn></msup>"
        return Box(code, Level.POWER, base.tall, base.opens, digit=base.digit)

    def fence(self, inside: Box) -> Box:
        return Box(_fenced(inside.code, "()", inside.tall), tall=inside.tall, opens=True, closes=True)

    def call(self, head: str | Symbol, args: Sequence[Box], given: Sequence[Box] = ()) -> Box:
        name = self.symbol(head).code if isinstance(head, Symbol) else _word(head)
        tall = any(b.tall for b in (*args, *given))
        inside = _separated(args)
        if given:
            spaced = 'lspace="0.25em" rspace="0.25em"'
            inside += f'<mo fence="false" stretchy="{_bool(tall)}" {spaced}>|</mo>{_separated(given)}'
        code = f"<mrow>{name}{_APPLY}{_fenced(inside, '[]' if head == 'E' else '()', tall)}</mrow>"
        return Box(code, tall=tall, opens=True, closes=True)

    def big_sum(self, below: Sequence[Box], first: bool, above: Box | None, body: Box) -> Box:
        under = _separated(below) + ("<mo>=</mo><mn>1</mn>" if first else "")
        sign = '<mo largeop="true" movablelimits="true">&#x2211;</mo>'
        limits = f"{sign}<mrow>{under}</mrow>"
        operator = f"<munderover>{limits}{above.code}</munderover>" if above else f"<munder>{limits}</munder>"
        return Box(f"<mrow>{operator}{body.code}</mrow>", Level.OPEN, tall=True)

    def decorated(self, mark: str, body: Box) -> Box:
        # No hat or bar character fits in every font: a bar is drawn as a line, and over more than a letter a hat
        # stands outside. (The hat of a symbol is drawn with the symbol.)
        if mark == "bar":
            code = f'<mrow style="border-top: 0.06em solid; padding-top: 0.1em">{body.code}</mrow>'
        else:
            code = f"<msup>{_fenced(body.code, '()', body.tall)}<mo>&#x2227;</mo></msup>"
        return Box(code, tall=body.tall, opens=True, closes=True)


def _row(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _separated(boxes: Sequence[Box]) -> str:
    return '<mo separator="true">,</mo>'.join(b.code for b in boxes)


def _fenced(code: str, pair: str, tall: bool) -> str:
    left = f'<mo fence="true" form="prefix" stretchy="{_bool(tall)}">{pair[0]}</mo>'
    right = f'<mo fence="true" form="postfix" stretchy="{_bool(tall)}">{pair[1]}</mo>'
    return f"<mrow>{left}{code}{right}</mrow>"


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _word(word: str) -> str:
    return f'<mi mathvariant="normal">{escape_html(word)}</mi>' if len(word) == 1 else f"<mi>{escape_html(word)}</mi>"


def _glyph(glyph: Glyph) -> str:
    match glyph.style:
        case "greek":
            character = GREEK[glyph.text]
            return f'<mi mathvariant="normal">{character}</mi>' if glyph.text[0].isupper() else f"<mi>{character}</mi>"
        case "bold":
            return f"<mi>{_bold(glyph.text)}</mi>"
        case "upright" if glyph.text.isdigit():
            return f"<mn>{glyph.text}</mn>"
        case "upright":
            return _word(glyph.text) if glyph.text.isidentifier() else f"<mtext>{escape_html(glyph.text)}</mtext>"
        case "sans":
            return f'<mtext style="font-family: sans-serif">{escape_html(glyph.text)}</mtext>'
        case "code":
            return f'<mtext style="font-family: monospace">{escape_html(glyph.text)}</mtext>'
    return f"<mi>{glyph.text}</mi>"


def _bold(letter: str) -> str:
    """The mathematical bold character; Greek letters from their place in the Greek block."""
    character = GREEK.get(letter, letter)
    if character == "ϵ":
        return "\U0001d6dc"
    if "α" <= character <= "ω":
        return chr(0x1D6C2 + ord(character) - ord("α"))
    if "Α" <= character <= "Ω":
        return chr(0x1D6A8 + ord(character) - ord("Α"))
    return chr((0x1D41A if letter.islower() else 0x1D400) + ord(letter.lower()) - ord("a"))
