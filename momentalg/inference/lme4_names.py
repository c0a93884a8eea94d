"""lme4's names for the parts of a fit, as thin aliases: fixef, ranef, coef, VarCorr, sigma, ngrps, vcov and others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn, cast

from momentalg.errors import UnsupportedError
from momentalg.inference import prediction, tidying

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.inference.result import FitResult


class Lme4Names:
    """What lme4 calls things; `FitResult` has all of them."""

    @property
    def _fit(self) -> FitResult:
        return cast("FitResult", self)

    def fixef(self) -> pd.Series[float]:
        """The mean parameters: `fe_params`."""
        return self._fit.fe_params

    def ranef(self, condVar: bool = False) -> Any:  # noqa: N803
        """The predicted effects: by factor, a DataFrame of levels by coefficients.

        With ``condVar=True`` one long table with the columns grpvar, term, grp, condval, condsd, as R's
        ``as.data.frame(ranef(fit))``. condsd is the standard error of prediction, which holds the error of the mean
        parameters; lme4's is given these, and smaller.
        """
        fit = self._fit
        return tidying.long_effects(fit) if condVar else {name: found.frame() for name, found in fit.effects.items()}

    def coef(self) -> dict[str, pd.DataFrame]:
        """By factor, the coefficients of each level: mean parameters plus predicted effects."""
        fit, found = self._fit, {}
        for name, effects in fit.effects.items():
            frame = effects.frame()
            frame.columns = ["Intercept" if c == "1" else c for c in effects.coefficients]
            for key in fit.mean_keys:
                frame[key] = frame[key] + fit.estimates[key] if key in frame else fit.estimates[key]
            order = [*fit.mean_keys, *(c for c in frame.columns if c not in fit.mean_keys)]
            found[name] = frame[order]
        return found

    def VarCorr(self) -> pd.DataFrame:  # noqa: N802
        """Variances and covariances with the columns grp, var1, var2, vcov, sdcor: `tidying.var_corr`."""
        return tidying.var_corr(self._fit)

    def vcov(self) -> pd.DataFrame:
        """The covariance matrix of the mean parameters."""
        keys = list(self._fit.mean_keys)
        return self._fit.cov_params().loc[keys, keys]

    @property
    def sigma(self) -> float:
        """The standard deviation of a residual, 0 where its variance is estimated below 0."""
        scale = self._fit.scale
        return math.sqrt(scale) if scale > 0 else 0.0 * scale

    def ngrps(self) -> dict[str, int]:
        """The number of levels of each factor."""
        return dict(self._fit.n_groups)

    def fitted(self) -> pd.Series[float]:
        """X b + Z u of the rows of the fit: `fittedvalues`."""
        return self._fit.fittedvalues

    def residuals(self, level: str = "observation", kind: str = "conditional") -> pd.Series[float]:
        """Residuals: ``level="observation"``, or the means over the levels of a factor, ``level="user"``.

        `kind` is "conditional", y - X b - Z u, or "marginal", y - X b: `momentalg.inference.prediction.residuals`.
        """
        return prediction.residuals(self._fit, level, kind)

    def logLik(self) -> NoReturn:  # noqa: N802
        """There is no likelihood: moments assume no law of effects and residuals."""
        raise _no_likelihood("logLik")

    def AIC(self) -> NoReturn:  # noqa: N802
        """There is no likelihood: moments assume no law of effects and residuals."""
        raise _no_likelihood("AIC")

    def BIC(self) -> NoReturn:  # noqa: N802
        """There is no likelihood: moments assume no law of effects and residuals."""
        raise _no_likelihood("BIC")


def _no_likelihood(asked: str) -> UnsupportedError:
    return UnsupportedError(
        f"{asked} is of a likelihood, and a fit by moments has none: it assumes no law of effects and residuals. "
        "Compare models by their parameters with standard errors, fit.tidy(conf_int=True), or by prediction of rows "
        "that were left out"
    )
