"""Restricted maximum likelihood with whole matrices: the other road to what iterated weights solve.

V = sum over components g of s_g V_g, the last for the residual; -2 times the log restricted likelihood is
log|V| + log|X'V^-1 X| + y'P y, P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, with gradient tr(P V_g) - y'P V_g P y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize


@dataclass(frozen=True)
class Restricted:
    """The response, X by name of column, and what each component multiplies in V, by key; the residual's last."""

    y: np.ndarray
    mean: dict[str, np.ndarray]
    parts: dict[str, np.ndarray]

    @property
    def x(self) -> np.ndarray:
        return np.column_stack(list(self.mean.values()))

    def covariance(self, components) -> np.ndarray:
        return sum(s * part for s, part in zip(components, self.parts.values(), strict=True))

    def criterion(self, components) -> tuple[float, np.ndarray]:
        """-2 log L and its gradient; infinite where V is not positive definite."""
        v = self.covariance(components)
        try:
            root = np.linalg.cholesky(v)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros(len(components))
        inverse = np.linalg.inv(v)
        vx = inverse @ self.x
        information = self.x.T @ vx
        p = inverse - vx @ np.linalg.solve(information, vx.T)
        py = p @ self.y
        value = 2 * np.log(np.diag(root)).sum() + np.linalg.slogdet(information)[1] + self.y @ py
        gradient = [np.sum(p * part) - py @ part @ py for part in self.parts.values()]
        return float(value), np.array(gradient)

    def maximum(self) -> dict[str, float]:
        """The estimates at the maximum: quasi-Newton steps, and then Newton's with differences of the gradient."""
        scale = np.var(self.y - self.x @ np.linalg.lstsq(self.x, self.y, rcond=None)[0])
        start = np.array([0.0 if key.startswith("cov(") else scale / 4 for key in self.parts])
        start[-1] = scale / 2
        found = minimize(self.criterion, start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 500}).x
        for _ in range(20):
            steps = 1e-4 * scale * np.eye(len(found))
            hessian = np.array([self.criterion(found + h)[1] - self.criterion(found - h)[1] for h in steps])
            step = np.linalg.solve((hessian + hessian.T) / (4e-4 * scale), self.criterion(found)[1])
            found = found - step
            if np.abs(step).max() < 1e-12 * scale:
                break
        inverse = np.linalg.inv(self.covariance(found))
        b = np.linalg.solve(self.x.T @ inverse @ self.x, self.x.T @ inverse @ self.y)
        return dict(zip([*self.mean, *self.parts], [*b, *found], strict=True))


def restricted(frame, response, mean, blocks) -> Restricted:
    """From a frame: `mean` by name; `blocks` are (name of the factor, its level in each row, {coefficient: column})."""
    n = len(frame)
    parts = {}
    for name, level, columns in blocks:
        same = np.equal.outer(np.asarray(level), np.asarray(level)).astype(float)
        names = list(columns)
        for i, one in enumerate(names):
            for two in names[i:]:
                a, b = np.asarray(columns[one], float), np.asarray(columns[two], float)
                if one == two:
                    parts[f"var({one}|{name})"] = same * np.outer(a, a)
                else:
                    parts[f"cov({one},{two}|{name})"] = same * (np.outer(a, b) + np.outer(b, a))
    parts["var(residual)"] = np.eye(n)
    found = {key: np.asarray(column, float) * np.ones(n) for key, column in mean.items()}
    return Restricted(np.asarray(frame[response], float), found, parts)
