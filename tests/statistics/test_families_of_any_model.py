"""Every family for models of several factors and slopes: refused by name, or derived as the oracle has it."""

from __future__ import annotations

from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.check.parameters import ParameterValues
from momentalg.check.quadratic import QuadraticOracle
from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import ONE, ZERO
from momentalg.moments.constants import Constants
from momentalg.moments.expectation import expectation
from momentalg.moments.rational import echelon
from tests.cumulants.support import LONG
from tests.statistics.designs import MODELS, random_parameters, random_rows, table_of

HIGHER = ("third_moments", "fourth_moments")  # see test_higher_moments
STATISTICS = {name: family for name, family in ma.statistics().items() if name not in ("normal_equations", *HIGHER)}
SLOPES = {"slope", "uncorrelated slope", "slope alone", "slope and crossed", "two slopes"}
CORRELATED = {"slope", "slope and crossed", "two slopes"}
NESTED = {"one", "nested", "three levels", "nested, inner first"}
ONE_FACTOR = {"one", "slope", "uncorrelated slope", "two slopes"}
COMMON = {"crossed, covariate", "crossed, level covariate", "crossed, size", "fixed factor", "weights"}
REFUSED = {
    "bootstrap": SLOPES | COMMON,
    "gao_owen": SLOPES,
    "henderson1": SLOPES,
    "henderson3": CORRELATED,
    "type1": CORRELATED,
    "type2": CORRELATED,
    "unweighted_means": set(MODELS) - NESTED,
    "perry": set(MODELS) - ONE_FACTOR,
    "swamy": set(MODELS) - {"one", "slope"},
}
PAIRS = [(family, name) for family in STATISTICS for name in MODELS if name not in REFUSED.get(family, ())]
DESIGNS = 5 if LONG else 1


def builds(family, name):
    return STATISTICS[family].build(MODELS[name].resolved)


@pytest.mark.parametrize(("family", "name"), [(f, m) for f in REFUSED for m in sorted(REFUSED[f])])
def test_families_without_a_meaning_for_a_model_are_refused_by_name(family, name):
    with pytest.raises(UnsupportedError, match="use statistics="):
        builds(family, name)


@pytest.mark.parametrize(("family", "name"), PAIRS)
def test_expectations_are_those_of_the_matrices(family, name):
    """tr(AV) + m'Am, with A found by evaluating the statistic at unit vectors."""
    model = MODELS[name]
    for seed in range(DESIGNS):
        rows = random_rows(name, seed, 20 if family == "swamy" else 10)  # levels that have an inverse
        parameters = random_parameters(model, seed)
        oracle = whole = QuadraticOracle(rows, model.resolved, parameters)
        means = [str(c.key) for c in model.resolved.mean]
        constants, value = Constants(table_of(rows), model.resolved), ParameterValues(model.resolved, parameters)
        for named in builds(family, name):
            terms = expectation(named.node, model.resolved, named.form).items()
            if named.form is not None:  # without means the form in them is zero
                assert dict(terms)[named.form] == ONE
                terms = [(k, c) for k, c in terms if k != named.form]
                oracle = QuadraticOracle(rows, model.resolved, {**parameters, **dict.fromkeys(means, 0)})
            assert sum((constants.value(c) * value(k) for k, c in terms), Fraction(0)) == oracle.mean(named.node)
            oracle = whole


@pytest.mark.parametrize(("family", "name"), PAIRS)
def test_names_are_distinct_and_costs_are_known(family, name):
    names = [named.name for named in builds(family, name)]
    assert len(set(names)) == len(names)
    assert STATISTICS[family].cost(MODELS[name]).indices <= (0 if family in ("within", "gao_owen", "totals") else 3)


def reduced_rank(model, statistics, keys, constants):
    rows = [[constants.value(expectation(s.node, model).get(k, ZERO)) for k in keys] for s in statistics]
    return len(echelon(rows)[1])


def test_within_spans_henderson_three_for_one_factor():
    """Two equations of one system are combinations of those of the other: the same estimators."""
    model = MODELS["one"].resolved
    forms = {}
    rows = random_rows("one", 3)
    oracle = QuadraticOracle(rows, model, random_parameters(MODELS["one"], 3))
    for family in ("within", "henderson3"):
        forms[family] = [[x for line in oracle.form(s.node).matrix for x in line] for s in builds(family, "one")]
    assert len(echelon(forms["within"])[1]) == 2
    assert len(echelon([*forms["within"], *forms["henderson3"]])[1]) == 2


def test_type_one_is_sequential_and_type_two_is_not():
    """Type I of the last factor is its Type II; of the first it is not, when the design is unbalanced."""
    rows = random_rows("crossed", 1)
    oracle = QuadraticOracle(rows, MODELS["crossed"].resolved, random_parameters(MODELS["crossed"], 1))
    first, second = ({s.name: oracle.form(s.node).matrix for s in builds(f, "crossed")} for f in ("type1", "type2"))
    assert first["SS[b]"] == second["SS[b]"]
    assert first["SSE"] == second["SSE"]
    assert first["SS[a]"] != second["SS[a]"]


def test_a_factor_comes_before_those_nested_in_it():
    """Whatever the formula's order: otherwise the reduction by the outer factor would be nothing."""
    for family in ("henderson3", "type1"):
        assert [s.name[-3:] for s in builds(family, "nested, inner first")] == ["[a]", "[b]", "SSE"]


def test_swamy_has_the_coefficients_of_its_paper():
    """E S = (r - 1) G + s_e^2 (1 - 1/r) sum (Z_i'Z_i)^-1, entry by entry; the means cancel."""
    rows, model = random_rows("slope", 1, 20), MODELS["slope"].resolved
    constants, inverses = Constants(table_of(rows), model), [Fraction(0)] * 3
    levels = {row["a"] for row in rows}
    for level in levels:
        xs = [row["x"] for row in rows if row["a"] == level]
        n, s1, s2 = len(xs), sum(xs), sum(x**2 for x in xs)
        entries = (s2, -s1, n)
        inverses = [a + Fraction(b) / (n * s2 - s1**2) for a, b in zip(inverses, entries, strict=True)]
    r, keys = len(levels), ("var(1|a)", "cov(1,x|a)", "var(x|a)")
    for named, key, inverse in zip(builds("swamy", "slope"), keys, inverses, strict=False):
        found = {k: constants.value(c) for k, c in expectation(named.node, model).items()}
        assert found == {key: r - 1, "var(residual)": (1 - Fraction(1, r)) * inverse}


def test_perry_is_the_within_system_of_a_slope():
    """With weights W_i = Z_i'Z_i no level is inverted, and the moments are those of the residuals' totals."""
    perry, within = builds("perry", "slope"), builds("within", "slope")
    assert [s.node for s in perry] == [s.node for s in within]
