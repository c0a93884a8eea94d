"""Random cases are reproducible, small, and of the degree that was asked for."""

from __future__ import annotations

import pytest

from momentalg.check.enumeration import Enumeration
from momentalg.check.parameters import ParameterValues
from momentalg.check.random_cases import MOST_OBSERVATIONS, random_case, random_unit_case
from momentalg.check.sample import Sample, design_scope


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_the_same_seed_gives_the_same_case(factors):
    assert random_case(7, factors) == random_case(7, factors)
    assert random_case(7, factors) != random_case(8, factors)
    assert random_unit_case(7) == random_unit_case(7)


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_cases_are_small_and_of_their_degree(factors):
    for seed in range(30):
        case = random_case(seed, factors, (2, 1))
        assert len(case.rows) <= MOST_OBSERVATIONS
        sample = Sample(dict(enumerate(case.rows)))
        enumeration = Enumeration(sample, case.model, ParameterValues(case.model, case.parameters))
        for statistic, degree in zip(case.statistics, (2, 1), strict=True):
            polynomial = enumeration.polynomial(statistic, design_scope(sample, case.model, case.at))
            assert {len(monomial) for monomial in polynomial} <= {degree}


def test_cases_cover_what_they_are_for():
    cases = [random_case(seed, 2) for seed in range(60)]
    cells = [[(row["user"], row["item"]) for row in case.rows] for case in cases]
    assert any(len(set(c)) < len(c) for c in cells), "replicated cells"
    assert any(case.model.local_to for case in cases), "nesting"
    assert any(len(block.coefficients) > 1 for case in cases for block in case.model.groups), "random slopes"
    assert any(len(block.factor) > 1 for case in cases for block in case.model.groups), "interactions"
    keys = {column.key for seed in range(60) for column in random_case(seed).model.mean}
    assert keys == {"Intercept", "x", "X", "size(user)", "x:X", "I(x**2)"}
