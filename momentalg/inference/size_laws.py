"""Does a named law fit the sizes? Chi-square with a parametric bootstrap, and a test of dispersion.

Free parameters are fitted by moments: the first k cumulants of the law, symbolic, are set equal to those of the sample
(mean, then the variance with divisor L - 1). Levels without observations are not in the data, so that a law under
which N may be 0 is taken given N >= 1.

* Chi-square: sum over cells of (observed - expected)^2/expected, neighbouring sizes pooled until each cell expects 5
  levels. Since parameters are fitted, and not by minimum chi-square, its p-value comes from samples of the fitted law,
  fitted anew (parametric bootstrap; Stute, Gonzalez Manteiga and Presedo Quindimil 1993).
* Dispersion: the first cumulant that was not fitted, of the sample and of the fitted law; for Poisson, the variance.
  The difference has influence a^2 - Var - slope a (third: a^3 - k3 - 3 Var a - slopes), a = N - E N, and is
  asymptotically normal under any law with these moments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError, ModelError, UnsupportedError
from momentalg.inference.fitted_laws import LawFamily
from momentalg.inference.reference import two_sided

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.model.distributions.base import SizeLaw

    Array = np.ndarray[Any, Any]

MOST_FAILURES = 0.05
"""The share of bootstrap samples that no law of the family fits, above which there is no p-value."""


@dataclass(frozen=True)
class GoodnessOfFit:
    """The chi-square test of a law. `failed` bootstrap samples had moments that no law of the family has."""

    law: SizeLaw
    parameters: Mapping[str, float]
    fitted: tuple[str, ...]
    truncated: bool
    statistic: float
    p_value: float
    replicates: int
    failed: int
    cells: pd.DataFrame

    def __repr__(self) -> str:
        fitted = f", fitted: {', '.join(self.fitted)}" if self.fitted else ""
        given = " given N >= 1 (levels without observations are not in the data)" if self.truncated else ""
        values = ", ".join(f"{name} = {value:.6g}" for name, value in self.parameters.items())
        shown = f"{type(self.law).__name__}({values})" if values else repr(self.law)
        return (
            f"<GoodnessOfFit of {shown}{given}{fitted}: chi-square {self.statistic:.4g} in "
            f"{len(self.cells)} cells, p = {self.p_value:.4g} by parametric bootstrap ({self.replicates} samples)>"
        )


@dataclass(frozen=True)
class DispersionTest:
    """The first cumulant that was not fitted: of the sample, and of the fitted law."""

    order: int
    sample: float
    law: float
    std_error: float
    truncated: bool

    @property
    def ratio(self) -> float:
        """Of the sample to the law: above 1 for sizes that are more dispersed than the law's."""
        return self.sample / self.law if self.law else math.nan

    @property
    def statistic(self) -> float:
        """The difference over its standard error."""
        return (self.sample - self.law) / self.std_error if self.std_error > 0 else math.nan

    @property
    def p_value(self) -> float:
        """P(|Z| > |statistic|), Z standard normal."""
        return two_sided(self.statistic)

    def __repr__(self) -> str:
        what = {2: "variance", 3: "third cumulant"}.get(self.order, f"cumulant {self.order}")
        given = " given N >= 1" if self.truncated else ""
        return (
            f"<DispersionTest: {what} {self.sample:.6g}, by the fitted law{given} {self.law:.6g}; ratio "
            f"{self.ratio:.4g}, standard error of the difference {self.std_error:.4g}, z = {self.statistic:.4g}, "
            f"p = {self.p_value:.4g}>"
        )


def goodness_of_fit(
    sizes: Array, law: SizeLaw, *, replicates: int = 999, seed: int = 1, expected: float = 5
) -> GoodnessOfFit:
    """Test whether sizes, shape (levels,), are draws from a law, whose free parameters are fitted.

    Raises:
        ModelError: no law of sizes, no free parameter's value with these moments, less than one bootstrap sample.
        DataError: too few levels for two cells, or sizes that the law cannot have.
        UnsupportedError: more than two free parameters.

    """
    import numpy as np

    if replicates < 1:
        raise ModelError(f"replicates= is the number of bootstrap samples, 1 or more; found {replicates}")
    family = _family(sizes, law)
    theta = family.fit(_cumulants(sizes, family.free_count))
    if family.free_count and not np.isfinite(theta).all():
        raise ModelError(_no_such_law(family, sizes))
    edges = _edges(family.probabilities(theta, int(sizes.max())), len(sizes), expected, family.first)
    observed = _counts(sizes, edges)
    means = len(sizes) * _cells(family, theta, edges)
    statistic = float(((observed - means) ** 2 / means).sum())
    rng = np.random.default_rng(seed)
    fitted = family.at(theta)
    drawn, failed = [], 0
    for _ in range(replicates):
        sample = np.asarray(fitted.sample(rng, len(sizes)))
        again = family.fit(_cumulants(sample, family.free_count), start=theta)
        if not np.isfinite(again).all():
            failed += 1
            continue
        e = len(sizes) * _cells(family, again, edges)
        drawn.append(float(((_counts(sample, edges) - e) ** 2 / e).sum()))
    beyond = sum(value >= statistic * (1 - 1e-12) for value in drawn)
    p = (1 + beyond) / (1 + len(drawn)) if failed <= MOST_FAILURES * replicates else math.nan
    return GoodnessOfFit(
        fitted,
        family.named(theta),
        family.free,
        family.truncated,
        statistic,
        p,
        len(drawn),
        failed,
        _table(edges, observed, means),
    )


def dispersion(sizes: Array, law: SizeLaw) -> DispersionTest:
    """Compare the first cumulant that was not fitted with that of the fitted law."""
    import numpy as np

    family = _family(sizes, law)
    order = family.free_count + 1
    if order > 3:
        raise UnsupportedError(f"{law!r} has {family.free_count} free parameters; the test is for at most two")
    found = _cumulants(sizes, order)
    theta = family.fit(found[:-1])
    if family.free_count and not np.isfinite(theta).all():
        raise ModelError(_no_such_law(family, sizes))
    a = sizes - sizes.mean()
    square = float((a**2).mean())
    influences = [a, a**2 - square, a**3 - float((a**3).mean()) - 3 * square * a]
    value, slopes = family.next_cumulant(theta)
    influence = influences[order - 1] - sum(s * i for s, i in zip(slopes, influences, strict=False))
    error = math.sqrt(float((influence**2).sum())) / len(sizes)
    return DispersionTest(order, float(found[-1]), value, error, family.truncated)


@lru_cache(maxsize=32)  # a family remembers the formulas that it made
def _of_law(law: SizeLaw) -> LawFamily:
    return LawFamily(law.truncated() if law.may_be_zero else law, truncated=bool(law.may_be_zero))


def _family(sizes: Array, law: Any) -> LawFamily:
    if not getattr(law, "is_size", False):
        raise ModelError(f"a law of sizes is asked for, such as ma.Poisson(); found {law!r}")
    if law.free and not isinstance(law.support_min, (int, Fraction)):
        raise ModelError(f"{law!r} gives all levels one size: there is nothing to fit; give ma.Constant(n) a number")
    family = _of_law(law)
    if family.free_count > 2:
        raise UnsupportedError(f"{law!r} has {family.free_count} free parameters; at most two are fitted by moments")
    if len(sizes) < 4:
        raise DataError(f"{len(sizes)} levels are too few to judge a law by")
    return family


def _cumulants(sizes: Array, order: int) -> Array:
    """The mean, the variance with divisor L - 1, the unbiased third cumulant."""
    import numpy as np

    count = len(sizes)
    a = sizes - sizes.mean()
    found = [sizes.mean(), (a**2).sum() / (count - 1), (a**3).sum() * count / ((count - 1) * (count - 2))]
    return np.array(found[:order], dtype=float)


def _no_such_law(family: LawFamily, sizes: Array) -> str:
    mean, variance = _cumulants(sizes, 2)
    advice = "; ma.Poisson() has one parameter less" if family.free_count == 2 and variance <= mean else ""
    return (
        f"no value of {', '.join(family.free)} gives {type(family.law).__name__} the mean {mean:.6g} and the variance "
        f"{variance:.6g} of these sizes{advice}"
    )


def _edges(probabilities: Array, levels: int, expected: float, first: int) -> Array:
    """The smallest size of each cell: neighbours are pooled until it expects enough levels; the last is open."""
    import numpy as np

    edges, total, left = [first], 0.0, levels * 1.0
    for k, p in enumerate(probabilities.tolist(), start=first):
        total += levels * p
        left -= levels * p
        if total >= expected and left >= expected:
            edges.append(k + 1)
            total = 0.0
    if len(edges) < 2:
        raise DataError(
            f"{levels} levels do not fill two cells with {expected:g} expected in each; give expected= a smaller number"
        )
    return np.array(edges)


def _counts(sizes: Array, edges: Array) -> Array:
    import numpy as np

    if sizes.min() < edges[0]:
        raise DataError(f"a size of {int(sizes.min())} was found, which has probability 0 under the law")
    found: Array = np.bincount(np.searchsorted(edges, sizes, side="right") - 1, minlength=len(edges)).astype(float)
    return found


def _cells(family: LawFamily, theta: Array, edges: Array) -> Array:
    """The probability of each cell."""
    import numpy as np

    upto = family.probabilities(theta, int(edges[-1]) - 1)
    cumulative = np.concatenate([[0.0], np.cumsum(upto)])
    at = np.append(cumulative[edges - edges[0]], 1.0)
    found: Array = np.maximum(np.diff(at), 1e-300)
    return found


def _table(edges: Array, observed: Array, means: Array) -> pd.DataFrame:
    import pandas as pd

    last = [*(str(e - 1) for e in edges[1:]), ""]
    names = [f"{a}" if str(a) == b else f"{a}-{b}" if b else f"{a}+" for a, b in zip(edges, last, strict=True)]
    return pd.DataFrame({"observed": observed.astype(int), "expected": means}, index=pd.Index(names, name="size"))
