"""Variances of weighted estimators from dense matrices: V, P, T and the fourth cumulants, as they are defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Array = np.ndarray


def indicators(codes: Array) -> Array:
    """Z of one factor."""
    return (np.asarray(codes)[:, None] == np.unique(codes)[None, :]).astype(float)


def standard_errors(
    X: Array,
    effects: Mapping[str, Array],
    values: Mapping[str, float],
    fourth: Mapping[str, float],
    covariances: Mapping[str, tuple[Array, Array]] | None = None,
) -> dict[str, float]:
    """Of means by position and of components by key: T^-1 (2 T + K) T^-1, T = tr(P V_g P V_h)."""
    n = len(X)
    columns = {**effects, "var(residual)": np.eye(n)}
    V_g = {key: Z @ Z.T for key, Z in columns.items()}
    V_g |= {key: A @ B.T + B @ A.T for key, (A, B) in (covariances or {}).items()}
    V = sum(values[key] * D for key, D in V_g.items())
    W = np.linalg.inv(V)
    mean = np.linalg.inv(X.T @ W @ X)
    P = W - W @ X @ mean @ X.T @ W
    keys: Sequence[str] = list(V_g)
    PV = {key: P @ D for key, D in V_g.items()}
    T = np.array([[(PV[g] * PV[h].T).sum() for h in keys] for g in keys])  # tr(A B) = sum of A_ij B_ji
    K = np.zeros_like(T)
    for key, Z in columns.items():
        M = np.array([((PV[g].T @ Z) * (P @ Z)).sum(axis=0) for g in keys])  # the diagonal of Z'P V_g P Z
        K += fourth.get(key, 0.0) * M @ M.T
    inverse = np.linalg.inv(T)
    found = dict(zip(keys, np.sqrt(np.diag(inverse @ (2 * T + K) @ inverse)), strict=True))
    return {f"mean {i}": float(v) for i, v in enumerate(np.sqrt(np.diag(mean)))} | found
