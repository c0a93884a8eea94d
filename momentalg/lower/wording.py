"""Formulas as one line of plain words, for the comments of generated code.

``sum over user of (total of y)**2 / N``: y is the response, N the size of a level, n the number of rows. What is of a
level other than that of the sum says so, as in ``sum over a:b of N**2 / N[a]``. Names of columns stand as in formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

from momentalg.expr import nodes as n
from momentalg.expr.columns import is_kernel, same_level
from momentalg.expr.keys import column_key, matrix_key, monomial_key, variable_key
from momentalg.expr.names import join_factor
from momentalg.expr.traversal import walk


def wording(node: n.Node) -> str:
    """The formula of `node` in words."""
    return _Words().word(node)


@dataclass(frozen=True)
class _Words:
    """Words at one place of a formula: inside a sum over the levels of the factor `here`, or `indexed` levels."""

    here: tuple[str, ...] = ()
    indexed: bool = False

    def word(self, node: n.Node) -> str:
        match node:
            case n.Number(value):
                return str(value)
            case n.Add(args):
                return _joined([self.word(a) for a in args])
            case n.Mul():
                return self.quotient(node)
            case n.Pow(base, exponent) if exponent > 0:
                return f"{self.atom(base)}**{exponent}"
            case n.Pow():
                return self.quotient(n.Mul((node,)))
            case n.Function("nonempty", body):
                return f"[{self.word(body)} > 0]"
            case n.Function(name, body):
                return f"{name}({self.word(body)})"
            case n.Response():
                return "y"
            case n.Value(variable):
                return variable_key(variable)
            case n.Size(by, level) | n.Total(n.ONE, by, level):
                return self.size(by, level)
            case n.Levels(by):
                return f"the number of levels of {join_factor(by)}"
            case n.Total(body, by) | n.Sum(_, body, by):
                return f"total of {self.atom(body)}{self.where(by)}"
            case n.Over(None, body):
                return f"sum over the rows of {self.atom(body)}"
            case n.Over(by, body):
                return f"sum over {join_factor(by or ())} of {_Words(by or ()).atom(body)}"
            case n.LevelSum(levels, body):
                return self.level_sum(levels, body)
            case n.Projected(columns, kernel):
                return _projected(columns, kernel)
            case n.Trace(columns, kernel, of):
                return _trace(columns, kernel, of)
            case n.Letter(name):
                return name
            case n.Hat(n.Parameter(key)):
                return f"estimate of {key}"
            case n.Parameter(key):
                return key
            case _:
                return type(node).__name__.lower()

    def size(self, by: tuple[str, ...], level: tuple[str, ...]) -> str:
        """N of the levels that the sum is over, N[a] of others."""
        if not by:
            return "n"
        if self.indexed and level:
            return f"N[{join_factor(level)}]"
        return "N" if set(by) == set(self.here) or not self.here else f"N[{join_factor(by)}]"

    def where(self, by: tuple[str, ...]) -> str:
        if not by:
            return " over all rows"
        return "" if set(by) == set(self.here) or not self.here else f" in {join_factor(by)}"

    def level_sum(self, levels: tuple[tuple[str, str], ...], body: n.Node) -> str:
        columns = tuple(column for column, _ in levels)
        cell = any(isinstance(part, n.Size) and set(part.by) == set(columns) for part in walk(body))
        if len(set(columns)) == len(columns) and (cell or len(columns) == 1):
            cells = (part.by for part in walk(body) if isinstance(part, n.Size) and set(part.by) == set(columns))
            return f"sum over {join_factor(next(cells, columns))} of {_Words(columns).atom(body)}"
        listed = ", ".join(f"{index} of {join_factor((column,))}" for column, index in levels)
        return f"sum over {listed} of {_Words(columns, indexed=True).atom(body)}"

    def atom(self, node: n.Node) -> str:
        """The node's formula, in parentheses unless it is one word."""
        text = self.word(node)
        bare = isinstance(node, n.Response | n.Value | n.Size | n.Function) or text in ("N", "n")
        return text if bare or text.isdigit() else f"({text})"

    def quotient(self, node: n.Mul) -> str:
        above = [a for a in node.args if not (isinstance(a, n.Pow) and a.exponent < 0)]
        below = [n.power(a.base, -a.exponent) for a in node.args if isinstance(a, n.Pow) and a.exponent < 0]
        sign = ""
        if above and isinstance(above[0], n.Number) and above[0].value == -1:
            sign, above = "-", above[1:]
        top = " * ".join(self.factor(a) for a in above) or "1"
        if not below:
            return sign + top
        bottom = self.factor(below[0]) if len(below) == 1 else "(" + " * ".join(map(self.factor, below)) + ")"
        return f"{sign}{top} / {bottom}"

    def factor(self, node: n.Node) -> str:
        return self.word(node) if isinstance(node, n.Pow | n.Letter) else self.atom(node)


def _projected(columns: tuple[n.Column, ...], kernel: n.Kernel | n.Monomial | None) -> str:
    shown = ", ".join("1" if c == () else column_key(c) for c in columns) or "nothing"
    if kernel is None:
        return f"residual sum of squares of y on ({shown})"
    if not is_kernel(kernel):
        return f"sum over the rows of {monomial_key(kernel)} * (residual of y on ({shown}))**2"
    if kernel[0] != kernel[1] or kernel[0].monomial:
        return f"y' P Z Z' P y, Z Z' of {matrix_key(kernel)}, P off ({shown})"
    return f"sum over {join_factor(kernel[0].factor)} of (total of the residual of y on ({shown}))**2"


def _trace(
    columns: tuple[n.Column, ...], kernel: n.Kernel | n.Monomial | None, of: n.Kernel | n.Monomial | None
) -> str:
    shown = ", ".join("1" if c == () else column_key(c) for c in columns) or "nothing"
    if kernel is None and of is None:
        return f"n - rank of ({shown})"
    one = kernel or of
    if not is_kernel(one) or one != same_level(one[0].factor) or (kernel and of not in (None, kernel)):
        parts = " ".join(f"P [{matrix_key(v)}]" for v in (kernel, of) if v)
        return f"trace of {parts}, P off ({shown})"
    inside = "P Z Z' P Z Z'" if kernel == of else "P Z Z'"
    return f"trace of {inside}, Z the levels of {join_factor(one[0].factor)}, P off ({shown})"


def _joined(terms: list[str]) -> str:
    """A sum; a term and its negative, which a difference of two sums of squares leaves, cancel."""
    kept: list[str] = []
    for term in terms:
        opposite = term[1:] if term.startswith("-") else f"-{term}"
        if opposite in kept:
            kept.remove(opposite)
        else:
            kept.append(term)
    kept.sort(key=lambda term: term.startswith("-"))
    return (kept[0] if kept else "0") + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in kept[1:])
