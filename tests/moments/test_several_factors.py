"""Systems of several factors and slopes: defaults, exact solutions, rank and what it is lost by."""

from __future__ import annotations

from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.check.parameters import ParameterValues
from momentalg.errors import NotIdentifiedError
from momentalg.expr.nodes import ZERO
from momentalg.moments.constants import Constants
from momentalg.moments.generic_design import generic_design
from momentalg.moments.identifiability import vanishing
from momentalg.moments.rational import echelon
from tests.statistics.designs import MODELS, random_parameters, random_rows, table_of
from tests.statistics.test_higher_moments import evaluated

SYSTEMS = [
    *((name, None) for name in MODELS),
    *(("classes", s) for s in ("minque0", "pairs", "totals", "type1", "type2", "gao_owen", "henderson1", "henderson3")),
    *((name, s) for name in ("crossed", "nested", "slope alone") for s in ("minque0", "pairs", "totals", "type2")),
    *((name, "gao_owen") for name in ("unreplicated", "interaction", "three")),
]


def expected_letters(equations, constants, value):
    return {
        e.name: sum((constants.value(c) * value(k) for k, c in e.coefficients.items()), Fraction(0)) for e in equations
    }


def solved(equations, constants, letters):
    """The equations solved at once, exactly."""
    unknowns = list(dict.fromkeys(key for e in equations for key in e.coefficients))
    rows = [[constants.value(e.coefficients.get(k, ZERO)) for k in unknowns] + [letters[e.name]] for e in equations]
    reduced, pivots = echelon(rows)
    assert pivots == list(range(len(unknowns)))
    return {key: row[-1] for key, row in zip(unknowns, reduced, strict=True)}


@pytest.mark.parametrize(("name", "statistics"), SYSTEMS)
def test_solutions_solve_their_equations(name, statistics):
    """From the expectations of the statistics, closed forms or the equations themselves give the parameters back."""
    model = MODELS[name]
    solution = model.moment_equations(statistics).solve()
    rows, parameters = random_rows(name, 8, 16), random_parameters(model, 8)
    constants, value = Constants(table_of(rows), model.resolved), ParameterValues(model.resolved, parameters)
    letters = expected_letters((*solution.system.common, *solution.equations), constants, value)
    found = {}
    for part, equations in ((solution.common, solution.system.common), (solution.variance, solution.equations)):
        if part is None:
            found.update(solved(equations, constants, letters))
        for assignment in part or ():
            found[assignment.key] = evaluated(assignment.value, letters, found, constants)
    assert set(solution.system.targets) <= set(found)
    assert found == {key: value(key) for key in found}


def test_defaults():
    """Henderson III for one random intercept, as ever; sums of squares within levels otherwise."""
    assert MODELS["one"].moment_equations().statistics == "henderson3"
    for name in ("crossed", "nested", "slope", "uncorrelated slope", "slope alone"):
        assert MODELS[name].moment_equations().statistics == "within"
    assert [e.name for e in MODELS["crossed"].moment_equations().variance] == ["U[a]", "U[b]", "RSS"]
    assert [e.name for e in MODELS["slope"].moment_equations().variance] == ["Q[1|a]", "Q[1,x|a]", "Q[x|a]", "U[a]"]


@pytest.mark.parametrize("name", ["crossed", "interaction", "nested", "three levels", "slope", "slope alone"])
def test_small_systems_have_closed_forms(name):
    assert MODELS[name].moment_equations().solve().variance is not None


def test_larger_systems_are_left_to_numerics():
    assert MODELS["three"].moment_equations().solve().variance is None


UNREPLICATED = ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", assume=[ma.unreplicated("a:b")])


def test_the_design_total_that_a_fact_makes_zero_is_named():
    """Without replicates only the sum of interaction and residual is estimable, as U[a:b] has nothing in it."""
    with pytest.raises(NotIdentifiedError) as error:
        UNREPLICATED.moment_equations().solve()
    text = str(error.value)
    assert "do not separate var(1|a:b), var(residual)" in text
    assert "Estimable: var(1|a); var(1|b); var(1|a:b) + var(residual)" in text
    assert "By ma.unreplicated('a:b') these design constants are zero: n - r" in text
    assert "of var(residual) in U[a:b]" in text
    assert "system.solve(['var(1|a)', 'var(1|b)'])" in text


def test_what_stays_identified_is_solved_for():
    system = UNREPLICATED.moment_equations()
    solution = system.solve(["var(1|a)", "var(1|b)"])
    assert [a.key for a in solution.variance] == ["var(1|a)", "var(1|b)"]
    rows = random_rows("unreplicated", 3, 7)
    constants = Constants(table_of(rows), UNREPLICATED.resolved)
    values = {"var(1|a)": Fraction(2), "var(1|b)": Fraction(3), "var(1|a:b)": Fraction(5), "var(residual)": Fraction(7)}
    letters = expected_letters(solution.equations, constants, values.__getitem__)
    assert [evaluated(a.value, letters, {}, constants) for a in solution.variance] == [2, 3]


def test_constants_that_vanish_on_data_are_named():
    """One row in each cell: n - r[a:b] is zero on these data, though not in general."""
    model = MODELS["interaction"]
    system = model.moment_equations()
    rows = random_rows("unreplicated", 3, 7)
    constants = Constants(table_of(rows), model.resolved)
    values = {e.name: {k: float(constants.value(c)) for k, c in e.coefficients.items()} for e in system.variance}
    found = vanishing(system, values, len(rows))
    assert len(found) == 1
    assert found[0].startswith("n - r[")
    assert found[0].endswith("of var(residual) in U[a:b]")
    full = Constants(table_of(random_rows("interaction", 8, 16)), model.resolved)
    values = {e.name: {k: float(full.value(c)) for k, c in e.coefficients.items()} for e in system.variance}
    assert vanishing(system, values, 16) == ()


def test_confounded_factors_are_told():
    """A factor with one row at each level is the residual."""
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.nested("a", "b"), ma.unreplicated("a")])
    with pytest.raises(NotIdentifiedError, match=r"var\(1\|a\)"):
        model.moment_equations().solve()


@pytest.mark.parametrize("name", MODELS)
def test_generic_designs_hold_what_is_declared(name):
    model = MODELS[name].resolved
    for seed in (1, 2, 3):
        design = generic_design(model, seed)
        assert design.rows >= 8
        for by in model.unreplicated:
            assert len(set(design.cells(by))) == design.rows
        for inner, outer in model.local_to.items():
            assert len(set(design.cells((inner,)))) == len(set(design.cells((inner, outer))))
        for variable, by in model.constant_on.items():
            if variable in design.values:
                pairs = set(zip(design.cells(by), design.values[variable], strict=True))
                assert len(pairs) == len(set(design.cells(by)))
    if name == "crossed":
        cells = design.cells(("a", "b"))
        assert len(set(cells)) < design.rows, "some cells are replicated"


def test_fixed_factors_without_known_levels_are_projected_off():
    """Symbolic equations take the levels of the fixed factor as columns; the levels themselves come from data."""
    model = ma.Model("y ~ 1 + f + (1 | a) + (1 | b)", fixed=["f"])
    system = model.moment_equations()
    assert system.common == ()
    assert str(system.variance[0].statistic) == "RSS(1, f, a)"
    assert set(system.targets) == {"var(1|a)", "var(1|b)", "var(residual)"}
    assert system.solve().variance is not None
