"""The oracles agree with one another: three roads to the same exact numbers, on random small cases."""

from __future__ import annotations

import os
from random import Random

import pytest

from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.laws import centred, read_atoms
from momentalg.check.quadratic import QuadraticOracle
from momentalg.check.random_cases import random_case, random_unit_case
from momentalg.check.random_design import law_cumulant
from momentalg.check.spaces import Space, evaluate, values
from momentalg.expr.nodes import DESIGN, Cumulant

CASES = 1000 if os.environ.get("MOMENTALG_LONG", "") not in ("", "0") else 40


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_enumeration_and_quadratic_forms(factors):
    different = []
    for seed in range(CASES):
        for degrees in ((2,), (1, 2), (2, 2)):
            case = random_case(seed, factors, degrees)
            oracle = QuadraticOracle(case.rows, case.model, case.parameters)
            matrices = oracle.mean if len(degrees) == 1 else oracle.covariance
            found = matrices(*case.statistics, case.at)
            if found != enumerate_cumulant(case.statistics, case.rows, case.model, case.parameters, case.at):
                different.append((seed, degrees))
    assert different == []


def space_of(seed, case):
    """A space for a unit case, with skewed laws that differ from seed to seed."""
    rng = Random(seed)
    effect = centred(("1/3", rng.randint(1, 3)), ("2/3", -rng.randint(0, 2)))
    residual = centred(("1/4", rng.randint(-3, 0)), ("3/4", 2))
    means = {str(c.key): case.parameters[c.key] for c in case.model.mean}
    return Space(case.model, means, read_atoms(case.law), (effect,), residual)


@pytest.mark.parametrize("empty", [False, True])
def test_spaces_and_enumeration_over_designs(empty):
    different = []
    for seed in range(CASES):
        case = random_unit_case(seed, empty=empty)
        space = space_of(seed, case)
        parameters = {key: space.parameters(key) for key in case.parameters}
        found = law_cumulant(case.statistics, case.law, case.model, parameters)
        if found != evaluate(Cumulant(case.statistics), space):
            different.append(seed)
    assert different == []


def test_spaces_and_enumeration_given_the_design():
    different = []
    for seed in range(CASES):
        case = random_unit_case(seed)
        space = space_of(seed, case)
        parameters = {key: space.parameters(key) for key in case.parameters}
        by_outcome = zip(space.outcomes, values(Cumulant(case.statistics, (DESIGN,)), space), strict=True)
        found = {outcome.design: (outcome.sample, value) for outcome, value in by_outcome}
        for sample, value in found.values():
            rows = list(sample.rows.values())
            if value != enumerate_cumulant(case.statistics, rows, case.model, parameters, {"user": 0}):
                different.append((seed, rows))
    assert different == []
