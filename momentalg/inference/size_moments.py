"""The estimators of design moments, and their standard errors: the sandwich over independent clusters of levels.

With a_l, b_l, c_l values of level l (its size N, a power of it, a covariate, the mean response), centred, and L levels:

* E a: the mean, exactly unbiased, and its standard error s/sqrt(L), whose square is exactly unbiased;
* Cov(a, b): sum of a b over L - 1, exactly unbiased; influence of a level a b - Cov(a, b);
* kappa(a, b, c): L/((L - 1)(L - 2)) sum of a b c, exactly unbiased; influence a b c - kappa - a Cov(b, c) - b Cov(a, c)
  - c Cov(a, b);
* E N^2/E N, the mean size of the level of a random observation: a ratio, consistent; influence (N^2 - r N)/E N.

Standard errors are the sandwich: influences are summed within independent clusters, and the sums squared. Variances
have their interval on the log scale, others on their own, with t quantiles of (clusters - 1) degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError, UnsupportedError
from momentalg.expr.keys import key_of
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Size, power
from momentalg.inference.clusters import Factor, meat, number_of, outermost
from momentalg.inference.reference import quantile, require_alpha
from momentalg.inference.unit_values import UnitValues, response_keys
from momentalg.model.keys import design_moment

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class SizeMoment:
    """One moment of the design: its key, estimate, standard error, and the scale of its interval."""

    key: str
    estimate: float
    std_error: float
    df: int
    scale: str = "identity"

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """The confidence interval of level 1 - alpha; of a variance on the log scale."""
        require_alpha(alpha)
        width = quantile(1 - alpha / 2, self.df) * self.std_error
        if self.scale == "log" and self.estimate > 0:
            factor = math.exp(width / self.estimate)
            return self.estimate / factor, self.estimate * factor
        return self.estimate - width, self.estimate + width


def moment(values: UnitValues, key: str) -> SizeMoment:
    """One moment of the design, by its key."""
    size = Size(values.by)
    known = response_keys(values.model, values.by)
    if key == size_biased_key(values.by):
        return _moment(key, *_ratio(values.value(power(size, 2)), values.sizes), values)
    if key in known.values():
        return _of_response(key, values, key == known["E"])
    node = design_moment(values.model, key)
    if len(node.args) > 3:
        raise UnsupportedError(
            f"{key}: moments of the design up to order 3 have standard errors; give E(...) of powers"
        )
    estimate, influence = _cumulant([values.value(a) for a in node.args], key)
    scale = "log" if len(node.args) == 2 and node.args[0] == node.args[1] else "identity"
    return _moment(key_of(node), estimate, influence, values, scale)


def size_biased_key(by: Factor) -> str:
    """The key of E N^2/E N: the mean size of the level of an observation taken at random."""
    name = join_factor(by)
    return f"E(size({name})^2)/E(size({name}))"


def _cumulant(arguments: Sequence[Array], key: str) -> tuple[float, Array]:
    """The estimate of a joint cumulant of order 1 to 3, and the influence of each level."""
    count = len(arguments[0])
    if count < len(arguments):
        raise DataError(f"{key} needs at least {len(arguments)} levels; found {count}")
    if len(arguments) == 1:
        mean = float(arguments[0].mean())
        return mean, arguments[0] - mean
    centred = [a - a.mean() for a in arguments]
    if len(arguments) == 2:
        product = centred[0] * centred[1]
        return float(product.sum()) / (count - 1), product - product.mean()
    a, b, c = centred
    product = a * b * c
    estimate = count / ((count - 1) * (count - 2)) * float(product.sum())
    others = a * (b * c).mean() + b * (a * c).mean() + c * (a * b).mean()
    return estimate, product - product.mean() - others


def _ratio(above: Array, below: Array) -> tuple[float, Array]:
    ratio = float(above.sum() / below.sum())
    return ratio, (above - ratio * below) / below.mean()


def _of_response(key: str, values: UnitValues, is_mean: bool) -> SizeMoment:
    """E Ybar or Cov(N, Ybar). The response of one level of a crossed factor shares effects with that of others.

    A level's influence is therefore laid to its observations, in equal parts but for their own response, and these are
    summed over the levels of every outermost factor.
    """
    if values.observations is None:
        raise DataError(f"{key} is not in these data, which have the sizes of levels alone: give the frame")
    size = values.sizes
    by_level = [values.response_mean] if is_mean else [size, values.response_mean]
    estimate, influence = _cumulant(by_level, key)
    found = values.observations
    factors = outermost(found.model)
    if len(factors) == 1:
        return _moment(key, estimate, influence, values)
    level = found.codes(values.by)
    factor = 1.0 if is_mean else (size - size.mean())[level]
    own = factor * (found.rows.response - values.response_mean[level])
    scores = (influence[level] + own) / size[level]
    return _moment(key, estimate, scores, values, clusters=tuple(found.codes(f) for f in factors))


def _moment(
    key: str,
    estimate: float,
    influence: Array,
    values: UnitValues,
    scale: str = "identity",
    clusters: tuple[Array, ...] | None = None,
) -> SizeMoment:
    """With the standard error: the influences summed within clusters, squared, times clusters/(clusters - 1)."""
    held = [[code] for code in (values.clusters if clusters is None else clusters)]
    groups = number_of(held)
    square = groups / (groups - 1) * float(meat(influence[:, None], held)[0, 0]) / len(values.sizes) ** 2
    return SizeMoment(key, estimate, math.sqrt(square) if square >= 0 else math.nan, groups - 1, scale)
