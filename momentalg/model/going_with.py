"""Covariates that go with an effect: a covariate x with a linear model of its own, as a second response.

    x = m + xi_i + delta,    Cov(xi_i, alpha_i) = c,    y = b0 + b1 x + alpha_i + epsilon

for x declared to go with the effects of the factor of i. Then x is random, like y, and no part of the design: its mean
m is the parameter ``Intercept@x``, xi is the coefficient ``1@x`` of the factor's block, so that c is
``cov(1,1@x|user)``, and the variance of delta is ``var(residual@x)``. A covariate constant on the factor has no delta.
"""

from __future__ import annotations

from dataclasses import replace

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.names import join_factor, quote
from momentalg.expr.nodes import Variable
from momentalg.model.assumptions import GoesWith
from momentalg.model.resolved import Column, CovariateResponse, GroupBlock, ResolvedModel


def go_with(model: ResolvedModel, fact: GoesWith, factor: tuple[str, ...]) -> ResolvedModel:
    """Make a covariate a response of its own, whose effects are correlated with those of the factor."""
    variable = Variable("column", fact.variable)
    own = next((c for c in model.mean if c.monomial == ((variable, 1),)), None)
    if own is None:
        raise ModelError(
            f"{fact!r}: {fact.variable!r} is no common term of the model; add it, as in y ~ {fact.variable}"
        )
    _require_linear(model, own, variable, fact)
    on = model.constant_on.get(variable)
    if on is not None and on != factor:
        raise ModelError(f"{fact!r}: {fact.variable!r} is constant within {join_factor(on)}; it goes with that factor")
    block = next((b for b in model.groups if b.factor == factor and any(not c.monomial for c in b.coefficients)), None)
    if block is None:
        raise ModelError(
            f"{fact!r}: the model has no random intercept of {join_factor(factor)}; add (1 | {fact.factor})"
        )
    response = CovariateResponse(fact.variable, str(own.key), on is not None)
    effects = GroupBlock(factor, (*block.coefficients, Column(response.effect)))
    return replace(
        model,
        mean=tuple(c for c in model.mean if c != own),
        groups=tuple(effects if b == block else b for b in model.groups),
        responses=(*model.responses, response),
        goes_with=(*model.goes_with, (fact.variable, factor)),
    )


def _require_linear(model: ResolvedModel, own: Column, variable: Variable, fact: GoesWith) -> None:
    """The covariate occurs once, by itself: products with it would make the response a product of random draws."""
    for column in model.terms:
        if (column is not own) and any(v == variable for v, _ in column.monomial):
            raise UnsupportedError(
                f"{fact!r}: {quote(fact.variable)} is random then, and stands in {column.key or 'a product'} "
                "too, or has a random slope: products of random draws. Give it one linear term"
            )
    for known, node in model.definitions.items():
        if fact.variable in str(node) and any(v == known for c in model.terms for v, _ in c.monomial):
            raise UnsupportedError(f"{fact!r}: {known.name} is a function of it; give it one linear term")
