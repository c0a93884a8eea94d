"""The core identity for any number of factors, on random designs, models and statistics, against two oracles, exactly.

Factors are crossed, partly crossed or nested, with interactions and correlated slopes, up to degree eight.
"""

from __future__ import annotations

import pytest

from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.quadratic import QuadraticOracle
from momentalg.check.random_cases import random_case
from tests.cumulants.support import LONG, engine_value

CHUNKS = range(28 if LONG else 1)  # of 50 cases, for each number of label columns
FACTORS = (1, 2, 3, 4)


def chunk(number):
    return range(50 * number, 50 * (number + 1))


@pytest.mark.parametrize("part", CHUNKS)
@pytest.mark.parametrize("factors", FACTORS)
def test_joint_cumulants_of_any_statistics(factors, part):
    different = []
    for seed in chunk(part):
        case = random_case(seed, factors)
        if engine_value(case) != enumerate_cumulant(case.statistics, case.rows, case.model, case.parameters, case.at):
            different.append(seed)
    assert different == []


@pytest.mark.parametrize("part", range(len(CHUNKS) // 7 + 1))
@pytest.mark.parametrize("factors", FACTORS)
def test_means_and_covariances_of_quadratic_forms(factors, part):
    different = []
    for seed in chunk(part):
        degrees = ((2,), (1, 2), (2, 2))[seed % 3]
        case = random_case(seed, factors, degrees, slopes=True)
        oracle = QuadraticOracle(case.rows, case.model, case.parameters)
        moment = oracle.mean if len(degrees) == 1 else oracle.covariance
        if moment(*case.statistics, case.at) != engine_value(case):
            different.append(seed)
    assert different == []
