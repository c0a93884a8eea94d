"""Weighted fits where floats hold few digits: covariates far from 0, and responses without variance. Right, or loud."""

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import DataError

SLOPES = ("y ~ x + (1 + x | a)", "y ~ x + (1 + x | a) + (1 | a:b)", "y ~ x + (1 + x | a) + (1 | b)")


def rows():
    random = np.random.default_rng(3)
    a, b, x = random.integers(0, 20, 200), random.integers(0, 6, 200), random.normal(size=200)
    u, v, w = random.normal(size=(3, 20))
    return pd.DataFrame({"a": a, "b": b, "x": x, "y": u[a] + (1 + v[a]) * x + w[b] + random.normal(size=200)})


@pytest.mark.parametrize("weighting", ["two-step", "iterated"])
@pytest.mark.parametrize("formula", SLOPES)
@pytest.mark.parametrize("origin", [1e3, 1e5, 1e7, 1e9, 1.7e12])
def test_a_slope_of_a_covariate_far_from_0_is_the_same_or_refused(formula, origin, weighting):
    """Its intercepts vary by 1e14 and more about 0, of which floats hold nothing that tells effects from residuals."""
    frame, model = rows(), ma.Model(formula)
    far = frame.assign(x=frame["x"] + origin)
    if origin > 1e6:
        with pytest.raises(DataError, match="so far from 0 that"):
            model.fit(far, weighting=weighting)
        return
    near, found = model.fit(frame, weighting=weighting), model.fit(far, weighting=weighting)
    keys = ["x", "var(x|a)", "var(residual)"]
    assert found.params[keys].to_numpy() == pytest.approx(near.params[keys].to_numpy(), rel=1e-6)
    assert found.bse[keys].to_numpy() == pytest.approx(near.bse[keys].to_numpy(), rel=1e-5)
    assert found.fittedvalues.to_numpy() == pytest.approx(near.fittedvalues.to_numpy(), abs=1e-5)


def test_effects_at_classical_estimates_far_from_0_are_refused_too():
    frame = rows()
    fit = ma.Model(SLOPES[0]).fit(frame.assign(x=frame["x"] + 1e9), weighting="none")
    with pytest.raises(DataError, match="so far from 0 that"):
        fit.ranef()


@pytest.mark.parametrize("formula", ["y ~ x + (1 | a)", "y ~ x + (1 | a/b)", "y ~ x + (1 | a) + (1 | b)", *SLOPES])
def test_a_response_that_the_mean_explains_leaves_no_standard_errors(formula):
    frame, model = rows(), ma.Model(formula)
    for response in (3.7, 1 + 2 * frame["x"]):
        assert model.fit(frame.assign(y=response)).bse.max() < 1e-7


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | a) + (1 | b)", "y ~ 1 + x + (1 + x | a) + (1 | b)"])
def test_a_residual_variance_of_0_has_no_great_standard_error(formula):
    """What rounding leaves of residuals says nothing of their fourth cumulant."""
    frame = rows()
    fit = ma.Model(formula).fit(frame.assign(y=1.0 * frame["a"]), weighting="iterated")
    assert abs(fit.estimates["var(residual)"]) < 1e-6
    assert fit.bse["var(residual)"] < 0.1 * fit.bse["var(1|a)"]
