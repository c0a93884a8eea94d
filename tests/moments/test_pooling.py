"""Pooling: mean squared errors by enumeration of all outcomes, the minimum by search, BLUP as ridge regression."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import ModelError, RuleError, UnsupportedError
from momentalg.expr.sympy_door import to_sympy
from momentalg.moments import ridge as ridges

ONE = ma.Model("y ~ 1 + (1 | user)")
SHRINKAGES = [Fraction(n, 4) for n in range(-1, 6)]


def enumerated(rows, own, spread, shrinkage):
    """(variance, squared bias) of lambda Ybar + (1 - lambda) mu over all signs of effects of +-spread, by hand.

    `rows` are the observations of one level, each the names of the effects in it; `own` are those of the truth.
    """
    names = sorted({name for row in rows for name in row})
    others = [n for n in names if n not in own]
    variance = bias = Fraction(0)
    for fixed in product((-1, 1), repeat=len(own)):
        known = dict(zip(own, fixed, strict=True))
        errors = []
        for free in product((-1, 1), repeat=len(others)):
            sign = {**known, **dict(zip(others, free, strict=True))}
            value = {n: sign[n] * spread[n[0]] for n in names}
            mean = sum((value[n] for row in rows for n in row), Fraction(0)) / len(rows)
            errors.append(shrinkage * mean - sum((value[n] for n in own), Fraction(0)))
        centre = sum(errors, Fraction(0)) / len(errors)
        variance += sum((e - centre) ** 2 for e in errors) / len(errors)
        bias += centre**2
    return variance / 2 ** len(own), bias / 2 ** len(own)


@pytest.mark.parametrize("shrinkage", SHRINKAGES)
def test_variance_and_bias_are_those_of_all_outcomes(shrinkage):
    rows = [("a", f"e{n}") for n in range(3)]
    values = ONE.pooling().evaluate({"Intercept": 5, "var(1|user)": 4, "var(residual)": 9}, size=3)
    found = enumerated(rows, ["a"], {"a": Fraction(2), "e": Fraction(3)}, shrinkage)
    assert (values.variance(shrinkage), values.bias2(shrinkage)) == found
    assert values.mse(shrinkage) == sum(found)


@pytest.mark.parametrize(("by", "own"), [("a", ["a"]), ("a:b", ["a", "b1"])])
@pytest.mark.parametrize("shrinkage", SHRINKAGES[::2])
def test_effects_of_other_factors_are_noise(by, own, shrinkage):
    """Level p of a has two rows in b1 and one in b2; of the cell (p, b1) the effects of both are the truth."""
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
    frame = pd.DataFrame({"a": list("pppq"), "b": ["1", "1", "2", "1"]})
    parameters = {"Intercept": 5, "var(1|a)": 4, "var(1|b)": 1, "var(residual)": 9}
    values = model.pooling(by).evaluate(parameters, data=frame, at={"a": "p", "b": "1"} if ":" in by else {"a": "p"})
    rows = [("a", "b1", "e1"), ("a", "b1", "e2"), ("a", "b2", "e3")][: 2 if ":" in by else 3]
    found = enumerated(rows, own, {"a": Fraction(2), "b": Fraction(1), "e": Fraction(3)}, shrinkage)
    assert (values.variance(shrinkage), values.bias2(shrinkage)) == found


def test_the_minimiser_and_the_three_poolings():
    values = ONE.pooling().evaluate({"Intercept": 0, "var(1|user)": "1/2", "var(residual)": 3}, size=4)
    best = min((values.mse(Fraction(n, 1000)), Fraction(n, 1000)) for n in range(1001))
    assert values.minimiser == Fraction(4) / (4 + Fraction(3) / Fraction(1, 2)) == best[1]
    assert values.partial == best[0] < min(values.none, values.complete)
    assert (values.none, values.complete) == (Fraction(3, 4), Fraction(1, 2))
    curve = values.curve(5)
    assert [row[0] for row in curve] == [Fraction(n, 4) for n in range(5)]
    assert curve[0][3] == values.complete
    assert curve[-1][3] == values.none


@pytest.mark.parametrize(
    ("formula", "by"),
    [
        ("y ~ 1 + (1 | user)", None),
        ("y ~ 1 + x + (1 | user)", None),
        ("y ~ 1 + x + (1 + x | user)", None),
        ("y ~ 1 + (1 | a/b)", "a"),
        ("y ~ 1 + (1 | a/b)", "a:b"),
        ("y ~ 1 + (1 | a) + (1 | b)", "b"),
    ],
)
def test_derivations_replay_for_the_models_of_the_class(formula, by):
    pooling = ma.Model(formula).pooling(by)
    assert pooling.verify()
    for shown in (pooling.text(), pooling.latex(), pooling.html(), pooling.markdown()):
        assert "partial pooling" in shown
    assert "law of total variance" in pooling.text()


def test_a_wrong_result_does_not_verify(monkeypatch):
    pooling = ONE.pooling()
    monkeypatch.setattr(type(pooling), "derivative", property(lambda self: self.noise))
    with pytest.raises(RuleError, match="the derivative"):
        pooling.verify()


def test_the_formula_is_the_one_of_the_field():
    pooling = ONE.pooling()
    assert str(pooling.minimiser) == "N/(N + var(residual)/var(1|user))"
    assert "lambda^2 var(residual)/N + (1 - lambda)^2 var(1|user)" in repr(pooling)


def test_what_is_missing_is_said():
    with pytest.raises(ModelError, match="pooling of which levels"):
        ma.Model("y ~ 1 + (1 | a) + (1 | b)").pooling()
    with pytest.raises(ModelError, match="more than its size"):
        ma.Model("y ~ 1 + (1 | a) + (1 | b)").pooling("a").evaluate({}, size=3)
    with pytest.raises(ModelError, match="size of a level, or data"):
        ONE.pooling().evaluate({})
    with pytest.raises(ModelError, match="whole number"):
        ONE.pooling().evaluate({}, size=0)
    with pytest.raises(ModelError, match="no effects"):
        ma.Model("y ~ 1 + (1 | a:b)").pooling("a")
    with pytest.raises(ModelError, match="two points"):
        ONE.pooling().evaluate({"Intercept": 0, "var(1|user)": 1, "var(residual)": 1}, size=1).curve(1)


def test_levels_of_data_come_as_a_series():
    frame = pd.DataFrame({"user": list("abbb")})
    found = ONE.pooling().evaluate({"Intercept": 0, "var(1|user)": 2, "var(residual)": 6}, data=frame)
    assert {label: values.minimiser for label, values in found.items()} == {"a": Fraction(1, 4), "b": Fraction(1, 2)}


def test_ridge_regression_is_the_best_linear_unbiased_prediction():
    """On data, with the penalty var(residual)/var(effects): NumPy's ridge against the definition of BLUP."""
    rng = np.random.default_rng(3)
    a, b, x = rng.integers(0, 6, 60), rng.integers(0, 4, 60), rng.normal(size=60)
    y = rng.normal(size=60)
    common = np.column_stack([np.ones(60), x])
    effects = np.column_stack([np.eye(6)[a], np.eye(4)[b]])
    model = ma.Model("y ~ 1 + x + (1 | a) + (1 | b)")
    numbers = {"var(1|a)": 0.7, "var(1|b)": 0.2, "var(residual)": 1.5}
    penalties = model.pooling("a").ridge().penalties
    assert [str(p[0][0]) for p in penalties.values()] == ["var(residual)/var(1|a)", "var(residual)/var(1|b)"]
    k = np.repeat([1.5 / 0.7, 1.5 / 0.2], [6, 4])
    rows = np.vstack([np.column_stack([common, effects]), np.column_stack([np.zeros((10, 2)), np.diag(np.sqrt(k))])])
    fitted = np.linalg.lstsq(rows, np.concatenate([y, np.zeros(10)]), rcond=None)[0]
    spread = np.diag(np.repeat([numbers["var(1|a)"], numbers["var(1|b)"]], [6, 4]))
    inverse = np.linalg.inv(effects @ spread @ effects.T + numbers["var(residual)"] * np.eye(60))
    means = np.linalg.solve(common.T @ inverse @ common, common.T @ inverse @ y)
    assert fitted == pytest.approx(np.concatenate([means, spread @ effects.T @ inverse @ (y - common @ means)]))


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | a)", "y ~ 1 + x + (1 + x | a) + (1 | b)"])
def test_both_normal_equations_are_one(formula, monkeypatch):
    ridge = ma.Model(formula).pooling("a").ridge()
    assert all(ridge.verify(seed) for seed in range(3))
    assert "Henderson" in ridge.text()
    assert "Henderson" in ridge.html()
    assert "frac" in ridge.latex()
    right = ridges.henderson
    monkeypatch.setattr(ridges, "henderson", lambda x, z, y, g, s: right(x, z, y, g, s + 1))
    with pytest.raises(RuleError, match="differ"):
        ridge.verify()


def test_penalties_of_correlated_slopes_are_the_inverse():
    penalty = ma.Model("y ~ 1 + x + (1 + x | a)").pooling().ridge().penalties["(1, x | a)"]
    numbers = {"var(1|a)": 2.0, "var(x|a)": 3.0, "cov(1,x|a)": 1.0, "var(residual)": 5.0}

    def number(node):
        expression = to_sympy(node)
        return float(expression.subs({s: numbers[s.name] for s in expression.free_symbols}))

    found = [[number(node) for node in row] for row in penalty]
    assert np.array(found) == pytest.approx(5 * np.linalg.inv([[2, 1], [1, 3]]))
    with pytest.raises(UnsupportedError, match="3 by 3"):
        _ = ma.Model("y ~ 1 + x + z + (1 + x + z | a)").pooling().ridge().penalties
    with pytest.raises(UnsupportedError, match="one variance"):
        ma.Model("y ~ 1 + (1 | a)", weights="w").pooling().ridge()


def test_covariates_of_the_means_do_not_matter_to_a_level_of_a_size():
    known = {"Intercept": 5, "x": 1, "log(x)": 2, "var(1|user)": 4, "var(residual)": 9}
    values = ma.Model("y ~ x + log(x) + (1 | user)").pooling().evaluate(known, size=3)
    assert (values.noise, values.signal) == (3, 4)
