"""The influence of independent units on estimates, which gives intervals their shape.

* one chain of nested factors: the generated module's `scores`, exactly what its sandwich covariance is made of;
* a jackknife over units: what the estimates lack without each unit, or group of units (Efron 1982);
* crossed factors: no unit is independent of the others, but the levels of one factor are drawn independently, and they
  are what skews the estimate of its variance. At a solution of REML's equations that variance is the mean over the
  levels of (prediction^2 + variance of its error): the equation of the EM algorithm (Laird and Ware 1982, Biometrics
  38, 963-974). Deviations of the levels from that mean are taken for the shape, scaled to the standard error of the
  fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.expr.keys import read_key
from momentalg.inference.covariance import PLUG_IN, SANDWICH

if TYPE_CHECKING:
    import numpy as np

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]


def influence(fit: FitResult) -> Mapping[str, Array]:
    """By key, the influence (m,) of each of m units, whose sum is 0 to first order.

    Its sum of squares is (m-1)/m times the variance of the fit.
    Keys that nothing is known for are left out: covariances and residual variances of crossed models, and all keys of
    crossed fits whose standard errors are by jackknife.
    """
    if fit.covariance.influence or fit.sums is None:
        return fit.covariance.influence
    module = fit.sums.estimator.module
    if fit.covariance.kind == SANDWICH and hasattr(module, "scores"):
        found = module.scores(fit.sums.prepared, dict(fit.estimates))
        return {key: found[:, n] for n, key in enumerate(module.KEYS)}
    return _of_levels(fit) if fit.covariance.kind == PLUG_IN else {}


def _of_levels(fit: FitResult) -> dict[str, Array]:
    """For variances of effects that are estimated above 0, from the predicted effects of the levels."""
    import numpy as np

    try:
        effects = fit.effects
    except UnsupportedError:
        return {}
    errors, found = fit.bse, {}
    for key in fit.keys:
        read = read_key(key)
        if not key.startswith("var(") or read.kind != "group" or not fit.estimates[key] > 0:
            continue
        levels = effects[read.factor]
        c = levels.coefficients.index(read.coefficients[0])
        squares = levels.predictions[:, c] ** 2 + levels.covariances[:, c, c]
        centred = squares - squares.mean()
        m, total = len(centred), float((centred**2).sum())
        if m > 1 and total > 0 and np.isfinite(errors[key]):
            found[key] = centred * (float(errors[key]) / np.sqrt(total * m / (m - 1)))
    return found
