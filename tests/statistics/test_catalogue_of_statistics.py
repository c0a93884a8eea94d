"""Every named statistic: what it says of itself, its expectation, its cost, and the estimators it gives."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.quadratic import QuadraticOracle
from momentalg.cumulants.cost import cost
from momentalg.errors import DataError
from momentalg.expr.nodes import LevelColumns, Node, Projected
from momentalg.expr.traversal import walk
from momentalg.moments.constants import constant_value
from momentalg.statistics.projection import residual_sum_of_squares
from tests.cumulants.support import given_design, table_of

STATISTICS = ma.statistics()
# Of the intercept alone, or of all coefficients being random; see test_higher_moments and test_families_of_any_model.
NO_COMMON_TERMS = {"third_moments", "fourth_moments", "swamy", "bootstrap"}
MODELS = [
    ma.Model("y ~ 1 + (1 | user)"),
    ma.Model("y ~ 1 + x + (1 | user)"),
    ma.Model("y ~ 1 + X + size(user) + (1 | user)", levels={"X": "user"}),
]
ROWS = [
    {"user": f"u{i}", "X": 3 * i * i - 4, "x": Fraction(7 * i - j * j, 2)}
    for i, size in enumerate((1, 3, 2, 4))
    for j in range(size)
]
FRAME = pd.DataFrame(ROWS).assign(y=0)
PARAMETERS = {"Intercept": 3, "x": 2, "X": -1, "size(user)": 5, "var(1|user)": 7, "var(residual)": 11}


def parameters_of(model):
    """Values for the parameters that the model has."""
    means = {column.key for column in model.resolved.mean}
    return {key: value for key, value in PARAMETERS.items() if key.startswith("var") or key in means}


@pytest.mark.parametrize("entry", STATISTICS.values(), ids=STATISTICS)
def test_an_entry_says_what_it_is(entry):
    assert entry.title
    assert entry.definition.count("=") >= 1
    assert any(character.isdigit() for character in entry.source), "a year"
    models = MODELS[:1] if entry.name in NO_COMMON_TERMS else MODELS
    assert all(isinstance(s.node, Node) for model in models for s in entry.build(model.resolved))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.formula)
@pytest.mark.parametrize(
    "entry", [STATISTICS[name] for name in STATISTICS if name not in NO_COMMON_TERMS], ids=lambda e: e.name
)
def test_expectations_are_traces_plus_forms_in_the_mean(entry, model):
    parameters = parameters_of(model)
    oracle = QuadraticOracle(ROWS, model.resolved, parameters)
    for named in (s for s in entry.build(model.resolved) if s.form is None):
        if any(isinstance(part, Projected) for part in walk(named.node)):
            coefficients = ma.Model.moment_equations(model, {named.name: named.node}).variance[0].coefficients
            table = table_of(ROWS)
            found = sum(constant_value(c, table, model.resolved) * parameters[k] for k, c in coefficients.items())
        else:
            found = model.mean(named.node, given=ma.design).evaluate(parameters=parameters, data=FRAME)
        assert found == oracle.mean(named.node)


@pytest.mark.parametrize("name", ["henderson1", "pairs", "totals", "unweighted_means"])
def test_what_one_factor_costs_is_linear_in_its_levels(name):
    model = MODELS[0].resolved
    for named in STATISTICS[name].build(model):
        for arguments in ([named.node], [named.node, named.node]):
            found = cost(given_design(arguments, model))
            assert found.indices == 0
            assert set(found.tables) <= {(), ("user",)}


def test_projections_are_written_out_where_they_are_simple():
    intercept, level = MODELS[0].resolved, MODELS[2].resolved
    assert not any(isinstance(p, Projected) for p in walk(residual_sum_of_squares(((),), intercept)))
    columns = tuple(c.monomial for c in level.mean)
    within = residual_sum_of_squares((*columns, LevelColumns(("user",))), level)
    assert not any(isinstance(p, Projected) for p in walk(within)), "constant within users: projected off with them"
    assert isinstance(residual_sum_of_squares(columns, level), Projected)


def test_all_written_projections_equal_the_matrices():
    """Henderson III and MINQUE(0), written out or not, are their matrices on data."""
    for model in MODELS:
        resolved = model.resolved
        oracle = QuadraticOracle(ROWS, resolved, parameters_of(model))
        columns = tuple(c.monomial for c in resolved.mean)
        full = oracle.form(Projected((*columns, LevelColumns(("user",))))).matrix
        assert oracle.form(residual_sum_of_squares((*columns, LevelColumns(("user",))), resolved)).matrix == full


def test_a_division_by_a_size_of_zero_does_not_happen_silently():
    model = MODELS[0]
    with pytest.raises(DataError):
        model.mean(1 / (model.size() - 10), given=ma.design).evaluate(parameters=parameters_of(model), data=FRAME)
