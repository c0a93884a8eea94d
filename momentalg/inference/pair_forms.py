"""Both statistics of every level, combined by generalised least squares with fourth cumulants in their covariances.

Of y = X b + a_i + e_ij let r = y - X b^ be the residuals of generalised least squares at theta = var(a)/var(e). For a
level of N rows, q = rbar^2 and D = the sum of (r_ij - rbar)^2 have, were b known, the expectations G (var(a), var(e))',
G = [[1, 1/N], [0, N - 1]], and with v = var(a) + var(e)/N the covariance matrix S

    Var(q) = 2 v^2 + k4(a) + k4(e)/N^3,    Var(D) = 2 (N - 1) var(e)^2 + k4(e) (N - 1)^2/N,    Cov = k4(e) (N - 1)/N^2,

which `momentalg.moments.pair_weights` and `level_weights` derive. Generalised least squares of all pairs solves

    sum G'S^-1 (q, D)' = sum G'S^-1 C (var(a), var(e))',

C the expectations of (q, D) with b^ estimated: of M V M', M = I - X (X'V^-1 X)^-1 X'V^-1, the traces with J/N^2 and
I - J/N of the level, for V = ZZ' and V = I. The equations are exact for any numbers in S and theta. Without fourth
cumulants they are MINQUE's, which the two-step fit solves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LevelTable:
    """Per level its size, the means of X and of r, and their cross-products about these; any response for r."""

    size: Array  # (L,)
    x: Array  # (L, p)
    r: Array  # (L,)
    xx: Array  # (L, p, p)
    xr: Array  # (L, p)
    rr: Array  # (L,)

    @classmethod
    def of_rows(cls, x: Array, r: Array, starts: Array) -> LevelTable:
        """From rows that are ordered by level, whose first rows are at `starts`."""
        import numpy as np

        size = np.diff(starts, append=len(r))
        means = np.add.reduceat(np.column_stack([x, r]), starts) / size[:, None]
        about = np.column_stack([x, r]) - np.repeat(means, size, axis=0)
        p = x.shape[1]
        products = np.empty((len(size), p + 1, p + 1))
        for k in range(p + 1):
            products[:, k, :] = np.add.reduceat(about * about[:, [k]], starts)
        xx, xr, rr = products[:, :p, :p], products[:, :p, p], products[:, p, p]
        return cls(size.astype(float), means[:, :p], means[:, p], xx, xr, rr)

    def least_squares(self, theta: float) -> LeastSquares:
        """Generalised least squares of r on X with V = I + theta ZZ'."""
        return LeastSquares(self, theta)


@dataclass(frozen=True)
class LeastSquares:
    """Generalised least squares at theta: its coefficients, what these leave, and what each level adds to them."""

    levels: LevelTable
    theta: float

    @cached_property
    def weight(self) -> Array:
        """N/(1 + N theta), shape (L,)."""
        return self.levels.size / (1 + self.levels.size * self.theta)

    @cached_property
    def inverse(self) -> Array:
        """(X'V^-1 X)^-1, shape (p, p)."""
        import numpy as np

        x = self.levels.x
        found: Array = np.linalg.inv(self.levels.xx.sum(axis=0) + (x.T * self.weight) @ x)
        return found

    @cached_property
    def slopes(self) -> Array:
        """The coefficients, shape (p,)."""
        levels = self.levels
        found: Array = self.inverse @ (levels.xr.sum(axis=0) + levels.x.T @ (self.weight * levels.r))
        return found

    @cached_property
    def rest(self) -> Array:
        """The mean of what is left, by level, shape (L,)."""
        found: Array = self.levels.r - self.levels.x @ self.slopes
        return found

    @cached_property
    def influence(self) -> Array:
        """What each level adds to the coefficients less their limits, shape (L, p); the rows sum to 0."""
        levels = self.levels
        within = levels.xr - levels.xx @ self.slopes
        found: Array = (within + levels.x * (self.weight * self.rest)[:, None]) @ self.inverse
        return found

    @cached_property
    def pairs(self) -> Array:
        """(q, D) of each level, shape (L, 2)."""
        import numpy as np

        levels, slopes = self.levels, self.slopes
        within = levels.rr - 2 * levels.xr @ slopes + np.einsum("i,lij,j->l", slopes, levels.xx, slopes)
        return np.column_stack([self.rest**2, within])

    @cached_property
    def coefficients(self) -> Array:
        """C of each level, shape (L, 2, 2): rows for q and D, columns for var(a) and var(e)."""
        import numpy as np

        levels, size, inverse = self.levels, self.levels.size, self.inverse
        x, xx = levels.x, levels.xx
        own = self.weight * np.einsum("li,ij,lj->l", x, inverse, x)  # 1'X (X'V^-1 X)^-1 X'V^-1 1 /N
        squares = (x.T * self.weight**2) @ x
        of_effects = inverse @ squares @ inverse  # K ZZ'K', K = (X'V^-1 X)^-1 X'V^-1
        of_residual = inverse @ (xx.sum(axis=0) + (x.T * (self.weight**2 / size)) @ x) @ inverse  # KK'
        found = np.empty((len(size), 2, 2))
        found[:, 0, 0] = 1 - 2 * own + np.einsum("li,ij,lj->l", x, of_effects, x)
        found[:, 0, 1] = (1 - 2 * own) / size + np.einsum("li,ij,lj->l", x, of_residual, x)
        found[:, 1, 0] = np.einsum("lij,ji->l", xx, of_effects)
        found[:, 1, 1] = size - 1 + np.einsum("lij,ji->l", xx, of_residual - 2 * inverse)
        return found


@dataclass(frozen=True)
class WorkingMoments:
    """What the weights are of: theta = var(a)/var(e), and the fourth cumulants over var(e)^2."""

    theta: float
    effects: float = 0.0
    residual: float = 0.0

    def combination(self, size: Array) -> Array:
        """G'S^-1 of levels of these sizes, times var(e)^2, shape (L, 2, 2); 0 for D of levels of one row."""
        import numpy as np

        v = self.theta + 1 / size
        design, spread = np.zeros((2, len(size), 2, 2))
        design[:, 0, 0], design[:, 0, 1], design[:, 1, 1] = 1, 1 / size, size - 1
        spread[:, 0, 0] = 2 * v**2 + self.effects + self.residual / size**3
        spread[:, 1, 1] = np.where(size > 1, 2 * (size - 1) + self.residual * (size - 1) ** 2 / size, 1)
        spread[:, 0, 1] = spread[:, 1, 0] = self.residual * (size - 1) / size**2
        return np.swapaxes(np.linalg.solve(spread, design), 1, 2)


@dataclass(frozen=True)
class PairEquations:
    """The combined equations of all levels at given working moments."""

    squares: LeastSquares
    working: WorkingMoments

    @cached_property
    def _combination(self) -> Array:
        return self.working.combination(self.squares.levels.size)

    @cached_property
    def matrix(self) -> Array:
        """The coefficients of (var(a), var(e)), shape (2, 2)."""
        found: Array = (self._combination @ self.squares.coefficients).sum(axis=0)
        return found

    def solution(self) -> Array:
        """(var(a), var(e))."""
        import numpy as np

        right = (self._combination @ self.squares.pairs[:, :, None]).sum(axis=0)[:, 0]
        found: Array = np.linalg.solve(self.matrix, right)
        return found

    def influence(self, components: Array) -> Array:
        """What each level adds to the components less their limits, shape (L, 2), with its own coefficients."""
        import numpy as np

        gaps = self.squares.pairs - self.squares.coefficients @ components
        scores = (self._combination @ gaps[:, :, None])[:, :, 0]
        found: Array = np.linalg.solve(self.matrix, scores.T).T
        return found
