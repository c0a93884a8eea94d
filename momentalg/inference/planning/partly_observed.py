"""Crossed factors of which some cells are observed: variances of the weighted estimators for a drawn incidence.

Each cell of the crossed columns is observed with one probability, independently. For the incidence that is drawn, with
Z the indicators of all levels, A = Z'Z, D the variances of the effects and G = Z'PZ, a row and column per level:

    Z'V^-1 Z = A (s_e^2 I + D A)^-1,    tr(P V_f P V_g) = sum over levels k of f, l of g of G_kl^2,

and traces with P itself follow from P V P = P. Variances are T^-1 (2 T + K) T^-1; coefficients are exact, and the
estimators weighted at the truth. One draw stands for all: with many levels they hardly differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentalg.errors import UnsupportedError
from momentalg.inference.planning.drawn_sizes import from_information
from momentalg.inference.planning.truth import Errors, Truth

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_LEVELS = 3000  # of all factors together: matrices have so many rows
MOST_CELLS = 5_000_000
AT_ONCE = 2_000_000  # numbers in a block of rows


def partly_observed_errors(truth: Truth, levels: Mapping[str, int], size: int, observed: float, seed: int) -> Errors:
    """The standard errors for one incidence, drawn with the seed; `size` observations in each observed cell."""
    import numpy as np

    factors = list(dict.fromkeys(truth.model.factors))
    codes = _draw(truth, factors, levels, observed, seed)
    counts = [int(c.max(initial=-1)) + 1 for c in codes]
    if sum(counts) > MOST_LEVELS:
        raise UnsupportedError(
            f"{sum(counts)} levels are more than the {MOST_LEVELS} that a partly observed design is planned with; "
            "standard errors fall with the root of the number of levels from there"
        )
    starts = np.concatenate([[0], np.cumsum(counts)])
    places = [c + s for c, s in zip(codes, starts, strict=False)]
    q, cells = int(starts[-1]), len(codes[0])
    names = [*map(truth.key, factors), truth.key(None)]
    if cells == 0:
        return dict.fromkeys(["Intercept", *names], math.inf)
    A = np.zeros((q, q))  # noqa: N806
    for rows in places:
        for columns in places:
            np.add.at(A, (rows, columns), float(size))
    D = np.repeat([truth.variance(f) for f in factors], counts)  # noqa: N806
    E = np.linalg.inv(truth.residual * np.eye(q) + D[:, None] * A)  # V^-1 Z = Z E  # noqa: N806
    H = A @ E  # noqa: N806
    u = (np.arange(q) < counts[0]).astype(float)  # the columns of the first factor add to the column of ones
    information = float(u @ H @ u)
    G = H - np.outer(H @ u, u @ H) / information  # noqa: N806
    F = E - np.outer(E @ u, u @ H) / information  # P Z = Z F  # noqa: N806
    owner = np.repeat(np.arange(len(factors)), counts)
    indicator = (owner[:, None] == np.arange(len(factors))).astype(float)
    variances = np.array([truth.variance(f) for f in factors])
    M = G**2 @ indicator  # (Z'P V_g P Z)_kk  # noqa: N806
    M = np.column_stack([M, (np.diag(G) - M @ variances) / truth.residual])  # noqa: N806
    T = _traces(indicator.T @ M, indicator.T @ np.diag(G), variances, truth.residual, cells * size - 1)  # noqa: N806
    kurtosis = np.array([truth.kurtosis(f) for f in factors])
    K = M.T @ (M * kurtosis[owner][:, None])  # noqa: N806
    if truth.kurtosis(None):
        K = K + truth.kurtosis(None) * size * _residual_part(  # noqa: N806
            F, E, u, information, places, indicator, variances, truth
        )
    return {"Intercept": math.sqrt(1 / information), **from_information(names, T, K)}


def _draw(
    truth: Truth, factors: list[tuple[str, ...]], levels: Mapping[str, int], observed: float, seed: int
) -> list[Array]:
    """The level of each factor in each observed cell, numbered from 0."""
    import numpy as np

    columns = list(truth.model.levelled)
    shape = [levels[c] for c in columns]
    if math.prod(shape) > MOST_CELLS:
        raise UnsupportedError(f"{math.prod(shape)} cells are more than the {MOST_CELLS} that are drawn")
    cells = np.flatnonzero(np.random.default_rng(seed).random(math.prod(shape)) < observed)
    index = dict(zip(columns, np.unravel_index(cells, shape), strict=True))
    found = []
    for factor in factors:
        inside = [c for c in columns if c in truth.model.closure(factor)]
        flat = np.ravel_multi_index([index[c] for c in inside], [levels[c] for c in inside])
        found.append(np.unique(flat, return_inverse=True)[1].reshape(-1))
    return found


def _traces(blocks: Array, own: Array, variances: Array, residual: float, freedom: int) -> Array:
    """T, its last row and column that of the residual: from P V P = P and tr(P V) = n - 1."""
    import numpy as np

    k = len(variances)
    T = np.zeros((k + 1, k + 1))  # noqa: N806
    T[:k, :k] = blocks[:, :k]
    T[:k, k] = T[k, :k] = (own - T[:k, :k] @ variances) / residual
    whole = (freedom - own @ variances) / residual
    T[k, k] = (whole - T[k, :k] @ variances) / residual
    return T


def _residual_part(
    F: Array,  # noqa: N803
    E: Array,  # noqa: N803
    u: Array,
    information: float,
    places: list[Array],
    indicator: Array,
    variances: Array,
    truth: Truth,
) -> Array:
    """The sum over observed cells of (P V_g P)_oo (P V_h P)_oo, for one observation of each.

    P_oo = (1 - sum_g s_g^2 (P Z_g Z_g')_oo)/s_e^2 less the mean's part, from V P = I - 1 (1'V^-1 1)^-1 1'V^-1.
    """
    import numpy as np

    k = len(variances)
    found = np.zeros((k + 1, k + 1))
    step = max(1, AT_ONCE // len(F))
    weights = indicator @ variances
    for start in range(0, len(places[0]), step):
        at = [p[start : start + step] for p in places]
        PZ = np.sum([F[p] for p in at], axis=0)  # noqa: N806
        leverage = sum(E[p] @ u for p in at) / information  # (1'V^-1 1)^-1 (V^-1 1)_o
        rows = np.arange(len(at[0]))
        own = sum(PZ[rows, p] * weights[p] for p in at)
        diagonal = (1 - own - leverage) / truth.residual
        M = PZ**2 @ indicator  # noqa: N806
        M = np.column_stack([M, (diagonal - M @ variances) / truth.residual])  # noqa: N806
        found += M.T @ M
    return found
