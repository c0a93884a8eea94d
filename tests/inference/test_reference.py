"""Student's t and the normal law against SciPy's, tails included."""

from __future__ import annotations

import math

import pytest
from scipy import stats

import momentalg as ma
from momentalg.inference.reference import quantile, two_sided


@pytest.mark.parametrize("df", [1, 2, 3, 5.5, 17, 100, 9999, math.inf])
@pytest.mark.parametrize("t", [0.0, 1e-6, 0.3, 1.0, 1.96, 5.0, 9.0, 37.0])
def test_tails_are_those_of_scipy(t, df):
    law = stats.norm if df == math.inf else stats.t(df)
    expected = 2 * law.sf(t)
    assert two_sided(t, df) == pytest.approx(expected, rel=1e-8, abs=1e-300)
    assert two_sided(-t, df) == two_sided(t, df)


@pytest.mark.parametrize("df", [1, 2, 4, 17, 250, 1e6, math.inf])
@pytest.mark.parametrize("p", [1e-6, 0.025, 0.3, 0.5, 0.9, 0.975, 0.9995])
def test_quantiles_are_those_of_scipy(p, df):
    law = stats.norm if df == math.inf else stats.t(df)
    assert quantile(p, df) == pytest.approx(law.ppf(p), rel=1e-8, abs=1e-12)


def test_there_is_no_reference_without_degrees_of_freedom():
    assert math.isnan(two_sided(1.0, 0))
    assert math.isnan(quantile(0.975, -1))
    assert math.isnan(two_sided(math.nan, 5))
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile(1.0, 5)


FRAME = {"user": list("aaabbbccd"), "y": [1.0, 2, 4, 3, 5, 7, 6, 2, 8]}
MODEL = ma.Model("y ~ 1 + (1 | user)")


@pytest.mark.parametrize("alpha", [0, 1, 95, -0.05, math.nan])
@pytest.mark.parametrize(
    "asked",
    [
        lambda alpha: MODEL.fit(FRAME).conf_int(alpha),
        lambda alpha: MODEL.fit(FRAME).summary(alpha),
        lambda alpha: MODEL.fit(FRAME).icc().interval(alpha),
        lambda alpha: MODEL.fit(FRAME).jackknife().conf_int(alpha),
        lambda alpha: MODEL.fit(FRAME).cumulants().conf_int(alpha),
        lambda alpha: MODEL.sizes(FRAME).conf_int(alpha),
        lambda alpha: MODEL.size_effect(FRAME).pooled.interval(alpha),
    ],
)
def test_every_interval_refuses_what_is_no_probability_of_missing(asked, alpha):
    with pytest.raises(ma.ModelError, match=f"alpha={alpha} must lie between 0 and 1"):
        asked(alpha)
