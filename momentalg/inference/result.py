"""`FitResult`: estimates with their names, and the tables that show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from momentalg.errors import UnsupportedError
from momentalg.expr.keys import read_key
from momentalg.inference import tables

if TYPE_CHECKING:
    import pandas as pd

    from momentalg.model.model import Model
    from momentalg.moments.system import MomentSystem


@dataclass(frozen=True)
class FitResult:
    """A fitted model. Variance components are as the equations give them; a negative one is flagged, not hidden."""

    model: Model
    system: MomentSystem
    estimates: Mapping[str, float]
    truncated: Mapping[str, float]
    nobs: int
    n_groups: Mapping[str, int]
    dropped: int = 0

    @property
    def statistics(self) -> str:
        """The name of the statistics, as in the catalogue; "own" for expressions."""
        return self.system.statistics or "own"

    @property
    def params(self) -> pd.Series[float]:
        """All parameters by key as estimated: mean parameters, variance components, then cumulants of higher order."""
        return _series({key: self.estimates[key] for key in self.keys}, "estimate")

    @property
    def keys(self) -> tuple[str, ...]:
        """The parameters' keys, in the order of the model, and of cumulants that the statistics are for."""
        return tuple(
            key for key in dict.fromkeys((*self.model.parameters, *self.system.targets)) if key in self.estimates
        )

    @property
    def fe_params(self) -> pd.Series[float]:
        """The mean parameters by key."""
        return _series({key: self.estimates[key] for key in self.keys if _is_mean(key)}, "estimate")

    @property
    def vcomp(self) -> pd.Series[float]:
        """The variance components by key, as estimated."""
        return _series({key: self.estimates[key] for key in self.keys if _is_component(key)}, "estimate")

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
        return tuple(key for key in self.keys if _is_variance(key) and self.estimates[key] < 0)

    @property
    def bse(self) -> NoReturn:
        """Standard errors, which are not available yet."""
        self._refuse("standard errors (bse)")

    def conf_int(self, alpha: float = 0.05) -> NoReturn:
        """Confidence intervals, which are not available yet."""
        self._refuse("confidence intervals (conf_int)")

    def cov_params(self) -> NoReturn:
        """The covariance of the estimates, which is not available yet."""
        self._refuse("the covariance of the estimates (cov_params)")

    def ranef(self) -> NoReturn:
        """Predictions of the random effects, which are not available yet."""
        self._refuse("predictions of random effects (ranef)")

    def tidy(self) -> pd.DataFrame:
        """One row per parameter: effect, group, term, estimate, std_error (empty until standard errors exist)."""
        import pandas as pd

        return pd.DataFrame([tables.tidy_row(key, self.estimates[key]) for key in self.keys], columns=list(tables.TIDY))

    def summary(self) -> str:
        """The fit as plain text."""
        return tables.text(self)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return tables.html(self)

    def _repr_markdown_(self) -> str:
        return tables.markdown(self)

    def _refuse(self, what: str) -> NoReturn:
        raise UnsupportedError(
            f"{what} are not available in this version; they come with the next issue. Until then: "
            "model.check(parameters=dict(fit.params), design=frame, replicates=1000) gives the spread of the estimates "
            "by simulation, or resample whole levels and call model.fit on each sample"
        )


def _is_mean(key: str) -> bool:
    return read_key(key).kind == "mean"


def _is_component(key: str) -> bool:
    """Whether it is a variance or a covariance, and no cumulant of higher order."""
    return not _is_mean(key) and read_key(key).order == 2


def _is_variance(key: str) -> bool:
    return _is_component(key) and key.startswith("var(")


def _series(values: Mapping[str, float], name: str) -> pd.Series[float]:
    import pandas as pd

    return pd.Series(list(values.values()), index=pd.Index(list(values), name="parameter"), name=name, dtype=float)
