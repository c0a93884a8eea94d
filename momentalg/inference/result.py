"""`FitResult`: estimates with their standard errors, predictions and tables, under statsmodels' names and lme4's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.expr.keys import read_key
from momentalg.inference import confidence, prediction
from momentalg.inference.analyses import Analyses
from momentalg.inference.covariance import Covariance, clusters_of, covariance
from momentalg.inference.effects import Effects, predicted
from momentalg.inference.lme4_names import Lme4Names
from momentalg.inference.reference import two_sided
from momentalg.inference.rows import Sizes
from momentalg.inference.views import Views

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.inference.intervals import Interval
    from momentalg.inference.sums import Sums
    from momentalg.model.model import Model
    from momentalg.moments.system import MomentSystem


@dataclass(frozen=True, repr=False)
class FitResult(Lme4Names, Analyses, Views):
    """A fitted model. Variance components are as the equations give them; a negative one is flagged, not hidden.

    Standard errors assume no normality; which formula they are by is `covariance`, and in the summary. Means are
    referred to t with m - p degrees of freedom: m clusters (`covariance` names them), p mean parameters. What needs the
    rows (residuals, fitted values) needs a fit from data, since sums do not hold them.
    """

    model: Model
    system: MomentSystem
    estimates: Mapping[str, float]
    truncated: Mapping[str, float]
    nobs: int
    n_groups: Mapping[str, int]
    dropped: int = 0
    sums: Sums | None = field(default=None, compare=False, repr=False)
    data: Any = field(default=None, compare=False, repr=False)  # a frame or a list of frames; None for sums
    missing: str = "refuse"

    @property
    def statistics(self) -> str:
        """The name of the statistics, as in the catalogue; "own" for expressions."""
        return self.system.statistics or "own"

    @property
    def weighting(self) -> str:
        """How the forms are weighted: "none", "two-step" or "iterated"."""
        return self.system.weighting

    # Estimates.

    @property
    def params(self) -> pd.Series[float]:
        """All parameters by key as estimated: mean parameters, variance components, then cumulants of higher order."""
        return _series({key: self.estimates[key] for key in self.keys}, "estimate")

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The parameters' keys, in the order of the model, and of cumulants that the statistics are for."""
        return keys_of(self.model, self.system, self.estimates)

    @property
    def mean_keys(self) -> tuple[str, ...]:
        """The keys of the mean parameters."""
        return tuple(key for key in self.keys if _is_mean(key))

    @property
    def fe_params(self) -> pd.Series[float]:
        """The mean parameters by key."""
        return _series({key: self.estimates[key] for key in self.mean_keys}, "estimate")

    @property
    def vcomp(self) -> pd.Series[float]:
        """The variance components by key, as estimated."""
        return _series({key: self.estimates[key] for key in self.keys if _is_component(key)}, "estimate")

    @property
    def scale(self) -> float:
        """The residual variance, as estimated; not a number with several classes of residuals."""
        return self.estimates.get("var(residual)", float("nan"))

    @property
    def variance_components(self) -> pd.DataFrame:
        """The variance components: `estimate`, `truncated` at 0, and whether the estimate is `negative`."""
        import pandas as pd

        keys = [key for key in self.keys if _is_component(key)]
        raw = [self.estimates[key] for key in keys]
        columns = {
            "estimate": raw,
            "truncated": [self.truncated[k] for k in keys],
            "negative": [k in self.negative for k in keys],
        }
        return pd.DataFrame(columns, index=pd.Index(keys, name="parameter"))

    @property
    def negative(self) -> tuple[str, ...]:
        """The variances whose estimates are negative; a covariance may be."""
        return tuple(key for key in self.keys if is_variance(key) and self.estimates[key] < 0)

    @property
    def indefinite(self) -> tuple[str, ...]:
        """The covariances, and variances that are not negative, of blocks that are no covariance matrix together."""
        return tuple(
            key
            for key in self.keys
            if _is_component(key) and self.truncated[key] != self.estimates[key] and key not in self.negative
        )

    # Uncertainty.

    @cached_property
    def covariance(self) -> Covariance:
        """The covariance of the estimates, with its kind, its clusters and whether it is given the design."""
        return covariance(self)

    def cov_params(self, kind: str | None = None) -> pd.DataFrame:
        """The covariance matrix of the estimates, by key: `momentalg.inference.covariance` says by which formula.

        `kind` asks for one: "sandwich" (over units), "plug-in" (crossed factors), "jackknife", "multiway" or
        "exact": see `momentalg.inference.covariance`.
        """
        found = self.covariance if kind is None else covariance(self, kind)
        return found.matrix.copy()

    @property
    def bse(self) -> pd.Series[float]:
        """Standard errors by key: roots of the diagonal of `cov_params()`."""
        matrix = self.covariance.matrix
        return _series({key: _root(matrix.loc[key, key]) for key in self.keys}, "std_error")

    @property
    def bse_fe(self) -> pd.Series[float]:
        """Standard errors of the mean parameters."""
        return self.bse[list(self.mean_keys)]

    @property
    def df(self) -> int:
        """The degrees of freedom of the t distribution that estimates are referred to: m - p.

        m is the number of clusters that standard errors rest on (units; of crossed factors, the fewest levels), p the
        number of mean parameters: a cluster-robust covariance of p means has no more than m - p free contrasts of
        clusters behind it (the rule of Bell and McCaffrey 2002 in its simplest form). With many units t is normal;
        below one there is no reference, and p-values and intervals are not numbers.
        """
        return clusters_of(self)[1] - len(self.mean_keys)

    @property
    def df_resid(self) -> int:
        """Observations less mean parameters."""
        return self.nobs - len(self.mean_keys)

    @property
    def tvalues(self) -> pd.Series[float]:
        """Estimates over their standard errors."""
        return (self.params / self.bse).rename("statistic")

    @property
    def pvalues(self) -> pd.Series[float]:
        """P(|t| > |estimate/se|) for the hypothesis that a parameter is 0; t has `df` degrees of freedom.

        Not a number for variances and cumulants of effects: the estimator of a variance that is 0 is skewed, and t is
        no reference for it.
        """
        statistics = self.tvalues
        return _series(
            {k: float("nan") if _is_cumulant(k) else two_sided(statistics[k], self.df) for k in self.keys}, "p_value"
        )

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Intervals of level 1 - alpha by key: columns 0 and 1, as in statsmodels.

        Means by t, components by bootstrap-t after Hall's transformation where units are independent, else by Wald's
        interval, of the logarithm for variances: `momentalg.inference.confidence`. Warns where the data do not support
        an interval; `intervals` has the methods and warnings by key.
        """
        return confidence.conf_int(self, alpha)

    def intervals(self, alpha: float = 0.05) -> Mapping[str, Interval]:
        """The intervals of level 1 - alpha by key, each with low, high, method and warning."""
        return confidence.intervals(self, alpha)

    # Effects, predictions and residuals.

    @cached_property
    def effects(self) -> Mapping[str, Effects]:
        """The predicted effects (BLUPs) by factor, with levels, covariances of their errors, and coefficients."""
        return predicted(self)

    @property
    def random_effects(self) -> dict[Any, pd.Series[float]]:
        """The predicted effects by level, as in statsmodels; of several factors, `ranef()` has them by factor."""
        return prediction.by_level(self)

    @property
    def random_effects_cov(self) -> dict[Any, pd.DataFrame]:
        """The covariances of the errors of prediction by level, as in statsmodels."""
        return prediction.covariances_by_level(self)

    @property
    def fittedvalues(self) -> pd.Series[float]:
        """X b + Z u of the rows of the fit, effects as predicted."""
        return prediction.fitted(self)

    @property
    def resid(self) -> pd.Series[float]:
        """Observations less `fittedvalues`: the conditional residuals."""
        return prediction.residuals(self, "observation", "conditional")

    def predict(self, data: Any = None, effects: bool | str | Iterable[str] = True) -> pd.Series[float]:
        """X b + Z u of new rows; of the rows of the fit without `data`: `prediction.predict`.

        Seen levels have their predicted effects, levels that the fit has not seen the mean of the population, whose
        effect is 0. With ``effects=False`` all effects are left out; ``effects="user"`` keeps those of one factor.
        """
        return prediction.predict(self, data, effects)

    def shrinkage(self) -> dict[str, Any]:
        """By factor, how far each level is pulled to the mean: `momentalg.inference.effects.shrinkage`.

        A Series by level of N theta/(1 + N theta) for an intercept; a DataFrame of matrices for slopes, whose rows are
        (level, coefficient).
        """
        return prediction.shrinkage_by_factor(self)

    @cached_property
    def level_sizes(self) -> Sizes:
        """By factor, its levels as an index, and the number of observations in each."""
        return prediction.level_sizes(self)


def keys_of(model: Model, system: MomentSystem, estimates: Mapping[str, float]) -> tuple[str, ...]:
    """The keys that are estimated, in the order of the model, and of cumulants that the statistics are for."""
    return tuple(key for key in dict.fromkeys((*model.parameters, *system.targets)) if key in estimates)


def _is_mean(key: str) -> bool:
    return read_key(key).kind == "mean"


def _is_component(key: str) -> bool:
    """Whether it is a variance or a covariance, and no cumulant of higher order."""
    return not _is_mean(key) and read_key(key).order == 2


def _is_cumulant(key: str) -> bool:
    """Whether it is a variance or a cumulant of higher order; neither a mean nor a covariance."""
    return not _is_mean(key) and not key.startswith("cov(")


def is_variance(key: str) -> bool:
    """Whether a key is that of a variance."""
    return _is_component(key) and key.startswith("var(")


def _root(variance: Any) -> float:
    """The root of a variance; not a number of one that is negative, which a multiway covariance may have."""
    return float(variance) ** 0.5 if variance >= 0 else float("nan")


def _series(values: Mapping[str, float], name: str) -> pd.Series[float]:
    import pandas as pd

    return pd.Series(list(values.values()), index=pd.Index(list(values), name="parameter"), name=name, dtype=float)
