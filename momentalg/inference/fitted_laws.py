"""Laws of sizes with free parameters, fitted by moments: numbers from the law's own symbolic moments and probabilities.

Successive probabilities of the laws in use have P(k + 1)/P(k) = (a + b k)/(k + 1) (Katz 1965), truncated or not; this
is found from the law's probabilities and checked on them, and gives all probabilities quickly. Any other law is asked
for each probability.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from momentalg.expr.sympy_door import numeric
from momentalg.model.distributions.base import SizeLaw

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SMALLEST, LARGEST = 1e-8, 1e8  # of free parameters, all of which are positive
NEGLIGIBLE = 45.0  # in powers of e, of a probability beside the largest one
CLOSE = 1e-9
NEWTON_STEPS = 30


@dataclass(frozen=True)
class LawFamily:
    """A law of sizes and its free parameters. `truncated` says that it stands for a law given N >= 1."""

    given: SizeLaw
    truncated: bool

    @cached_property
    def law(self) -> SizeLaw:
        """The law with symbols of its own, whatever it was given to print."""
        return self._made({name: value for name, value in self.given.parameters.items() if value is not None})

    @property
    def free(self) -> tuple[str, ...]:
        """The names of the free parameters."""
        return self.given.free

    @property
    def free_count(self) -> int:
        """The number of free parameters."""
        return len(self.free)

    @property
    def first(self) -> int:
        """The smallest size."""
        return int(self.law.support_min)

    def named(self, theta: Array) -> dict[str, float]:
        """All parameters by name, with `theta` for the free ones."""
        free = dict(zip(self.free, theta.tolist(), strict=True))
        return {n: free[n] if n in free else float(v or 0) for n, v in self.given.parameters.items()}

    def at(self, theta: Array) -> SizeLaw:
        """The law with `theta` for its free parameters, which is a float's decimals."""
        if not self.free:
            return self.given
        free = dict(zip(self.free, theta.tolist(), strict=True))
        return self._made({n: free.get(n, v) for n, v in self.given.parameters.items()})

    def fit(self, cumulants: Array, start: Array | None = None) -> Array:
        """The values of the free parameters at which the first cumulants are these; NaN where there are none.

        From `start` by Newton's method, else, and where that does not converge, by bisection.
        """
        import numpy as np

        if not self.free:
            return np.array([])
        if self.free_count == 1:
            return np.array([_bisect(lambda t: self._cumulant(1, t), float(cumulants[0]))])
        mean, variance = map(float, cumulants)
        if start is not None and (near := self._newton(cumulants, start)) is not None:
            return near

        def inner(second: float) -> float:
            return _bisect(lambda first: self._cumulant(1, first, second), mean)

        second = _bisect(lambda s: self._cumulant(2, inner(s), s), variance)
        return np.array([inner(second), second]) if math.isfinite(second) else np.array([math.nan, math.nan])

    def next_cumulant(self, theta: Array) -> tuple[float, Array]:
        """The first cumulant that is not fitted, and its derivatives with respect to those that are."""
        import numpy as np

        count = self.free_count
        if count == 0:
            return float(self.law.cumulant(1)), np.array([])
        found = np.array(self._with_slopes(*theta.tolist()), dtype=float)
        table = found[count + 1 :].reshape(count + 1, count)
        return float(found[count]), np.linalg.solve(table[:-1].T, table[-1])

    def probabilities(self, theta: Array, last: int) -> Array:
        """P(N = k) for k from the smallest size to `last`."""
        import numpy as np

        if last < self.first:
            return np.array([])
        katz = self._katz(theta)
        if katz is None:
            fitted = self.at(theta)
            return np.array([float(fitted.pmf(k)) for k in range(self.first, last + 1)])
        a, b = katz
        count = max(64, 2 * (last + 1 - self.first))
        while True:
            k = np.arange(self.first, self.first + count, dtype=float)
            ratio = (a + b * k) / (k + 1)
            logs = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(ratio, 1e-300)))])
            if ratio[-1] < 1 and logs[-1] < logs.max() - NEGLIGIBLE:
                break
            count *= 2
        weights = np.exp(logs - logs.max())
        found: Array = (weights / weights.sum())[: last + 1 - self.first]
        return found

    def _newton(self, cumulants: Array, start: Array) -> Array | None:
        """Newton's method in the logarithms of the parameters; None where it does not converge within range."""
        import numpy as np

        theta, count = start, self.free_count
        for _ in range(NEWTON_STEPS):
            try:
                found = np.array(self._with_slopes(*theta.tolist()), dtype=float)
                step = np.linalg.solve(
                    found[count + 1 :].reshape(count + 1, count)[:count] * theta, cumulants - found[:count]
                )
            except (OverflowError, ZeroDivisionError, np.linalg.LinAlgError):
                return None
            if not np.isfinite(step).all():
                return None
            theta = theta * np.exp(np.clip(step, -1, 1))
            if np.abs(step).max() < CLOSE:
                return theta if theta.min() > SMALLEST and theta.max() < LARGEST else None
        return None

    @cached_property
    def _with_slopes(self) -> Callable[..., Any]:
        """The fitted cumulants and the one after them, then their derivatives row by row."""
        kappa = [self.law.cumulant(k + 1) for k in range(self.free_count + 1)]
        return numeric([*kappa, *(e.diff(s) for e in kappa for s in self._symbols)], self._symbols)

    def _cumulant(self, order: int, *theta: float) -> float:
        try:
            return float(self._cumulants[order - 1](*theta)[0])
        except (OverflowError, ZeroDivisionError):
            return math.nan

    def _katz(self, theta: Array) -> tuple[float, float] | None:
        """a and b where (k + 1) P(k + 1)/P(k) = a + b k for the first sizes; None for any other law."""
        if not self.free or self._ratios is None:
            return None
        try:
            found = self._ratios(*theta.tolist())
        except (OverflowError, ZeroDivisionError):
            return None
        scaled = [(self.first + i + 1) * float(r) for i, r in enumerate(found)]
        b = scaled[1] - scaled[0]
        if any(abs(scaled[i + 1] - scaled[i] - b) > CLOSE * max(map(abs, scaled)) for i in (1, 2)):
            return None
        return scaled[0] - b * self.first, b

    @cached_property
    def _symbols(self) -> tuple[Any, ...]:
        """The symbols of the free parameters in their order: each is the one that a value in its place removes."""
        given = {name: value for name, value in self.given.parameters.items() if value is not None}
        every = _free_symbols(self.law)
        if self.free_count == 1:
            return tuple(every)
        return tuple(next(iter(every - _free_symbols(self._made({**given, name: 2})))) for name in self.free)

    @cached_property
    def _cumulants(self) -> tuple[Callable[..., Any], ...]:
        return tuple(numeric([self.law.cumulant(k)], self._symbols) for k in range(1, self.free_count + 1))

    @cached_property
    def _ratios(self) -> Callable[..., Any] | None:
        p = [self.law.probability(self.first + i) for i in range(5)]
        return numeric([(p[i + 1] / p[i]).cancel() for i in range(4)], self._symbols)

    def _made(self, values: dict[str, Any]) -> SizeLaw:
        """The law with these parameters, the others free."""
        return type(self.given)(**values) if self.given.parameters else self.given


def _free_symbols(law: SizeLaw) -> set[Any]:
    return {s for k in (1, 2) for s in getattr(law.moment(k), "free_symbols", ())}


def _bisect(function: Callable[[float], float], target: float) -> float:
    """The positive argument at which a monotone function is `target`; not a number where there is none in range."""
    low, high = math.log(SMALLEST), math.log(LARGEST)
    points = [low + (high - low) * i / 32 for i in range(33)]
    values = [function(math.exp(t)) for t in points]
    pairs = [
        (points[i], points[i + 1], values[i])
        for i in range(32)
        if min(values[i], values[i + 1]) < target <= max(values[i], values[i + 1])
    ]
    if len(pairs) != 1:
        return math.nan
    low, high, at_low = pairs[0]
    rising = at_low < target
    for _ in range(60):
        middle = (low + high) / 2
        if (function(math.exp(middle)) < target) == rising:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)
