"""The model equation: a response is its mean, its effects and its residual."""

from dataclasses import replace

from momentalg.expr.nodes import (
    Effect,
    Letter,
    Monomial,
    Node,
    Noise,
    Parameter,
    Response,
    Sum,
    Variable,
    add,
    mul,
    power,
)
from momentalg.expr.traversal import children, rebuild, transform
from momentalg.model.resolved import CovariateResponse, ResolvedModel
from momentalg.rules.definition import at_observation, level_of
from momentalg.rules.rule import Context, Rule


def equation(index: str, by: tuple[str, ...], level: tuple[str, ...], model: ResolvedModel) -> Node:
    """The right side of the model equation at the observation `index` of a level of `by`.

    Effects, and covariates, of factors that the level determines are those of the level; others are those of the level
    that the observation lies in.
    """
    mean = [
        mul(*((Parameter(c.key),) if c.key else ()), *_values(c.monomial, index, by, level, model)) for c in model.mean
    ]
    mean += [mul(Parameter(r.key), _random(r, index, by, level, model)) for r in model.responses]
    others = {r.effect for r in model.responses}
    effects = [
        mul(*_values(c.monomial, index, by, level, model), _effect(block.factor, str(c.key), index, by, level))
        for block in model.groups
        for c in block.coefficients
        if c.key not in others
    ]
    return add(*mean, *effects, Noise(index))


def equation_of_covariate(
    response: CovariateResponse, index: str, by: tuple[str, ...], level: tuple[str, ...], model: ResolvedModel
) -> tuple[Node, Node]:
    """A covariate that goes with an effect, at an observation, and the right side of its own equation."""
    factor = next(b.factor for b in model.groups if response.effect in [c.key for c in b.coefficients])
    effect = _effect(factor, response.effect, index, by, level)
    delta = () if response.on_level else (Noise(index, response.column),)
    return _random(response, index, by, level, model), add(Parameter(response.mean), effect, *delta)


def _random(
    response: CovariateResponse, index: str, by: tuple[str, ...], level: tuple[str, ...], model: ResolvedModel
) -> Node:
    return at_observation(Variable("column", response.column), index, by, level, model)


def equation_of_one(index: str, model: ResolvedModel) -> Node:
    """The right side of the model equation at a named observation, whose effects are those of the default levels."""
    here = equation(index, (), (), model) if len(model.columns) > 1 else equation(index, model.columns, (), model)
    return transform(here, lambda part: replace(part, index="") if isinstance(part, Effect) else part)


def _values(
    monomial: Monomial, index: str, by: tuple[str, ...], level: tuple[str, ...], model: ResolvedModel
) -> list[Node]:
    return [power(at_observation(v, index, by, level, model), p) for v, p in monomial]


def _effect(factor: tuple[str, ...], key: str, index: str, by: tuple[str, ...], level: tuple[str, ...]) -> Effect:
    if not set(factor) <= set(by):
        return Effect(factor, key, index=index)
    return Effect(factor, key, level_of(factor, by, level))


def _rewrite(node: Node, context: Context) -> Node | None:
    model = context.model
    new = _within(node, None, model)
    return None if new == node else new


def _within(node: Node, around: Sum | None, model: ResolvedModel) -> Node:
    """Responses become their equations, at the level of the sum that runs over them."""
    if isinstance(node, Response) and node.index:
        return equation(node.index, around.by, around.level, model) if around else equation_of_one(node.index, model)
    around = node if isinstance(node, Sum) else around
    return rebuild(node, tuple(_within(child, around, model) for child in children(node)))


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
