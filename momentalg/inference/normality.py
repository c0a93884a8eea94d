"""A test of normality of the effects, and of the residual, from skewness and excess kurtosis jointly.

The statistic is T = (g - m)' S^-1 (g - m) for g = (k3/s^3, k4/s^4), with k3 and k4 from `cumulant_equations` and s^2
the weighted mean square of level means (or the residual variance). Under normality T is about chi-square with two
degrees of freedom, but slowly so, as for Jarque and Bera's test. Its law is therefore taken from data simulated under
the hypothesis: the same sizes, components as estimated, effects normal, and residuals drawn from those within levels
(for the residual: residuals normal, and effects drawn from the level means, scaled to their variance). The mean m and
the covariance S are those of the simulated g; the p-value is (1 + number of T* >= T)/(replicates + 1).

The part that is not tested need not be normal. Drawn from deviations from level means, its tails are somewhat lighter
than they were, and the test of the effects rejects somewhat too often where residuals are very skewed and levels small;
``python -m tests.benchmarks.normality`` shows size and power.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError, ModelError
from momentalg.inference.cumulant_equations import LevelMoments, cumulants_of, level_moments
from momentalg.inference.unit_residuals import LevelResiduals, level_residuals

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

REPLICATES = 499
FEWEST_REPLICATES = 99
MOST_DRAWS = 2e8  # numbers drawn, unless replicates are asked for
FEWEST = 8  # levels


@dataclass(frozen=True)
class Normality:
    """The test of one component: its skewness and excess kurtosis as tested, the statistic and the p-value."""

    of: str  # "1|user" or "residual"
    skewness: float
    excess_kurtosis: float
    statistic: float
    p_value: float
    replicates: int


@dataclass(frozen=True, repr=False)
class NormalityTests:
    """The tests of the effects and of the residual."""

    tests: tuple[Normality, ...]
    levels: int
    seed: int

    def __getitem__(self, of: str) -> Normality:
        """The test of ``"1|user"``, or of ``"residual"``."""
        for test in self.tests:
            if test.of == of:
                return test
        raise KeyError(f"{of!r}: there are {', '.join(repr(t.of) for t in self.tests)}")

    @property
    def table(self) -> pd.DataFrame:
        """One row per component: skewness, excess kurtosis, statistic, p-value, replicates."""
        import pandas as pd

        columns = ("skewness", "excess_kurtosis", "statistic", "p_value", "replicates")
        rows = [[getattr(test, name) for name in columns] for test in self.tests]
        return pd.DataFrame(rows, index=pd.Index([t.of for t in self.tests], name="of"), columns=list(columns))

    def __repr__(self) -> str:
        head = f"Normality by skewness and excess kurtosis, {self.levels} levels; p-values by simulation"
        lines = [
            f"{t.of:<14} skewness {t.skewness:8.3f}  excess kurtosis {t.excess_kurtosis:8.3f}  T {t.statistic:8.2f}  "
            f"p {t.p_value:.3f}"
            for t in self.tests
        ]
        return "\n".join([head, *lines])


def normality(fit: FitResult, replicates: int | None = None, seed: int = 0) -> NormalityTests:
    """Test the effects and the residual of a model with a random intercept of one factor for normality.

    `replicates` data sets are simulated for each test: 499, or fewer where there are more than 400,000 rows. A
    component whose variance is estimated as 0 or less cannot be tested: its p-value is not a number.

    Raises:
        UnsupportedError: several factors, slopes, residual variances by class or known weights.
        NotIdentifiedError: levels of one observation alone.
        DataError: fewer than eight levels.
        ModelError: fewer than 19 replicates, which cannot reach a p-value of 0.05.

    """
    found = level_residuals(fit, "tests of normality")
    if replicates is None:
        replicates = int(min(REPLICATES, max(FEWEST_REPLICATES, MOST_DRAWS // len(found.values))))
    return calibrated(found, replicates, seed)


def calibrated(found: LevelResiduals, replicates: int, seed: int) -> NormalityTests:
    """The tests from the residuals themselves: `normality`."""
    import numpy as np

    rows, levels = len(found.values), len(found.starts)
    if levels < FEWEST:
        raise DataError(f"a test of normality needs {FEWEST} levels of {found.name} or more, and there are {levels}")
    if replicates < 19:
        raise ModelError(f"with {replicates} replicates no p-value is 0.05 or less; ask for 19 or more, such as 499")
    rng = np.random.default_rng(seed)
    between, within = cumulants_of(found.moments, found.theta)[0]
    root_between, root_within = np.sqrt(max(between, 0.0)), np.sqrt(max(within, 0.0))
    size = found.moments.size.astype(int)
    residuals, effects = _residuals(found, root_within), _effects(found, root_between)

    def joined(effect: Array, residual: Array) -> Array:
        found: Array = np.repeat(effect, size) + residual
        return found

    def normal_effects() -> Array:
        return joined(root_between * rng.standard_normal(levels), rng.choice(residuals, rows))

    def normal_residuals() -> Array:
        return joined(rng.choice(effects, levels), root_within * rng.standard_normal(rows))

    tests = [
        _test(f"1|{found.name}", 0, found, normal_effects, replicates if between > 0 else 0),
        _test("residual", 1, found, normal_residuals, replicates if within > 0 else 0),
    ]
    return NormalityTests(tuple(tests), levels, seed)


def _test(of: str, part: int, found: LevelResiduals, simulate: Callable[[], Array], replicates: int) -> Normality:
    import numpy as np

    if not replicates:
        return Normality(of, np.nan, np.nan, np.nan, np.nan, 0)
    second, third, fourth = cumulants_of(found.moments, found.theta)[:, part]
    observed = _shape(found.moments, found.theta, part)
    drawn = np.array([_shape(level_moments(simulate(), found.starts), found.theta, part) for _ in range(replicates)])
    centre, root = drawn.mean(axis=0), np.linalg.cholesky(np.cov(drawn, rowvar=False))
    statistics = (np.linalg.solve(root, (np.vstack([observed, drawn]) - centre).T) ** 2).sum(axis=0)
    exceeded = int((statistics[1:] >= statistics[0]).sum())
    return Normality(
        of,
        float(third / second**1.5),
        float(fourth / second**2),
        float(statistics[0]),
        (1 + exceeded) / (replicates + 1),
        replicates,
    )


def _shape(levels: LevelMoments, theta: float, part: int) -> Array:
    """(k3/s^3, k4/s^4). s^2 of effects is the weighted mean square of level means, positive where var may not be."""
    import numpy as np

    second, third, fourth = cumulants_of(levels, theta)[:, part]
    if part == 0:
        weight = levels.size / (1 + levels.size * theta)
        second = (weight**2 @ (levels.mean - weight @ levels.mean / weight.sum()) ** 2) / (weight**2).sum()
    return np.array([third / second**1.5, fourth / second**2])


def _residuals(found: LevelResiduals, deviation: float) -> Array:
    """Deviations from the means of levels, each scaled by (N/(N-1))^(1/2), and all to the standard deviation."""
    import numpy as np

    levels = found.moments
    size = levels.size.astype(int)
    inflated = (found.values - np.repeat(levels.mean, size)) * np.repeat(np.sqrt(size / np.maximum(size - 1, 1)), size)
    return _scaled(inflated[np.repeat(size > 1, size)], deviation)


def _effects(found: LevelResiduals, deviation: float) -> Array:
    """Means of levels, scaled to the standard deviation of the effects."""
    return _scaled(found.moments.mean, deviation)


def _scaled(values: Array, deviation: float) -> Array:
    centred = values - values.mean()
    found: Array = centred * (deviation / centred.std())
    return found
