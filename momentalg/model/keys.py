"""Parameter keys: what a user may write for a parameter or a design moment, brought to its canonical text.

Parameters are ``Intercept``, ``x``, ``var(1|user)``, ``cov(1,x|user)``, ``k3(1|user)``, ``k4(residual)`` and products
of means, ``Intercept**2``, ``Intercept*x``. Design moments are ``E(size(user)^2*X)``, ``var(size(user))``,
``cov(size(user),X)``, ``k3(size(user))``, with ``total(x|user)`` for a covariate that varies by observation, and
``levels(user)``. A design moment is read into a node, whose key is that of `momentalg.expr.keys`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from momentalg.errors import FormulaError, ModelError
from momentalg.expr.keys import key_of, variable_key
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Cumulant, Levels, Node, Parameter, Total, Value, Variable, mul, power
from momentalg.expr.sympy_door import to_sympy
from momentalg.model.formula import parse_key
from momentalg.model.functions import factor_of, monomial_of, term_key, term_of, variable_node
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import all_variables, basic_variables, known_factor
from momentalg.model.syntax import Bar, Binary, Call, LevelOf, Name, Numeral, Syntax, Unary

_ORDERS = {"var": 2, "cov": 2, **{f"k{n}": n for n in range(3, 9)}}
_ONE = Numeral(Fraction(1))


def parameter_keys(model: ResolvedModel) -> tuple[str, ...]:
    """The keys of the means, of the variances and covariances of effects, and of the residual variance."""
    keys = [c.key for c in model.mean if c.key is not None]
    keys += [key for r in model.responses for key in (r.key, r.mean)]
    for block in model.groups:
        names = [str(c.key) for c in block.coefficients]
        keys += [model.cumulant_key(block, (a, b)) for n, a in enumerate(names) for b in names[n:]]
    keys += [key for key, _ in model.residual_cumulants(2) if key is not None]
    return (*keys, *(r.residual(2) for r in model.responses if not r.on_level))


@lru_cache(maxsize=4096)
def canonical_key(model: ResolvedModel, text: str) -> str:
    """The canonical text of a parameter key; raises `ModelError` for a key that the model does not have."""
    if text in parameter_keys(model):  # most calls, and they need no parser
        return text
    if text in {r.residual(order) for r in model.responses for order in range(3, 9)}:
        return text
    try:
        found = _Reader(model, text).key(parse_key(text))
    except FormulaError as problem:
        raise _unknown(model, text, f"\n{problem}") from None
    if found is None:
        raise _unknown(model, text)
    return found


def parameter_symbol(model: ResolvedModel, text: str) -> Any:
    """The SymPy symbol of a key, named by its canonical text; for a product of means, the product of symbols."""
    return to_sympy(Parameter(canonical_key(model, text)))


def design_moment(model: ResolvedModel, text: str) -> Cumulant:
    """The design moment that a key names, ``cov(size(user),X)`` or ``E(size(user)^2)``, as a node.

    Raises `ModelError` for any other key, and for design variables that the model does not have.
    """
    try:
        part = parse_key(text)
    except FormulaError as problem:
        raise _unknown(model, text, f"\n{problem}") from None
    order = {"E": 1, **_ORDERS}.get(part.function) if isinstance(part, Call) else None
    if isinstance(part, Call) and order is not None:
        found = [_Reader(model, text).product(a) for a in part.arguments if not isinstance(a, Bar)]
        products = [p for p in found if p is not None]
        if len(products) == len(part.arguments) and len(products) in (1, order) and part.function != "E":
            return Cumulant(tuple(products * order if len(products) == 1 else products))
        if part.function == "E" and len(products) == len(part.arguments) == 1:
            return Cumulant(tuple(products))
    raise _unknown(model, text)


class _Reader:
    """One key being read; methods return None for what the model does not have."""

    def __init__(self, model: ResolvedModel, text: str) -> None:
        self.model = model
        self.text = text

    def key(self, part: Syntax) -> str | None:
        match part:
            case Call(function="levels", arguments=(inside,)):
                return key_of(Levels(self.factor(inside)))
            case Call(function="total"):
                total = self.total(part)
                return None if total is None else _inside(total)
            case Call(function="E", arguments=(inside,)):
                product = self.product(inside)
                return None if product is None else key_of(Cumulant((product,)))
            case Call() if part.function in _ORDERS:
                return self.cumulant(part, _ORDERS[part.function])
        return self.means(part)

    def cumulant(self, call: Call, order: int) -> str | None:
        """A cumulant of effects, of the residual or of design variables, told apart by its arguments."""
        arguments = call.arguments
        if len(arguments) not in ((2,) if call.function == "cov" else (1, order if call.function != "var" else 1)):
            return None
        if isinstance(arguments[-1], Bar) and arguments[-1].bar == "|":
            return self.effects((*arguments[:-1], arguments[-1].left), arguments[-1].factor, order)
        if all(isinstance(a, Name) and a.text == "residual" and not a.quoted for a in arguments):
            return self.residual("", order)
        if len(arguments) == 1 and isinstance(arguments[0], LevelOf) and arguments[0].column == "residual":
            return self.residual(f"[{arguments[0].label}]", order)
        products = [self.product(a) for a in arguments]
        found = [p for p in products if p]
        if len(found) < len(products):
            return None
        return key_of(Cumulant(tuple(found * order if len(found) == 1 else found)))

    def residual(self, label: str, order: int) -> str | None:
        """The cumulant of the residual, or of that of a class."""
        key = f"{'var' if order == 2 else f'k{order}'}(residual{label})"
        return key if key in {known for known, _ in self.model.residual_cumulants(order)} else None

    def effects(self, coefficients: tuple[Syntax, ...], factor: Syntax, order: int) -> str | None:
        names = tuple("1" if c == _ONE else self.term_key(c) for c in coefficients)
        columns = set(factor_of(factor, self.text))
        for block in self.model.groups:
            if set(block.factor) == columns and set(names) <= {c.key for c in block.coefficients}:
                return self.model.cumulant_key(block, names * order if len(names) == 1 else names)
        return None

    def means(self, part: Syntax) -> str | None:
        """A product of powers of mean parameters, in the order of the model."""
        order = [c.key for c in self.model.mean if c.key is not None]
        powers: dict[str, int] = {}
        for base, exponent in _factors(part):
            key = self.term_key(base)
            if key not in order or exponent < 1:
                return None
            powers[key] = powers.get(key, 0) + exponent
        factors = sorted(powers.items(), key=lambda item: order.index(item[0]))
        return "*".join(key if exponent == 1 else f"{key}**{exponent}" for key, exponent in factors)

    def term_key(self, part: Syntax) -> str:
        """The key of the mean parameter of a term; the model need not have it."""
        if isinstance(part, Name) and part.text == "Intercept" and not part.quoted:
            return "Intercept"
        return term_key(term_of(part, self.text, {}))

    # Design variables.

    def product(self, part: Syntax) -> Node | None:
        """A product of powers of design variables of a unit."""
        powers: dict[Node, int] = {}
        for base, exponent in _factors(part):
            variable = self.design_variable(base)
            if variable is None:
                return None
            powers[variable] = powers.get(variable, 0) + exponent
        return mul(*(power(node, exponent) for node, exponent in powers.items())) if any(powers.values()) else None

    def design_variable(self, part: Syntax) -> Node | None:
        """A size, a covariate that is constant on the unit, or the total of one that is not."""
        if isinstance(part, Call) and part.function == "total":
            return self.total(part)
        ((variable, exponent), *others) = monomial_of(part, self.text, {})
        if others or exponent != 1 or not self.has(variable):
            return None
        if variable.kind != "size" and variable not in self.model.constant_on:
            name = variable_key(variable)
            instead = f"total({name}|{self.model.groups[0].name})"
            raise ModelError(f"{self.text!r}: {name} varies by observation; its design moments are those of {instead}")
        return variable_node(variable)

    def total(self, call: Call) -> Total | None:
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], Bar):
            return None
        monomial: dict[Variable, int] = {}
        for base, exponent in _factors(call.arguments[0].left):
            for variable, inner in monomial_of(base, self.text, {}):
                monomial[variable] = monomial.get(variable, 0) + inner * exponent
        if not all(self.has(v) and p > 0 for v, p in monomial.items()):
            return None
        body = mul(*(power(Value(v), p) for v, p in monomial.items()))
        return Total(body, self.factor(call.arguments[0].factor))

    def has(self, variable: Variable) -> bool:
        if variable.kind == "size":
            return any(block.name == variable.name for block in self.model.groups)
        return variable in all_variables(self.model) or variable in basic_variables(self.model)

    def factor(self, part: Syntax) -> tuple[str, ...]:
        return known_factor(self.model, join_factor(factor_of(part, self.text)), self.text)


def _factors(part: Syntax) -> list[tuple[Syntax, int]]:
    """The factors of a product of whole powers."""
    match part:
        case Binary(operator="*"):
            return _factors(part.left) + _factors(part.right)
        case Binary(operator="**", right=Numeral(value)) if value.denominator == 1:
            return [(base, inner * int(value)) for base, inner in _factors(part.left)]
        case Binary(operator="**", right=Unary("-", Numeral(value))) if value.denominator == 1:
            return [(base, -inner * int(value)) for base, inner in _factors(part.left)]
    return [(part, 1)]


def _inside(total: Total) -> str:
    """The key of a total of a unit, whose level is not shown."""
    return key_of(Cumulant((total,)))[2:-1]


def _unknown(model: ResolvedModel, text: object, because: str = "") -> ModelError:
    name = model.groups[0].name
    known = ", ".join(parameter_keys(model))
    others = f"k3(1|{name}) to k8(residual), products like Intercept**2, design moments like E(size({name})^2)"
    return ModelError(f"no parameter {text!r}; the parameters are {known}; also {others}{because}")
