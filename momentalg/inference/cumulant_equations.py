"""Third and fourth cumulants of the effects and the residual of a model with one factor, by weighted moments.

Of Y_ij = x'b + a_i + e_ij let V_i be the working covariance of level i in units of var(e), theta = var(a)/var(e), and
z = V_i^-1 (y - Xb). Two kinds of linear forms say all: the total of z over a level, L_i = w_i (Ybar_i - mean) with
w_i = N_i/(1 + N_i theta), and each z_ij = (Y_ij - Ybar_i) + (1 - c_i)(Ybar_i - mean) with c_i = N_i theta/(1 + N_i
theta). For a linear form F with mean 0 and variance v,

    E(F^2) = v,    E(F^3 - 3 v F) = k3(F),    E(F^4 - 6 v F^2 + 3 v^2) = k4(F),

and cumulants of linear forms are linear in those of what they are made of:

    k_r(L_i) = w_i^r (k_r(a) + k_r(e)/N_i^(r-1)),
    k_r(z_ij) = (1 - c_i)^r k_r(a) + ((1 - c_i/N_i)^r + (N_i - 1)(-c_i/N_i)^r) k_r(e).

Sums over levels and observations give two equations of each order. Those of order two are the equations of the weighted
fit, whose weights are likelihood's for normal data; those of order three and four are weighted as the score of a normal
model in the direction of these cumulants is. Any theta leaves them true. Errors in v and theta do not enter to first
order (the derivatives of the left sides have mean 0), nor do those of the mean, except into k4 of skewed effects.

E(F) = 0 does not hold exactly with the mean estimated, and v has estimates in it: biases of the relative order 1/m of m
levels, which a jackknife over levels takes away to that order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.errors import NotIdentifiedError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SINGULAR = 1e-12


@dataclass(frozen=True)
class LevelMoments:
    """Of each level: size, mean, and the sums of squares, cubes and fourth powers of deviations from its mean."""

    size: Array
    mean: Array
    second: Array
    third: Array
    fourth: Array

    def without(self, left_out: Array) -> LevelMoments:
        """Without the levels with these numbers."""
        import numpy as np

        return LevelMoments(
            *(np.delete(v, left_out) for v in (self.size, self.mean, self.second, self.third, self.fourth))
        )


def level_moments(values: Array, starts: Array) -> LevelMoments:
    """The moments of rows that are ordered by level, whose first rows are at `starts`."""
    import numpy as np

    size = np.diff(starts, append=len(values))
    mean = np.add.reduceat(values, starts) / size
    deviation = values - np.repeat(mean, size)
    squares = deviation * deviation
    powers = (np.add.reduceat(v, starts) for v in (squares, squares * deviation, squares * squares))
    return LevelMoments(size.astype(float), mean, *powers)


def cumulants_of(levels: LevelMoments, theta: float) -> Array:
    """Estimates of the cumulants of orders two, three and four, shape (3, 2): of the effects, of the residual.

    Raises `NotIdentifiedError` where every level has one observation, or there are fewer than two levels.
    """
    import numpy as np

    size = levels.size
    weight = size / (1 + size * theta)
    shrink = 1 / (1 + size * theta)  # 1 - c
    own, other = 1 - (1 - shrink) / size, -(1 - shrink) / size  # what z_ij takes of e_ij, and of another e_ik
    mean = levels.mean - (weight @ levels.mean) / weight.sum()
    between, part = weight * mean, shrink * mean
    sums = {  # over the observations of each level, of powers of z
        1: size * part,
        2: levels.second + size * part**2,
        3: levels.third + 3 * part * levels.second + size * part**3,
        4: levels.fourth + 4 * part * levels.third + 6 * part**2 * levels.second + size * part**4,
    }

    def coefficients(order: int) -> Array:
        """Of the equations of one order: rows for the levels and the observations, columns for effects and residual."""
        of_level = weight**order
        of_rows = size * shrink**order, size * (own**order + (size - 1) * other**order)
        return np.array([[of_level.sum(), (of_level / size ** (order - 1)).sum()], [v.sum() for v in of_rows]])

    second = _solved(coefficients(2), between @ between, sums[2].sum())
    v_level = weight**2 * (second[0] + second[1] / size)
    v_row = shrink**2 * second[0] + (own**2 + (size - 1) * other**2) * second[1]
    third = _solved(coefficients(3), (between**3 - 3 * v_level * between).sum(), (sums[3] - 3 * v_row * sums[1]).sum())
    fourth = _solved(
        coefficients(4),
        (between**4 - 6 * v_level * between**2 + 3 * v_level**2).sum(),
        (sums[4] - 6 * v_row * sums[2] + 3 * size * v_row**2).sum(),
    )
    return np.stack([second, third, fourth])


def _solved(coefficients: Array, *sums: float) -> Array:
    import numpy as np

    scale = np.abs(coefficients).max(axis=1)
    if not (scale > 0).all() or abs(np.linalg.det(coefficients / scale[:, None])) < SINGULAR:
        raise NotIdentifiedError(
            "cumulants of effects and residual are not told apart: two levels or more are needed, and some with two "
            "observations"
        )
    found: Array = np.linalg.solve(coefficients, np.array(sums))
    return found
