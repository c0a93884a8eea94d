"""Weights with free kurtosis: ``model.fit(frame, weighting="kurtosis")``, for one random intercept on one factor.

First the two-step fit, then estimates of the fourth cumulants of effects and residual from its residuals
(`momentalg.inference.cumulant_equations`), then generalised least squares of two statistics of every level, the square
of Ybar_i - xbar_i'b and the sum of squares within, with their covariance matrix under these estimates
(`momentalg.inference.pair_forms`). Coefficients are exact whatever the weights; means are by generalised least squares
at the solution, and standard errors by the sandwich over levels, each with its own coefficients.

Two-step weights are those of normal effects. Excess kurtosis gamma makes the square of an effect vary by 2 + gamma in
place of 2, so that large levels tell less about var(1|f) than they seem to, and weights of levels become more even.

Estimates of excess kurtosis are held within -1 and sqrt(m), m the number of levels, for the residual that of rows; a
variance that is not above 0 has none. From -1 on, no combination of the statistics of a level has less than half of its
variance under normality, whatever its size: 2 v^2 + k4(a) + k4(e)/N^3 is at least v^2, the covariance matrix is
positive definite, and no level's precision is more than twice that under normality. One outlying number of m has an
excess kurtosis of about m; sqrt(m), which grows without limit, keeps one level from making the weights of all.

Sums do not hold fourth powers of residuals, so that a generated module cannot do this, and neither sums nor
resampling are offered.

When it helps, by root mean squared errors over those of the two-step fit (`tests.benchmarks.kurtosis_weights`,
1,000 data sets, var(1|f) = var(residual)/2): with 1,000 levels of very unequal (lognormal) sizes 0.91 to 0.96 for
var(1|f) with effects from t5 or lognormal, and 0.96 for var(residual) where it is normal beside lognormal effects; with
1 + Poisson(4) rows to a level 0.97 to 1. With 100 levels 0.97 to 1.00 for unequal sizes, and 0.99 to 1.00 for Poisson
ones: fourth cumulants are then estimated too badly. With normal effects and residuals it costs up to 0.4 %. So it is
for many levels of very unequal sizes with heavy tails; elsewhere the two-step fit is as good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.inference.cumulant_equations import cumulants_of
from momentalg.inference.fit import fit, nearest
from momentalg.inference.pair_forms import LevelTable, PairEquations, WorkingMoments
from momentalg.inference.rows import rows_of
from momentalg.inference.sums import Estimator, Sums, estimator_of
from momentalg.inference.unit_residuals import level_residuals, rows_by_level
from momentalg.model.mapping import FrozenMapping
from momentalg.moments.weighting import KURTOSIS

if TYPE_CHECKING:
    import numpy as np

    from momentalg.inference.result import FitResult
    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]

SMALLEST = 1e-6  # residual variance over that of the effects, as in two-step weights
LEAST = -1.0  # excess kurtosis: half the variance of normal effects


@dataclass(frozen=True)
class KurtosisEstimator(Estimator):
    """A two-step estimator, with what the rows of a fit say beyond its sums; these serve this fit alone."""

    finish: KurtosisWeighted = field(compare=False, repr=False, kw_only=True)

    @property
    def module(self) -> Any:
        """What stands for the generated module."""
        return self.finish


@dataclass(frozen=True)
class KurtosisWeighted:
    """Estimates and covariance with the weights of given fourth cumulants; the rest is the module's of the first fit.

    `levels` are of the residuals of the first fit, and of columns X R^-1 that are orthonormal over all rows, whatever
    the origins and units of covariates: an increment d of their coefficients moves those of X by R^-1 d.
    """

    first: Estimator
    start: Mapping[str, float]  # the estimates of the first fit
    cumulants: Mapping[str, float]  # k4 of effects and of the residual, as they are used
    levels: LevelTable
    back: Array  # R^-1

    @property
    def KEYS(self) -> tuple[str, ...]:  # noqa: N802 - the name in generated modules
        """The keys of the estimates, in their order: means, then var(1|f) and var(residual)."""
        keys: tuple[str, ...] = self.first.module.KEYS
        return keys

    @property
    def LEVELS(self) -> Mapping[str, tuple[str, ...]]:  # noqa: N802 - likewise
        """The labels in the sums, and the columns that they are from."""
        levels: Mapping[str, tuple[str, ...]] = self.first.module.LEVELS
        return levels

    COVARIANCE = "sandwich"

    @cached_property
    def equations(self) -> PairEquations:
        """The combined equations, with weights at the first estimates."""
        residual = self._components(self.start)[1]
        theta = _theta(self._components(self.start))
        working = WorkingMoments(theta, *(value / residual**2 for value in self.cumulants.values()))
        return PairEquations(self.levels.least_squares(theta), working)

    def solve(self, _sums: Any = None) -> dict[str, float]:
        """The estimates by key."""
        components = self.equations.solution()
        means = [self.start[key] for key in self.KEYS[:-2]] + self.back @ self._squares(components).slopes
        return dict(zip(self.KEYS, map(float, (*means, *components)), strict=True))

    def scores(self, _sums: Any, estimates: Mapping[str, float]) -> Array:
        """What each level adds to the estimates, to first order: (levels, estimates), in the order of KEYS."""
        import numpy as np

        components = self._components(estimates)
        means = self._squares(components).influence @ self.back.T
        return np.column_stack([means, self.equations.influence(np.array(components))])

    def covariance(self, sums: Any, estimates: Mapping[str, float]) -> Array:
        """The covariance matrix of the estimates: the sandwich over the levels."""
        found = self.scores(sums, estimates)
        spread: Array = found.T @ found * (len(found) / max(len(found) - 1, 1))
        return spread

    def first_step(self, _sums: Any = None) -> dict[str, float]:
        """What the weights are made of: the components of the first fit, and the fourth cumulants."""
        return {**{key: self.start[key] for key in self.KEYS[-2:]}, **self.cumulants}

    def combine(self, _left: Any, _right: Any) -> Any:
        """Refuse: the fourth cumulants are of all rows."""
        raise ValueError("weights with kurtosis are of the rows of one fit; fit a list of frames, model.fit([a, b])")

    def effects(self, sums: Any, estimates: Mapping[str, float]) -> Any:
        """Best linear predictions of the effects, which no kurtosis is in."""
        return self.first.module.effects(sums, estimates)

    def nearest(self, sums: Any, estimates: dict[str, float]) -> Any:
        """The estimates with variances of at least 0."""
        return self.first.module.nearest(sums, estimates)

    def level_sizes(self, sums: Any) -> Any:
        """The number of rows of each level, by factor."""
        return self.first.module.level_sizes(sums)

    def _components(self, estimates: Mapping[str, float]) -> tuple[float, float]:
        effects, residual = (estimates[key] for key in self.KEYS[-2:])
        return effects, residual

    def _squares(self, components: Any) -> Any:
        return self.levels.least_squares(_theta(components))


def _theta(components: Any) -> float:
    """var(effects)/var(residual), at least 0.

    Raises `UnsupportedError` where the residual variance is not above 0, or not above rounding.
    """
    effects, residual = components
    if not residual > SMALLEST * max(effects, 0.0):
        raise UnsupportedError(
            "weighting='kurtosis' has weights in units of the residual variance, whose estimate is "
            f"{residual:.3g}, beside {effects:.3g} of the effects; weighting='two-step' replaces it there"
        )
    return float(max(effects, 0.0) / residual)


def fit_with_kurtosis(model: Model, data: Any, statistics: Any, means: str | None, missing: str) -> FitResult:
    """The two-step fit, and then the fit whose weights have its fourth cumulants in them.

    Raises `UnsupportedError` for models other than one random intercept, and for data that are not kept.
    """
    asked = estimator_of(model, statistics, means, KURTOSIS)
    if isinstance(data, Sums) or hasattr(data, "__next__"):
        raise UnsupportedError(
            "weighting='kurtosis' estimates fourth cumulants from rows, which sums and streams of frames do not keep: "
            "fit a frame or a list of frames, or with weighting='two-step'"
        )
    first = fit(model, data, statistics, means, missing, "two-step")
    assert first.sums is not None
    finish = kurtosis_weighted(first)
    estimator = KurtosisEstimator(
        asked.text, asked.statistics, asked.means, asked.weighting, asked.model, asked.given, finish=finish
    )
    estimates, table = finish.solve(), first.sums.table
    return replace(
        first,
        system=estimator.system,
        estimates=FrozenMapping(estimates),
        truncated=FrozenMapping(nearest(finish, table, estimates)),
        sums=Sums(estimator, MappingProxyType(dict(table)), first.nobs, first.dropped),
    )


def kurtosis_weighted(first: FitResult, fourth: tuple[float, float] | None = None) -> KurtosisWeighted:
    """The weights that a two-step fit gives: with its own fourth cumulants, or with given ones as they are."""
    import numpy as np

    assert first.sums is not None
    found = level_residuals(first, "weights with kurtosis")
    parts = rows_of(first, "weights with kurtosis")
    order, starts = rows_by_level(first, parts)
    columns, triangle = np.linalg.qr(np.concatenate([rows.mean for rows in parts])[order])
    keys = tuple(first.sums.estimator.module.KEYS)[-2:]
    components = tuple(first.estimates[key] for key in keys)
    if fourth is None:
        raw = cumulants_of(found.moments, _theta(components))[2]
        fourth = held(raw[0], components[0], len(starts)), held(raw[1], components[1], first.nobs)
    return KurtosisWeighted(
        first=first.sums.estimator,
        start=first.estimates,
        cumulants={f"k4({key[4:-1]})": float(value) for key, value in zip(keys, fourth, strict=True)},
        levels=LevelTable.of_rows(columns, found.values, starts),
        back=np.linalg.inv(triangle),
    )


def held(fourth: float, variance: float, count: int) -> float:
    """A fourth cumulant of `count` numbers with this variance, within the bounds at the top; 0 without variance."""
    return min(max(fourth, LEAST * variance**2), count**0.5 * variance**2) if variance > 0 else 0.0
