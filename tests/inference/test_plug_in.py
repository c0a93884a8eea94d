"""The exact variance of estimates with estimated cumulants: against dense quadratic forms and Searle's formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import momentalg as ma
from momentalg.errors import UnsupportedError

FRAME = ma.datasets.load("Dyestuff").drop(index=[17, 18, 28, 29])
MODEL = ma.Model("Yield ~ 1 + (1 | Batch)")


def known(fit):
    return {**fit.truncated, **fit.cumulants().params.to_dict()}


def test_the_covariance_of_anova_estimates_is_that_of_dense_quadratic_forms():
    """y = mu + B w, w independent effects and residuals: kurtoses meet the squares of the diagonal of B'AB."""
    fit = MODEL.fit(FRAME, statistics="henderson1")
    p = known(fit)
    z = (FRAME["Batch"].to_numpy()[:, None] == np.unique(FRAME["Batch"])[None, :]).astype(float)
    n, m = z.shape
    means = z @ np.diag(1 / z.sum(axis=0)) @ z.T
    between, within = means - np.ones((n, n)) / n, np.eye(n) - means
    b = np.hstack([z, np.eye(n)])
    second, third, fourth = (np.repeat([p[f"{k}(1|Batch)"], p[f"{k}(residual)"]], [m, n]) for k in ("var", "k3", "k4"))
    forms = [b.T @ a @ b for a in (between, within)]
    linear = b.T @ np.ones(n)
    spread = np.empty((3, 3))
    spread[0, 0] = (linear**2 * second).sum()
    for k, form in enumerate(forms, 1):
        spread[0, k] = spread[k, 0] = (linear * np.diag(form) * third).sum()
        for j, other in enumerate(forms, 1):
            normal = 2 * np.trace(form * second @ (other * second))
            spread[j, k] = normal + (np.diag(form) * np.diag(other) * fourth).sum()
    f = n - (z.sum(axis=0) ** 2).sum() / n
    inverse = np.linalg.inv([[n, 0, 0], [0, f, m - 1], [0, 0, n - m]])
    expected = inverse @ spread @ inverse.T
    for statistics in ("henderson1", "henderson3"):
        found = MODEL.fit(FRAME, statistics=statistics).cov_params("exact")
        assert found.to_numpy() == pytest.approx(expected, rel=1e-8, abs=1e-9 * np.abs(expected).max())


def test_the_residual_variance_has_searle_s_variance_with_kurtosis():
    """Var = 2 s^4/(n - m) + k4 sum N (1 - 1/N)^2/(n - m)^2 (Hammersley 1949; Searle, Casella and McCulloch 1992)."""
    fit = MODEL.fit(FRAME, statistics="henderson1")
    p, sizes = known(fit), FRAME.groupby("Batch").size()
    n, m = len(FRAME), len(sizes)
    kurtosis = (sizes * (1 - 1 / sizes) ** 2).sum() / (n - m) ** 2
    expected = 2 * p["var(residual)"] ** 2 / (n - m) + p["k4(residual)"] * kurtosis
    assert fit.cov_params("exact").loc["var(residual)", "var(residual)"] == pytest.approx(expected, rel=1e-10)


def test_products_of_means_as_unknowns_are_part_of_the_system():
    fit = MODEL.fit(FRAME, statistics="pairs")
    found = fit.cov_params("exact")
    assert found.index.tolist() == list(fit.keys)
    assert np.linalg.eigvalsh(found).min() > -1e-6 * np.linalg.eigvalsh(found).max()


def test_rows_that_were_left_out_are_left_out():
    gaps = FRAME.astype({"Yield": float})
    gaps.iloc[3, gaps.columns.get_loc("Yield")] = np.nan
    fit = MODEL.fit(gaps, statistics="henderson1", missing="drop")
    without = MODEL.fit(gaps.dropna(), statistics="henderson1")
    assert fit.cov_params("exact").equals(without.cov_params("exact"))


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda: MODEL.fit(FRAME), "where weights are plugged in"),
        (lambda: MODEL.fit(FRAME, statistics="pairs", means="plug-in"), "where products of estimates are plugged in"),
        (lambda: replace(MODEL.fit(FRAME, statistics="henderson1"), data=None), "needs the data"),
        (
            lambda: ma.Model("Reaction ~ Days + (1 | Subject)").fit(ma.datasets.load("sleepstudy"), weighting="none"),
            "is not derivable, since its statistics are projections",
        ),
        (
            lambda: ma.Model("diameter ~ 1 + (1 | plate) + (1 | sample)").fit(
                ma.datasets.load("Penicillin"), statistics="henderson1"
            ),
            "fourth cumulants in it, which are not estimated in this model",
        ),
    ],
)
def test_what_has_no_exact_variance_is_refused_with_what_has(fit, message):
    with pytest.raises(UnsupportedError, match=message):
        fit().cov_params("exact")
