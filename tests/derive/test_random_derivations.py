"""Derivations of random statistics, of models of one to three factors: each verifies, step by step, and is printed."""

from __future__ import annotations

import pytest

import momentalg as ma
from momentalg.check.random_cases import random_case
from tests.conftest import LONG

DEGREES = ((1,), (2,), (1, 1), (1, 2), (2, 2), (1, 1, 1), (3,))
SEEDS = {1: range(90, 300 if LONG else 110), 2: range(120, 300 if LONG else 150), 3: range(60 if LONG else 12)}
# Written out by laws that do not tell levels apart, or at homes of nested levels: found by earlier runs.
FOUND = ((1, 58), (1, 79), (1, 153), (2, 62), (2, 69), (2, 145), (3, 27))


def derivation(factors, seed):
    case = random_case(seed, factors, DEGREES[seed % len(DEGREES)])
    model = object.__new__(ma.Model)
    object.__setattr__(model, "resolved", case.model)
    return model.cumulant(*case.statistics, given=ma.design)


@pytest.mark.parametrize(
    ("factors", "seed"), [*FOUND, *((factors, seed) for factors, seeds in SEEDS.items() for seed in seeds)]
)
def test_a_derivation_of_a_random_statistic_verifies_and_is_printed(factors, seed):
    derived = derivation(factors, seed)
    assert derived.verify().steps == len(derived.steps) > 0
    assert derived.steps[-1].title.partition(":")[0] in derived.text().replace("\n", " ")


def test_most_derivations_of_linear_forms_are_written_out():
    """The core identity in one step is for what cannot be: it is no way around the laws."""
    linear = [derivation(1, seed) for seed in range(140) if len(DEGREES[seed % len(DEGREES)]) == 1 and seed % 7 == 0]
    whole = [d for d in linear if any(step.rule == "core_identity" for step in d.steps)]
    assert len(whole) < len(linear) / 4


NESTED = ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.nested("b", "a")])
OF_A, OF_B = NESTED.total(NESTED.y, by="a"), NESTED.total(NESTED.y, by="b")


@pytest.mark.parametrize("total", [OF_A, OF_B, OF_B.at("k")], ids=["outer", "inner", "named"])
def test_effects_of_a_nested_factor_may_be_known_given_the_design(total):
    by_effects = NESTED.var(total, given=ma.design, via=["b"])
    assert by_effects.verify()
    assert by_effects == NESTED.var(total, given=ma.design)
    assert NESTED.mean(total, given=[ma.design, "b"]).verify()


def test_effects_of_a_nested_factor_alone_are_refused_by_name():
    with pytest.raises(ma.UnsupportedError, match=r"via=\[ma.design"):
        NESTED.var(OF_A, via=["b"])
    assert NESTED.var(OF_A, via=[ma.design, "b"]) == NESTED.var(OF_A)


def test_a_total_of_a_nested_level_and_sizes_at_observations():
    assert NESTED.mean(OF_B, given=ma.design).verify()
    sized = ma.Model("y ~ 1 + x:size(user) + (0 + x | user) + (1 | item)")
    assert sized.mean(sized.total(sized.y**3), given=ma.design).verify()


def test_a_random_covariate_has_its_own_equation_and_is_not_given():
    model = ma.Model("y ~ 1 + x + (1 | u)", assume=[ma.goes_with("x", "u")])
    derived = model.var(model.total(model.y, by="u"), given=ma.design)
    told = derived.text()
    assert "Y_j = Intercept + beta(x) x_j + alpha + epsilon_j" in told
    assert "x_j = beta(Intercept@x) + xi + eta_j" in told
    assert "x goes with the effects of u: it is random" in " ".join(derived.assumptions)
    level = ma.Model("y ~ 1 + z + (1 | u)", levels={"z": "u"}, assume=[ma.goes_with("z", "u")])
    assert "z = beta(Intercept@z) + xi  " in level.var(level.total(level.y, by="u")).text()
