"""Predictions of effects (BLUPs) by factor, with their covariances, and how far they are shrunk.

With V = R + sum_f Z_f G_f Z_f' at the estimated components, the predictions are u = G Z'V^-1 (y - X b), the best linear
ones whatever the laws of effects and residuals are (Henderson 1950, 1975; Robinson 1991). Negative variances count as
0, and a matrix of covariances that is not positive semidefinite as its nearest one. The covariances are those of the
errors of prediction, u-hat - u, with what estimating b adds; that the components are estimated too is not in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor, split_factor
from momentalg.inference.rows import Rows
from momentalg.model.resolved import GroupBlock

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult

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
    """The effects of each factor of a fit.

    Raises `UnsupportedError` where neither the fit's sums nor its data let effects be predicted.
    """
    module, table = _module(fit)
    found = {}
    for name, (levels, coefficients, predictions, covariances) in module.effects(table, dict(fit.estimates)).items():
        factor = split_factor(name)
        found[name] = Effects(factor, index_of(levels, factor), tuple(coefficients), predictions, covariances)
    return found


def _module(fit: FitResult) -> tuple[Any, dict[str, Any]]:
    """A generated module that predicts effects, and its sums of the data of the fit."""
    if fit.sums is not None and hasattr(fit.sums.estimator.module, "effects"):
        return fit.sums.estimator.module, dict(fit.sums.table)
    if fit.data is None:
        raise UnsupportedError(
            f"a fit by {fit.statistics} from sums keeps no sums that effects can be predicted from; fit from the data, "
            "model.fit(frame), or from sums for weighted moments: model.fit(model.sums(frame, weighting='two-step'))"
        )
    from momentalg.inference.fit import sums

    found = sums(fit.model, fit.data, weighting="two-step", missing=fit.missing)
    return found.estimator.module, dict(found.table)


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
    import numpy as np

    model = fit.model.resolved
    count, q = effects.predictions.shape
    if rows is None:
        if effects.coefficients != ("1",) or model.weights or model.residual_by:
            raise UnsupportedError(
                "shrinkage factors of slopes, or with known weights or classes of residuals, need the rows of the "
                "data, and this is a fit from sums; fit from the data, model.fit(frame)"
            )
        sizes = fit.level_sizes[effects.factor]
        at = sizes[0].get_indexer(effects.levels)
        information: Array = np.asarray(sizes[1], dtype=float)[at] / fit.truncated["var(residual)"]
        return information.reshape(-1, 1, 1)
    at = rows.positions(effects.factor, effects.levels)
    found: Array = np.zeros((count, q, q))
    blocks = [b for b in model.groups if b.factor == effects.factor]
    order = [effects.coefficients.index(str(c.key)) for b in blocks for c in b.coefficients]
    z = np.column_stack([rows.coefficients(b) for b in blocks])[:, np.argsort(order)]
    precision = 1.0 / residual_variances(fit, rows)
    for a in range(q):
        for b in range(q):
            found[:, a, b] = np.bincount(at, z[:, a] * z[:, b] * precision, minlength=count)
    return found


def residual_variances(fit: FitResult, rows: Rows) -> Array:
    """The variance of the residual of each row, shape (n,), with known weights and classes."""
    import numpy as np

    found: Array = np.zeros(rows.columns.n)
    for key, monomial in fit.model.resolved.residual_cumulants(2):
        found = found + fit.truncated[str(key)] * rows.product(monomial)
    return found
