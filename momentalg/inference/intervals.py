"""Confidence intervals of estimates from the influence of independent units, for skewed and heavy-tailed data too.

An estimate that solves sum_i (q_i - C_i theta) = 0 over independent units is theta plus the sum of the units' influence
values psi_i, and its sandwich variance is their sum of squares. For a variance, psi_i is skewed, and large where
the estimate is: t = (estimate - theta)/se is then far from normal, and the estimate +- 1.96 se misses on one side.
Two corrections act together. Hall's transformation of t, for r = sum psi^3 / (sum psi^2)^(3/2),

    g(t) = t + r t^2/3 + r^2 t^3/27 + r/6,

is monotone and takes the first-order skewness away (Hall 1992, Journal of the Royal Statistical Society B 54, 221-228).
What remains is read off the bootstrap (Efron and Tibshirani 1993, chapter 12): units are drawn with replacement,
g(t*) is computed from the drawn psi alone, and the quantiles of g(t*) take the place of those of the normal law. No
estimate is solved again, which leaves out terms of the relative order 1/m of m units.

Which interval behaves best was found by simulation: ``python -m tests.benchmarks.coverage`` repeats it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.inference.reference import quantile, require_alpha

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

REPLICATES = 1_999
MOST_REPLICATES = 19_999
DRAWS = 1_000_000  # of units, that more replicates are taken up to: with few units ends are in the tails of t*
BEYOND = 25  # replicates beyond each end, at least, for small alpha
AT_ONCE = 2_000  # replicates, for the sake of memory
INDIVIDUAL = 2_000  # units drawn one by one; the sums over many others, of less influence each, are nearly normal
FEWEST = 12  # units below which there is a warning
EFFECTIVE = 4.0  # effective number of units below which there is one
SHARE = 0.5  # of one unit in the variance above which there is one


@dataclass(frozen=True)
class Interval:
    """A confidence interval, how it was found, and why not to trust it, where the data cannot support one."""

    low: float
    high: float
    method: str
    warning: str | None = None


@dataclass(frozen=True)
class Support:
    """What the units' influence says of an interval: how many units there are, and on how many it stands.

    `share` is the largest unit's share of the variance, max psi^2 / sum psi^2; `effective` is the number of units of
    equal influence that would determine the standard error as well, (sum psi^2)^2 / sum psi^4. Effects that are normal
    have one for seven to fifteen units. Where the tails are heavy and the sample holds no extreme unit, nothing in the
    data says so: no warning is no proof.
    """

    units: int
    share: float
    effective: float

    @property
    def warning(self) -> str | None:
        """Why an interval should not be trusted; None if nothing speaks against it."""
        if self.units < FEWEST:
            return f"there are only {self.units} independent units; an interval has no firm ground below {FEWEST}"
        if self.effective < EFFECTIVE or self.share > SHARE:
            return (
                f"heavy tails: one of {self.units} units makes up {self.share:.0%} of the estimate's variance, which "
                f"rests on {self.effective:.1f} units in effect; the interval may be far from its nominal coverage"
            )
        return None


def support(scores: Array) -> Support:
    """What the influence values (m,) of one estimate say."""
    squares = scores * scores
    total = float(squares.sum())
    if not total > 0:
        return Support(len(scores), math.nan, math.nan)
    return Support(len(scores), float(squares.max()) / total, total**2 / float((squares * squares).sum()))


def intervals(estimates: Array, scores: Array, alpha: float = 0.05, seed: int = 0) -> tuple[Interval, ...]:
    """Bootstrap-t intervals after Hall's transformation, one for each estimate.

    `estimates` has shape (K,), `scores` has shape (m, K): the influence of each of m independent units, whose sum over
    units is 0 but for terms of higher order, and whose Gram matrix is the sandwich covariance. The same input gives the
    same intervals: `seed` is fixed unless it is given.
    """
    import numpy as np

    require_alpha(alpha)
    estimates, scores = np.asarray(estimates, float), np.asarray(scores, float)
    if scores.ndim != 2 or scores.shape[1:] != estimates.shape:
        raise ValueError(f"scores are (units, estimates), here (m, {len(estimates)}), not {scores.shape}")
    wanted = max(REPLICATES, math.ceil(2 * BEYOND / alpha) - 1, DRAWS // max(len(scores), 1))
    replicates = min(wanted, MOST_REPLICATES)
    rng = np.random.default_rng(seed)
    return tuple(
        _bootstrap_t(float(e), column, alpha, replicates, rng) for e, column in zip(estimates, scores.T, strict=True)
    )


def interval(estimate: float, scores: Array, alpha: float = 0.05, seed: int = 0) -> Interval:
    """The interval of one estimate from the influence values (m,) of independent units."""
    import numpy as np

    return intervals(np.array([estimate]), np.asarray(scores, float)[:, None], alpha, seed)[0]


def wald(estimate: float, se: float, alpha: float = 0.05, df: float = math.inf, logarithm: bool = False) -> Interval:
    """An interval from an estimate and its standard error alone, for models whose units are not independent.

    With `logarithm`, for variances, it is symmetric in the logarithm, unless the estimate is 0 or negative.
    """
    require_alpha(alpha)
    if not math.isfinite(estimate) or not math.isfinite(se):
        return Interval(math.nan, math.nan, "none", "there is no standard error")
    half = quantile(1 - alpha / 2, df) * se
    if logarithm and estimate > 0:
        factor = math.exp(min(half / estimate, 700.0))
        return Interval(estimate / factor, estimate * factor, "Wald, of the logarithm")
    said = "a variance is estimated as 0 or less, and the interval is symmetric about it" if logarithm else None
    return Interval(estimate - half, estimate + half, "Wald", said)


def _bootstrap_t(estimate: float, scores: Array, alpha: float, replicates: int, rng: np.random.Generator) -> Interval:
    import numpy as np

    scores = np.sort(scores)  # the order of rows, and which labels there are, does not matter
    found = support(scores)
    m = found.units
    if not math.isfinite(estimate) or not math.isfinite(found.share) or m < 3:  # of two, every usable t* is 0
        return Interval(math.nan, math.nan, "none", f"{m} independent units give no interval")
    se = math.sqrt(float((scores**2).sum()) * m / (m - 1))
    scores = scores - scores.mean()  # what units are drawn from has its own truth
    skewness = float((scores**3).sum()) / float((scores**2).sum()) ** 1.5
    parts = [min(AT_ONCE, replicates - done) for done in range(0, replicates, AT_ONCE)]
    first, second, third = np.concatenate([_drawn_sums(scores, part, rng) for part in parts]).T
    centred = np.maximum(second - first**2 / m, 0.0)
    usable = centred > 1e-12 * second  # one unit drawn m times has no spread
    first, second, third, centred = (values[usable] for values in (first, second, third, centred))
    t = first / np.sqrt(centred * m / (m - 1))
    about_mean = third - 3 * second * first / m + 2 * first**3 / m**2
    drawn = hall(t, about_mean / centred**1.5)
    low, high = np.quantile(drawn, [alpha / 2, 1 - alpha / 2])
    ends = [estimate - se * float(hall_inverse(x, skewness)) for x in (high, low)]
    return Interval(ends[0], ends[1], "bootstrap-t after Hall's transformation", found.warning)


def hall(t: Any, skewness: Any) -> Any:
    """Hall's transformation g(t) of a studentised estimate; the skewness is that of the estimate, r above."""
    a = skewness / 3
    return t + a * t**2 + a**2 * t**3 / 3 + skewness / 6


def hall_inverse(x: Any, skewness: float) -> Any:
    """The t with g(t) = x: (1 + r (x - r/6))^(1/3) = 1 + r t/3, written so that no digits are lost where r is small."""
    import numpy as np

    root = np.cbrt(1 + skewness * (x - skewness / 6))
    return 3 * (x - skewness / 6) / (root**2 + root + 1)


def _drawn_sums(scores: Array, replicates: int, rng: np.random.Generator) -> Array:
    """Sums of psi, psi^2 and psi^3 over m units drawn with replacement, shape (replicates, 3).

    Of many units, those of the largest influence are drawn one by one, and the sums over the others are normal with
    the mean and the covariance that drawing them would have.
    """
    import numpy as np

    m, size = len(scores), min(len(scores), INDIVIDUAL)
    order = np.argpartition(-np.abs(scores), size) if m > size else np.arange(m)
    head, rest = scores[order[:size]], scores[order[size:]]
    drawn = rng.binomial(m, size / m, replicates) if len(rest) else np.full(replicates, m)
    values = head.take(rng.integers(0, size, drawn.sum(), dtype=np.uint16))
    starts = np.cumsum(drawn) - drawn
    squares = values * values
    sums: Array = np.stack([np.add.reduceat(v, starts) for v in (values, squares, squares * values)], axis=1)
    if len(rest):
        powers = np.stack([rest, rest**2, rest**3], axis=1)
        others = (m - drawn)[:, None]
        scale = np.maximum(np.abs(powers).max(axis=0), 1e-300)
        spread = np.cov(powers / scale, rowvar=False, bias=True)
        noise = rng.multivariate_normal(np.zeros(3), spread, replicates, method="svd")
        sums = sums + others * powers.mean(axis=0) + np.sqrt(others) * noise * scale
    return sums
