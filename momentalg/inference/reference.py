"""Reference distributions: tails and quantiles of Student's t and the normal law, with the standard library alone.

With I the regularised incomplete beta function, P(|T| > t) = I_x(df/2, 1/2), x = df/(df + t^2); its continued fraction
is summed by Lentz's method (Abramowitz and Stegun 1964, 26.5.8 and 26.7.1). Relative errors are below 1e-8, in the
tails as well.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from momentalg.errors import ModelError

NORMAL = math.inf
"""The degrees of freedom of a t distribution that is the normal one."""

TINY = 1e-300
LARGE = 1e7  # degrees of freedom from which t and normal agree to 1e-7 of a quantile and logarithms of gamma do not


def require_alpha(alpha: float) -> None:
    """Raise `ModelError` unless `alpha`, the probability that an interval misses, lies between 0 and 1."""
    if not 0 < alpha < 1:
        raise ModelError(f"alpha={alpha!r} must lie between 0 and 1; 0.05 gives 95 % intervals")


def two_sided(statistic: float, df: float = NORMAL) -> float:
    """P(|T| > |statistic|), T a t variable with `df` degrees of freedom; not a number where df < 1."""
    if not df >= 1 or math.isnan(statistic):
        return math.nan
    if df >= LARGE:
        return math.erfc(abs(statistic) / math.sqrt(2))
    if math.isinf(statistic):
        return 0.0
    square = statistic * statistic
    return _beta(df / 2, 0.5, df / (df + square), square / (df + square))


def quantile(p: float, df: float = NORMAL) -> float:
    """The p-quantile, 0 < p < 1, of t with `df` degrees of freedom; not a number where df < 1."""
    if not 0 < p < 1:
        raise ValueError(f"a quantile is of a probability between 0 and 1, not {p}")
    if not df >= 1:
        return math.nan
    if df >= LARGE:
        return NormalDist().inv_cdf(p)
    tail = 2 * min(p, 1 - p)
    low, high = 0.0, 1.0
    while two_sided(high, df) > tail:
        low, high = high, 2 * high
    while high - low > 1e-15 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if two_sided(middle, df) > tail else (low, middle)
    return math.copysign((low + high) / 2, p - 0.5) if p != 0.5 else 0.0


def _beta(a: float, b: float, x: float, y: float) -> float:
    """I_x(a, b), with y = 1 - x given apart, since it may be small."""
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta(b, a, y, x)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(y)
    return math.exp(logarithm) * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of I_x(a, b) without its factor in front."""
    c, d = 1.0, 1.0 / _nonzero(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _nonzero(1.0 + term * d)
            c = _nonzero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return value


def _nonzero(value: float) -> float:
    return value if abs(value) > TINY else TINY
