"""The door to SymPy for results: nodes become ordinary SymPy expressions in symbols named by keys.

A parameter, a design moment and a design total is one symbol each; arithmetic is mapped; nothing is expanded or
simplified beyond what SymPy's constructors do. Names go to ``Symbol`` only, never to a parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from momentalg.expr import nodes as n
from momentalg.expr.keys import key_of, split, unknown


@lru_cache(maxsize=4096)
def symbol(key: str) -> Any:
    """The one SymPy symbol of a key: nonnegative where the key itself tells so, and real for all others.

    Nonnegative are variances, numbers of levels, and moments and totals of sizes and even powers.
    """
    from sympy import Symbol

    return Symbol(key, nonnegative=True) if _nonnegative(key) else Symbol(key, real=True)


def _nonnegative(key: str) -> bool:
    match = re.match(r"(var|levels|E|total)\((.*)\)\Z", key, re.DOTALL)
    if match is None:
        return False
    body = split(match[2], "|")[0] if match[1] == "total" else match[2]
    return match[1] in ("var", "levels") or all(map(_even, split(body, "*")))


def _even(factor: str) -> bool:
    """Whether a factor of a monomial is a size, a total of such, or an even power."""
    match = re.match(r"(.*)\^(-?[0-9]+)\Z", factor, re.DOTALL)
    base, exponent = (match[1], int(match[2])) if match else (factor, 1)
    return exponent % 2 == 0 or re.match(r"size\(.*\)\Z", base, re.DOTALL) is not None or _nonnegative(base)


def to_sympy(node: n.Node, values: Mapping[n.Node, Any] = MappingProxyType({})) -> Any:
    """Return a result as a SymPy expression: arithmetic over the symbols of `key_of`.

    `values` are numbers, exact or with a bound, or SymPy expressions, to put in place of parts.
    """
    import sympy

    if node in values:
        value = values[node]
        if isinstance(value, Fraction):
            return sympy.Rational(value.numerator, value.denominator)
        return value if isinstance(value, sympy.Basic) else sympy.Float(float(value))
    match node:
        case n.Number(number):
            return sympy.Rational(number.numerator, number.denominator)
        case n.Add(args):
            return sympy.Add(*(to_sympy(a, values) for a in args))
        case n.Mul(args):
            return sympy.Mul(*(to_sympy(a, values) for a in args))
        case n.Pow(base, exponent):
            return sympy.Pow(to_sympy(base, values), exponent)
        case n.Parameter(key) if len(split(key, "*")) > 1:
            return to_sympy(unknown(key), values)
    return symbol(key_of(node))


def to_sympy_matrix(rows: Sequence[Sequence[n.Node]]) -> Any:
    """Return a matrix of results as a SymPy matrix."""
    import sympy

    return sympy.Matrix([[to_sympy(node) for node in row] for row in rows])


def numeric(expressions: Sequence[Any], symbols: Sequence[Any]) -> Callable[..., Any]:
    """A function of the values of `symbols` that gives the values of `expressions`, as floats.

    Symbols are renamed first, so that no name of a user reaches the code that is made.
    """
    import sympy

    names = {s: sympy.Dummy(f"x{i}") for i, s in enumerate(symbols)}
    plain = [(e + sympy.S.Zero).xreplace(names) for e in expressions]
    made: Callable[..., Any] = sympy.lambdify(list(names.values()), plain, modules="math")
    return made


def typeset(expression: Any, names: Mapping[str, str]) -> str:
    """The expression as LaTeX, each symbol as in `names`."""
    import sympy

    shown = {s: names[s.name] for s in expression.free_symbols}
    code: str = sympy.latex(expression, symbol_names=shown)
    return code


def from_sympy(expression: Any, leaf: Callable[[str], n.Node]) -> n.Node | None:
    """A rational SymPy expression as a node for the printers, `leaf` of each symbol's name; None for others."""
    if expression.is_Symbol:
        return leaf(expression.name)
    if expression.is_Rational:
        return n.Number(Fraction(int(expression.p), int(expression.q)))
    if expression.is_Pow and expression.exp.is_Integer:
        base = from_sympy(expression.base, leaf)
        return None if base is None else n.power(base, int(expression.exp))
    if not (expression.is_Add or expression.is_Mul):
        return None
    parts = [from_sympy(a, leaf) for a in expression.as_ordered_terms() if expression.is_Add] or [
        from_sympy(a, leaf) for a in expression.as_ordered_factors()
    ]
    found = [p for p in parts if p is not None]
    if len(found) < len(parts):
        return None
    return n.add(*found) if expression.is_Add else n.mul(*found)
