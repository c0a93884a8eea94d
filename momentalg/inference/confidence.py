"""Confidence intervals of the parameters of a fit, by the kind of parameter.

* means: estimate -+ q se, q the 1 - alpha/2 quantile of t with `fit.df` degrees of freedom, as the p-values have it;
* components and cumulants, where the influence of units is known (`momentalg.inference.influence`): bootstrap-t after
  Hall's transformation, which holds its coverage for skewed and heavy-tailed effects (`momentalg.inference.intervals`);
* components without that (residuals of crossed factors, jackknife): variances by the Wald interval of the logarithm,
  exp(log estimate -+ q se/estimate), if the estimate is positive; others by estimate -+ q se.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentalg.expr.keys import read_key
from momentalg.inference.influence import influence
from momentalg.inference.intervals import Interval, wald
from momentalg.inference.intervals import interval as bootstrap_t
from momentalg.inference.reference import require_alpha

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]


def intervals(fit: FitResult, alpha: float) -> Mapping[str, Interval]:
    """The interval of each parameter, with its method and perhaps a warning."""
    require_alpha(alpha)
    errors, scores = fit.bse, influence(fit)
    return {key: _interval(key, fit, float(errors[key]), scores.get(key), alpha) for key in fit.keys}


def conf_int(fit: FitResult, alpha: float) -> pd.DataFrame:
    """The intervals as a table by key, columns 0 and 1; what speaks against some of them is a warning."""
    import pandas as pd

    found = intervals(fit, alpha)
    for text in warnings_of(found):
        warnings.warn(text, UserWarning, stacklevel=3)
    ends = [(interval.low, interval.high) for interval in found.values()]
    return pd.DataFrame(ends, index=pd.Index(list(found), name="parameter"), columns=[0, 1], dtype=float)


def warnings_of(found: Mapping[str, Interval]) -> list[str]:
    """What speaks against intervals, each sentence once, with the keys that it is of."""
    keys: dict[str, list[str]] = {}
    for key, interval in found.items():
        if interval.warning is not None:
            keys.setdefault(interval.warning, []).append(key)
    return [f"{', '.join(of)}: {text}" for text, of in keys.items()]


def _interval(key: str, fit: FitResult, error: float, scores: Array | None, alpha: float) -> Interval:
    estimate = fit.estimates[key]
    if read_key(key).kind == "mean" or scores is None:
        return wald(estimate, error, alpha, fit.df, logarithm=key.startswith("var("))
    return bootstrap_t(estimate, scores, alpha)
