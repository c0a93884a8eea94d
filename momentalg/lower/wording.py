"""Formulas as one line of plain words, for the comments of generated code.

``sum over user of (total of y)**2 / N``: y is the response, N the size of a level, n the number of rows. What is of a
level other than that of the sum says so, as in ``sum over a:b of N**2 / N[a]``. Names of columns stand as in formulas.
"""

from __future__ import annotations

from momentalg.expr import nodes as n
from momentalg.expr.columns import is_kernel, same_level
from momentalg.expr.keys import column_key, matrix_key, variable_key
from momentalg.expr.names import join_factor


def wording(node: n.Node) -> str:
    """The formula of `node` in words."""
    match node:
        case n.Number(value):
            return str(value)
        case n.Add(args):
            return _joined([wording(a) for a in args])
        case n.Mul():
            return _quotient(node)
        case n.Pow(base, exponent) if exponent > 0:
            return f"{_atom(base)}**{exponent}"
        case n.Pow():
            return _quotient(n.Mul((node,)))
        case n.Function(name, body):
            return f"{name}({wording(body)})"
        case n.Response():
            return "y"
        case n.Value(variable):
            return variable_key(variable)
        case n.Size(by):
            return "N" if by else "n"
        case n.Levels(by):
            return f"the number of levels of {join_factor(by)}"
        case n.Total(n.Number(value), by) if value == 1:
            return "N" if by else "n"
        case n.Total(body, by) | n.Sum(_, body, by):
            return f"total of {_atom(body)}" + ("" if by else " over all rows")
        case n.Over(None, body):
            return f"sum over the rows of {_atom(body)}"
        case n.Over(by, body):
            return f"sum over {join_factor(by or ())} of {_atom(body)}"
        case n.LevelSum(levels, body):
            return f"sum over {join_factor(tuple(c for c, _ in levels))} of {_atom(body)}"
        case n.Projected(columns, kernel):
            shown = ", ".join("1" if c == () else column_key(c) for c in columns) or "nothing"
            if kernel is None:
                return f"residual sum of squares of y on ({shown})"
            if kernel[0] != kernel[1] or kernel[0].monomial:
                return f"y' P Z Z' P y, Z Z' of {matrix_key(kernel)}, P off ({shown})"
            return f"sum over {join_factor(kernel[0].factor)} of (total of the residual of y on ({shown}))**2"
        case n.Trace(columns, kernel, of):
            shown = ", ".join("1" if c == () else column_key(c) for c in columns) or "nothing"
            if kernel is None and of is None:
                return f"n - rank of ({shown})"
            one = kernel or of
            if not is_kernel(one) or one != same_level(one[0].factor) or (kernel and of not in (None, kernel)):
                parts = " ".join(f"P [{matrix_key(v)}]" for v in (kernel, of) if v)
                return f"trace of {parts}, P off ({shown})"
            inside = "P Z Z' P Z Z'" if kernel == of else "P Z Z'"
            return f"trace of {inside}, Z the levels of {join_factor(one[0].factor)}, P off ({shown})"
        case n.Letter(name):
            return name
        case n.Hat(n.Parameter(key)):
            return f"estimate of {key}"
        case n.Parameter(key):
            return key
        case _:
            return type(node).__name__.lower()


def _atom(node: n.Node) -> str:
    """The node's formula, in parentheses unless it is one word."""
    text = wording(node)
    bare = isinstance(node, n.Response | n.Value | n.Size | n.Function) or text in ("N", "n")
    return text if bare or text.isdigit() else f"({text})"


def _quotient(node: n.Mul) -> str:
    above = [a for a in node.args if not (isinstance(a, n.Pow) and a.exponent < 0)]
    below = [n.power(a.base, -a.exponent) for a in node.args if isinstance(a, n.Pow) and a.exponent < 0]
    sign = ""
    if above and isinstance(above[0], n.Number) and above[0].value == -1:
        sign, above = "-", above[1:]
    top = " * ".join(_factor(a) for a in above) or "1"
    if not below:
        return sign + top
    return f"{sign}{top} / " + (_factor(below[0]) if len(below) == 1 else "(" + " * ".join(map(_factor, below)) + ")")


def _factor(node: n.Node) -> str:
    return wording(node) if isinstance(node, n.Pow | n.Letter) else _atom(node)


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
