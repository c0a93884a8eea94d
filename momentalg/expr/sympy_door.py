"""The door to SymPy for results: nodes become ordinary SymPy expressions in symbols named by keys.

A parameter, a design moment and a design total is one symbol each; arithmetic is mapped; nothing is expanded or
simplified beyond what SymPy's constructors do. Names go to ``Symbol`` only, never to a parser.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from momentalg.expr import nodes as n
from momentalg.expr.keys import key_of, split, unknown


@lru_cache(maxsize=4096)
def symbol(key: str) -> Any:
    """The one SymPy symbol of a key: nonnegative for a variance, ``var(...)``, and real for all others."""
    from sympy import Symbol

    return Symbol(key, nonnegative=True) if key.startswith("var(") else Symbol(key, real=True)


def to_sympy(node: n.Node) -> Any:
    """Return a result as a SymPy expression: arithmetic over the symbols of `key_of`."""
    import sympy

    match node:
        case n.Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case n.Add(args):
            return sympy.Add(*(to_sympy(a) for a in args))
        case n.Mul(args):
            return sympy.Mul(*(to_sympy(a) for a in args))
        case n.Pow(base, exponent):
            return sympy.Pow(to_sympy(base), exponent)
        case n.Parameter(key) if len(split(key, "*")) > 1:
            return to_sympy(unknown(key))
    return symbol(key_of(node))
