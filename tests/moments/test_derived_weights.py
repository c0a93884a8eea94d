"""Derived weights: variances by enumeration, optimality and MINQUE's forms by dense matrices, equations by oracles."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.quadratic import QuadraticOracle
from momentalg.errors import ModelError, RuleError, UnsupportedError
from momentalg.moments import level_weights as level_module
from momentalg.moments import matrix_weights as matrix_module

ONE = ma.Model("y ~ 1 + (1 | user)")
CROSSED = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
NESTED = ma.Model("y ~ 1 + (1 | a/b)")
ROWS = [{"a": a, "b": b, "x": x} for a, b, x in zip("ppppqqr", "uuvwuvv", (1, 2, 4, 3, 5, 1, 2), strict=True)]


def numbers(model, seed=0, kurtosis=True):
    rng = np.random.default_rng(seed)
    keys = [k for k in model.parameters if k.startswith("var")]
    found = {k: Fraction(int(rng.integers(1, 9)), int(rng.integers(1, 5))) for k in keys}
    for order in (3, 4):
        for key in keys:
            found[key.replace("var(", f"k{order}(")] = Fraction(int(rng.integers(1, 5)), 7) if kurtosis else 0
    return found


@pytest.mark.parametrize("kurtosis", [False, True])
@pytest.mark.parametrize(
    "model", [ma.Model("y ~ 1 + x + (1 | a)"), NESTED, CROSSED, ma.Model("y ~ x + (0 + x | a) + (1 | b)")], ids=repr
)
def test_weights_are_one_over_the_enumerated_variance(model, kurtosis):
    """Every weight of every factor, from the exact fourth moments of the level's mean by enumeration of partitions."""
    for part in model.derived_weights(kurtosis=kurtosis).parts.values():
        parameters = numbers(part.model, 1, kurtosis)
        weights = part.evaluate(parameters, pd.DataFrame(ROWS))
        q = part.variance.args[0]
        for label, weight in weights.items():
            labels = label if isinstance(label, tuple) else (label,)
            at = dict(zip(weights.index.names, labels, strict=True))
            assert 1 / weight == enumerate_cumulant((q, q), ROWS, part.model.resolved, parameters, at)


@pytest.mark.parametrize("fixed", [{}, {"d": ["A", "B"]}])
def test_fixed_factors_are_part_of_the_known_centre(fixed):
    found = ma.Model("y ~ 1 + x + C(d) + (1 | user)", fixed=fixed).derived_weights(kurtosis=True)
    assert str(found["user"].weight) == str(ONE.derived_weights(kurtosis=True)["user"].weight)
    slopes = ma.Model("y ~ 1 + C(d) + (0 + C(d) | user)", fixed={"d": ["A", "B"]}).derived_weights()
    assert "var(d[A]|user)" in slopes["user"].model.parameters


def test_the_formulas_of_one_factor():
    part = ONE.derived_weights()["user"]
    assert str(part.in_theta) == "(N/(1 + N theta))^2/(2 var(residual)^2)"
    assert str(part.weight) == "1/(2 (var(1|user) + var(residual)/N)^2)"
    kept = ONE.derived_weights(kurtosis=True)["user"]
    assert str(kept.weight) == "1/(2 (var(1|user) + var(residual)/N)^2 + k4(1|user) + k4(residual)/N^3)"
    frame = pd.DataFrame({"user": list("abbccc")})
    found = part.evaluate({"var(1|user)": "1/2", "var(residual)": "2/3"}, frame)
    theta = Fraction(1, 2) / Fraction(2, 3)
    expected = [(Fraction(n) / (1 + n * theta)) ** 2 / (2 * Fraction(2, 3) ** 2) for n in (1, 2, 3)]
    assert found.tolist() == expected


def test_the_weights_of_a_nested_factor():
    """The mean of a level of a: var(1|a) + var(1|a:b) sum n^2/N^2 + var(residual)/N."""
    found = NESTED.derived_weights()["a"].evaluate(
        {"var(1|a)": 2, "var(1|a:b)": 3, "var(residual)": 5}, pd.DataFrame(ROWS)
    )
    tau = 2 + Fraction(3 * (4 + 1 + 1), 16) + Fraction(5, 4)
    assert found["p"] == 1 / (2 * tau**2)


def dense(sizes, theta):
    """The covariance matrix in units of var(residual), the indicators, and P for a common mean."""
    indicators = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    inverse = np.linalg.inv(theta * indicators @ indicators.T + np.eye(sum(sizes)))
    ones = np.ones((sum(sizes), 1))
    projection = inverse - inverse @ ones @ ones.T @ inverse / (ones.T @ inverse @ ones)
    return indicators, projection


def test_the_pair_is_minques_two_forms():
    """With the weighted average of level means as the centre: y'PZZ'Py and y'PPy, by dense matrices."""
    sizes, theta, rng = [1, 2, 5, 9, 3], 0.37, np.random.default_rng(4)
    y = rng.normal(size=sum(sizes))
    indicators, projection = dense(sizes, theta)
    n = np.array(sizes)
    means = indicators.T @ y / n
    within = indicators.T @ y**2 - n * means**2
    simple = n / (1 + n * theta)
    centred = means - simple @ means / simple.sum()
    weights = simple**2
    assert weights @ centred**2 == pytest.approx(y @ projection @ indicators @ indicators.T @ projection @ y)
    assert within.sum() + (weights / n) @ centred**2 == pytest.approx(y @ projection @ projection @ y)
    pair = ONE.derived_weights().pair
    assert str(pair.weight) == "(N/(1 + N theta))^2"
    assert str(pair.theta) == "var(1|user)/var(residual)"


@pytest.mark.parametrize("theta", [Fraction(1, 7), Fraction(5)])
def test_forms_with_the_centre_estimated_are_exact_at_any_theta(theta):
    """Whatever theta: the engine's coefficients are those of the matrices, with the centre mu_w put in."""
    rows = [{"user": u} for u in "abbcccc"]
    S, N = ONE.total(ONE.y, by="user"), ONE.size("user")
    weight = N / (1 + N * theta)
    centre = ma.over("user", weight * S / N) / ma.over("user", weight)
    form = ma.over("user", weight**2 * (S / N - centre) ** 2)
    parameters = {"Intercept": 3, "var(1|user)": Fraction(2, 3), "var(residual)": Fraction(7, 2)}
    found = ONE.mean(form, given=ma.design).evaluate(parameters=parameters, data=pd.DataFrame(rows))
    assert found == QuadraticOracle(rows, ONE.resolved, parameters).mean(form)
    assert ONE.moment_equations({"F": form}).variance[0].coefficients.keys() == {"var(1|user)", "var(residual)"}


def derived_pair(frame, theta):
    """The estimates by the engine's own equations for the pair, with a number in place of theta."""
    S, N = ONE.total(ONE.y, by="user"), ONE.size("user")
    weight = N / (1 + N * theta)
    centre = ma.over("user", weight * S / N) / ma.over("user", weight)
    square = weight**2 * (S / N - centre) ** 2
    within = ONE.total(ONE.y**2) - ma.over("user", S**2 / N)
    return ONE.fit(frame, {"F": ma.over("user", square), "H": within + ma.over("user", square / N)}).params


def skewed(seed):
    sizes, rng = [2, 3, 5, 9, 4, 1, 1, 7], np.random.default_rng(seed)
    frame = pd.DataFrame({"user": np.repeat(np.arange(8), sizes)})
    return sizes, frame.assign(y=2 * rng.normal(size=8)[frame.user] + rng.normal(size=len(frame)))


def ratio(params):
    return Fraction(params["var(1|user)"] / params["var(residual)"]).limit_denominator(10**9)


def test_weighted_fits_solve_the_equations_derived_here():
    """The generated module's second step and the engine's equations, derived for the theta of the first, are one."""
    keys = ["var(1|user)", "var(residual)"]
    _, frame = skewed(11)
    first = ONE.fit(frame, weighting="none").params
    expected = derived_pair(frame, ratio(first))
    assert ONE.fit(frame, weighting="two-step").params[keys].tolist() == pytest.approx(
        expected[keys].tolist(), rel=1e-7
    )


def test_iterating_the_pair_solves_the_equations_of_reml():
    """The engine's equations at theta, solved, give the next theta; where it stays, REML's scores are zero."""
    sizes, frame = skewed(11)
    theta = Fraction(1)
    for _ in range(12):
        found = derived_pair(frame, theta)
        theta = ratio(found)
    indicators, projection = dense(sizes, float(theta))
    projection, y = projection / found["var(residual)"], frame.y.to_numpy()
    for kernel in (indicators @ indicators.T, np.eye(sum(sizes))):
        assert y @ projection @ kernel @ projection @ y == pytest.approx(np.trace(projection @ kernel), rel=1e-6)


def test_no_other_weights_do_better_in_the_exact_variance():
    """Var(sum c q)/(sum c)^2 from 2 tr(AVAV) with dense matrices, one factor: the derived weights are the least."""
    sizes, var_a, var_e, rng = [1, 2, 4, 12, 30], 0.4, 1.3, np.random.default_rng(5)
    indicators, _ = dense(sizes, 1.0)
    covariance = var_a * indicators @ indicators.T + var_e * np.eye(sum(sizes))
    averages = indicators / np.array(sizes)

    def error(c):
        form = averages @ np.diag(c) @ averages.T
        return 2 * np.trace(form @ covariance @ form @ covariance) / c.sum() ** 2

    frame = pd.DataFrame({"user": np.repeat(np.arange(5), sizes)})
    best = ONE.derived_weights().evaluate({"var(1|user)": "2/5", "var(residual)": "13/10"}, frame)["user"]
    least = error(best.to_numpy(dtype=float))
    assert least == pytest.approx(1 / float(best.sum()))
    assert all(error(rng.exponential(size=5)) > least for _ in range(200))
    assert error(best.to_numpy(dtype=float) * (1 + 1e-3 * np.arange(5))) > least


def test_matrix_weights_are_those_of_dense_matrices():
    """W = Z'V^-1 Z of each level, one of them with a single row, which has no least squares fit of its own."""
    model = ma.Model("y ~ 1 + x + (1 + x | a)")
    frame = pd.DataFrame({"a": list("ppppqqr"), "x": [1, 2, 4, 3, 5, 1, 2]})
    parameters = {"var(1|a)": 2, "var(x|a)": 1, "cov(1,x|a)": Fraction(1, 2), "var(residual)": 3}
    spread = np.array([[2, 0.5], [0.5, 1]])
    for label, weight in model.derived_weights()["a"].evaluate(parameters, frame).items():
        x = frame.x[frame.a == label].to_numpy(dtype=float)
        z = np.column_stack([np.ones(len(x)), x])
        inverse = np.linalg.inv(z @ spread @ z.T + 3 * np.eye(len(x)))
        assert np.array(weight, dtype=float) == pytest.approx(z.T @ inverse @ z)


def test_aitkens_equation_has_the_least_variance():
    """Var of the estimator of G by Aitken's weights, against equal and random ones, by the covariances of products."""
    rng = np.random.default_rng(7)
    spread = np.array([[2, 0.5], [0.5, 1]])
    grams = [a @ a.T + np.eye(2) for a in rng.normal(size=(6, 2, 3))]
    variances = [spread + 1.5 * np.linalg.inv(g) for g in grams]
    pairs = [(0, 0), (0, 1), (1, 1)]
    products = [
        np.array([[v[n, p] * v[m, q] + v[n, q] * v[m, p] for p, q in pairs] for n, m in pairs]) for v in variances
    ]

    def error(weights):
        total = np.linalg.inv(sum(weights))
        return total @ sum(w @ c @ w.T for w, c in zip(weights, products, strict=True)) @ total.T

    best = error([np.linalg.inv(c) for c in products])
    for _ in range(20):
        other = error([np.diag(rng.exponential(size=3)) for _ in grams])
        assert np.linalg.eigvalsh(other - best).min() > -1e-10
    # and the matrix form: the same weights, W on both sides
    duplication = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])
    for v, c in zip(variances, products, strict=True):
        w = np.linalg.inv(v)
        assert duplication.T @ np.kron(w, w) @ duplication / 2 == pytest.approx(np.linalg.inv(c))


MODELS = {
    "one": ONE,
    "kurtosis": ONE,
    "nested": NESTED,
    "inner first": ma.Model("y ~ 1 + (1 | b) + (1 | a)", assume=[ma.nested("b", "a")]),
    "crossed": CROSSED,
    "unreplicated": ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.unreplicated("a:b")]),
    "level covariate": ma.Model("y ~ 1 + X + (1 | b) + (1 + X | a)", levels={"X": "b"}),
    "slope": ma.Model("y ~ 1 + x + (1 + x | a)"),
    "uncorrelated": ma.Model("y ~ 1 + x + (x || a)"),
    "nested slopes": ma.Model("y ~ 1 + x + (x | a/b)"),
    "slopes and crossed": ma.Model("y ~ 1 + x + (x | a) + (1 | b)"),
    "weights": ma.Model("y ~ 1 + (1 | a)", weights="w"),
    "classes": ma.Model("y ~ 1 + (1 | a)", residual_by={"s": ["p", "q"]}),
}


@pytest.mark.parametrize("name", MODELS)
def test_derivations_replay_and_are_shown(name):
    weights = MODELS[name].derived_weights(kurtosis=name == "kurtosis")
    assert weights.verify()
    for shown in (weights.text(), weights.markdown(), weights.latex(), weights.html()):
        assert "ork" in shown or "Weight" in shown
    assert len(weights.readings()) == len(weights.parts) + (weights.pair is not None)


def test_what_is_ignored_is_said():
    assert "ignored" in repr(CROSSED.derived_weights())
    assert "overlap in other factors" in CROSSED.derived_weights().text()
    for model in (ONE, NESTED):
        assert "gnored" not in model.derived_weights().text()
    overlap = CROSSED.derived_weights()["a"].overlap.evaluate(
        parameters=numbers(CROSSED, kurtosis=False), data=pd.DataFrame(ROWS), at={"a": "p", "k": "q"}
    )
    assert overlap > 0


def test_what_is_wrong_does_not_verify(monkeypatch):
    part = ONE.derived_weights()["user"]
    variance = level_module._variance
    with monkeypatch.context() as patch:
        patch.setattr(level_module, "_variance", lambda c, v, otherwise=0: variance(c, [x * x for x in v], otherwise))
        with pytest.raises(RuleError, match="least variance"):
            part.verify()
    slopes = MODELS["slope"].derived_weights()["a"]
    with monkeypatch.context() as patch:
        patch.setattr(matrix_module, "weight_matrix", lambda gram, _: gram)
        with pytest.raises(RuleError, match="inverse of G"):
            slopes.verify()


def test_names_of_users_reach_no_markup():
    hostile = ma.Model("y ~ 1 + `a_b%$x$` + (1 + `a_b%$x$` | `\\input{x}<script>`) + (1 | `c d`)")
    for readable in (hostile.derived_weights(), hostile.pooling("`c d`"), hostile.pooling("`c d`").ridge()):
        assert "<script>" not in readable.html()
        assert "<script>" not in readable.markdown()
        assert "\\input" not in readable.latex()


def test_what_is_not_derived_is_refused():
    with pytest.raises(UnsupportedError, match="normal effects only"):
        MODELS["slope"].derived_weights(kurtosis=True)
    with pytest.raises(ModelError, match="there are weights for a, b"):
        CROSSED.derived_weights()["c"]
    with pytest.raises(UnsupportedError, match=r"use \.readings"):
        CROSSED.derived_weights().reading()
    with pytest.raises(UnsupportedError, match="goes_with"):
        ma.Model("y ~ 1 + x + (1 | a)", assume=[ma.goes_with("x", "a")]).derived_weights()
