"""Random cases are reproducible, small, and of the degree that was asked for."""

from __future__ import annotations

from functools import cache

import pytest

from momentalg.check.enumeration import Enumeration
from momentalg.check.parameters import ParameterValues
from momentalg.check.random_cases import MOST_OBSERVATIONS, random_case, random_unit_case
from momentalg.check.sample import Sample, design_scope
from momentalg.expr.nodes import Add, Pow
from momentalg.expr.traversal import walk


@pytest.mark.parametrize("factors", [1, 2, 3, 4])
def test_the_same_seed_gives_the_same_case(factors):
    assert random_case(7, factors) == random_case(7, factors)
    assert random_case(7, factors) != random_case(8, factors)
    assert random_unit_case(7) == random_unit_case(7)


@pytest.mark.parametrize("factors", [1, 2, 3, 4])
def test_cases_are_small_and_of_their_degree(factors):
    for seed in range(30):
        case = random_case(seed, factors, (2, 1))
        assert len(case.rows) <= MOST_OBSERVATIONS
        sample = Sample(dict(enumerate(case.rows)))
        enumeration = Enumeration(sample, case.model, ParameterValues(case.model, case.parameters))
        for statistic, degree in zip(case.statistics, (2, 1), strict=True):
            polynomial = enumeration.polynomial(statistic, design_scope(sample, case.model, case.at))
            assert {len(monomial) for monomial in polynomial} <= {degree}


def count(case, columns):
    """How many different labels the rows have."""
    return len({tuple(row.get(c) for c in columns) for row in case.rows})


@cache
def cases():
    return [random_case(seed, factors) for seed in range(100) for factors in (2, 3, 4)]


def some_model(holds):
    return lambda: any(holds(case.model) for case in cases())


def some_block(holds):
    return lambda: any(holds(block, case.model) for case in cases() for block in case.model.groups)


def some_table(holds):
    return lambda: any(holds(case) for case in cases())


def some_monomial(holds):
    return lambda: any(holds(column.monomial) for case in cases() for column in case.model.mean)


def degree(case):
    sample = Sample(dict(enumerate(case.rows)))
    enumeration = Enumeration(sample, case.model, ParameterValues(case.model, case.parameters))
    scope = design_scope(sample, case.model, case.at)
    return sum(max(map(len, enumeration.polynomial(s, scope)), default=0) for s in case.statistics)


COVERED = {
    "replicated cells": some_table(lambda c: count(c, c.model.columns) < len(c.rows)),
    "empty cells": some_table(lambda c: count(c, ("user", "item")) < count(c, ("user",)) * count(c, ("item",))),
    "declared nesting": some_model(lambda m: m.local_to),
    "nesting of three columns": some_model(lambda m: set(m.local_to.values()) & set(m.local_to)),
    "nested labels that repeat": some_table(
        lambda c: "item" in c.model.local_to and count(c, ("item",)) < count(c, ("user", "item"))
    ),
    "nested labels that do not repeat": some_model(
        lambda m: any(b.factor == ("item",) for b in m.groups) and m.local_to
    ),
    "cells declared to have one observation": some_model(lambda m: m.unreplicated),
    "four factors": some_model(lambda m: len(set(m.factors)) >= 4),
    "uncorrelated coefficients": some_model(lambda m: len(set(m.factors)) < len(m.groups)),
    "interactions": some_block(lambda b, m: m.closure(b.factor) > m.closure(b.factor[-1:])),
    "correlated slopes": some_block(lambda b, _: len(b.coefficients) > 2),
    "slopes without intercept": some_block(lambda b, _: b.coefficients[0].key != "1"),
    "slopes in what is constant": some_block(
        lambda b, m: any(variable in m.constant_on for column in b.coefficients for variable, _ in column.monomial)
    ),
    "sizes as covariates": some_monomial(lambda monomial: any(v.kind == "size" for v, _ in monomial)),
    "products of covariates": some_monomial(lambda monomial: len(monomial) > 1),
    "weights such as 1/(1 + N theta)": some_table(
        lambda c: any(
            isinstance(p, Pow) and p.exponent < 0 and isinstance(p.base, Add) for s in c.statistics for p in walk(s)
        )
    ),
    "degree eight": some_table(lambda c: degree(c) == 8),
}


@pytest.mark.parametrize("what", COVERED)
def test_cases_cover_what_they_are_for(what):
    assert COVERED[what]()


def test_unit_cases_cover_their_covariates():
    keys = {column.key for seed in range(60) for column in random_unit_case(seed).model.mean}
    assert keys == {"Intercept", "x", "X", "size(user)", "x:X", "I(x**2)"}
