"""Third and fourth cumulants of the effects and the residual as estimates in their own right.

k3 and k4 say how far effects are from normal, in units of the response; skewness k3/var^1.5 and excess kurtosis
k4/var^2 say it free of units. Standard errors are by the cluster jackknife over levels, which are independent (groups
of levels are left out where there are many); the estimates are corrected by its estimate of their bias, and ratios
follow by the delta method. Equations: `momentalg.inference.cumulant_equations`.

With covariates the cumulants are those of residuals from the fitted mean: p mean parameters add a bias of the relative
order p/m of m levels, and the jackknife holds their estimates fixed, except the general level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, NotIdentifiedError
from momentalg.inference.cumulant_equations import LevelMoments, cumulants_of
from momentalg.inference.intervals import Interval, intervals
from momentalg.inference.unit_residuals import level_residuals

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

GROUPS = 500  # of levels left out together, at most
FEWEST = 4  # levels


@dataclass(frozen=True, repr=False)
class Cumulants:
    """Cumulants, skewness and excess kurtosis by key, with standard errors."""

    keys: tuple[str, ...]
    values: Array  # (K,), corrected for bias
    scores: Array  # (groups, K): what each group adds to the estimates; their Gram matrix is the covariance
    levels: int
    name: str  # of the factor

    @property
    def params(self) -> pd.Series[float]:
        """The estimates by key: ``k3(1|user)``, ``skewness(1|user)``, ``excess_kurtosis(residual)``, ..."""
        return self._series(self.values, "estimate")

    @property
    def bse(self) -> pd.Series[float]:
        """Standard errors by key."""
        import numpy as np

        return self._series(np.sqrt((self.scores**2).sum(axis=0)), "std_error")

    def cov_params(self) -> pd.DataFrame:
        """The covariance matrix of the estimates, by key."""
        import pandas as pd

        return pd.DataFrame(self.scores.T @ self.scores, index=list(self.keys), columns=list(self.keys))

    def intervals(self, alpha: float = 0.05) -> tuple[Interval, ...]:
        """Bootstrap-t intervals, each with a warning if the data cannot support it: `momentalg.inference.intervals`."""
        return intervals(self.values, self.scores, alpha)

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Intervals by key: columns 0 and 1."""
        import pandas as pd

        ends = [(found.low, found.high) for found in self.intervals(alpha)]
        return pd.DataFrame(ends, index=pd.Index(self.keys, name="parameter"), columns=[0, 1])

    @property
    def table(self) -> pd.DataFrame:
        """The estimates with standard errors, 95 % intervals, and what speaks against them."""
        import pandas as pd

        found = self.intervals()
        columns = {
            "estimate": self.params,
            "std_error": self.bse,
            "conf_low": self._series([i.low for i in found], "conf_low"),
            "conf_high": self._series([i.high for i in found], "conf_high"),
            "warning": pd.Series([i.warning or "" for i in found], index=list(self.keys), dtype=str),
        }
        return pd.DataFrame(columns, index=pd.Index(self.keys, name="parameter"))

    def __repr__(self) -> str:
        lines = [f"Cumulants over {self.levels} levels of {self.name}; standard errors by jackknife"]
        errors = self.bse
        width = max(len(key) for key in self.keys)
        lines += [f"{k:<{width}}  {v:>12.6g}  ({errors[k]:.3g})" for k, v in zip(self.keys, self.values, strict=True)]
        return "\n".join(lines)

    def _series(self, values: Any, name: str) -> pd.Series[float]:
        import pandas as pd

        return pd.Series(values, index=pd.Index(self.keys, name="parameter"), name=name, dtype=float)


def cumulants(fit: FitResult, order: int = 4, seed: int = 0) -> Cumulants:
    """Cumulants of the effects and of the residual up to the order three or four, with skewness and excess kurtosis.

    With more than 500 levels, the jackknife leaves out 500 groups of them, which `seed` draws.

    Raises:
        UnsupportedError: several factors, slopes, residual variances by class or known weights, with what works.
        NotIdentifiedError: fewer than four levels, or levels of one observation alone.

    """
    import numpy as np

    if order not in (3, 4):
        raise ModelError(f"order= is 3 or 4, not {order!r}; fit.vcomp has the variances, which are of order 2")
    found = level_residuals(fit, "cumulants")
    names = f"1|{found.name}", "residual"
    raw, left_out = jackknifed(found.moments, found.theta, np.random.default_rng(seed))
    groups = len(left_out)
    values = groups * raw - (groups - 1) * left_out.mean(axis=0)
    scores = (groups - 1) / np.sqrt(groups * (groups - 1.0)) * (left_out.mean(axis=0) - left_out)
    variances = values[0]
    keys: list[str] = []
    columns: list[tuple[Array, Array]] = []
    for n in range(1, order - 1):
        keys += [f"k{n + 2}({name})" for name in names]
        columns += [(values[n, c], scores[:, n, c]) for c in (0, 1)]
    for n, word in enumerate(("skewness", "excess_kurtosis")[: order - 2], start=1):
        keys += [f"{word}({name})" for name in names]
        for c in (0, 1):
            variance, power = (variances[c] if variances[c] > 0 else np.nan), (n + 2) / 2
            ratio = values[n, c] / variance**power
            change = scores[:, n, c] / variance**power - power * ratio / variance * scores[:, 0, c]
            columns.append((ratio, change))
    found_scores = np.stack([s for _, s in columns], axis=1)
    return Cumulants(tuple(keys), np.array([v for v, _ in columns]), found_scores, len(found.starts), found.name)


def jackknifed(levels: LevelMoments, theta: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """The cumulants, shape (3, 2), and those without each group of levels, shape (groups, 3, 2)."""
    import numpy as np

    count = len(levels.size)
    if count < FEWEST:
        raise NotIdentifiedError(
            f"cumulants of effects need {FEWEST} levels or more for their standard errors, and there are {count}"
        )
    groups = min(count, GROUPS)
    drawn = rng.permutation(count) if groups < count else np.arange(count)
    raw = cumulants_of(levels, theta)
    try:
        left_out = np.stack([cumulants_of(levels.without(drawn[g::groups]), theta) for g in range(groups)])
    except NotIdentifiedError as error:
        raise NotIdentifiedError(
            f"{error}: this holds for the data as a whole, but not without each level, so that there is no standard "
            "error; a second level with several observations is needed"
        ) from error
    return raw, left_out
