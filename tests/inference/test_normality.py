"""The test of normality: size and power by simulation with fixed seeds, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from momentalg.errors import DataError, ModelError
from momentalg.inference.normality import calibrated, normality
from momentalg.inference.unit_residuals import LevelResiduals
from tests.inference.test_cumulants import drawn, fitted, starts_of


def p_values(effects, residuals, samples, seed, levels=80):
    """The p-values (samples, 2) of the effects and of the residual, from residuals as a fit would have them."""
    rng = np.random.default_rng(seed)
    sizes = 1 + rng.poisson(4, levels)
    found = []
    for number in range(samples):
        y = np.repeat(effects(rng, levels), sizes) + residuals(rng, sizes.sum())
        residual = LevelResiduals("user", y, starts_of(sizes), 1.0)
        found.append([t.p_value for t in calibrated(residual, 99, number).tests])
    return np.array(found)


def normal(rng, n):
    return rng.standard_normal(n)


def skewed(rng, n):
    return rng.exponential(size=n) - 1


def test_size():
    """Both hypotheses true: of 80 tests at 10 % between 2 and 16 reject (probability above 0.99)."""
    rejected = (p_values(normal, normal, 80, 1) <= 0.1).sum(axis=0)
    assert (rejected >= 2).all()
    assert (rejected <= 16).all()


def test_each_component_is_tested_by_itself():
    effects = (p_values(skewed, normal, 30, 2) <= 0.05).mean(axis=0)
    assert effects[0] >= 0.8
    assert effects[1] <= 0.2
    residual = (p_values(normal, skewed, 30, 3) <= 0.05).mean(axis=0)
    assert residual[1] >= 0.95
    assert residual[0] <= 0.2


def test_the_table_and_the_same_seed():
    rng = np.random.default_rng(4)
    frame = drawn(1 + rng.poisson(4, 60), lambda n: skewed(rng, n), lambda n: normal(rng, n))
    fit = fitted("y ~ 1 + (1 | user)", frame)
    found = normality(fit, replicates=199)
    assert found["1|user"].p_value < 0.02
    assert found["1|user"].skewness > 0.5
    assert list(found.table.index) == ["1|user", "residual"]
    assert normality(fit, replicates=199) == found
    assert "p-values by simulation" in repr(found)
    with pytest.raises(KeyError, match=r"there are '1.user', 'residual'"):
        found["item"]


def test_a_variance_of_zero_has_no_p_value():
    rng = np.random.default_rng(5)
    codes = np.repeat(np.arange(20), 4)
    frame = drawn(np.full(20, 4), lambda n: np.zeros(n), lambda n: normal(rng, n))
    frame["y"] -= frame.groupby(codes)["y"].transform("mean")  # level means are equal: the variance comes out negative
    found = normality(fitted("y ~ 1 + (1 | user)", frame), replicates=19)
    assert math.isnan(found["1|user"].p_value)
    assert 0 < found["residual"].p_value <= 1


def test_what_cannot_be_tested_is_refused():
    rng = np.random.default_rng(6)
    few = drawn(np.full(6, 4), lambda n: normal(rng, n), lambda n: normal(rng, n))
    with pytest.raises(DataError, match="8 levels of user or more, and there are 6"):
        normality(fitted("y ~ 1 + (1 | user)", few))
    more = drawn(np.full(20, 4), lambda n: normal(rng, n), lambda n: normal(rng, n))
    with pytest.raises(ModelError, match="with 9 replicates no p-value"):
        normality(fitted("y ~ 1 + (1 | user)", more), replicates=9)
