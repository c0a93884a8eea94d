"""Weights with free kurtosis: coefficients by dense matrices, z-scores, the two-step fit as a case, and refusals."""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.inference.kurtosis_weights import held, kurtosis_weighted
from momentalg.inference.pair_forms import LevelTable, PairEquations, WorkingMoments

FORMULAS = ["y ~ 1 + (1 | g)", "y ~ x + z + (1 | g)", "y ~ 0 + x + (1 | g)", "y ~ 0 + (1 | g)"]
WORKING = [WorkingMoments(0.7), WorkingMoments(0.4, 2.5, 4.0), WorkingMoments(2.0, -3.9, -0.9)]


def design(seed, levels=40):
    """Levels of very unequal sizes, some of one row; a covariate far from 0, and one that is constant on levels."""
    rng = np.random.default_rng(seed)
    sizes = np.ceil(np.exp(rng.normal(0.8, 1.0, levels))).astype(int)
    g = np.repeat(np.arange(levels), sizes)
    return pd.DataFrame({"x": 20 + rng.normal(size=len(g)), "z": rng.normal(size=levels)[g], "g": g})


def skewed(rng, n):
    return rng.exponential(size=n) - 1


def response(frame, rng, effects=1.0):
    """Effects and residuals exponential: excess kurtosis 6."""
    return effects * skewed(rng, frame["g"].max() + 1)[frame["g"]] + skewed(rng, len(frame)) + 0.3 * frame["x"]


def drawn(seed, levels=40):
    frame = design(seed, levels)
    frame["y"] = response(frame, np.random.default_rng(seed))
    return frame.sample(frac=1.0, random_state=seed, ignore_index=True)


def columns(formula, frame):
    """X, written out."""
    found = {"1": np.ones(len(frame)), "x": frame["x"], "z": frame["z"]}
    names = {FORMULAS[0]: "1", FORMULAS[1]: "1xz", FORMULAS[2]: "x", FORMULAS[3]: ""}[formula]
    return np.array([found[name] for name in names], dtype=float).reshape(len(names), len(frame)).T


def equations(frame, x, y, working):
    """The equations of ordered rows, by the package."""
    starts = np.flatnonzero(np.diff(frame["g"], prepend=-1))
    table = LevelTable.of_rows(x, np.asarray(y, dtype=float), starts)
    return PairEquations(table.least_squares(working.theta), working)


def dense(frame, x, working):
    """Z, and for each level the forms of its two equations as matrices (L, 2, n, n), from the definitions."""
    z = pd.get_dummies(frame["g"]).to_numpy(dtype=float)
    inverse = np.linalg.inv(np.eye(len(z)) + working.theta * z @ z.T)
    m = np.eye(len(z)) - x @ np.linalg.pinv(x.T @ inverse @ x) @ x.T @ inverse
    forms = []
    for member in z.T:
        n, average = member.sum(), np.outer(member, member) / member.sum() ** 2
        v, k4a, k4e = working.theta + 1 / n, working.effects, working.residual
        between = 2 * v**2 + k4a + k4e / n**3
        both, within = k4e * (n - 1) / n**2, 2 * (n - 1) + k4e * (n - 1) ** 2 / n
        weights = np.array([[1, 1 / n], [0, n - 1]]).T @ np.linalg.pinv(np.array([[between, both], [both, within]]))
        pair = np.array([average, np.diag(member) - n * average])
        forms.append(m.T @ np.tensordot(weights, pair, axes=1) @ m)
    return z, np.array(forms)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("working", WORKING)
def test_forms_coefficients_and_influence_are_those_of_dense_matrices(formula, working):
    frame = drawn(1).sort_values("g", kind="stable")
    x, y = columns(formula, frame), frame["y"].to_numpy()
    z, forms = dense(frame, x, working)
    found = equations(frame, x, y, working)
    of_level = np.array([[[np.sum(form * v) for v in (z @ z.T, np.eye(len(y)))] for form in pair] for pair in forms])
    values = np.einsum("lkij,i,j->lk", forms, y, y)
    matrix = of_level.sum(axis=0)
    components = np.linalg.solve(matrix, values.sum(axis=0))
    np.testing.assert_allclose(found.matrix, matrix, rtol=1e-9)
    np.testing.assert_allclose(found.solution(), components, rtol=1e-9)
    influence = np.linalg.solve(matrix, (values - of_level @ components).T).T
    np.testing.assert_allclose(found.influence(found.solution()), influence, atol=1e-9)
    assert np.abs(influence.sum(axis=0)).max() < 1e-9


@pytest.mark.parametrize("working", WORKING)
def test_the_covariances_of_a_level_are_those_that_the_engine_derives(working):
    """S = (G'S^-1)^-1 G', beside the variances and the covariance of q and D with free fourth cumulants."""
    frame = pd.DataFrame({"y": 0.0, "g": np.repeat(["a", "b", "c"], [2, 3, 7])})
    pair = ma.Model("y ~ 1 + (1 | g)").derived_weights().pair
    numbers = [working.theta, 1.0, working.effects, working.residual, 0.3, -0.2]
    keys = ["var(1|g)", "var(residual)", "k4(1|g)", "k4(residual)", "k3(1|g)", "k3(residual)"]
    known = dict(zip(keys, map(Fraction, numbers), strict=True))
    q, within, both = (
        d.evaluate(parameters=known, data=frame).to_numpy(dtype=float) for d in (*pair.variances, pair.covariance)
    )
    size = np.array([2.0, 3, 7])
    combination = working.combination(size)
    for n, found, expected in zip(size, combination, np.moveaxis([[q, both], [both, within]], -1, 0), strict=True):
        np.testing.assert_allclose(np.linalg.solve(found, [[1, 0], [1 / n, n - 1]]), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("working", WORKING)
def test_unbiased_at_fixed_weights_with_a_sandwich_that_is_the_spread(working):
    """Exponential effects and residuals, whatever theta and cumulants the weights have; 4,000 samples."""
    frame = design(2, levels=60)
    x, rng = columns(FORMULAS[1], frame), np.random.default_rng(3)
    found, spread = [], []
    for _ in range(4000):
        equation = equations(frame, x, response(frame, rng, effects=1.5), working)
        found.append(equation.solution())
        spread.append((equation.influence(found[-1]) ** 2).sum(axis=0) * 60 / 59)
    z = (np.mean(found, axis=0) - [2.25, 1.0]) / (np.std(found, axis=0) / np.sqrt(len(found)))
    assert np.abs(z).max() < 3.5
    assert np.abs(np.mean(spread, axis=0) / np.var(found, axis=0) - 1).max() < 0.2


@pytest.mark.parametrize("formula", FORMULAS)
def test_without_fourth_cumulants_these_are_the_two_step_equations(formula):
    frame = drawn(4)
    fit = ma.Model(formula).fit(frame)
    module, table = fit.sums.estimator.module, dict(fit.sums.table)
    first = module.first_step(table)
    theta = first["var(1|g)"] / first["var(residual)"]
    ordered = frame.sort_values("g", kind="stable")
    found = equations(ordered, columns(formula, ordered), ordered["y"], WorkingMoments(theta))
    expected = module.solve(table, turns=1)
    np.testing.assert_allclose(found.solution(), [expected[k] for k in ("var(1|g)", "var(residual)")], rtol=1e-9)
    again = kurtosis_weighted(fit, fourth=(0.0, 0.0))  # the weights of the solution
    estimates = again.solve()
    assert tuple(estimates) == module.KEYS
    assert estimates == pytest.approx(dict(fit.estimates), rel=0.15)
    if module.KEYS[:-2]:
        theirs, ours = module.scores(table, estimates)[:, :-2], again.scores(None, estimates)[:, :-2]
        np.testing.assert_allclose(ours, theirs, atol=1e-8 * np.abs(theirs).max())


def test_balanced_data_have_the_same_estimates_and_errors_with_any_cumulants():
    """All weights are equal, and the statistics complete: the sums of squares of the analysis of variance."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(30), 4)
    frame = pd.DataFrame({"y": skewed(rng, 30)[g] + skewed(rng, 120), "g": g})
    two, free = (ma.Model("y ~ 1 + (1 | g)").fit(frame, weighting=w) for w in ("two-step", "kurtosis"))
    assert dict(free.estimates) == pytest.approx(dict(two.estimates))
    assert dict(free.bse) == pytest.approx(dict(two.bse))


@pytest.mark.parametrize("formula", FORMULAS[:3])
def test_a_fit_is_made_of_its_parts(formula):
    frame = drawn(6, levels=80)
    model = ma.Model(formula)
    two, fit = model.fit(frame), model.fit(frame, weighting="kurtosis")
    sigma2, s2 = two.estimates["var(residual)"], two.estimates["var(1|g)"]
    used = fit.sums.estimator.module.cumulants
    x = columns(formula, frame)
    z, forms = dense(
        frame, x, WorkingMoments(s2 / sigma2, used["k4(1|g)"] / sigma2**2, used["k4(residual)"] / sigma2**2)
    )
    y, forms = frame["y"].to_numpy(), forms.sum(axis=0)
    matrix = [[np.sum(form * v) for v in (z @ z.T, np.eye(len(y)))] for form in forms]
    components = np.linalg.solve(matrix, [y @ form @ y for form in forms])
    inverse = np.linalg.inv(components[1] * np.eye(len(y)) + components[0] * z @ z.T)
    means = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
    np.testing.assert_allclose(fit.params, [*means, *components], rtol=1e-7)
    assert fit.params.abs().sub(two.params.abs()).abs().max() > 1e-4  # other weights
    assert fit.weighting == "kurtosis"
    assert fit.covariance.kind == "sandwich"
    weighted = z * (inverse @ (y - x @ means))[:, None]
    scores = weighted.T @ x @ np.linalg.inv(x.T @ inverse @ x)
    expected = np.sqrt((scores**2).sum(axis=0) * 80 / 79)
    np.testing.assert_allclose(fit.bse_fe, expected, rtol=1e-7)


def test_cumulants_are_those_of_the_residuals_within_bounds():
    assert held(-5.0, 2.0, 100) == -4.0
    assert held(1.5, 2.0, 100) == 1.5
    assert held(400.0, 2.0, 100) == 40.0
    assert held(3.0, 0.0, 100) == held(3.0, -0.1, 100) == 0.0


def test_no_statistic_of_a_level_has_less_than_half_its_variance_under_normality():
    """For the least kurtosis that is used, whatever the size: eigenvalues of S - S_normal/2 are not negative."""
    for theta in (0.0, 0.01, 1.0, 50.0):
        for n in (1, 2, 3, 10, 1000):
            v = theta + 1 / n
            normal = np.diag([2 * v**2, 2 * (n - 1)])
            more = -np.array([[theta**2 + 1 / n**3, (n - 1) / n**2], [(n - 1) / n**2, (n - 1) ** 2 / n]])
            scale = np.diag([1 / v, 1 / max(n - 1, 1) ** 0.5])
            assert np.linalg.eigvalsh(scale @ (normal / 2 + more) @ scale).min() > -1e-12


def test_units_origins_parts_and_rows_left_out_do_not_matter():
    frame = drawn(7)
    model = ma.Model("y ~ x + (1 | g)")
    fit = model.fit(frame, weighting="kurtosis")
    parts = [frame.iloc[:50], frame.iloc[50:]]
    assert dict(model.fit(parts, weighting="kurtosis").estimates) == pytest.approx(dict(fit.estimates), rel=1e-9)
    gaps = pd.concat([frame, frame.iloc[:3].assign(y=np.nan)], ignore_index=True)
    dropped = model.fit(gaps, weighting="kurtosis", missing="drop")
    assert dropped.dropped == 3
    assert dict(dropped.estimates) == pytest.approx(dict(fit.estimates), rel=1e-9)
    moved = model.fit(frame.assign(y=1e3 * frame["y"] + 1e6, x=frame["x"] * 1e-4 + 7), weighting="kurtosis")
    for key, factor in {"x": 1e7, "var(1|g)": 1e6, "var(residual)": 1e6}.items():
        assert moved.estimates[key] == pytest.approx(factor * fit.estimates[key], rel=1e-6)
        assert moved.bse[key] == pytest.approx(factor * fit.bse[key], rel=1e-6)


def test_the_rest_of_a_fit_is_there():
    frame = drawn(8)
    model = ma.Model("y ~ x + (1 | g)")
    fit = model.fit(frame, weighting="kurtosis")
    theta = fit.estimates["var(1|g)"] / fit.estimates["var(residual)"]
    rest = frame["y"] - fit.estimates["Intercept"] - fit.estimates["x"] * frame["x"]
    by = rest.groupby(frame["g"])
    np.testing.assert_allclose(fit.ranef()["g"]["1"], by.sum() * theta / (1 + by.size() * theta), rtol=1e-8)
    assert "kurtosis weights" in str(fit.summary())
    used = fit.sums.estimator.module.cumulants
    assert f"k4(1|g) = {used['k4(1|g)']:.6g}" in str(fit.explain())
    assert all(found.low < fit.estimates[key] < found.high for key, found in fit.intervals().items())
    assert fit.cumulants().levels == 40
    again = model.fit(pickle.loads(pickle.dumps(fit.sums)))
    assert dict(again.estimates) == pytest.approx(dict(fit.estimates), rel=1e-12)
    with pytest.raises(ma.DataError, match=r"of the rows of one fit; fit a list of frames"):
        fit.sums + fit.sums


@pytest.mark.parametrize(
    ("formula", "options", "found"),
    [
        ("y ~ x + (x | g)", {}, "the effects of g have slopes"),
        ("y ~ x + (1 | g) + (1 | h)", {}, "2 group terms, of g, h"),
        ("y ~ x + (1 | g)", {"weights": "w"}, "known weights w"),
        ("y ~ x + (1 | g)", {"residual_by": "h"}, "not for one of each class"),
    ],
)
def test_other_models_are_refused_by_name(formula, options, found):
    frame = drawn(9).assign(w=1.0)
    frame["h"] = frame["g"] % 5
    with pytest.raises(ma.UnsupportedError, match=rf"weighting='kurtosis'.*{found}.*; weighting='(two-step|none)'"):
        ma.Model(formula, **options).fit(frame, weighting="kurtosis")


def test_a_report_derives_weights_with_fourth_cumulants(tmp_path):
    frame = drawn(11)
    model = ma.Model("y ~ 1 + (1 | g)")
    for weighting, shown in (("two-step", False), ("kurtosis", True)):
        model.report(tmp_path / "r.md", fit=model.fit(frame, weighting=weighting))
        text = (tmp_path / "r.md").read_text(encoding="utf-8")
        assert (r"+ \kappa_{4,\alpha} + \frac{\kappa_{4,\varepsilon}}{N^{3}}}" in text) == shown
        assert ("No estimator is generated for this system: weighting='kurtosis'" in text) == shown


def test_what_needs_rows_is_refused():
    frame = drawn(10)
    model = ma.Model("y ~ x + (1 | g)")
    needs = "weighting='kurtosis' has no generated module and no sums.*weighting='two-step' has all"
    for refused in (
        lambda: model.sums(frame, weighting="kurtosis"),
        lambda: model.moment_equations(weighting="kurtosis").estimator(),
        lambda: model.check(weighting="kurtosis", design=frame, parameters=dict(model.fit(frame).truncated)),
        lambda: model.fit(frame, weighting="kurtosis").bootstrap(replicates=3),
        lambda: model.fit(frame, weighting="kurtosis").cov_params("jackknife"),
    ):
        with pytest.raises(ma.UnsupportedError, match=needs):
            refused()
    for data in (model.sums(frame), iter([frame])):
        with pytest.raises(ma.UnsupportedError, match=r"sums and streams of frames do not keep.*'two-step'"):
            model.fit(data, weighting="kurtosis")
    flat = pd.DataFrame({"y": [1.0, 1, 1, 3, 3, 2], "g": [0, 0, 0, 1, 1, 2]})  # nothing varies within
    with pytest.raises(ma.UnsupportedError, match=r"units of the residual variance.*beside.*'two-step' replaces"):
        ma.Model("y ~ 1 + (1 | g)").fit(flat, weighting="kurtosis")
