"""Balanced designs of any factors, crossed and nested: exact variances, stratum by stratum.

With n observations in every cell, A_f the averaging over the levels of f, L_f their number and N all observations,

    V = s_e^2 I + sum_f s_f^2 (N/L_f) A_f,    A_f A_g = A_(f and g),

so that V has one eigenvalue on each stratum of the lattice that the factors generate (Nelder 1965):
lambda_S = s_e^2 + sum over f finer than S of s_f^2 N/L_f, of multiplicity d_S. Mean squares y'Q_S y/d_S have

    E = lambda_S,    Cov = 2 lambda_S^2/d_S [S = T] + sum_g k4_g N^2/L_g^3 [S, T coarser than g],

residuals counting as a factor with N levels (Tukey 1957, for one factor). With as many strata as components the
estimators are those of the analysis of variance, whatever the weights; with more, strata are weighted by
d_S/(2 lambda_S^2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

from momentalg.inference.planning.truth import Errors, Truth

Columns = frozenset[str]


def balanced_errors(truth: Truth, levels: Mapping[str, int], size: int) -> Errors:
    """The standard errors of the intercept and of all components.

    `levels` are numbers of levels by column, of a nested one within a level of what it is nested in; `size` is n.
    """
    import numpy as np

    model = truth.model
    factors = {f: model.closure(f) for f in dict.fromkeys(model.factors)}
    observation: Columns = frozenset({*model.levelled, ""})
    counts = {**levels, "": size}
    number = {s: math.prod(counts[c] for c in s) for s in _lattice({*factors.values(), observation})}
    total = number[observation]
    components = [*((truth.variance(f), s, truth.kurtosis(f)) for f, s in factors.items())]
    components.append((truth.residual, observation, truth.kurtosis(None)))
    freedom: dict[Columns, int] = {}
    for stratum in sorted(number, key=len):
        freedom[stratum] = number[stratum] - sum(d for s, d in freedom.items() if s < stratum)
    strata = [s for s in number if s and freedom[s] > 0]
    shares = np.array([[total / number[f] if s <= f else 0.0 for _, f, _ in components] for s in strata])
    names = [*map(truth.key, factors), truth.key(None)]
    mean = sum(value / number[f] for value, f, _ in components)
    if len(strata) < len(names) or np.linalg.matrix_rank(shares) < len(names):
        return {"Intercept": math.sqrt(mean), **dict.fromkeys(names, math.inf)}
    eigenvalues = shares @ np.array([value for value, _, _ in components])
    weights = np.array([freedom[s] for s in strata]) / (2 * eigenvalues**2)
    spread = np.diag(1 / weights)
    for _, f, kurtosis in components:
        inside = np.array([float(s <= f) for s in strata])
        spread += kurtosis * total**2 / number[f] ** 3 * np.outer(inside, inside)
    solving = np.linalg.solve(shares.T * weights @ shares, shares.T * weights)
    variances = np.diag(solving @ spread @ solving.T)
    return {"Intercept": math.sqrt(mean), **{k: _root(v) for k, v in zip(names, variances.tolist(), strict=True)}}


def _lattice(sets: set[Columns]) -> set[Columns]:
    """The sets with all their intersections, the empty one among them."""
    found = {*sets, frozenset[str]()}
    while new := {a & b for a, b in combinations(found, 2)} - found:
        found |= new
    return found


def _root(variance: float) -> float:
    return math.sqrt(variance) if variance >= 0 else math.nan
