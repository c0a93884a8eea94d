"""Resampling against closed forms: the pigeonhole variance of a mean, the sandwich, and each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.inference.resampling import bootstrap, jackknife

REPLICATES = 3000
MODEL = ma.Model("y ~ 1 + (1 | a) + (1 | b)")


def crossed(rng, rows, columns, keep=1.0):
    cells = [(i, j) for i in range(rows) for j in range(columns) if rng.random() < keep]
    found = pd.DataFrame(cells, columns=["a", "b"])
    found["y"] = rng.exponential(size=rows)[found["a"]] + rng.normal(size=columns)[found["b"]]
    found["y"] += rng.normal(size=len(found))
    return found


def owen(frame):
    """V_PB = [sum r^2 + (1 - 1/C) sum R_i^2 + (1 - 1/R) sum C_j^2]/N^2, with residuals about the mean."""
    left = frame.assign(r=frame["y"] - frame["y"].mean())
    squares = (left["r"] ** 2).sum()
    rows, columns = (left.groupby(side)["r"].sum() for side in ("a", "b"))
    found = squares + (1 - 1 / len(columns)) * (rows**2).sum() + (1 - 1 / len(rows)) * (columns**2).sum()
    return found / len(frame) ** 2


def test_the_pigeonhole_variance_of_the_mean_of_complete_cells_is_owens_exactly():
    """Every resample of complete cells has as many of them, so that nothing is linearised."""
    frame = crossed(np.random.default_rng(3), 9, 14)
    found = bootstrap(MODEL, frame, "pigeonhole", replicates=REPLICATES, seed=2, weighting="none")
    means = found.estimates["Intercept"].to_numpy()
    squares = (means - frame["y"].mean()) ** 2
    assert abs(squares.mean() - owen(frame)) < 4 * squares.std() / REPLICATES**0.5
    assert abs(means.mean() - frame["y"].mean()) < 4 * means.std() / REPLICATES**0.5
    assert squares.std() / REPLICATES**0.5 < 0.04 * owen(frame)  # so that a wrong weight of a term would show


def test_of_cells_that_are_not_complete_it_is_owens_to_first_order():
    frame = crossed(np.random.default_rng(4), 60, 80, keep=0.4)
    found = bootstrap(MODEL, frame, "pigeonhole", replicates=1500, seed=2, weighting="none")
    assert found.bse["Intercept"] ** 2 == pytest.approx(owen(frame), rel=4 * (2 / 1500) ** 0.5 + 0.05)


def anova(totals, units):
    """The ANOVA estimates as a function of the totals of 1, N, N^2, S, S^2/N and y^2 over the units."""
    _, n, squares, y, between, everything = totals
    residual = (everything - between) / (n - units)
    return np.array([y / n, (between - y**2 / n - (units - 1) * residual) / (n - squares / n), residual])


@pytest.mark.parametrize("effects", ["normal", "lognormal"])
def test_bootstrap_jackknife_and_sandwich_agree_on_a_thousand_units(effects):
    rng, m = np.random.default_rng(12), 1000
    sizes = rng.poisson(5, m) + 1
    a = np.repeat(np.arange(m), sizes)
    drawn = rng.normal(size=m) if effects == "normal" else rng.lognormal(0, 0.8, m)
    frame = pd.DataFrame({"a": a, "y": 1 + drawn[a] + rng.normal(size=len(a))})
    model = ma.Model("y ~ 1 + (1 | a)")
    fit = model.fit(frame, statistics="henderson3")

    # the sandwich by the delta method: the estimates are a smooth function of totals over independent units
    s, t = (frame.assign(v=v).groupby("a")["v"].sum().to_numpy() for v in (frame["y"], frame["y"] ** 2))
    of_units = np.stack([np.ones(m), sizes, sizes**2, s, s**2 / sizes, t], axis=1)
    total = of_units.sum(axis=0)
    assert anova(total, m) == pytest.approx(fit.params.to_numpy(), rel=1e-9)
    step = 1e-6 * total
    slopes = [(anova(total + d, m) - anova(total - d, m)) / (2 * d.sum()) for d in np.diag(step)[1:]]
    influence = of_units[:, 1:] @ np.array(slopes)  # of a unit more, at a fixed number of units
    units_more = (anova(total, m + 1e-3) - anova(total, m - 1e-3)) / 2e-3
    influence = influence + units_more
    sandwich = np.sqrt(((influence - influence.mean(axis=0)) ** 2).sum(axis=0))

    left_out = jackknife(fit, frame, groups=m)
    assert left_out.bse.to_numpy() == pytest.approx(sandwich, rel=0.02)  # of order 1/m
    drawn = bootstrap(fit, frame, replicates=REPLICATES, seed=1)
    values = drawn.estimates.to_numpy()
    about = (values - values.mean(axis=0)) ** 2
    errors = about.std(axis=0) / REPLICATES**0.5 / (2 * about.mean(axis=0))  # relative, of a standard deviation
    assert (np.abs(drawn.bse.to_numpy() / left_out.bse.to_numpy() - 1) < 4 * errors + 0.01).all()
    in_groups = jackknife(fit, frame, groups=200, seed=4)
    assert in_groups.bse.to_numpy() == pytest.approx(sandwich, rel=4 / (2 * 199) ** 0.5)


def test_the_multiway_jackknife_of_a_mean_is_the_two_way_cluster_variance():
    """[sum R_i^2 + sum C_j^2 - sum r^2]/N^2, to first order in the number of levels."""
    frame = crossed(np.random.default_rng(6), 150, 120, keep=0.3)
    left = frame["y"] - frame["y"].mean()
    parts = [left.groupby(frame[side]).sum() for side in ("a", "b")]
    clustered = sum((p**2).sum() for p in parts) - (left**2).sum()
    found = jackknife(MODEL, frame, groups=len(frame), weighting="none")
    assert found.bse["Intercept"] ** 2 == pytest.approx(clustered / len(frame) ** 2, rel=0.03)


def test_they_agree_with_the_sandwich_of_weighted_equations_to_the_order_of_its_weights():
    """Weights from a first step do not bear on the sandwich in expectation; in a sample they do, by 1/sqrt(units)."""
    rng, m = np.random.default_rng(13), 600
    sizes = np.ceil(rng.lognormal(1, 1, m)).astype(int)
    a = np.repeat(np.arange(m), sizes)
    frame = pd.DataFrame({"a": a, "y": rng.lognormal(0, 0.5, m)[a] + rng.normal(size=len(a))})
    fit = ma.Model("y ~ 1 + (1 | a)").fit(frame, weighting="two-step")
    left_out, replicates = jackknife(fit, frame, groups=m), 800
    assert left_out.bse.to_numpy() == pytest.approx(fit.bse.to_numpy(), rel=3 / m**0.5)
    drawn = bootstrap(fit, frame, replicates=replicates, seed=1)
    values = drawn.estimates.to_numpy()
    about = (values - values.mean(axis=0)) ** 2
    errors = about.std(axis=0) / replicates**0.5 / (2 * about.mean(axis=0))
    assert (np.abs(drawn.bse.to_numpy() / left_out.bse.to_numpy() - 1) < 4 * errors + 0.02).all()


def test_a_multiway_jackknife_over_few_levels_says_that_it_may_be_too_small():
    fit = ma.Model("diameter ~ 1 + (1 | plate) + (1 | sample)").fit(ma.datasets.load("Penicillin"))
    assert any("with 6 levels of sample it may be far too small" in note for note in fit.jackknife().notes)
