"""Weighted forms, generalised least squares, influence and predictions where the factors lie in one another.

The text of this file is placed in estimators of such models, as it is. All of it works on what `_second_step` gives:
the cross-products W'R^-1 W of the finest levels, W the columns of the mean and of the effects, and y, and R the
residuals' covariance in units of their variance; and the factors, the finest first.
"""

import numpy as np


def _chain(working, thetas):
    """From the finest factor to the coarsest, W'V^-1 W of the levels; W are the columns of mean and effects, and y.

    Levels of one factor are independent given the coarser ones, so that each takes its own effects out (Woodbury):
    with S = W'V^-1 W before, what is left is S - S[:, z] B S[z, :], B = (1 + theta S[z, z])^-1 theta, and a coarser
    level adds up what is left of its finer ones. Returns (S[z, :], B) for each factor, and what the units have left.
    """
    steps, left = [], working["cells"]
    for (up, count, columns), theta in zip(working["factors"], thetas, strict=True):
        left = _added(left, up, count)
        rows = left[:, columns, :]
        shares = np.broadcast_to(theta, (count, *theta.shape))
        taken = np.linalg.solve(np.eye(len(columns)) + theta @ rows[:, :, columns], shares)
        steps.append((rows, taken))
        left = left - np.swapaxes(rows, 1, 2) @ (taken @ rows)
    return steps, left


def _added(values, up, count):
    """The sums of finer levels that lie in each coarser one; None where they are the same."""
    if up is None:
        return values
    found = np.zeros((count, *values.shape[1:]), dtype=values.dtype)
    np.add.at(found, up, values)
    return found


def _within_units(working, steps):
    """For each factor, per level: Z'V^-1 W and Z'V^-1 Z of its own columns Z, V of all factors; and its unit."""
    found = []
    for k, (rows, taken) in enumerate(steps):
        columns = working["factors"][k][2]
        own, unit = rows[:, :, columns], None
        own, rows = own - own @ taken @ own, rows - own @ taken @ rows
        for j in range(k + 1, len(steps)):
            up, _, coarser = working["factors"][j]
            unit = up if unit is None else up[unit]
            onto = rows[:, :, coarser]
            share = onto @ steps[j][1][unit]
            own, rows = own - share @ np.swapaxes(onto, 1, 2), rows - share @ steps[j][0][unit]
        found.append((rows, own, unit))
    return found


def _forms(working, theta):
    """Per unit the forms Q = y'P V_g P y and their coefficients T, whose sum over units is tr(P V_g P V_h).

    V = R + sum_h theta_h V_h, R of the residuals and last; P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1. With theta the
    true ratios of components to the residual variance these are REML's equations; E Q = T s^2 whatever theta is.
    tr(P V_g P V_h) is the derivative of -tr(P V_h) by theta_g, which a step along the imaginary axis gives exactly.
    """
    mean, components = working["mean"], working["components"]
    step, last, units = 1e-20, len(components), working["factors"][-1][1]
    forms, traces = np.zeros((units, last + 1)), np.zeros((units, last + 1))
    products = np.zeros((units, last + 1, last + 1))
    for g in range(last):
        steps, left = _chain(working, _thetas(working, theta + 1j * step * (np.arange(last) == g)))
        inverse, slopes = _least_squares(left.sum(axis=0), mean)
        found = _within_units(working, steps)
        for h, (factor, c, d) in enumerate(components):
            rows, own, unit = found[factor]
            twice = 1 if c == d else 2
            trace = twice * (own[:, c, d] - np.sum((rows[:, c, mean] @ inverse) * rows[:, d, mean], axis=1))
            products[:, h, g] = -_added(trace.imag, unit, units) / step
            if g == 0:
                rest = (rows[:, :, -1] - rows[:, :, mean] @ slopes).real
                traces[:, h] = _added(trace.real, unit, units)
                forms[:, h] = _added(twice * rest[:, c] * rest[:, d], unit, units)
    left, inverse, rest = left.real, inverse.real, _residual(mean, slopes.real, left.shape[-1])
    forms[:, last] = np.einsum("i,uij,j->u", rest, left, rest) - forms[:, :last] @ theta
    rank = np.einsum("ij,uji->u", inverse, left[:, mean][:, :, mean])
    traces[:, last] = working["sizes"] - rank - traces[:, :last] @ theta
    products[:, :last, last] = traces[:, :last] - products[:, :last, :last] @ theta
    products[:, last, :last] = traces[:, :last] - np.einsum("h,uhg->ug", theta, products[:, :last, :last])
    products[:, last, last] = traces[:, last] - products[:, last, :last] @ theta
    return forms, products


def _least_squares(total, mean):
    """(X'V^-1 X)^-1 and the coefficients of y on X, from W'V^-1 W of all units."""
    inverse = np.linalg.inv(total[np.ix_(mean, mean)])
    return inverse, inverse @ total[mean, -1]


def _residual(mean, slopes, width):
    """What y - X b is made of, in the columns W."""
    found = np.zeros(width)
    found[mean], found[-1] = -slopes, 1.0
    return found


def _thetas(working, theta):
    """The matrices of the effects of each factor, from one number per component."""
    found = [np.zeros((len(columns), len(columns)), dtype=theta.dtype) for _, _, columns in working["factors"]]
    for value, (factor, c, d) in zip(theta, working["components"], strict=True):
        found[factor][c, d] = found[factor][d, c] = value
    return found


def _ratios(working, components):
    """The components over the residual variance, as the working covariance holds them: see `_nonnegative`.

    A residual variance that is not positive is replaced by a hundredth of the variance about the mean; none is taken to
    be less than a millionth of it.
    """
    total = working["cells"].sum(axis=0)
    _, slopes = _least_squares(total, working["mean"])
    rest = _residual(working["mean"], slopes, len(total))
    whole = max(rest @ total @ rest / working["sizes"].sum(), 0.0)  # what least squares leaves
    residual = (max(components[-1], 1e-6 * whole) if components[-1] > 0 else 1e-2 * whole) or 1.0
    return _nonnegative(working, components) / residual


def _nonnegative(working, components):
    """The components of the effects; a block that is not positive semidefinite gives way to the nearest that is.

    Near in the metric Z'Z of its columns, so that units and origins of covariates do not matter.
    """
    total = working["cells"].sum(axis=0)
    matrices = _thetas(working, components[:-1])
    for _, factor, places, _, _ in working["effects"]:
        columns = np.array(working["factors"][factor][2])[places]
        root = np.linalg.cholesky(total[np.ix_(columns, columns)])
        values, vectors = np.linalg.eigh(root.T @ matrices[factor][np.ix_(places, places)] @ root)
        half = np.linalg.solve(root.T, vectors * np.sqrt(np.maximum(values, 0.0)))
        matrices[factor][np.ix_(places, places)] = half @ half.T
    return np.array([matrices[factor][c, d] for factor, c, d in working["components"]])


def _weighted(sums, working, turns):
    """The components from forms whose weights the first step gives, renewed until they are near what they lead to.

    Near is `NEAR` standard errors, by the root mean square of (new - old)'M(new - old)/(2 s_e^4), M the coefficients of
    the forms: their variances, were effects normal, whatever the origins and units of covariates. A first step that is
    far off is thereby not the last word: slopes of levels whose sizes are very unequal. With NEAR = 0 the components
    give their own weights, and solve REML's equations.
    """
    found, step = working["first"], 1.0
    for turn in range(turns):
        forms, products = _forms(working, _ratios(working, found))
        matrix = products.sum(axis=0)
        _check_rank(matrix, working["keys"], sums)
        new = _solution(matrix, forms.sum(axis=0))
        gap = new - found
        if gap @ matrix @ gap <= 2 * len(gap) * (NEAR * new[-1]) ** 2 or np.abs(gap).max() <= 1e-11 * np.abs(new).max():
            return new
        found = found + step * gap if turn else new
        step = 0.5 if turn >= 50 else 1.0  # answers that alternate
    if NEAR or turns == 1:
        return new
    raise FloatingPointError(f"the weights do not settle in {turns} turns; one turn is the two-step estimator")


def _generalised(working, theta):
    """Generalised least squares: (X'V^-1 X)^-1, the coefficients, and what they leave; W'V^-1 W by unit; the steps."""
    steps, left = _chain(working, _thetas(working, theta))
    inverse, slopes = _least_squares(left.sum(axis=0), working["mean"])
    return inverse, slopes, _residual(working["mean"], slopes, left.shape[-1]), left, steps


def _influence(working, components):
    """Per unit, what it adds to the coefficients of the mean and to the components: (units, coefficients), (units, K).

    With psi_u = Q_u - T_u s^2, each unit with its own coefficients T_u, the components less their limits are the sum of
    T^-1 psi_u, T the sum of the T_u, to first order whatever theta is estimated by; and likewise for the mean.
    """
    theta = _ratios(working, components)
    forms, products = _forms(working, theta)
    scores = np.linalg.solve(products.sum(axis=0), (forms - products @ components).T).T
    inverse, _, rest, left, _ = _generalised(working, theta)
    return left[:, working["mean"], :] @ rest @ inverse, scores


def _predictions(working, components):
    """For each factor the best linear predictions of its effects by level, and the covariances of their errors.

    Theta Z'V^-1 (y - X b), and theta - theta Z'P Z theta times the residual variance, b and its error included.
    """
    theta = _ratios(working, components)
    residual = max(components[-1], 0.0)
    inverse, _, rest, _, steps = _generalised(working, theta)
    found = []
    for matrix, (rows, own, _) in zip(_thetas(working, theta), _within_units(working, steps), strict=True):
        on_mean = rows[:, :, working["mean"]]
        own = own - on_mean @ inverse @ np.swapaxes(on_mean, 1, 2)
        found.append((rows @ rest @ matrix, residual * (matrix - matrix @ own @ matrix)))
    return found


def _arranged(cells, sizes, factors):
    """The cells and the factors of a chain, the finest first: what the levels of each add up to, and their number."""
    chain, finer = [], None
    for positions, count, columns in factors:
        up = positions if finer is None or positions is None else _through(finer, positions)
        chain.append((up, count, columns))
        finer = positions if positions is not None else np.arange(len(cells))
    of_units = sizes if factors[-1][0] is None else np.bincount(factors[-1][0], weights=sizes)
    return {"cells": cells, "factors": chain, "sizes": of_units}
