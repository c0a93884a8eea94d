"""The exact variance of the estimates given the design, with estimates in the place of its parameters.

Equations C theta = s are solved by theta-hat = C^-1 s, so that Cov(theta-hat | design) = C^-1 Cov(s | design) C^-T, and
the engine has Cov(s | design): a polynomial in the parameters, third and fourth cumulants among them (Hammersley 1949,
Tukey 1957 and Searle 1971 did it by hand; here it is a joint cumulant of totals). It is exact for any sample, where a
sandwich counts on many units; what is estimated are the parameters in it, negative variances counting as 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.data.coefficients import frame_tables
from momentalg.data.tables import polynomial_value
from momentalg.errors import StatisticError, UnsupportedError
from momentalg.inference.rows import kept_rows

if TYPE_CHECKING:
    import numpy as np

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

ADVICE = "model.fit(frame, statistics='henderson1') has one for a model such as y ~ 1 + (1 | g)"


def exact_covariance(fit: FitResult) -> Array:
    """Cov(theta-hat | design) in the order of ``fit.keys``, shape (K, K).

    Raises:
        UnsupportedError: weights that are estimated, means that are plugged in, projections, a fit from sums, and
            models whose third and fourth cumulants cannot be estimated.

    """
    import numpy as np
    import pandas as pd

    system = fit.system
    if fit.weighting != "none" or system.plugged_in:
        what = "weights are" if fit.weighting != "none" else "products of estimates are"
        raise UnsupportedError(f"there is no exact variance where {what} plugged in; {ADVICE}")
    if fit.data is None:
        raise UnsupportedError("the exact variance needs the data: fit from a frame in memory, model.fit(frame)")
    data = pd.concat(kept_rows(fit))
    equations = (*system.common, *system.variance)
    try:
        forms = [translate(e.statistic, system.model) for e in equations]
    except (UnsupportedError, StatisticError) as error:
        raise UnsupportedError(
            f"the variance of {fit.statistics} is not derivable, since its statistics are projections; {ADVICE}"
        ) from error
    tables = frame_tables(data, system.model, "refuse")
    known: dict[str, float] = {**fit.truncated, **_cumulants(fit)}
    spread = np.empty((len(forms), len(forms)))
    for a, first in enumerate(forms):
        for b, second in enumerate(forms[: a + 1]):
            value = polynomial_value(joint_cumulant([first, second], system.model), tables, known, {}, 1)
            spread[a, b] = spread[b, a] = float(value[0])
    unknowns = (*system.mean_keys, *system.unknowns)
    inverse = np.linalg.inv(_coefficients(fit, data, unknowns))
    chosen = inverse[[unknowns.index(key) for key in fit.keys]]
    found: Array = chosen @ spread @ chosen.T
    return found


def _cumulants(fit: FitResult) -> dict[str, float]:
    try:
        return dict(fit.cumulants().params)
    except UnsupportedError as error:
        raise UnsupportedError(
            f"the exact variance has third and fourth cumulants in it, which are not estimated in this model; {ADVICE}"
        ) from error


def _coefficients(fit: FitResult, data: Any, unknowns: tuple[str, ...]) -> Array:
    """C: a row for each statistic, the normal equations first; a column for each mean and each unknown."""
    import numpy as np

    table = fit.system.coefficients(data).fillna(0.0)
    common, p = len(fit.system.common), len(fit.system.mean_keys)
    found: Array = np.zeros((len(table), len(unknowns)))
    found[:common, :p] = table.iloc[:common][list(unknowns[:p])]
    found[common:, p:] = table.iloc[common:][list(unknowns[p:])]
    return found
