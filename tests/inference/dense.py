"""Dense mixed-model equations, written out: the other road to what a fit predicts.

Henderson's equations  [X'R^-1X  X'R^-1Z; Z'R^-1X  Z'R^-1Z + G^-1] [b; u] = [X'R^-1y; Z'R^-1y]  give the means by
generalised least squares, the predictions, and in their inverse the covariances of the errors of prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dense:
    """X, and for each factor its levels, the level of each row, its coefficients' columns and their covariance."""

    y: np.ndarray
    x: np.ndarray
    factors: dict[str, tuple[list, list, np.ndarray, np.ndarray]]  # levels, level of each row, columns (n, q), G (q, q)
    residual: float | np.ndarray  # the variance of all residuals, or of each

    @property
    def z(self) -> np.ndarray:
        blocks = []
        for levels, of_row, columns, _ in self.factors.values():
            member = np.array([[label == level for level in levels] for label in of_row], dtype=float)
            blocks.append((member[:, :, None] * columns[:, None, :]).reshape(len(self.y), -1))
        return np.hstack(blocks)

    @property
    def g(self) -> np.ndarray:
        parts = [np.kron(np.eye(len(levels)), g) for levels, _, _, g in self.factors.values()]
        whole = np.zeros((sum(map(len, parts)),) * 2)
        at = 0
        for part in parts:
            whole[at : at + len(part), at : at + len(part)] = part
            at += len(part)
        return whole

    def henderson(self) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
        """b, and by factor u (L, q) and the covariances of errors (L, q, q), by Henderson's equations."""
        p, w = self.x.shape[1], np.hstack([self.x, self.z])
        weighted = w.T / self.residual
        left = weighted @ w
        left[p:, p:] += np.linalg.inv(self.g)
        inverse = np.linalg.inv(left)
        solution = inverse @ weighted @ self.y
        return solution[:p], *self._split(solution[p:], inverse[p:, p:])

    def at(self, b: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """By factor G Z'V^-1 (y - X b) at given b, and covariances as if b were by generalised least squares."""
        zg = self.z @ self.g
        v = zg @ self.z.T + np.diag(self.residual * np.ones(len(self.y)))
        solved = np.linalg.solve(v, np.column_stack([self.y - self.x @ b, zg, self.x]))
        q = zg.shape[1]
        vx = solved[:, 1 + q :]
        cross = zg.T @ vx
        errors = self.g - zg.T @ solved[:, 1 : 1 + q] + cross @ np.linalg.solve(self.x.T @ vx, cross.T)
        return self._split(zg.T @ solved[:, 0], errors)

    def _split(self, u: np.ndarray, errors: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        predictions, covariances, at = {}, {}, 0
        for name, (levels, _, columns, _) in self.factors.items():
            count, q = len(levels), columns.shape[1]
            predictions[name] = u[at : at + count * q].reshape(count, q)
            starts = range(at, at + count * q, q)
            covariances[name] = np.array([errors[s : s + q, s : s + q] for s in starts])
            at += count * q
        return predictions, covariances
