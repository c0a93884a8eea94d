"""One factor whose sizes are drawn from a law: variances of the weighted estimators, to first order in the levels.

Observations of a level have the eigenvalue l = s_e^2 + N s_a^2 in the direction of their mean, s_e^2 in others. With
g = N for V_a and 1 for V_e, in the space of means, P = diag(1/l) - v v'/B, v^2 = N/l^2, B = sum N/l:

    tr(P G P H) = sum g h/l^2 - 2 sum g h v^2/l / B + (sum g v^2)(sum h v^2)/B^2,

and sums over m levels are m expectations. The estimators that solve T theta = Q, weights at the truth, have variance
T^-1 (2 T + K) T^-1, K from the fourth cumulants. Levels without observations add nothing.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.inference.planning.truth import Errors, Truth

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import SizeLaw

    Array = np.ndarray[Any, Any]

LEFT_OUT = Fraction(1, 10**10)
LARGEST = 100_000


def support(law: SizeLaw) -> tuple[Array, Array]:
    """The sizes of 1 or more and their probabilities, all but 1e-10 of them.

    Raises `ModelError` for a law with free parameters, `UnsupportedError` for one with very large sizes.
    """
    import numpy as np

    if not getattr(law, "is_size", False) or law.free:
        raise ModelError(f"sizes are planned from numbers or from a law with its numbers, ma.Poisson(5); found {law!r}")
    atoms = getattr(law, "atoms", None)
    if atoms is not None:
        found = [(float(v), float(p)) for v, p in atoms if v > 0]
    else:
        found, seen, k = [], 0.0, int(law.support_min)
        while seen < 1 - LEFT_OUT:
            p = float(law.pmf(k))
            seen += p
            found += [(float(k), p)] if k else []
            k += 1
            if k > LARGEST:
                raise UnsupportedError(f"{law!r} has sizes above {LARGEST} with probability {1 - seen:g}: too heavy")
    sizes, probabilities = np.array(found).T
    return sizes, probabilities


def drawn_errors(truth: Truth, levels: int, sizes: Array, probabilities: Array) -> Errors:
    """The standard errors with `levels` levels whose sizes are draws from a law, given as its support."""
    import numpy as np

    (factor,) = dict.fromkeys(truth.model.factors)
    weight = levels * probabilities
    eigenvalue = truth.residual + sizes * truth.variance(factor)
    v = sizes / eigenvalue**2
    B = float(weight @ (sizes / eigenvalue))  # noqa: N806
    g = {"a": sizes, "e": np.ones_like(sizes)}
    C = {k: float(weight @ (h * v)) for k, h in g.items()}  # noqa: N806
    within = (sizes - 1) / truth.residual**2
    diagonal = {k: h / eigenvalue**2 - 2 * h * v / (eigenvalue * B) + v * C[k] / B**2 for k, h in g.items()}
    T, K = np.zeros((2, 2)), np.zeros((2, 2))  # noqa: N806
    for i, a in enumerate("ae"):
        for j, b in enumerate("ae"):
            both = g[a] * g[b]
            T[i, j] = weight @ (both / eigenvalue**2 - 2 * both * v / (eigenvalue * B)) + C[a] * C[b] / B**2
            rows = [d / sizes + (within / sizes if k == "e" else 0.0) for k, d in ((a, diagonal[a]), (b, diagonal[b]))]
            K[i, j] = truth.kurtosis(factor) * (weight @ (sizes**2 * diagonal[a] * diagonal[b]))
            K[i, j] += truth.kurtosis(None) * (weight @ (sizes * rows[0] * rows[1]))
    T[1, 1] += weight @ within
    names = [truth.key(factor), truth.key(None)]
    mean = {"Intercept": math.sqrt(1 / B)}
    return {**mean, **from_information(names, T, K)}


def from_information(names: list[str], T: Array, K: Array) -> Errors:  # noqa: N803
    """The roots of the diagonal of T^-1 (2 T + K) T^-1; infinite where T is singular."""
    import numpy as np

    scale = np.sqrt(np.maximum(np.diag(T), 1e-300))
    if np.linalg.eigvalsh(T / np.outer(scale, scale)).min() < 1e-10:
        return dict.fromkeys(names, math.inf)
    inverse = np.linalg.inv(T)
    variances = np.diag(inverse @ (2 * T + K) @ inverse).tolist()
    return {k: math.sqrt(v) if v >= 0 else math.nan for k, v in zip(names, variances, strict=True)}
