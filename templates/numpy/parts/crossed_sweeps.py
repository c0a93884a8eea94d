"""The mixed-model equations of crossed factors, solved by sweeps over the factors (backfitting) on the cells."""

import numpy as np


class _MixedModel:
    """The mixed-model equations (I + L'Z'Z L/s_e^2) v = L'Z' r/s_e^2 at given components; the effects are u = L v.

    L is a root of the effects' covariance matrix (L L' = Theta), so that components of 0 need no inverse. The factor
    with most coefficients is absorbed, level by level; the others are solved for by backfitting sweeps (each factor
    in turn, given the rest), accelerated by conjugate gradients; one sweep costs the cells.
    """

    def __init__(self, crossed, covariances, residual):
        self.crossed, self.residual = crossed, residual
        self.roots = [_root(theta) for theta in covariances]
        self.kept = [k for k, root in enumerate(self.roots) if root.shape[1]]
        self.kept.sort(key=lambda k: -crossed.levels[k] * self.roots[k].shape[1])
        self.inverses = {
            k: np.linalg.inv(
                np.eye(self.roots[k].shape[1]) + self.roots[k].T @ crossed.own[k] @ self.roots[k] / residual
            )
            for k in self.kept
        }
        self.tables, self.whole, self.solved = self.inverse_products(crossed.common, crossed.total, 1e-11)
        self.covariance = _pseudo_inverse(self.whole[:-1, :-1])  # of the estimates of beta
        self.beta = self.covariance @ self.whole[:-1, -1]
        contrast = np.append(-self.beta, 1.0)
        self.squares = float(contrast @ self.whole @ contrast)  # y'P y
        self.scores = [table @ contrast for table in self.tables]  # Z'P y
        self.effects = [(v @ contrast) @ root.T for root, v in zip(self.roots, self.solved, strict=True)]

    def inverse_products(self, common, around, tolerance):
        """Z'V^-1 r per factor, [X, y]'V^-1 r and v, for right sides r with Z'r `common` and [X, y]'r `around`."""
        crossed = self.crossed
        right = [root.T @ table / self.residual for root, table in zip(self.roots, common, strict=True)]
        solved = self.solution(right, tolerance)
        effects = {g: self.roots[g] @ solved[g] for g in self.kept}
        tables = [
            np.linalg.inv(root.T) @ solved[k]  # by the equations themselves, where L is not next to singular
            if root.shape[0] == root.shape[1] and np.linalg.norm(root, -2) > 1e-2 * np.sqrt(self.residual)
            else (table - sum(crossed.across(k, g, u) for g, u in effects.items())) / self.residual
            for k, (root, table) in enumerate(zip(self.roots, common, strict=True))
        ]
        explained = sum(np.einsum("lci,lcm->im", crossed.common[g], u) for g, u in effects.items())
        return tables, (around - explained) / self.residual, solved

    def projected(self, common, around, tolerance):
        """Z'P r per factor, from Z'r per factor and [X, y]'r, (..., right sides)."""
        tables, around, _ = self.inverse_products(common, around, tolerance)
        explained = self.covariance @ around[:-1]
        return [table - own[:, :, :-1] @ explained for table, own in zip(tables, self.tables, strict=True)]

    def solution(self, right, tolerance):
        """v of all factors, (levels, columns, right sides) each, for right sides of that shape."""
        found = [np.zeros_like(part) for part in right]
        if not self.kept:
            return found
        first, rest = self.kept[0], self.kept[1:]
        absorbed = self.inverses[first] @ right[first]
        left = {k: right[k] - self._toward(k, {first: absorbed}) for k in rest}  # what is still to explain
        least = tolerance * np.sqrt(_inner(left, left))
        direction, before = dict.fromkeys(rest, 0.0), np.inf
        for _ in range(SWEEPS):
            if np.all(np.sqrt(_inner(left, left)) <= least):
                break
            swept = {k: self.inverses[k] @ left[k] for k in rest}
            now = _inner(left, swept)
            direction = {k: swept[k] + now / before * direction[k] for k in rest}
            applied = self._applied(direction)
            length = _ratio(now, _inner(direction, applied))
            for k in rest:
                found[k] += length * direction[k]
                left[k] = left[k] - length * applied[k]
            before = np.maximum(now, np.finfo(float).tiny)
        else:
            raise FloatingPointError(f"the mixed-model equations are not solved after {SWEEPS} sweeps")
        found[first] = self.inverses[first] @ (right[first] - self._toward(first, {k: found[k] for k in rest}))
        return found

    def _toward(self, k, coefficients):
        """L_k'Z_k' sum over g of Z_g L_g v_g/s_e^2."""
        found = 0.0
        for g, v in coefficients.items():
            found = found + self.roots[k].T @ self.crossed.across(k, g, self.roots[g] @ v) / self.residual
        return found

    def _applied(self, v):
        """The equations of the factors that are not absorbed, at v."""
        first, rest = self.kept[0], self.kept[1:]
        absorbed = self.inverses[first] @ self._toward(first, v)
        return {k: v[k] + self._toward(k, v) - self._toward(k, {first: absorbed}) for k in rest}


def _inner(left, right):
    """The inner products of the right sides, over all factors."""
    return sum((np.einsum("lcm,lcm->m", left[k], right[k]) for k in left), np.zeros(1))


def _ratio(left, right):
    """`left`/`right`, 0 where there is nothing left."""
    return np.divide(left, right, out=np.zeros_like(right), where=right > 0)
