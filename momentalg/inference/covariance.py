"""The covariance of the estimates: from which formula, over which clusters, given the design or not.

* sandwich over units (one chain of nested factors): sum over units of psi psi', psi a unit's own part of the estimating
  functions, with its own design constants, between the inverses of their derivative (Liang and Zeger 1986). Units are
  independent, so that it holds with the sizes and covariates given, and as well where they are drawn with the units:
  estimators that are unbiased given the design have Var = E Var(. | design).
* plug-in (crossed factors): of the means (X'V^-1 X)^-1, of the components the variances of the weighted forms at the
  estimates, with what the kurtosis of the effects adds, from the spread of the levels' own scores. Given which levels
  meet: no levels are independent units.
* cluster jackknife, (m - 1)/m sum of (theta without unit i - mean)^2: the estimator is solved anew without each unit,
  so that it holds for any statistics (Efron 1982).
* multiway (crossed factors): the jackknife over the levels of each factor, added, less that over their intersections
  (Cameron, Gelbach and Miller 2011); it is what "jackknife" stands for there.
* exact, given the design, with estimates of third and fourth cumulants in it: `momentalg.inference.plug_in`, for models
  and statistics whose variance the engine derives. It does not count on many units.

None of them assumes normality. All but the last count on many units, and are too small with few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.names import join_factor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

SANDWICH, PLUG_IN, MULTIWAY, JACKKNIFE, EXACT = "sandwich", "plug-in", "multiway", "jackknife", "exact"
WORK = 100_000_000  # rows times groups that a jackknife may take without being asked for, some seconds
LEAST = 100  # groups of levels that it leaves out all the same
KINDS = (SANDWICH, PLUG_IN, MULTIWAY, JACKKNIFE, EXACT)


@dataclass(frozen=True)
class Covariance:
    """The covariance matrix of the estimates, by key, and what it is; entries that are not available are NaN."""

    matrix: pd.DataFrame
    kind: str
    over: str  # the factors whose levels are the clusters
    clusters: int  # of the one with the fewest levels
    one_way: bool  # whether the clusters are independent units
    influence: Mapping[str, Array] = field(default_factory=dict, repr=False)  # of independent units, by jackknife

    @property
    def unconditional(self) -> bool:
        """Whether it also holds for units drawn with their sizes and covariates; otherwise given the design alone."""
        return self.one_way and self.kind in (SANDWICH, JACKKNIFE)

    @property
    def described(self) -> str:
        """In words, for tables."""
        words = {
            SANDWICH: f"sandwich over the {self.clusters} units of {self.over}",
            PLUG_IN: f"plug-in, with the kurtosis of the effects of {self.over}",
            MULTIWAY: f"multiway jackknife over {self.over}",
            JACKKNIFE: f"cluster jackknife over {self.over}",
            EXACT: "exact formula with estimated cumulants",
        }
        return words[self.kind]

    @property
    def view(self) -> str:
        """Whether the design is given or random, in words."""
        if self.unconditional:
            return "conditional and unconditional"
        return "conditional on the design" if self.kind == EXACT else "conditional on which levels meet"

    @property
    def below_zero(self) -> tuple[str, ...]:
        """The keys whose variance came out below 0, as the differences of multiway clusters may with few levels."""
        return tuple(key for key in self.matrix.index if self.matrix.loc[key, key] < 0)

    @property
    def meaning(self) -> str:
        """What the view says, as a sentence."""
        if self.unconditional:
            return (
                "Conditional and unconditional: they hold where sizes and covariates are given, and where they are "
                "drawn with the units, which are independent either way"
            )
        given = "the design" if self.kind == EXACT else "which levels meet; no levels are independent units"
        return f"Conditional: given {given}"


def clusters_of(fit: FitResult) -> tuple[str, int]:
    """The factor that standard errors rest on, and its number of levels.

    That is the unit, in which all other factors are nested; of crossed factors, the one with the fewest levels.
    """
    model = fit.model.resolved
    if model.has_unit:
        name = join_factor(model.unit)
        return name, fit.n_groups[name]
    names = dict.fromkeys(block.name for block in model.groups)
    return min(((n, fit.n_groups[n]) for n in names), key=lambda pair: pair[1])


def covariance(fit: FitResult, kind: str | None = None) -> Covariance:
    """The covariance of the estimates of a fit: of the kind that is asked for, by default the formula of its module.

    Raises:
        ModelError: a kind that does not exist.
        UnsupportedError: a kind that this fit has not, with what it has.

    """
    if kind is not None and kind not in KINDS:
        raise ModelError(f"kind= is {', '.join(map(repr, KINDS))}, not {kind!r}")
    formula = formula_of(fit)
    chosen = kind or formula or JACKKNIFE
    if chosen == JACKKNIFE or (chosen == MULTIWAY and not fit.model.resolved.has_unit):
        return _jackknife(fit)
    if chosen == EXACT:
        from momentalg.inference.plug_in import exact_covariance

        return Covariance(
            _by_key(fit, exact_covariance(fit), fit.keys), EXACT, *clusters_of(fit), fit.model.resolved.has_unit
        )
    if chosen != formula:
        raise UnsupportedError(
            f"this fit has no covariance by {chosen!r}: {_why(formula)}; "
            f"cov_params({formula or JACKKNIFE!r}) is what it has"
        )
    assert fit.sums is not None
    module = fit.sums.estimator.module
    values = module.covariance(fit.sums.prepared, dict(fit.estimates))
    over, clusters = clusters_of(fit)
    if formula == PLUG_IN:
        over = " and ".join(dict.fromkeys(block.name for block in fit.model.resolved.groups))
    matrix = _by_key(fit, values, tuple(module.KEYS))
    return Covariance(matrix, formula, over, clusters, fit.model.resolved.has_unit)


def available(fit: FitResult) -> bool:
    """Whether the fit has standard errors; sums for classical statistics have none."""
    try:
        return bool(fit.covariance.kind)
    except UnsupportedError:
        return False


def exact_traces(fit: FitResult) -> bool:
    """Whether the coefficients of weighted forms are exact; with many crossed levels they are estimated."""
    if fit.sums is None or not hasattr(fit.sums.estimator.module, "traces_are_exact"):
        return True
    return bool(fit.sums.estimator.module.traces_are_exact(fit.sums.prepared))


def formula_of(fit: FitResult) -> str | None:
    """The kind of covariance that the fit's module has a formula for, if any."""
    if fit.sums is None or not hasattr(fit.sums.estimator.module, "covariance"):
        return None
    return str(fit.sums.estimator.module.COVARIANCE)


def _why(formula: str | None) -> str:
    if formula is None:
        return "its module estimates without it, as fits by classical statistics do"
    return "all factors are nested in one unit" if formula == SANDWICH else "its factors do not lie in one another"


def _by_key(fit: FitResult, values: Any, keys: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(values, index=list(keys), columns=list(keys), dtype=float)
    return frame.reindex(index=list(fit.keys), columns=list(fit.keys))


def _jackknife(fit: FitResult) -> Covariance:
    from momentalg.inference.resampling import jackknife
    from momentalg.inference.resampling.jackknife import MOST

    if fit.data is None and formula_of(fit) is None:
        raise UnsupportedError(
            "standard errors of this fit are by jackknife, which leaves out one unit after another, and a fit from "
            "sums, or from data that are not in memory, has no data to do it on; fit from the data, "
            "model.fit(frame), or by weighted moments, whose standard errors come from the sums: "
            "model.fit(model.sums(frame, weighting='two-step'))"
        )
    found = jackknife(fit, groups=min(MOST, max(LEAST, WORK // fit.nobs)))
    matrix = found.covariance.reindex(index=list(fit.keys), columns=list(fit.keys))
    one_way = fit.model.resolved.has_unit
    values = found.left_out[0].values
    pulls = (len(values) - 1) / len(values) * (values.mean(axis=0) - values)
    influence = dict(zip(found.keys, pulls.T, strict=True)) if one_way else {}
    return Covariance(matrix, JACKKNIFE if one_way else MULTIWAY, found.units, clusters_of(fit)[1], one_way, influence)
