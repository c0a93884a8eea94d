"""Third and fourth cumulants: derived expectations against enumeration, published forms, and solutions."""

from __future__ import annotations

from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import Hat, Letter, Parameter
from momentalg.moments.constants import Constants
from momentalg.moments.expectation import expectation, parameters_in
from tests.statistics.designs import MODELS, random_rows, table_of

HIGHER = ("third_moments", "fourth_moments")
PRIMES = (2, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
CASES = [(family, name) for family in HIGHER for name in ("one", "crossed", "nested")]


def values_of(model, *orders):
    keys = [f"var(1|{b.name})" for b in model.groups] + ["var(residual)"]
    higher = [k.replace("var", f"k{order}") for order in orders for k in keys]
    return {k: Fraction(p, 3) for k, p in zip(["Intercept", *keys, *higher], PRIMES, strict=False)}


def product(key, values):
    """The value of an unknown that is a product of parameters."""
    result = Fraction(1)
    for part in key.replace("**2", "").split("*"):
        result *= values[part] ** (2 if key.endswith("**2") else 1)
    return result


def constants_of(rows, model):
    return Constants(table_of(rows), model.resolved)


@pytest.mark.parametrize(("family", "name"), CASES)
def test_expectations_are_those_of_enumeration(family, name):
    model, rows = MODELS[name], random_rows(name, 4, 5)
    values, constants = values_of(model.resolved, 3, 4), constants_of(rows, model)
    for named in ma.statistics()[family].build(model.resolved):
        found = expectation(named.node, model.resolved)
        total = sum((constants.value(c) * product(k, values) for k, c in found.items()), Fraction(0))
        assert total == enumerate_cumulant([named.node], rows, model.resolved, values)


def test_fourth_moments_hold_the_coefficients_of_the_second():
    """The matrix of the fourth cumulants is that of the variance components (Gao and Owen 2017, section 4.2)."""
    for name in ("crossed", "interaction", "three"):
        model = MODELS[name].resolved
        equations = MODELS[name].moment_equations("fourth_moments").variance
        second, fourth = equations[: len(model.groups)], equations[len(model.groups) + 1 : -1]
        for u, w in zip(second, fourth, strict=True):
            assert {k.replace("var", "k4"): c for k, c in u.coefficients.items()} == {
                k: c for k, c in w.coefficients.items() if k.startswith("k4")
            }


@pytest.mark.parametrize(("family", "name"), CASES)
def test_solutions_give_the_cumulants_back(family, name):
    """From expectations, the assignments in their order give every parameter, products of components included."""
    model, rows = MODELS[name], random_rows(name, 2, 20)
    values, constants = values_of(model.resolved, 3 + HIGHER.index(family)), constants_of(rows, model)
    system = model.moment_equations(family)
    solution = system.solve()
    letters = {
        e.name: sum((constants.value(c) * product(k, values) for k, c in e.coefficients.items()), Fraction(0))
        for e in system.variance
    }
    known = {}
    for assignment in solution.variance:
        known[assignment.key] = evaluated(assignment.value, letters, known, constants)
    assert known == {key: values[key] for key in known}
    assert set(known) == set(values) - {"Intercept"}


def evaluated(node, letters, known, constants):
    from momentalg.expr.nodes import Add, Mul, Pow

    match node:
        case Letter(name):
            return letters[name]
        case Hat(Parameter(key)):
            return known[key]
        case Add(args):
            return sum((evaluated(a, letters, known, constants) for a in args), Fraction(0))
        case Mul(args):
            result = Fraction(1)
            for a in args:
                result *= evaluated(a, letters, known, constants)
            return result
        case Pow(base, exponent):
            return evaluated(base, letters, known, constants) ** exponent
    return constants.value(node)


def test_one_fourth_cumulant_needs_the_components_in_its_equation_alone():
    solution = MODELS["one"].moment_equations("fourth_moments").solve("k4(residual)")
    assert [e.name for e in solution.equations] == ["U[a]", "W[a]"]
    assert solution.common == ()


def test_products_of_components_are_plugged_in():
    system = MODELS["crossed"].moment_equations("fourth_moments")
    assert "var(1|a)*var(1|b)" in system.plugged_in
    assert parameters_in("var(1|a)*var(1|b)") == ("var(1|a)", "var(1|b)")
    assert {"k4(1|a)", "k4(1|b)", "k4(residual)"} < set(system.targets)
    assert MODELS["crossed"].moment_equations("third_moments").plugged_in == ()


@pytest.mark.parametrize("family", HIGHER)
@pytest.mark.parametrize("name", ["slope", "crossed, covariate"])
def test_models_without_such_moments_are_refused(family, name):
    with pytest.raises(UnsupportedError, match="use statistics="):
        MODELS[name].moment_equations(family)
