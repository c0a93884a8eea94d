"""Covariates from syntax: arithmetic inside I() and its kin, as nodes, monomials and canonical names.

What is a product of whole powers becomes a monomial, so that ``I(x*z)`` and ``x:z`` are one term. Anything else is a
variable of its own, named by its canonical text and defined by its node.
"""

from __future__ import annotations

from fractions import Fraction

from momentalg.errors import FormulaError
from momentalg.expr.keys import variable_key
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.names import join_factor, quote, split_factor
from momentalg.expr.nodes import (
    Add,
    Function,
    Indicator,
    Monomial,
    Mul,
    Node,
    Number,
    Pow,
    Size,
    Value,
    Variable,
    add,
    mul,
    negate,
    power,
)
from momentalg.model.definition_text import definition_text
from momentalg.model.formula import error_at
from momentalg.model.syntax import Binary, Call, LevelOf, Name, Numeral, Syntax, Unary, text_of

ELEMENTARY = ("log", "exp", "sqrt")
KNOWN = ("I", *ELEMENTARY, "C", "size", "offset")
_LARGEST_POWER = 64
_MOST_BITS = 4096  # powers of numbers are evaluated: larger ones are a slip, and could run for ever

Definitions = dict[Variable, Node]
"""Variables of kind "function", and what they are functions of."""


def monomial_of(part: Syntax, text: str, definitions: Definitions) -> Monomial:
    """The covariate that `part` computes, as a monomial; its new variables are entered in `definitions`."""
    node = node_of(part, text)
    found = _monomial(node, definitions)
    if found is None:
        found = ((_variable(node, definitions), 1),)
    if not found or not any(True for _ in variables_of(node)):
        raise error_at(text, part, "this is a constant, not a covariate", "the intercept is the only constant term: 1")
    return found


def term_of(part: Syntax, text: str, definitions: Definitions) -> Monomial:
    """The covariate that a single term is: a column, a function, or an interaction of these."""
    if isinstance(part, Binary) and part.operator == ":":
        return multiply_monomials(term_of(part.left, text, definitions), term_of(part.right, text, definitions))
    if isinstance(part, Call) and part.function == "C" and isinstance(inside := argument(part, text), Name):
        return ((Variable("factor", inside.text), 1),)
    if isinstance(part, LevelOf):
        return ((Variable("function", text_of(part)), 1),)
    return monomial_of(part, text, definitions)


def node_of(part: Syntax, text: str) -> Node:
    """The arithmetic of `part` as a node; raises `FormulaError` where it is not arithmetic."""
    match part:
        case Name():
            return Value(column(part, text))
        case Numeral():
            return Number(part.value)
        case Unary(operator, operand):
            inner = node_of(operand, text)
            return inner if operator == "+" else negate(inner)
        case Binary(operator="**"):
            return power(node_of(part.left, text), _exponent(part, text))
        case Binary(operator="/"):
            below = node_of(part.right, text)
            if below == Number(Fraction(0)):
                raise error_at(text, part.right, "division by zero", "correct the expression")
            return mul(node_of(part.left, text), power(below, -1))
        case Binary(operator="+"):
            return add(node_of(part.left, text), node_of(part.right, text))
        case Binary(operator="-"):
            return add(node_of(part.left, text), negate(node_of(part.right, text)))
        case Binary(operator="*"):
            return mul(node_of(part.left, text), node_of(part.right, text))
        case Call(function="I"):
            return node_of(argument(part, text), text)
        case Call(function="size"):
            return Value(Variable("size", join_factor(factor_of(argument(part, text), text))))
        case Call() if part.function in ELEMENTARY:
            return Function(part.function, node_of(argument(part, text), text))
    if isinstance(part, Call):
        raise unknown_function(part, text)
    if isinstance(part, LevelOf):
        advice = f"a formula has the whole factor: C({quote(part.column)})"
        raise error_at(text, part, f"{text_of(part)} is one level of a fixed factor", advice)
    advice = "inside a function stand + - * / and **, names and numbers"
    raise error_at(text, part, "this is not arithmetic", advice)


def column(part: Name, text: str) -> Variable:
    """The column that a name stands for."""
    if part.text == "Intercept" and not part.quoted:
        raise error_at(text, part, "Intercept is written 1", "for a column of that name, write `Intercept`")
    return Variable("column", part.text)


def factor_of(part: Syntax, text: str) -> tuple[str, ...]:
    """The columns of a factor written as ``user`` or ``a:b``."""
    match part:
        case Name():
            return (part.text,)
        case Binary(operator=":"):
            columns = factor_of(part.left, text) + factor_of(part.right, text)
            if len(set(columns)) < len(columns):
                raise error_at(text, part, f"{join_factor(columns)} repeats a column", "name each column once")
            return columns
    raise error_at(text, part, "this is not a factor", "a factor is a column, or columns joined by ':', as in a:b")


def argument(call: Call, text: str) -> Syntax:
    """The only argument of `call`."""
    if len(call.arguments) != 1:
        found = len(call.arguments)
        raise error_at(text, call, f"{call.function}() takes one argument, not {found}", f"write {call.function}(x)")
    return call.arguments[0]


def unknown_function(call: Call, text: str) -> FormulaError:
    """The error for a function that cannot stand where `call` stands."""
    name = call.function
    if name in KNOWN:
        return error_at(text, call, f"{name}() cannot stand inside another function", "give it a term of its own")
    advice = f"compute it as a column of the data; the functions of a formula are {', '.join(KNOWN)}"
    if call.arguments and text[call.start + len(name) : call.start + len(name) + 1] != "(":
        advice = f"if an operator is missing, write {quote(name)} + (...); if not, {advice}"
    return error_at(text, call, f"the function {name}() is not known", advice)


def variables_of(node: Node) -> tuple[Variable, ...]:
    """The columns and sizes that a definition reads, in order, without repetition."""
    match node:
        case Value():
            return (node.variable,)
        case Function():
            return variables_of(node.body)
        case Pow():
            return variables_of(node.base)
        case Indicator():
            return (node.body.variable,)
        case Add() | Mul():
            return tuple(dict.fromkeys(v for a in node.args for v in variables_of(a)))
    return ()


def variable_node(variable: Variable) -> Node:
    """The node that a statistic uses for a covariate."""
    return Size(split_factor(variable.name)) if variable.kind == "size" else Value(variable)


def term_key(monomial: Monomial) -> str:
    """The key of the mean parameter of a covariate: ``Intercept``, ``x``, ``I(x**2)``, ``x:z``."""
    if not monomial:
        return "Intercept"
    return ":".join(variable_key(v) if p == 1 else f"I({_inner(v)}**{p})" for v, p in monomial)


def _inner(variable: Variable) -> str:
    """A variable inside I(): the I of its own name is not needed, its parentheses are."""
    key = variable_key(variable)
    return key[1:] if variable.kind == "function" and key.startswith("I(") else key


def _exponent(part: Binary, text: str) -> int:
    exponent = node_of(part.right, text)
    if not isinstance(exponent, Number) or exponent.value.denominator != 1:
        raise error_at(text, part.right, "a power must be a whole number", "use sqrt(), or compute a column")
    if abs(exponent.value) > _LARGEST_POWER:
        raise error_at(text, part.right, "the power is too large", f"powers go up to {_LARGEST_POWER}")
    base = node_of(part.left, text)
    if isinstance(base, Number):
        if exponent.value < 0 and base.value == 0:
            raise error_at(text, part, "division by zero", "correct the expression")
        bits = base.value.numerator.bit_length() + base.value.denominator.bit_length()
        if bits * abs(exponent.value) > _MOST_BITS:
            raise error_at(text, part, "this number is too large", "correct the expression")
    return int(exponent.value)


def _monomial(node: Node, definitions: Definitions) -> Monomial | None:
    """`node` as a product of whole positive powers, if it is one."""
    match node:
        case Value():
            return ((node.variable, 1),)
        case Function():
            return ((_variable(node, definitions), 1),)
        case Pow() if node.exponent > 0:
            base = _monomial(node.base, definitions)
            return None if base is None else tuple((v, p * node.exponent) for v, p in base)
        case Mul():
            parts = [_monomial(a, definitions) for a in node.args]
            return None if None in parts else multiply_monomials(*(p for p in parts if p is not None))
    return None


def _variable(node: Node, definitions: Definitions) -> Variable:
    text = definition_text(node)
    found = Variable("function", text if isinstance(node, Function) else f"I({text})")
    definitions[found] = node
    return found
