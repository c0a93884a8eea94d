"""Units like those of a pilot: any model with i.i.d. units, its slopes and covariates as the pilot has them.

Over the units of the pilot, W_i = V_i^-1 at the parameters, V_g,i the derivative of V_i with respect to component g:

    B = sum X'W X,    T_gh = sum tr(W V_g W V_h) - 2 tr(B^-1 sum X'W V_g W V_h W X) + tr(B^-1 C_g B^-1 C_h),

C_g = sum X'W V_g W X. Means have variance B^-1, components T^-1 (2 T + K) T^-1, K from the fourth cumulants of single
coefficients and of the residual. With m units like them instead of the pilot's m0, variances are m0/m times these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentalg.errors import NotIdentifiedError, UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.inference.clusters import Observations, read_observations
from momentalg.inference.planning.drawn_sizes import from_information
from momentalg.inference.planning.truth import Errors, Truth

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]

LARGEST_UNIT = 2000  # observations, whose covariance matrix is inverted


def pilot_errors(truth: Truth, observations: Observations) -> tuple[Errors, int]:
    """The standard errors of the design of the pilot itself, and its number of units.

    Raises:
        UnsupportedError: crossed factors, units that are too large.
        NotIdentifiedError: mean columns that are collinear in the pilot.

    """
    import numpy as np

    model, rows = observations.model, observations.rows
    unit = observations.codes(model.unit)
    keys = [c.key for c in model.mean if c.key is not None]
    X = np.column_stack([rows.product(c.monomial) for c in model.mean if c.key is not None])  # noqa: N806
    if len(unit) and np.bincount(unit).max() > LARGEST_UNIT:
        raise UnsupportedError(f"a unit of the pilot has more than {LARGEST_UNIT} observations; give a smaller pilot")
    blocks = [(b, rows.coefficients(b), observations.codes(b.factor)) for b in model.groups]
    residuals = [(key, rows.product(monomial)) for key, monomial in model.residual_cumulants(2) if key is not None]
    order = np.argsort(unit, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(unit))[:-1])
    bread: Any = 0
    inner: list[tuple[Array, dict[str, Array], list[tuple[str, Array]]]] = []
    for at in parts:
        derivatives: dict[str, Array] = {}
        singles: list[tuple[str, Array]] = []
        for block, Z, codes in blocks:  # noqa: N806
            same = codes[at][:, None] == codes[at][None, :]
            names = [str(c.key) for c in block.coefficients]
            for i, a in enumerate(names):
                for j in range(i, len(names)):
                    product = np.outer(Z[at, i], Z[at, j])
                    key = model.cumulant_key(block, (a, names[j]))
                    derivatives[key] = same * (product if i == j else product + product.T)
                fourth = truth[model.cumulant_key(block, (a,) * 4)]
                if fourth:
                    levels = np.unique(codes[at])
                    singles.append((str(fourth), Z[at, i][:, None] * (codes[at][:, None] == levels[None, :])))
        for key, scale in residuals:
            derivatives[key] = np.diag(scale[at])
        if truth["k4(residual)"]:
            singles.append((str(truth["k4(residual)"]), np.eye(len(at))))
        W = np.linalg.inv(sum(truth[k] * d for k, d in derivatives.items()))  # noqa: N806
        bread = bread + X[at].T @ W @ X[at]
        inner.append((W, derivatives, singles))
    if len(keys) and np.linalg.matrix_rank(bread, hermitian=True) < len(keys):
        raise NotIdentifiedError("the mean columns are collinear in the pilot")
    T, K = _information([(X[at], *found) for at, found in zip(parts, inner, strict=True)], bread)  # noqa: N806
    names = list(inner[0][1])
    means = {str(k): math.sqrt(v) for k, v in zip(keys, np.diag(np.linalg.inv(bread)).tolist(), strict=True)}
    return {**means, **from_information(names, T, K)}, len(parts)


def _information(units: list[tuple[Any, ...]], bread: Array) -> tuple[Array, Array]:
    """T and K; each unit has X, W, the derivatives of V by key, and the columns of effects with a fourth cumulant."""
    import numpy as np

    inverse = np.linalg.inv(bread)
    keys = list(units[0][2])
    middle = {k: sum(X.T @ W @ d[k] @ W @ X for X, W, d, _ in units) for k in keys}
    T, K = np.zeros((len(keys), len(keys))), np.zeros((len(keys), len(keys)))  # noqa: N806
    for X, W, derivatives, singles in units:  # noqa: N806
        left = W @ X @ inverse
        own = []
        for k in keys:
            plain = W @ derivatives[k] @ W
            cross = plain @ X @ left.T
            own.append(plain - cross - cross.T + left @ middle[k] @ left.T)  # (P V_k P) of the unit
        weighted = [W @ derivatives[k] for k in keys]
        for i in range(len(keys)):
            for j in range(i, len(keys)):
                both = weighted[i] @ weighted[j]
                T[i, j] += np.trace(both) - 2 * np.trace(inverse @ (X.T @ both @ W @ X))
        for fourth, columns in singles:
            M = np.column_stack([np.einsum("ok,op,pk->k", columns, o, columns) for o in own])  # noqa: N806
            K = K + float(fourth) * M.T @ M  # noqa: N806
    for i, a in enumerate(keys):
        for j in range(i, len(keys)):
            T[i, j] += np.trace(inverse @ middle[a] @ inverse @ middle[keys[j]])
    return T + np.triu(T, 1).T, K


def read_pilot(model: Model, frame: Any) -> Observations:
    """The rows of a pilot, which needs no response."""
    response = model.resolved.response
    if isinstance(frame, Mapping) and response not in frame and frame:
        frame = {**frame, response: [0.0] * len(next(iter(frame.values())))}
    elif hasattr(frame, "assign") and response not in frame.columns:
        frame = frame.assign(**{response: 0.0})
    found = read_observations(model, frame, "refuse")
    if not found.model.has_unit:
        crossed = " and ".join(join_factor(f) for f in found.model.factors)
        raise UnsupportedError(
            f"{crossed} are crossed: a pilot has no i.i.d. units; plan levels= of each factor, with observed= for the "
            "share of cells that are observed"
        )
    return found
