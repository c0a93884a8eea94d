"""Confidence intervals of the parameters, by the kind of parameter.

With q the 1 - alpha/2 quantile of t with `fit.df` degrees of freedom:

* means and covariances: estimate -+ q se;
* variances with a positive estimate: exp(log estimate -+ q se/estimate), the Wald interval of the logarithm, which does
  not reach below 0 and is longer above, as the law of the estimator is skewed;
* variances with an estimate of 0 or less: estimate -+ q se, so that the interval shows how far above 0 they may be.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from momentalg.errors import ModelError
from momentalg.inference.reference import quantile

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.inference.result import FitResult


def intervals(fit: FitResult, alpha: float) -> pd.DataFrame:
    """The interval of each parameter: by key, columns 0 and 1. Not numbers where `fit.df` is below 1."""
    import pandas as pd

    if not 0 < alpha < 1:
        raise ModelError(f"alpha= is the probability left out, between 0 and 1, not {alpha}")
    q, errors = quantile(1 - alpha / 2, fit.df), fit.bse
    found = [interval(key, fit.estimates[key], float(errors[key]), q) for key in fit.keys]
    return pd.DataFrame(found, index=pd.Index(fit.keys, name="parameter"), columns=[0, 1], dtype=float)


def interval(key: str, estimate: float, error: float, q: float) -> tuple[float, float]:
    """The interval of one parameter; `q` is the quantile."""
    if key.startswith("var(") and estimate > 0:
        factor = math.exp(min(q * error / estimate, 700.0))
        return estimate / factor, estimate * factor
    return estimate - q * error, estimate + q * error
