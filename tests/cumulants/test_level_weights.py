"""Weights that are functions of the design of a level, such as 1/(1 + N theta), against exact enumeration."""

import random
from fractions import Fraction

import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.parameters import cumulant_keys

THETA = Fraction(2, 3)


def statistics(model, by):
    S, N = model.total(model.y, by=by), model.size(by)
    weight = 1 / (1 + N * THETA)
    return [
        ma.over(by, weight * S**2 / N),
        ma.over(by, weight**2 * S),
        ma.over(by, weight * S) / ma.over(by, weight * N) * model.total(model.y),
        ma.over(by, S / (2 * N**2 + N)),
        ma.over(by, S / model.total(model.covariate("x") ** 2 + 1, by=by)),
    ]


@pytest.mark.parametrize(
    "model",
    [
        ma.Model("y ~ x + (1 | user)"),
        ma.Model("y ~ x + (1 | user) + (1 | item)"),
        ma.Model("y ~ x + (1 | user/item)", assume=ma.nested("item", "user")),
    ],
    ids=repr,
)
def test_weighted_statistics_agree_with_enumeration(model):
    rng = random.Random(repr(model))
    for _ in range(2):
        rows = [
            {"user": u, "item": (u, rng.randrange(2)) if "nested" in repr(model) else rng.randrange(2)} for u in "aabbb"
        ]
        rows = [{**row, "x": Fraction(rng.randrange(-2, 3))} for row in rows]
        frame = pd.DataFrame({name: [row[name] for row in rows] for name in ("user", "item", "x")}, dtype=object)
        keys = [*model.parameters, *(key for key, _, _ in cumulant_keys(model.resolved))]
        parameters = {key: Fraction(rng.randrange(-4, 9), 2) for key in keys}
        drawn = statistics(model, "user")
        for asked in [[s] for s in drawn] + [[drawn[0], drawn[1]], [drawn[2], drawn[1]], [drawn[0], drawn[0]]]:
            derived = model.cumulant(*asked, given=ma.design) if len(asked) > 1 else model.mean(*asked, given=ma.design)
            wanted = enumerate_cumulant(asked, rows, model.resolved, parameters)
            assert derived.evaluate(parameters=parameters, data=frame) == wanted, asked
            derived.verify()


def test_equal_denominators_are_one_whatever_number_stands_before_them():
    model = ma.Model("y ~ 1 + (1 | user)")
    S, N = model.total(model.y, by="user"), model.size("user")
    one, other = model.mean(3 * S / (3 + 2 * N), given=ma.design), model.mean(S / (1 + N * THETA), given=ma.design)
    assert one.canonical == other.canonical


def test_what_is_divided_by_has_moments_under_a_law():
    """By hand: S/(1 + 2N/3) with N = 1 or 3 is S/(5/3) or S/3."""
    model = ma.Model("y ~ 1 + (1 | user)")
    statistic = model.total(model.y, by="user") / (1 + model.size("user") * THETA)
    derived = model.var(statistic)
    law = [{"p": "1/2", "size(user)": 1}, {"p": "1/2", "size(user)": 3}]
    parameters = {"Intercept": 2, "var(1|user)": "1/3", "var(residual)": 1}
    given = [(Fraction(n), (1 + n * THETA)) for n in (1, 3)]
    within = sum((n**2 * Fraction(1, 3) + n) / w**2 for n, w in given) / 2
    means = [2 * n / w for n, w in given]
    assert derived.evaluate(parameters=parameters, law=law) == within + (means[0] - means[1]) ** 2 / 4
    derived.verify()


def test_two_levels_below_one_bar_are_refused_by_name():
    model = ma.Model("y ~ 1 + (1 | user)")
    S, N = model.total(model.y, by="user"), model.size("user")
    with pytest.raises(ma.UnsupportedError, match="two levels of one factor"):
        model.mean(S / (N + N.at("k")), given=ma.design)


def test_estimates_with_known_weights_are_those_of_the_equations():
    """Weighted with theta = 0 the equations are the unweighted ones, and with theta they are solved by the module."""
    frame = pd.DataFrame({"user": list("aabbbcdd"), "y": [1.0, 2, 4, 3, 6, 5, 9, 8]})
    model = ma.Model("y ~ 1 + (1 | user)")
    S, N, T = model.total(model.y, by="user"), model.size("user"), model.total(model.y**2)
    weight = 1 / (1 + N * THETA)
    mean = ma.over("user", weight * S) / ma.over("user", weight * N)
    statistics = {"Q": ma.over("user", weight / N * (S - N * mean) ** 2), "SSE": T - ma.over("user", S**2 / N)}
    table = model.moment_equations(statistics).coefficients(frame)
    found = model.fit(frame, statistics=statistics).params
    groups = frame.groupby("user").y
    w = 1 / (1 + groups.size() * float(THETA))
    centre = (w * groups.sum()).sum() / (w * groups.size()).sum()
    q = (w / groups.size() * (groups.sum() - groups.size() * centre) ** 2).sum()
    row = table.loc["Q"]
    assert row["var(1|user)"] * found["var(1|user)"] + row["var(residual)"] * found["var(residual)"] == pytest.approx(q)


def least_squares(model, level=None):
    """(Z'Z)^-1 Z'y of a level for Z = (1, x), by Cramer's rule."""
    x, y = model.covariate("x"), model.y
    S, P, N = model.total(y, by="g"), model.total(x * y, by="g"), model.size("g")
    A, B = model.total(x, by="g"), model.total(x**2, by="g")
    found = ((B * S - A * P) / (N * B - A**2), (N * P - A * S) / (N * B - A**2))
    return tuple(f.at(level) for f in found) if level else found


def test_denominators_of_a_level_cancel():
    """The covariances of a level's least squares are those of the coefficients, and var(residual) (Z'Z)^-1."""
    model = ma.Model("y ~ 0 + (1 + x | g)")
    fit = least_squares(model)
    for (n, m), key in {(0, 0): "var(1|g)", (0, 1): "cov(1,x|g)", (1, 1): "var(x|g)"}.items():
        derived = model.cov(fit[n], fit[m], given=ma.design)
        assert derived.verify()
        assert derived.result.coeff(model.parameter(key)) == 1
        assert derived.result.free_symbols & {model.parameter(k) for k in model.parameters} == {
            model.parameter(key),
            model.parameter("var(residual)"),
        }


@pytest.mark.parametrize("seed", range(3))
def test_denominators_of_another_level_do_not_cancel(seed):
    """D_k^-1 D_i is no 1: fits of two levels, and a fit over the other level's denominator, by enumeration."""
    rng = random.Random(seed)
    model = ma.Model("y ~ 0 + (1 + x | g) + (1 | h)")
    rows = [
        {"g": g, "h": rng.randrange(3), "x": Fraction(x)} for g, x in zip("aaabbb", (0, 1, 3, 2, -1, 5), strict=True)
    ]
    frame = pd.DataFrame({name: [row[name] for row in rows] for name in ("g", "h", "x")}, dtype=object)
    keys = [*model.parameters, *(key for key, _, _ in cumulant_keys(model.resolved))]
    parameters = {key: Fraction(rng.randrange(1, 9), 2) for key in keys}
    x, N = model.covariate("x"), model.size("g")
    determinant = N * model.total(x**2, by="g") - model.total(x, by="g") ** 2
    here, there = least_squares(model)[1], least_squares(model, "k")[1]
    mixed = model.total(x * model.y, by="g") * determinant / determinant.at("k")
    for asked in ((here, there), (mixed, there), (mixed, here)):
        derived = model.cov(*asked, given=ma.design)
        at = {"g": "a", "k": "b"}
        assert derived.evaluate(parameters=parameters, data=frame, at=at) == enumerate_cumulant(
            asked, rows, model.resolved, parameters, at
        )
        derived.verify()


def test_a_covariate_of_another_factor_in_a_denominator_is_replayed():
    model = ma.Model("y ~ 0 + (0 + X | b) + (1 | a)", levels={"X": "a"})
    X = model.covariate("X")
    slope = model.total(X * model.y, by="b") / model.total(X**2, by="b")
    derived = model.var(slope, given=ma.design)
    assert derived.verify()
    assert derived.result.coeff(model.parameter("var(X|b)")) == 1
