"""Predictions of effects (BLUPs) by factor, with their covariances, and how far they are shrunk.

With V = R + sum_f Z_f G_f Z_f' at the estimated components, the predictions are u = G Z'V^-1 (y - X b), the best linear
ones whatever the laws of effects and residuals are (Henderson 1950, 1975; Robinson 1991). b is by generalised least
squares: the mean parameters of weighted fits, while those of classical statistics are by unweighted normal equations.
Negative variances count as 0, and a matrix of covariances that is not positive semidefinite as its nearest one. The
covariances are those of the errors of prediction, u-hat - u, with what estimating b adds; that the components are
estimated too is not in them. With classes of residuals, 1/(variance of the class) is a known weight of each row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.data.frames import needed_columns
from momentalg.errors import DataError, UnsupportedError
from momentalg.expr.keys import read_key
from momentalg.expr.names import join_factor, split_factor
from momentalg.inference.rows import Rows, kept_rows, rows_of
from momentalg.model.describe import arguments
from momentalg.model.model import Model
from momentalg.model.resolved import GroupBlock

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult
    from momentalg.inference.sums import Sums

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Effects:
    """The predicted effects of the L levels of a factor, with its q coefficients ("1" is the intercept)."""

    factor: tuple[str, ...]
    levels: pd.Index[Any]
    coefficients: tuple[str, ...]
    predictions: Array  # (L, q), in the unit of the response over that of the covariate
    covariances: Array  # (L, q, q), of the errors of prediction

    @property
    def name(self) -> str:
        """The factor's name in keys."""
        return join_factor(self.factor)

    def frame(self) -> pd.DataFrame:
        """A row for each level, a column for each coefficient."""
        import pandas as pd

        return pd.DataFrame(self.predictions, index=self.levels, columns=list(self.coefficients))

    def standard_errors(self) -> Array:
        """The root of the variance of each error of prediction, shape (L, q)."""
        import numpy as np

        found: Array = np.sqrt(np.maximum(np.diagonal(self.covariances, axis1=1, axis2=2), 0.0))
        return found


def predicted(fit: FitResult) -> Mapping[str, Effects]:
    """The effects of each factor of a fit, its levels in order.

    Raises `UnsupportedError` where neither the fit's sums nor its data let effects be predicted, and `DataError` where
    a slope's covariate is too far from 0.
    """
    sums, estimates = _sums(fit)
    found = {}
    try:
        effects = sums.estimator.module.effects(sums.prepared, dict(estimates))
    except FloatingPointError as error:
        raise DataError(str(error)) from error
    for name, (levels, coefficients, predictions, covariances) in effects.items():
        factor = split_factor(name)
        index = index_of(levels, factor)
        at = _order(index)
        found[name] = Effects(factor, index[at], tuple(coefficients), predictions[at], covariances[at])
    return found


def _order(index: pd.Index[Any]) -> Array:
    """What sorts levels; labels that have no order among them, such as texts and numbers, stay as they are."""
    import numpy as np

    try:
        return index.argsort()
    except TypeError:
        return np.arange(len(index))


def _sums(fit: FitResult) -> tuple[Sums, Mapping[str, float]]:
    """Sums of the data of the fit whose module predicts effects, and estimates by the keys of that module."""
    if fit.sums is not None and hasattr(fit.sums.estimator.module, "effects"):
        return fit.sums, fit.estimates
    if fit.data is None:
        raise UnsupportedError(
            f"a fit by {fit.statistics} from sums, or from data that are not in memory, keeps no sums that effects can "
            "be predicted from; fit from data in memory, model.fit(frame), or from sums for "
            "weighted moments: model.fit(model.sums(frame, weighting='two-step'))"
        )
    from momentalg.inference.fit import sums

    if fit.model.resolved.residual_by:
        return _of_classes(fit)
    return sums(fit.model, fit.data, weighting="two-step", missing=fit.missing), fit.estimates


def _of_classes(fit: FitResult) -> tuple[Sums, Mapping[str, float]]:
    """The same for classes of residuals: rows weighted by 1/(their residual variance), the unit variance being 1."""
    from momentalg.inference.fit import sums

    negative = [key for key in fit.negative if read_key(key).kind == "residual"]
    if negative:
        raise UnsupportedError(
            f"{' and '.join(negative)} is estimated below 0: rows without variance of a residual determine effects "
            "exactly, which these are not; fit without residual_by="
        )
    name = "1/variance"
    while name in needed_columns(fit.model.resolved):
        name += "'"
    parts = [
        part.assign(**{name: 1.0 / residual_variances(fit, rows)})
        for part, rows in zip(kept_rows(fit), rows_of(fit, "effects"), strict=True)
    ]
    known = {**arguments(fit.model.resolved), "residual_by": None, "weights": name}
    found = sums(Model(fit.model.formula, **known), parts, weighting="two-step")
    return found, {**fit.estimates, "var(residual)": 1.0}


def index_of(levels: Array, factor: tuple[str, ...]) -> pd.Index[Any]:
    """Levels as an index, with a level of the index for each column of the factor."""
    import pandas as pd

    if levels.dtype.names is None:
        return pd.Index(levels, name=factor[0])
    return pd.MultiIndex.from_arrays([levels[n] for n in levels.dtype.names], names=list(factor))


def contribution(rows: Rows, effects: Effects, blocks: tuple[GroupBlock, ...]) -> Array:
    """Z u of one factor at each row, shape (n,): 0 where the level is not among those of the effects."""
    import numpy as np

    at = rows.positions(effects.factor, effects.levels)
    known = {key: n for n, key in enumerate(effects.coefficients)}
    total: Array = np.zeros(len(at))
    for block in (b for b in blocks if b.factor == effects.factor):
        z = rows.coefficients(block)
        columns = [known[str(c.key)] for c in block.coefficients]
        total = total + (z * effects.predictions[:, columns][at]).sum(axis=1)
    return np.where(at < 0, 0.0, total)


def covariance_of_effects(fit: FitResult, effects: Effects) -> Array:
    """G of one factor: the estimated covariances of its q coefficients, negative variances as 0, shape (q, q)."""
    import numpy as np

    model, q = fit.model.resolved, effects.coefficients
    found: Array = np.zeros((len(q), len(q)))
    for block in (b for b in model.groups if b.factor == effects.factor):
        keys = [str(c.key) for c in block.coefficients]
        for a in keys:
            for b in keys:
                found[q.index(a), q.index(b)] = fit.truncated[model.cumulant_key(block, (a, b))]
    values, vectors = np.linalg.eigh(found)
    return found if (values >= 0).all() else (vectors * np.maximum(values, 0.0)) @ vectors.T


def shrinkage(fit: FitResult, effects: Effects, rows: Rows | None) -> Array:
    """How far each level's own estimate is pulled to the mean, shape (L, q, q): 0 altogether, the identity not at all.

    With one factor it is (I + G A)^-1 G A, A = Z'R^-1 Z of the level; for an intercept N theta/(1 + N theta), with
    theta = var(1|f)/var(residual): the prediction is this times the level's own estimate at given b. With several
    factors no such matrix exists, as levels borrow from one another, and it is the reliability
    I - Var(u-hat - u) G^-1, what is known of the variance of an effect; the two are one where b is known. A
    coefficient without variance has 0.
    """
    import numpy as np

    g = covariance_of_effects(fit, effects)
    identity = np.eye(len(effects.coefficients))
    if len({b.factor for b in fit.model.resolved.groups}) > 1:
        found: Array = identity - effects.covariances @ np.linalg.pinv(g)
        known = np.diag(g) > 0
        return found * np.outer(known, known)
    a = _information(fit, effects, rows)
    ratio: Array = np.linalg.solve(identity + g @ a, g @ a)
    return ratio


def _information(fit: FitResult, effects: Effects, rows: Rows | None) -> Array:
    """Z'R^-1 Z of each level, shape (L, q, q)."""
    model = fit.model.resolved
    if rows is None:
        if effects.coefficients != ("1",) or model.weights or model.residual_by:
            raise UnsupportedError(
                "shrinkage factors of slopes, or with known weights or classes of residuals, need the rows of the "
                "data, and this is a fit from sums; fit from the data, model.fit(frame)"
            )
        information: Array = sizes_of(fit, effects) / fit.truncated["var(residual)"]
        return information.reshape(-1, 1, 1)
    at, z = design_of(effects, rows)
    return level_products(at, z, z, 1.0 / residual_variances(fit, rows), len(effects.levels))


def sizes_of(fit: FitResult, effects: Effects) -> Array:
    """The number of observations of each level, shape (L,), in the order of the effects."""
    import numpy as np

    levels, sizes = fit.level_sizes[effects.factor]
    found: Array = np.asarray(sizes, dtype=float)[levels.get_indexer(effects.levels)]
    return found


def design_of(effects: Effects, rows: Rows) -> tuple[Array, Array]:
    """The level of each row, shape (n,), and its Z, shape (n, q), in the order of the effects."""
    import numpy as np

    blocks = [b for b in rows.model.groups if b.factor == effects.factor]
    order = [effects.coefficients.index(str(c.key)) for b in blocks for c in b.coefficients]
    z = np.column_stack([rows.coefficients(b) for b in blocks])[:, np.argsort(order)]
    return rows.positions(effects.factor, effects.levels), z


def level_products(at: Array, left: Array, right: Array, weights: Array, count: int) -> Array:
    """The sums of w a b' over the rows of each of `count` levels, for rows a of `left` and b of `right`."""
    import numpy as np

    found: Array = np.empty((count, left.shape[1], right.shape[1]))
    for i, a in enumerate(left.T):
        for j, b in enumerate(right.T):
            found[:, i, j] = np.bincount(at, a * b * weights, minlength=count)
    return found


def residual_variances(fit: FitResult, rows: Rows) -> Array:
    """The variance of the residual of each row, shape (n,), with known weights and classes."""
    import numpy as np

    found: Array = np.zeros(rows.columns.n)
    for key, monomial in fit.model.resolved.residual_cumulants(2):
        found = found + fit.truncated[str(key)] * rows.product(monomial)
    return found
