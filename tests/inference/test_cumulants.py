"""Cumulants of effects and residual: against dense matrices, k-statistics, simulation; errors by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import momentalg as ma
from momentalg.errors import ModelError, NotIdentifiedError, UnsupportedError
from momentalg.inference.cumulant_equations import cumulants_of, level_moments
from momentalg.inference.cumulants import cumulants, jackknifed


def fitted(formula, frame):
    return ma.Model(formula).fit(frame)


def drawn(sizes, effects, residuals):
    """A frame: y of levels with these sizes."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return pd.DataFrame({"user": codes, "y": 2 + effects(len(sizes))[codes] + residuals(len(codes))})


def starts_of(sizes):
    return np.concatenate([[0], np.cumsum(sizes)[:-1]])


def dense(y, codes, theta):
    """The same estimates from n x n matrices: forms F = A(y - mu), cumulants of F from the rows of A."""
    n = len(y)
    z = (codes[:, None] == np.unique(codes)).astype(float)
    inverse = np.linalg.inv(np.eye(n) + theta * z @ z.T)
    weights = inverse.sum(axis=0)
    forms = [z.T @ inverse, inverse]
    values = [a @ (y - weights @ y / weights.sum()) for a in forms]

    def equations(order, sums):
        matrix = [[((a @ z) ** order).sum(), (a**order).sum()] for a in forms]
        return np.linalg.solve(matrix, sums)

    second = equations(2, [(f**2).sum() for f in values])
    v = [((a @ z) ** 2).sum(axis=1) * second[0] + (a**2).sum(axis=1) * second[1] for a in forms]
    third = equations(3, [(f**3 - 3 * s * f).sum() for f, s in zip(values, v, strict=True)])
    fourth = equations(4, [(f**4 - 6 * s * f**2 + 3 * s**2).sum() for f, s in zip(values, v, strict=True)])
    return np.stack([second, third, fourth])


@pytest.mark.parametrize("theta", [0.0, 0.3, 4.0])
def test_the_equations_are_those_of_dense_matrices(theta):
    rng = np.random.default_rng(1)
    sizes = np.array([1, 4, 2, 7, 3, 1, 5])
    codes = np.repeat(np.arange(len(sizes)), sizes)
    y = rng.exponential(size=len(codes)) + rng.exponential(size=len(sizes))[codes]
    found = cumulants_of(level_moments(y, starts_of(sizes)), theta)
    assert np.allclose(found, dense(y, codes, theta), rtol=1e-9)


def test_balanced_levels_give_the_k_statistics_of_their_means():
    """k3(a) + k3(e)/N^2 is the third k-statistic of the means; the jackknife leaves a factor 1 - 2/(m(m-1))."""
    rng = np.random.default_rng(2)
    m, size = 40, 5
    y = np.repeat(rng.exponential(size=m), size) + rng.gamma(2.0, size=m * size)
    levels = level_moments(y, size * np.arange(m))
    raw, left_out = jackknifed(levels, 0.7, rng)
    values = m * raw - (m - 1) * left_out.mean(axis=0)
    of_means = values @ np.array([1, 1]) - (1 - np.array([1 / size, 1 / size**2, 1 / size**3])) * values[:, 1]
    assert of_means[0] == pytest.approx(stats.kstat(levels.mean, 2), rel=1e-9)
    assert of_means[1] == pytest.approx(stats.kstat(levels.mean, 3) * (1 - 2 / (m * (m - 1))), rel=1e-9)
    assert of_means[2] == pytest.approx(stats.kstat(levels.mean, 4), rel=0.02)


def test_estimates_are_centred_and_standard_errors_are_the_spread():
    """Exponential effects: k3 = 2, k4 = 6; residuals of a gamma law with shape 4 and variance 1: k3 = 1, k4 = 1.5."""
    rng = np.random.default_rng(3)
    sizes = 1 + rng.poisson(3, 80)
    found, errors = [], []
    for _ in range(200):
        y = np.repeat(rng.exponential(size=len(sizes)), sizes) + rng.gamma(4.0, 0.5, size=sizes.sum())
        raw, left_out = jackknifed(level_moments(y, starts_of(sizes)), 1.0, rng)
        groups = len(left_out)
        found.append((groups * raw - (groups - 1) * left_out.mean(axis=0)).ravel())
        errors.append(left_out.std(axis=0).ravel() * np.sqrt(groups - 1))
    found, errors = np.array(found), np.array(errors)
    truth = np.array([1, 1, 2, 1, 6, 1.5])
    z = (found.mean(axis=0) - truth) / (found.std(axis=0) / np.sqrt(len(found)))
    assert np.abs(z).max() < 3.5, z
    ratio = np.sqrt((errors**2).mean(axis=0)) / found.std(axis=0)
    assert (np.abs(ratio - 1) < [0.15, 0.15, 0.25, 0.15, 0.4, 0.25]).all(), ratio


def test_the_result_has_keys_and_the_delta_method():
    rng = np.random.default_rng(4)
    frame = drawn(1 + rng.poisson(4, 200), lambda n: rng.exponential(size=n), lambda n: rng.normal(size=n))
    found = cumulants(fitted("y ~ 1 + (1 | user)", frame))
    assert list(found.keys) == [
        f"{what}({of})" for what in ("k3", "k4", "skewness", "excess_kurtosis") for of in ("1|user", "residual")
    ]
    assert abs(found.params["skewness(residual)"]) < 4 * found.bse["skewness(residual)"]
    assert found.params["skewness(1|user)"] > 4 * found.bse["skewness(1|user)"]
    assert np.allclose(np.sqrt(np.diag(found.cov_params())), found.bse)
    table = found.table
    assert (table["conf_low"] < table["estimate"]).all()
    assert (table["conf_high"] > table["estimate"]).all()
    third = cumulants(fitted("y ~ 1 + (1 | user)", frame), order=3)
    assert list(third.keys) == ["k3(1|user)", "k3(residual)", "skewness(1|user)", "skewness(residual)"]
    assert third.params["k3(1|user)"] == found.params["k3(1|user)"]


def test_the_delta_method_is_the_spread_of_ratios_without_a_level():
    rng = np.random.default_rng(5)
    frame = drawn(2 + rng.poisson(6, 300), lambda n: rng.exponential(size=n), lambda n: rng.normal(size=n))
    fit = fitted("y ~ 1 + (1 | user)", frame)
    sizes = frame.groupby("user").size().to_numpy()
    levels = level_moments(frame["y"].to_numpy(), starts_of(sizes))
    theta = fit.estimates["var(1|user)"] / fit.estimates["var(residual)"]
    _, left_out = jackknifed(levels, theta, rng)
    ratios = left_out[:, 1, 0] / left_out[:, 0, 0] ** 1.5
    error = ratios.std() * np.sqrt(len(ratios) - 1)
    assert cumulants(fit).bse["skewness(1|user)"] == pytest.approx(error, rel=0.05)


def test_scale_and_shift():
    rng = np.random.default_rng(6)
    frame = drawn(1 + rng.poisson(4, 60), lambda n: rng.exponential(size=n), lambda n: rng.normal(size=n))
    first = cumulants(fitted("y ~ 1 + (1 | user)", frame))
    second = cumulants(fitted("y ~ 1 + (1 | user)", frame.assign(y=1000 - 3 * frame["y"])))
    powers = np.repeat([-27, 81, -1, 1], 2)
    assert np.allclose(second.params, powers * first.params, rtol=1e-6)
    assert np.allclose(second.bse, np.abs(powers) * first.bse, rtol=1e-6)


def test_covariates_are_taken_off():
    """With a covariate the estimates are those of the response without its part, up to the error of its coefficient."""
    rng = np.random.default_rng(7)
    frame = drawn(1 + rng.poisson(4, 400), lambda n: rng.exponential(size=n), lambda n: rng.normal(size=n))
    plain = cumulants(fitted("y ~ 1 + (1 | user)", frame))
    x = rng.normal(size=len(frame))
    found = cumulants(fitted("y ~ 1 + x + (1 | user)", frame.assign(y=frame["y"] + 5 * x, x=x)))
    assert np.abs(found.params - plain.params).max() < 0.1 * plain.bse.max()
    assert (np.abs(found.params - plain.params) < 0.3 * plain.bse).all()


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ 1 + x + (1 + x | user)", r"effects of user have slopes; leave that out"),
        ("y ~ 1 + (1 | user) + (1 | item)", r"2 group terms; model.fit\(frame, statistics='third_moments'\)"),
    ],
)
def test_other_models_are_refused_by_name(formula, message):
    rng = np.random.default_rng(8)
    frame = drawn(np.full(30, 6), lambda n: rng.normal(size=n), lambda n: rng.normal(size=n))
    frame["x"], frame["item"] = rng.normal(size=len(frame)), rng.integers(0, 6, len(frame))
    with pytest.raises(UnsupportedError, match=message):
        cumulants(fitted(formula, frame))


def test_the_advice_for_several_factors_works():
    rng = np.random.default_rng(9)
    frame = drawn(np.full(30, 6), lambda n: rng.normal(size=n), lambda n: rng.normal(size=n))
    frame["item"] = rng.integers(0, 6, len(frame))
    fit = ma.Model("y ~ 1 + (1 | user) + (1 | item)").fit(frame, statistics="third_moments")
    assert "k3(1|item)" in fit.params.index


def test_orders_and_few_levels_are_refused():
    rng = np.random.default_rng(10)
    frame = drawn(np.array([4, 3, 5]), lambda n: rng.normal(size=n), lambda n: rng.normal(size=n))
    fit = fitted("y ~ 1 + (1 | user)", frame)
    with pytest.raises(ModelError, match="order= is 3 or 4, not 2"):
        cumulants(fit, order=2)
    with pytest.raises(NotIdentifiedError, match="4 levels or more"):
        cumulants(fit)
    one = drawn(np.array([1, 1, 1, 1, 4]), lambda n: rng.normal(size=n), lambda n: rng.normal(size=n))
    with pytest.raises(NotIdentifiedError, match="second level with several observations"):
        cumulants(fitted("y ~ 1 + (1 | user)", one))
