"""Plain text for a terminal: parameters and covariates by their keys, design letters as letters, ASCII signs.

Products are written with a space, quotients on one line: ``E[N^2] var(1|user) + (S - N Intercept)^2/N``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from momentalg.expr.drawing import Box, Level, Term, signed_sum
from momentalg.expr.escape import escape_text
from momentalg.expr.nodes import Node
from momentalg.expr.notation import Notation
from momentalg.expr.printing import Printer
from momentalg.expr.symbols import DOT, Symbol, takes_underscore


def text(node: Node, notation: Notation | None = None) -> str:
    """Return `node` as one line of text. Its own signs are ASCII; names of the user's are shown as they are."""
    return TextPrinter(notation or Notation.read_from(node)).draw(node).code


class TextPrinter(Printer):
    """Draws on one line."""

    splits_fractions = False

    def symbol(self, symbol: Symbol) -> Box:
        code = symbol.plain or symbol.ascii + self._subscripts(symbol)
        code = escape_text(code) + ("'" if symbol.prime else "")
        if symbol.hat:
            code = f"hat({code})"
        if symbol.power != 1:
            return Box(f"{code}^{symbol.power}", Level.POWER)
        return Box(code)

    def _subscripts(self, symbol: Symbol) -> str:
        groups = symbol.subscripts
        if not groups:
            return ""
        if groups[-1] == (DOT,):  # the total over everything
            return "_all" + self._subscripts(replace(symbol, subscripts=groups[:-1], ascii=f"{symbol.ascii}_all"))
        inside = [[self.symbol(s).code for s in group] for group in groups]
        if (
            len(groups) == 1
            and (symbol.beside or takes_underscore(symbol.ascii))
            and all(len(code) == 1 for code in inside[0])
        ):
            return "_" + "".join(inside[0])
        return "[" + ", ".join("".join(g) if all(len(c) == 1 for c in g) else " ".join(g) for g in inside) + "]"

    def integer(self, value: int) -> Box:
        return Box(str(value), digit=True)

    def add(self, terms: Sequence[Term], continued: bool = False) -> str:
        return signed_sum(terms, continued)

    def juxtapose(self, factors: Sequence[Box]) -> str:
        return " ".join(f.code for f in factors)

    def ratio(self, above: Box, below: Box) -> Box:
        upper = self.at_least(above, Level.PRODUCT)
        lower = self.at_least(below, Level.POWER)
        return Box(f"{upper.code}/{lower.code}", Level.RATIO, digit=upper.digit)

    def raised(self, base: Box, exponent: int) -> Box:
        return Box(f"{base.code}^{exponent}", Level.POWER, digit=base.digit)

    def fence(self, inside: Box) -> Box:
        return Box(f"({inside.code})")

    def call(self, head: str | Symbol, args: Sequence[Box], given: Sequence[Box] = ()) -> Box:
        name = self.symbol(head).code if isinstance(head, Symbol) else escape_text(head)
        inside = ", ".join(a.code for a in args) + (" | " + ", ".join(g.code for g in given) if given else "")
        return Box(f"{name}[{inside}]" if head == "E" else f"{name}({inside})")

    def big_sum(self, below: Sequence[Box], first: bool, above: Box | None, body: Box) -> Box:
        indices = ",".join(b.code for b in below)
        if above is not None:
            return Box(f"sum_{{{indices}=1..{above.code}}} {body.code}", Level.OPEN)
        return Box(f"sum_{indices} {body.code}" if len(indices) == 1 else f"sum_{{{indices}}} {body.code}", Level.OPEN)

    def decorated(self, mark: str, body: Box) -> Box:
        return Box(f"{'mean' if mark == 'bar' else 'hat'}({body.code})")
