"""The core identity against two oracles, on random designs, models and statistics, exactly."""

from __future__ import annotations

import pytest

from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.quadratic import QuadraticOracle
from momentalg.check.random_cases import DEGREES, random_case
from tests.cumulants.support import LONG, engine_value

ONE_FACTOR = range(3000 if LONG else 120)
SEVERAL = range(400 if LONG else 30)
SLOPES = range(300 if LONG else 12)
QUADRATIC = range(600 if LONG else 30)


def enumerated(case):
    return enumerate_cumulant(case.statistics, case.rows, case.model, case.parameters, case.at)


def disagreements(cases):
    return [case.seed for case in cases if engine_value(case) != enumerated(case)]


def test_one_factor():
    assert disagreements(random_case(seed) for seed in ONE_FACTOR) == []


def test_one_factor_with_slopes():
    degrees = (None, (2, 2), (1, 1, 1))
    assert disagreements(random_case(seed, 1, degrees[seed % 3], slopes=True) for seed in QUADRATIC) == []


@pytest.mark.parametrize("factors", [2, 3])
def test_several_factors(factors):
    cases = (random_case(seed, factors, DEGREES[seed % len(DEGREES)], slopes=seed % 5 == 0) for seed in SEVERAL)
    assert disagreements(cases) == []


@pytest.mark.parametrize("degrees", [(2,), (1, 2), (2, 2)])
def test_matrices(degrees):
    different = []
    for seed in QUADRATIC:
        case = random_case(seed, 1, degrees)
        oracle = QuadraticOracle(case.rows, case.model, case.parameters)
        found = (oracle.mean if len(degrees) == 1 else oracle.covariance)(*case.statistics, case.at)
        if found != engine_value(case):
            different.append(seed)
    assert different == []
