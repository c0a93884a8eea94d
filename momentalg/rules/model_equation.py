"""The model equation: a response is its mean, its effects and its residual."""

from momentalg.expr.nodes import (
    Effect,
    Letter,
    Monomial,
    Node,
    Noise,
    Parameter,
    Response,
    Size,
    Value,
    Variable,
    add,
    mul,
    power,
)
from momentalg.expr.traversal import transform
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rule


def equation(index: str, model: ResolvedModel) -> Node:
    """The right side of the model equation at the observation `index`."""
    mean = [mul(*((Parameter(c.key),) if c.key else ()), *_values(c.monomial, index, model)) for c in model.mean]
    effects = [
        mul(*_values(c.monomial, index, model), Effect(block.factor, str(c.key)))
        for block in model.groups
        for c in block.coefficients
    ]
    return add(*mean, *effects, Noise(index))


def _values(monomial: Monomial, index: str, model: ResolvedModel) -> list[Node]:
    """Covariates at an observation; those that are constant on its level are values of the level."""
    return [power(_value(v, index, model), p) for v, p in monomial]


def _value(variable: Variable, index: str, model: ResolvedModel) -> Node:
    if variable.kind == "size":
        return Size(model.constant_on[variable])
    return Value(variable, "" if variable in model.constant_on else index)


def _rewrite(node: Node, context: Context) -> Node | None:
    new = transform(node, lambda part: equation(part.index, context.model) if isinstance(part, Response) and part.index else part)
    return None if new == node else new


RULE = Rule(
    name="model_equation",
    title="the model",
    left=Response("j"),
    right=add(Letter("x'beta"), Letter("alpha"), Letter("e_j")),
    rewrite=_rewrite,
    kind="assumption",
    assumes="the model holds",
    source="the model",
    examples=((Response("j"), ()),),
)
