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
    Sum,
    Value,
    Variable,
    add,
    mul,
    power,
)
from momentalg.expr.traversal import children, rebuild
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rule


def equation(index: str, level: tuple[str, ...], model: ResolvedModel) -> Node:
    """The right side of the model equation at the observation `index` of a level."""
    mean = [mul(*((Parameter(c.key),) if c.key else ()), *_values(c.monomial, index, level, model)) for c in model.mean]
    effects = [
        mul(*_values(c.monomial, index, level, model), Effect(block.factor, str(c.key), level))
        for block in model.groups
        for c in block.coefficients
    ]
    return add(*mean, *effects, Noise(index))


def _values(monomial: Monomial, index: str, level: tuple[str, ...], model: ResolvedModel) -> list[Node]:
    """Covariates at an observation; those that are constant on its level are values of the level."""
    return [power(_value(v, index, level, model), p) for v, p in monomial]


def _value(variable: Variable, index: str, level: tuple[str, ...], model: ResolvedModel) -> Node:
    if variable.kind == "size":
        return Size(model.constant_on[variable], level)
    return Value(variable, "", level) if variable in model.constant_on else Value(variable, index)


def _rewrite(node: Node, context: Context) -> Node | None:
    new = _within(node, (), context.model)
    return None if new == node else new


def _within(node: Node, level: tuple[str, ...], model: ResolvedModel) -> Node:
    """Responses become their equations, at the level of the sum that runs over them."""
    if isinstance(node, Response):
        return equation(node.index, level, model) if node.index else node
    inner = node.level if isinstance(node, Sum) else level
    return rebuild(node, tuple(_within(child, inner, model) for child in children(node)))


RULE = Rule(
    name="model_equation",
    title="the model",
    left=Response("j"),
    right=add(Letter("eta_j"), Letter("alpha"), Letter("e_j")),
    rewrite=_rewrite,
    kind="assumption",
    where="eta_j is the sum of coefficient times covariate over the mean columns, alpha the effects of the levels of j",
    assumes="the model holds",
    source="the model",
    examples=((Response("j"), ()),),
)
