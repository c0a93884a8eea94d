"""The canonical text of a covariate's definition: equal definitions have equal texts, which read back to them."""

from __future__ import annotations

from momentalg.expr.keys import variable_key
from momentalg.expr.nodes import Add, Function, Mul, Node, Number, Pow, Value, mul


def definition_text(node: Node) -> str:
    """The canonical text of a definition, in formula syntax, without spaces."""
    match node:
        case Number():
            return str(node.value)
        case Value():
            return variable_key(node.variable)
        case Function():
            return f"{node.name}({definition_text(node.body)})"
        case Pow():
            return f"{_factor_text(node.base)}**{node.exponent}" if node.exponent > 0 else f"1{_times(node)}"
        case Mul():
            first, *rest = node.args
            if isinstance(first, Number) and first.value == -1:
                return "-" + definition_text(mul(*rest))
            return ("1" + _times(first) if _divides(first) else _factor_text(first)) + "".join(map(_times, rest))
        case Add():
            terms = [definition_text(a) for a in node.args]
            return terms[0] + "".join(t if t.startswith("-") else f"+{t}" for t in terms[1:])
    raise TypeError(f"not part of a covariate's definition: {node!r}")


def _factor_text(node: Node) -> str:
    text = definition_text(node)
    return f"({text})" if isinstance(node, (Add, Mul)) else text


def _divides(node: Node) -> bool:
    return isinstance(node, Pow) and node.exponent < 0


def _times(node: Node) -> str:
    if isinstance(node, Pow) and node.exponent < 0:
        return "/" + _factor_text(node.base) + (f"**{-node.exponent}" if node.exponent < -1 else "")
    return "*" + _factor_text(node)
