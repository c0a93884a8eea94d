"""Modules of weighted estimators: their forms against whole matrices, their self-tests, their names and refusals."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import momentalg as ma

NESTED = [
    "y ~ 1 + (1 | user)",
    "y ~ 1 + x + size(user) + (1 | user)",
    "y ~ 0 + x + (1 | user)",
    "y ~ x + (1 + x | user)",
    "y ~ x + (x || user)",
    "y ~ 1 + (1 | a/b)",
    "y ~ x + (1 + x | a) + (1 | a:b)",
    "y ~ 1 + (1 | a/b/c)",
]
CROSSED = [
    "y ~ 1 + (1 | a) + (1 | b)",
    "y ~ 1 + x + (1 + x | a) + (1 | b)",
    "y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)",
    "y ~ x + (x || a) + (1 | b)",
]


def module_of(formula, weighting="two-step", statistics=None, **declared):
    """The generated module of a weighted estimator."""
    return ma.Model(formula, **declared).moment_equations(statistics, weighting=weighting).estimator().load()


@pytest.mark.parametrize("formula", NESTED + CROSSED)
@pytest.mark.parametrize("weighting", ["two-step", "iterated"])
def test_the_self_test_agrees_with_whole_matrices_of_rows(formula, weighting):
    """Its exact answers are of `lower.exact_weighted`, which shares no code with the functions of a module."""
    module_of(formula, weighting).self_test()


def test_known_weights_of_the_residuals():
    module_of("y ~ 1 + (1 | user)", weights="w").self_test()
    module_of("y ~ 1 + (1 | a) + (1 | b)", weights="w").self_test()


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | a) + (1 | b)", "y ~ x + (1 + x | a)"])
def test_names_of_functions_are_not_defined_twice(formula):
    statistics = "henderson3" if "b" in formula else "within"
    source = ma.Model(formula).moment_equations(statistics, weighting="two-step").estimator().source
    tree = ast.parse(source)
    names = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    names += [
        t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)
    ]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"csv", "sys", "numpy"}


def test_a_weighted_module_is_a_program(tmp_path):
    path = ma.Model("y ~ 1 + (1 | user)").moment_equations(weighting="two-step").estimator().write(tmp_path / "e.py")
    data = tmp_path / "data.csv"
    pd.DataFrame({"user": list("aabbbc"), "y": [1, 2, 4, 5, 4, 9]}).to_csv(data, index=False)
    command = [sys.executable, "-I", str(path), "--self-test", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "self-test passed" in done.stdout
    assert "var(1|user)" in done.stdout


@st.composite
def designs(draw):
    """Rows of classes in schools, a covariate and a response; every school has two classes or more somewhere."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.integers(25, 50))
    school = rng.integers(0, 5, n)
    of_class = rng.integers(0, 3, n)
    x = rng.normal(size=n)
    y = 2 + x + school * (1 + 0.3 * x) + rng.normal(size=n) + 0.5 * of_class
    return pd.DataFrame({"a": school, "b": of_class, "x": x, "y": y})


def dense(frame, theta):
    """V's parts for (1 + x | a) + (1 | a:b), and P."""
    a = pd.get_dummies(frame["a"]).to_numpy(float)
    b = pd.get_dummies(frame["a"] * 10 + frame["b"]).to_numpy(float)
    ax = a * frame["x"].to_numpy()[:, None]
    parts = [a @ a.T, a @ ax.T + ax @ a.T, ax @ ax.T, b @ b.T, np.eye(len(frame))]
    inverse = np.linalg.inv(sum(t * part for t, part in zip([*theta, 1.0], parts, strict=True)))
    design = np.column_stack([np.ones(len(frame)), frame["x"]])
    onto = inverse @ design
    return parts, inverse - onto @ np.linalg.solve(design.T @ onto, onto.T), design, inverse


MODULE_FORMULA = "y ~ x + (1 + x | a) + (1 | a:b)"


@given(designs())
def test_one_turn_solves_the_weighted_equations(frame):
    """E y'P V_g P y = sum_h tr(P V_g P V_h) theta_h at the weights of the first step, and generalised least squares."""
    model = ma.Model(MODULE_FORMULA)
    module = module_of(MODULE_FORMULA)
    sums = module.accumulate({name: frame[name].to_numpy() for name in ("a", "b", "x", "y")})
    first = module.first_step(sums)
    keys = list(first)
    assert keys == [key for key in model.parameters if key.startswith(("var", "cov"))]
    block = np.array([[first[keys[0]], first[keys[1]]], [first[keys[1]], first[keys[2]]]])
    if first["var(residual)"] <= 0 or np.linalg.eigvalsh(block)[0] <= 0:
        return  # the nearest matrix is taken; the self-tests have such cases
    theta = np.array([first[key] for key in keys])[:-1] / first["var(residual)"]
    theta[3] = max(theta[3], 0.0)
    parts, projection, _, _ = dense(frame, theta)
    y = frame["y"].to_numpy()
    left = [[np.trace(projection @ g @ projection @ h) for h in parts] for g in parts]
    right = [y @ projection @ g @ projection @ y for g in parts]
    expected = np.linalg.solve(left, right)
    found = module.solve(sums)
    np.testing.assert_allclose([found[key] for key in keys], expected, rtol=1e-7, atol=1e-7 * np.abs(expected).max())


@given(designs())
def test_scores_are_of_units_and_their_squares_the_covariance(frame):
    """Influence by dense matrices: T^-1 (Q_u - T_u theta) with each school's own part, and (X'V^-1X)^-1 X_u'V^-1 r."""
    module = module_of("y ~ x + (1 | a)", "iterated")
    sums = module.accumulate({name: frame[name].to_numpy() for name in ("a", "x", "y")})
    found = module.solve(sums)
    scores = module.scores(sums, found)
    units = len(np.unique(frame["a"]))
    assert scores.shape == (units, 4)
    scale = np.sqrt((scores**2).sum(axis=0))
    assert (np.abs(scores.sum(axis=0)) <= 1e-6 * scale).all()  # they solve their equations
    covariance = module.covariance(sums, found)
    np.testing.assert_allclose(covariance, scores.T @ scores * units / (units - 1), rtol=1e-12)
    theta = max(found["var(1|a)"], 0.0) / found["var(residual)"]
    indicators = pd.get_dummies(frame["a"]).to_numpy(float)
    inverse = np.linalg.inv(np.eye(len(frame)) + theta * indicators @ indicators.T)
    design = np.column_stack([np.ones(len(frame)), frame["x"]])
    middle = np.linalg.inv(design.T @ inverse @ design)
    residual = frame["y"].to_numpy() - design @ (middle @ design.T @ inverse @ frame["y"].to_numpy())
    weighted = inverse @ residual
    by_unit = np.array([(design * (weighted * member)[:, None]).sum(axis=0) for member in indicators.T]) @ middle
    np.testing.assert_allclose(scores[:, :2], by_unit, rtol=1e-6, atol=1e-9)


def test_weightings_are_refused_by_name():
    with pytest.raises(ma.ModelError, match="weighting='three-step' is none of 'none', 'two-step', 'iterated'"):
        ma.Model("y ~ 1 + (1 | user)").moment_equations(weighting="three-step")
    classes = ma.Model("y ~ 1 + (1 | user)", residual_by="site")
    with pytest.raises(ma.UnsupportedError, match=r"not for one of each class.*weighting='none'"):
        classes.moment_equations(weighting="two-step")


def indefinite_slopes(shift=0.0, seed=0):
    """Few levels whose slopes do not vary: the estimates of the block are often no covariance matrix."""
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, 15, 60), rng.normal(size=60) + 3
    y = 1 + x + 0.3 * rng.normal(size=15)[g] + rng.normal(size=60)
    return pd.DataFrame({"g": g, "h": rng.integers(0, 6, 60), "x": x + shift, "y": y})


@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "y ~ x + (x | g) + (1 | h)"])
def test_a_block_that_is_no_covariance_matrix_is_flagged_with_the_nearest_beside_it(formula):
    frame = indefinite_slopes()
    fit = ma.Model(formula).fit(frame)
    keys = ["var(1|g)", "cov(1,x|g)", "var(x|g)"]
    a, b, c = (fit.estimates[key] for key in keys)
    assert a * c < b * b, "the design should give no covariance matrix"
    assert set(fit.indefinite) <= set(keys)
    assert fit.indefinite
    p, q, r = (fit.truncated[key] for key in keys)
    assert p > 0
    assert p * r >= q * q - 1e-9 * p * r
    assert p * r == pytest.approx(q * q, rel=1e-6)  # on the boundary: the nearest has a direction without variance
    assert "no covariance matrix; nearest" in fit.summary()
    assert "no covariance matrix" in fit.explain()
    # the nearest is the same matrix about another origin of x: (1, x) G (1, x)' is what it was
    moved = ma.Model(formula).fit(indefinite_slopes(shift=2.0))
    assert moved.truncated["var(x|g)"] == pytest.approx(r, rel=1e-6)
    assert moved.truncated["var(1|g)"] == pytest.approx(p - 4 * q + 4 * r, rel=1e-5)


def test_a_large_crossed_design_says_that_its_coefficients_are_estimated(monkeypatch):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.integers(0, 60, 400), "b": rng.integers(0, 40, 400), "y": rng.normal(size=400)})
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
    fit = model.fit(frame)
    exact = dict(fit.estimates)
    assert "exact, whatever the laws" in fit.explain()
    module = fit.sums.estimator.module
    monkeypatch.setattr(module, "DENSE", -1)
    probed = model.fit(fit.sums)
    assert "vectors of random signs" in probed.explain()
    assert "too many crossed levels for exact coefficients" in probed.summary()
    for key, value in exact.items():
        assert abs(probed.estimates[key] - value) <= 0.2 * fit.bse[key]


@pytest.mark.parametrize("others", [[], [ma.Group("h")]])
@pytest.mark.parametrize("name", ['g"""', "a\\", "x\ny", 'q"; raise SystemExit #', "{{ 7 }}", "{% x %}", "'" * 3])
def test_names_of_users_are_data_in_a_weighted_module(name, others):
    model = ma.Model(response="y", common=[], group=[ma.Group(name), *others])
    module = model.moment_equations(weighting="two-step").estimator().load()
    module.self_test()
    columns = {name: [0, 0, 1, 1, 2, 2], "h": [0, 1, 0, 1, 0, 1], "y": [1.0, 2.0, 4.0, 5.0, 9.0, 9.5]}
    sums = module.accumulate({key: np.array(values) for key, values in columns.items()})
    assert len(module.effects(sums, module.solve(sums))) == 1 + len(others)
