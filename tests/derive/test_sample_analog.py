"""Sample analogs: the random view with estimated design moments is the fixed view, for every design."""

import pytest

import momentalg as ma
from momentalg.cumulants.value import canonical_value
from momentalg.expr.nodes import Cumulant
from momentalg.expr.traversal import walk

MODELS = {
    "intercept": ma.Model("y ~ 1 + (1 | user)"),
    "level covariate": ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"}),
    "size": ma.Model("y ~ 1 + size(user) + (1 | user)"),
    "observation covariate": ma.Model("y ~ 1 + x + (1 | user)"),
    "all": ma.Model("y ~ 1 + x + X:size(user) + (1 | user)", levels={"X": "user"}),
}


def sample_variance_of_totals(model, divisor):
    S, r = model.total(model.y, by="user"), ma.over("user", 1)
    return (ma.over("user", S**2) - model.total(model.y) ** 2 / r) / divisor(r)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_unconditional_equation_with_sample_moments_is_the_conditional_one(model):
    chain = model.var(model.total(model.y, by="user")).sample_analog()
    fixed = model.mean(sample_variance_of_totals(model, lambda r: r - 1), given=ma.design)
    assert canonical_value(chain.end, model.resolved) == fixed.canonical_polynomial
    assert fixed.verify()


def test_the_divisor_matters():
    model = MODELS["intercept"]
    chain = model.var(model.total(model.y, by="user")).sample_analog()
    biased = model.mean(sample_variance_of_totals(model, lambda r: r), given=ma.design)
    assert canonical_value(chain.end, model.resolved) != biased.canonical_polynomial


def test_it_is_one_step_of_estimation_that_leaves_no_design_moment():
    model = MODELS["all"]
    chain = model.var(model.total(model.y, by="user")).sample_analog()
    (step,) = chain.steps
    assert (step.kind, step.rule) == ("estimation", "sample_analog")
    assert not any(isinstance(part, Cumulant) for part in walk(chain.end))


def test_a_result_given_the_design_has_nothing_to_estimate():
    model = MODELS["intercept"]
    assert model.var(model.total(model.y, by="user"), given=ma.design).sample_analog().steps == ()
