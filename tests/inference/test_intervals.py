"""Intervals from influence values: the transformation, the drawing of units, coverage by simulation, warnings."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from momentalg.errors import ModelError
from momentalg.inference import intervals as module
from momentalg.inference.intervals import hall, hall_inverse, interval, intervals, support, wald


def centred(values):
    """The influence values of a mean."""
    return (values - values.mean()) / len(values)


@pytest.mark.parametrize("skewness", [-2.0, -0.3, 1e-9, 0.0, 0.4, 3.0])
def test_halls_transformation_is_monotone_and_inverted(skewness):
    t = np.linspace(-8, 8, 161)
    g = hall(t, skewness)
    assert (np.diff(g) >= 0).all()
    back = hall_inverse(g, skewness)
    assert np.abs(hall(back, skewness) - g).max() < 1e-9
    steep = np.abs(1 + skewness * t / 3) > 0.1  # where g is flat, its inverse is not determined by floats
    assert np.abs(back - t)[steep].max() < 1e-6


def test_skewness_leaves_the_transformed_t_of_an_exponential_mean():
    """The third moment of t is of the order m^(-1/2), that of g(t) smaller: with known skewness 2, by simulation."""
    rng = np.random.default_rng(5)
    m = 50
    values = rng.exponential(size=(40_000, m))
    t = (values.mean(axis=1) - 1) / values.std(axis=1, ddof=1) * math.sqrt(m)
    transformed = hall(t, 2 / math.sqrt(m))
    tails = [(np.mean(x < -1.645), np.mean(x > 1.645)) for x in (t, transformed)]
    assert abs(tails[1][0] - tails[1][1]) < 0.3 * abs(tails[0][0] - tails[0][1])


def test_normal_data_give_nearly_the_t_interval():
    rng = np.random.default_rng(2)
    values = rng.normal(3.0, 2.0, size=4_000)
    found = interval(float(values.mean()), centred(values))
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    assert abs(found.low - (values.mean() - half)) < 0.1 * half
    assert abs(found.high - (values.mean() + half)) < 0.1 * half
    assert found.warning is None


def test_scale_and_shift_carry_over():
    values = np.random.default_rng(3).lognormal(size=200)
    first = interval(1.0, centred(values))
    scaled = interval(-1.0, 7.0 * centred(values))
    assert np.isclose(scaled.low, -1 + 7 * (first.low - 1), rtol=1e-9)
    assert np.isclose(scaled.high, -1 + 7 * (first.high - 1), rtol=1e-9)


def test_the_same_input_gives_the_same_interval():
    scores = np.stack([centred(np.random.default_rng(k).lognormal(size=60)) for k in range(3)], axis=1)
    assert intervals(np.ones(3), scores) == intervals(np.ones(3), scores)
    assert intervals(np.ones(3), scores) != intervals(np.ones(3), scores, seed=1)


def test_many_units_drawn_by_their_sums_agree_with_units_drawn_one_by_one(monkeypatch):
    scores = centred(np.random.default_rng(4).lognormal(0.0, 1.0, size=6_000))
    short = np.array([[i.low, i.high] for i in (interval(0.0, scores, seed=s) for s in range(6))])
    monkeypatch.setattr(module, "INDIVIDUAL", 10_000)
    full = np.array([[i.low, i.high] for i in (interval(0.0, scores, seed=s) for s in range(6))])
    width = full[:, 1].mean() - full[:, 0].mean()
    assert np.abs(short.mean(axis=0) - full.mean(axis=0)).max() < 0.03 * width


def test_bootstrap_moments_of_the_drawn_sums():
    """Sums over m units drawn with replacement have mean sum f and variance m times that of f over units."""
    scores = centred(np.random.default_rng(6).lognormal(size=3_000))
    powers = np.stack([scores, scores**2, scores**3])
    drawn = module._drawn_sums(scores, 4_000, np.random.default_rng(7)).T
    spread = np.sqrt(len(scores)) * powers.std(axis=1)
    z = (drawn.mean(axis=1) - powers.sum(axis=1)) / spread * math.sqrt(4_000)
    assert np.abs(z).max() < 4
    assert np.abs(drawn.std(axis=1) / spread - 1).max() < 0.06


@pytest.mark.parametrize(("sigma", "samples", "least"), [(0.0, 150, 0.9), (0.8, 300, 0.88)])
def test_the_variance_of_skewed_values_is_covered(sigma, samples, least):
    """Samples of 200 values; a sample variance with its influence values. Wald covers 0.80 with sigma 0.8."""
    rng = np.random.default_rng(11)
    hits = wald_hits = 0
    for _ in range(samples):
        z = rng.normal(size=200)
        values = z if sigma == 0 else np.exp(sigma * z)
        truth = 1.0 if sigma == 0 else (math.exp(sigma**2) - 1) * math.exp(sigma**2)
        influence = centred((values - values.mean()) ** 2)
        found = interval(values.var(ddof=1), influence)
        simple = wald(values.var(ddof=1), float(np.sqrt((influence**2).sum())))
        hits += found.low <= truth <= found.high
        wald_hits += simple.low <= truth <= simple.high
    assert hits / samples >= least
    assert sigma == 0 or wald_hits < hits - 20


def test_one_unit_that_makes_the_variance_is_warned_of():
    values = np.concatenate([np.random.default_rng(8).normal(size=99), [60.0]])
    found = interval(values.var(ddof=1), centred((values - values.mean()) ** 2))
    assert "heavy tails: one of 100 units makes up" in (found.warning or "")
    assert support(centred(np.tile([-1.0, 1.0], 50))).effective == pytest.approx(100)


def test_few_units_are_warned_of():
    assert "only 6 independent units" in (interval(1.0, centred(np.arange(6.0) ** 2)).warning or "")


def test_no_standard_error_is_said():
    for found in (interval(1.0, np.zeros(5)), interval(math.nan, centred(np.arange(30.0))), interval(1.0, np.zeros(1))):
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert "give no interval" in (found.warning or "")


def test_wald_intervals():
    z = NormalDist().inv_cdf(0.975)
    assert wald(2.0, 0.5).low == pytest.approx(2 - z / 2)
    logarithm = wald(2.0, 0.5, logarithm=True)
    assert logarithm.low * logarithm.high == pytest.approx(4.0)
    assert logarithm.high == pytest.approx(2 * math.exp(z / 4))
    assert wald(-0.1, 0.5, logarithm=True).low == pytest.approx(-0.1 - z / 2)
    assert wald(1.0, 1.0, df=3).high > wald(1.0, 1.0).high
    assert math.isnan(wald(1.0, math.nan).low)


def test_what_cannot_be_used_is_refused():
    with pytest.raises(ModelError, match="alpha=95 must lie between 0 and 1"):
        interval(1.0, np.arange(9.0), alpha=95)
    with pytest.raises(ValueError, match="scores are"):
        intervals(np.ones(2), np.ones((5, 3)))


def test_the_order_of_the_units_does_not_matter():
    scores = centred(np.random.default_rng(6).lognormal(size=40))
    assert interval(1.0, scores) == interval(1.0, scores[::-1])


def test_two_units_give_no_interval_and_none_without_width():
    found = interval(1.0, np.array([-0.5, 0.5]))
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert "2 independent units give no interval" in (found.warning or "")
    three = interval(1.0, np.array([-0.5, 0.2, 0.3]))
    assert three.low < three.high
