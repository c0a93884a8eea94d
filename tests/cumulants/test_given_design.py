"""The core identity against two oracles, on random designs, models and statistics, exactly."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.quadratic import QuadraticOracle
from momentalg.check.random_cases import DEGREES, random_case
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.polynomial import Polynomial
from momentalg.expr.nodes import Effect
from tests.cumulants.support import LONG, engine_value, given_design

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


@pytest.mark.parametrize("assume", [(), ma.goes_with("z", "user")], ids=["fixed", "goes with"])
def test_a_slope_as_a_draw_does_not_carry_its_covariate(assume):
    """Cov(b_i, S_i) = N_i cov(1, x) + X_i var(x), for the slope b of x: X_i comes with the response alone."""
    model = ma.Model("y ~ 1 + x + z + (1 + x | user)", assume=assume)
    slope, total = Effect(("user",), "x"), model.total(model.y, by="user")
    design = model.size("user"), model.total(model.covariate("x"), by="user")
    size, x = (given_design([constant], model.resolved) for constant in design)
    wanted = size * Polynomial.symbol("cov(1,x|user)") + x * Polynomial.symbol("var(x|user)")
    if assume:
        wanted = wanted + size * Polynomial.symbol("z") * Polynomial.symbol("cov(x,1@z|user)")
    assert given_design([slope, total], model.resolved) == wanted
    assert given_design([slope, slope], model.resolved) == Polynomial.symbol("var(x|user)")


@pytest.mark.parametrize("user", ["u0", "u1"])
def test_what_two_named_levels_share_is_nothing_where_their_cell_is_empty(user):
    """Cov(sum_ij T_ij/n_ij, S_k S_.j | design) has terms of the cell of k and j alone: there, n_kj/n_kj is no 1."""
    model = ma.Model("y ~ 1 + (1 | user) + (1 | item)")
    rows = [{"user": u, "item": i} for u, i in (("u1", "i0"), ("u1", "i1"), ("u0", "i1"), ("u1", "i0"))]
    parameters = {"Intercept": Fraction(1, 2)} | {
        f"{'var' if order == 2 else f'k{order}'}({of})": Fraction(order, n)
        for n, of in enumerate(("1|user", "1|item", "residual"), 2)
        for order in (2, 3, 4)
    }
    means = ma.over("user:item", model.total(model.y**2, by="user:item") / model.size("user:item"))
    product = model.total(model.y, by="user").at("k") * model.total(model.y, by="item")
    found = model.cov(means, product, given=ma.design)
    at = {"user": "u1", "item": "i0", "k": user}
    wanted = enumerate_cumulant((means, product), rows, model.resolved, parameters, at)
    table = DesignTable({c: [row[c] for row in rows] for c in ("user", "item")}, {}, len(rows))
    free = {("user", "k"): user, ("item", "i"): "i0"}
    assert evaluate(given_design((means, product), model.resolved), parameters, table, free) == wanted
    assert found.evaluate(parameters=parameters, data=pd.DataFrame(rows), at={"item": "i0", "k": user}) == wanted
    found.verify()
