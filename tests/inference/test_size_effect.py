"""Tests of no effect of group size: against statsmodels, dense formulas and permutations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.inference.size_effect import size_effect

MODEL = ma.Model("y ~ 1 + (1 | user)")


def frame(rng: np.random.Generator, levels: int = 80, slope: float = 0.0, informative: float = 0.0) -> pd.DataFrame:
    size = 1 + rng.poisson(2, levels)
    user = np.repeat(np.arange(levels), size)
    effect = rng.exponential(size=levels) + informative * size
    x = rng.normal(size=len(user)) + size[user] / 3
    return pd.DataFrame({"user": user, "x": x, "y": slope * size[user] + effect[user] + rng.normal(size=len(user))})


def test_without_other_terms_the_estimates_are_the_two_moments_of_theory():
    data = frame(np.random.default_rng(1), slope=0.3)
    N, S = data.groupby("user").size(), data.groupby("user")["y"].sum()
    pooled = np.linalg.solve([[N.sum(), (N**2).sum()], [(N**2).sum(), (N**3).sum()]], [S.sum(), (S * N).sum()])
    found = size_effect(MODEL, data)
    assert found.pooled.estimate == pytest.approx(pooled[1])
    assert found.group_weighted.estimate == pytest.approx(np.cov(S / N, N)[0, 1] / N.var())
    assert found.key == "size(user)"


def test_both_equations_and_their_standard_errors_are_those_of_dense_formulas():
    """Cluster-robust least squares on observations, and HC1 on level means, from matrices written out here."""
    data = frame(np.random.default_rng(2), slope=0.1)
    N = data.groupby("user")["y"].transform("size").to_numpy(float)
    X, y = np.column_stack([np.ones(len(data)), data["x"], N]), data["y"].to_numpy()
    Z = pd.get_dummies(data["user"]).to_numpy(float)
    found = size_effect(ma.Model("y ~ 1 + x + (1 | user)"), data)
    for test, W, u, B in (
        (found.pooled, X, y, Z),
        (found.group_weighted, (Z.T @ X) / Z.sum(0)[:, None], (Z.T @ y) / Z.sum(0), np.eye(80)),
    ):
        inverse = np.linalg.inv(W.T @ W)
        r = u - W @ inverse @ W.T @ u
        V = inverse @ W.T @ np.diag(r) @ B @ B.T @ np.diag(r) @ W @ inverse
        factor = 80 / 79 * (len(u) - 1) / (len(u) - 3)
        assert test.estimate == pytest.approx((inverse @ W.T @ u)[2])
        assert test.std_error == pytest.approx(math.sqrt(factor * V[2, 2]))


def test_pooled_is_the_cluster_robust_regression_of_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    data = frame(np.random.default_rng(3), slope=0.2)
    N = data.groupby("user")["y"].transform("size")
    fitted = api.OLS(data["y"], api.add_constant(pd.DataFrame({"x": data["x"], "N": N}))).fit(
        cov_type="cluster", cov_kwds={"groups": data["user"]}, use_t=True
    )
    found = size_effect(ma.Model("y ~ 1 + x + size(user) + (1 | user)"), data).pooled
    assert found.estimate == pytest.approx(fitted.params["N"])
    assert found.std_error == pytest.approx(fitted.bse["N"])
    assert found.p_value == pytest.approx(fitted.pvalues["N"], rel=1e-6)


def test_crossed_factors_are_clusters_both():
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 25, 300) ** 2 // 25, rng.integers(0, 15, 300)
    effects = rng.normal(size=15)[b] + rng.normal(size=25)[a]
    data = pd.DataFrame({"a": a, "b": b, "y": effects + rng.normal(size=300)})
    found = size_effect(ma.Model("y ~ 1 + (1 | a) + (1 | b)"), data, by="a").pooled
    X = np.column_stack([np.ones(300), data.groupby("a")["y"].transform("size")])
    inverse = np.linalg.inv(X.T @ X)
    r = data["y"].to_numpy() - X @ inverse @ X.T @ data["y"].to_numpy()
    A, B = (pd.get_dummies(f).to_numpy(float) for f in (a, b))
    same = A @ A.T + B @ B.T - (A @ A.T) * (B @ B.T)
    V = inverse @ (X * r[:, None]).T @ same @ (X * r[:, None]) @ inverse
    groups = min(len(set(a)), 15)
    assert found.std_error == pytest.approx(math.sqrt(groups / (groups - 1) * 299 / 298 * V[1, 1]))


def test_a_negative_multiway_variance_is_told():
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 25, 300) ** 2 // 25, rng.integers(0, 15, 300)
    data = pd.DataFrame({"a": a, "b": b, "y": rng.normal(size=15)[b] + rng.normal(size=300)})
    found = size_effect(ma.Model("y ~ 1 + (1 | a) + (1 | b)"), data, by="a")
    assert math.isnan(found.pooled.std_error)
    assert math.isnan(found.pooled.p_value)
    assert "came out negative" in repr(found)


def test_the_level_is_kept_and_agrees_with_permutations():
    """Under no effect 5 % of 400 tests reject, by z-score; and p-values are close to those of permuted sizes."""
    rng, rejected = np.random.default_rng(5), np.zeros(2)
    for _ in range(400):
        found = size_effect(MODEL, frame(rng, levels=150))
        rejected += [found.pooled.p_value < 0.05, found.group_weighted.p_value < 0.05]
    assert (np.abs(rejected / 400 - 0.05) < 3.5 * math.sqrt(0.05 * 0.95 / 400)).all(), rejected / 400
    data = frame(rng, levels=150, slope=0.12)
    units = data.groupby("user")["y"].agg(["size", "mean"])
    slopes = [np.cov(units["mean"], rng.permutation(units["size"]))[0, 1] for _ in range(4000)]
    observed = np.cov(units["mean"], units["size"])[0, 1]
    permuted = float(np.mean(np.abs(slopes) >= abs(observed)))
    assert size_effect(MODEL, data).group_weighted.p_value == pytest.approx(permuted, abs=0.06)


def test_standard_errors_agree_with_the_jackknife():
    data = frame(np.random.default_rng(6), levels=120, slope=0.2)
    found = size_effect(MODEL, data)
    for name in ("pooled", "group_weighted"):
        without = [getattr(size_effect(MODEL, data[data["user"] != u]), name).estimate for u in range(120)]
        jackknife = math.sqrt(119 / 120 * ((np.array(without) - np.mean(without)) ** 2).sum())
        assert getattr(found, name).std_error == pytest.approx(jackknife, rel=0.1)


def test_effects_that_go_with_size_look_the_same_and_it_says_so():
    found = size_effect(MODEL, frame(np.random.default_rng(7), levels=600, informative=0.4))
    assert found.pooled.p_value < 1e-6
    assert "informative size" in repr(found)
    assert list(found.table.index) == ["pooled", "group-weighted"]


def test_one_size_for_all_is_not_identified():
    data = pd.DataFrame({"user": np.repeat(range(10), 3), "y": np.random.default_rng(8).normal(size=30)})
    with pytest.raises(ma.NotIdentifiedError, match="all levels have one size"):
        size_effect(MODEL, data)
