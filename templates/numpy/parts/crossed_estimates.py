"""What is estimated from the cells of crossed factors: components, means, effects, and covariances of all of these."""

import numpy as np


def _working(crossed, thetas, residual):
    """Components as weights can use them: no negative eigenvalues, and a residual variance that is positive.

    For one that is not, the hundredth part of the variance about the mean; none is taken to be less than a millionth.
    """
    whole = _left(crossed) / crossed.sizes.sum()
    least = max(residual, 1e-6 * whole) if residual > 0 else 1e-2 * whole
    return crossed.covariances(thetas), least if least > 0 else 1.0


def _left(crossed):
    """The sum of squares that least squares on the columns of the mean leaves."""
    explained = crossed.total[-1, :-1] @ _pseudo_inverse(crossed.total[:-1, :-1]) @ crossed.total[:-1, -1]
    return max(crossed.total[-1, -1] - explained, 0.0)


def _in_order(crossed, thetas, residual):
    """The components in their order, from the covariance matrix of each block and the residual variance."""
    parts = [
        np.asarray(theta)[np.triu_indices(len(place))] for theta, (_, place) in zip(thetas, crossed.places, strict=True)
    ]
    return np.append(np.concatenate(parts), residual)


def _by_block(crossed, components):
    """The covariance matrix of each block, and the residual variance, from the components in their order."""
    thetas, place = [], 0
    for _, columns in crossed.places:
        q = len(columns)
        theta = np.zeros((q, q))
        theta[np.triu_indices(q)] = components[place : place + q * (q + 1) // 2]
        thetas.append(np.triu(theta) + np.triu(theta, 1).T)
        place += q * (q + 1) // 2
    return thetas, float(components[-1])


def _crossed_solution(crossed, thetas, residual, turns=1, near=1.0):
    """The components: with weights at the first estimates, renewed until they are near what they lead to.

    Near is `near` standard errors, by the root mean square of (new - old)'M(new - old)/2, M the coefficients of the
    forms: their variances, were effects normal, whatever the origins and units of covariates. With 0 the components
    give their own weights, and solve REML's equations. Weights have negative eigenvalues set to 0, the solution has
    not. Raises ValueError when the rows do not separate the components, FloatingPointError when they do not settle.
    """
    weights, gaps = [_in_order(crossed, thetas, residual)], []
    for _ in range(turns):
        matrix, right, _, _ = _forms(crossed, *_working(crossed, thetas, residual))
        found = np.linalg.solve(matrix, right)
        errors = np.sqrt(2 * np.abs(np.diag(np.linalg.inv(matrix))))  # of normal effects
        gap = found - weights[-1]
        gaps.append(gap)
        if gap @ matrix @ gap <= 2 * len(gap) * near**2 or np.all(
            np.abs(gap) <= 1e-9 * np.maximum(np.abs(found), errors)
        ):
            return found
        following = found
        if len(gaps) > 3:  # Anderson's acceleration: at the boundary of the covariance matrices the steps are small
            changes, steps = np.diff(gaps[-4:], axis=0).T, np.diff(weights[-4:], axis=0).T
            share = np.linalg.lstsq(changes / errors[:, None], gap / errors, rcond=1e-8)[0]
            following = found - (steps + changes) @ share
        weights.append(following)
        thetas, residual = _by_block(crossed, following)
    if near or turns == 1:
        return found
    raise FloatingPointError(f"the weights do not settle in {turns} turns: use two-step weights")


def _crossed_means(crossed, thetas, residual):
    """The mean parameters by generalised least squares at given components, and their covariance (X'V^-1 X)^-."""
    model = _MixedModel(crossed, *_working(crossed, thetas, residual))
    return model.beta, model.covariance


def _crossed_effects(crossed, thetas, residual):
    """Per factor the best linear predictions of its effects, and the covariances of their errors, at given components.

    (levels, columns) and (levels, columns, columns). The covariances are those of the mixed-model equations, which
    count the errors of the mean parameters, where the dense forms fit (`DENSE`). Otherwise they are those of a level
    given the other effects and mean parameters, and what the errors of these add to it as if they were independent.
    """
    covariances, residual = _working(crossed, thetas, residual)
    if _cost(crossed) <= DENSE:
        scores, information = _Eliminated(crossed, covariances, residual).levels()
        effects = [scores[k] @ theta for k, theta in enumerate(covariances)]
        errors = [theta - theta @ information[k] @ theta for k, theta in enumerate(covariances)]
    else:
        model = _MixedModel(crossed, covariances, residual)
        effects, errors = model.effects, _errors_given_others(crossed, covariances, residual, model.covariance)
    return list(zip(effects, errors, strict=True))


def _errors_given_others(crossed, covariances, residual, covariance):
    """The covariances of the errors of predictions, level by level; those of other levels are taken as independent."""
    shrinkage = [
        np.linalg.inv(residual * np.eye(len(theta)) + theta @ own) @ theta
        for own, theta in zip(crossed.own, covariances, strict=True)
    ]
    errors = [residual * table for table in shrinkage]
    for _ in range(3):
        new = []
        for k, table in enumerate(shrinkage):
            common = crossed.common[k][:, :, :-1]
            brought = common @ covariance @ np.swapaxes(common, 1, 2)
            for g in range(len(shrinkage)):
                if g != k:
                    first, second, cross = crossed.linked(k, g)
                    moved = np.einsum("pab,pbc,pdc->pad", cross, errors[g][second], cross)
                    brought += _level_sums(moved, first, len(table))
            new.append(residual * table + table @ brought @ table)
        errors = new
    return errors


def _crossed_covariance(crossed, thetas, residual):
    """The covariance matrix of all estimates, the mean parameters and then the components, at given components.

    Of the mean parameters (X'V^-1 X)^-. Of the components 2 M^-1, M the matrix of the forms: exact for normal effects
    and weights at the components; and what effects that are not normal add to it, kappa_4 by the spread of the squares
    of the levels' scores Z_l'P y beyond that of normal ones, and for the residual by that of the squares of cells.
    Between both, the third cumulants of the effects and of the residual. That weights are estimated does not matter to
    this order, since the equations have no bias whatever the weights.
    """
    p, count = len(crossed.mean), len(crossed.components) + 1
    if _left(crossed) <= 1e-14 * crossed.total[-1, -1]:  # the mean leaves nothing, and what there is, is rounding
        return np.zeros((p + count, p + count))
    covariances, residual = _working(crossed, thetas, residual)
    model = _MixedModel(crossed, covariances, residual)
    matrix, _, scores, information = _forms(crossed, covariances, residual, model)
    inverse = np.linalg.inv(matrix)
    excess, skew = np.zeros((count, count)), np.zeros((p, count))
    for k, usual in enumerate(information):
        effects = (np.linalg.pinv(usual, rcond=1e-9, hermitian=True) @ scores[k][:, :, None])[:, :, 0]
        linear = np.einsum("lc,lci->li", effects, model.tables[k][:, :, :-1]) @ model.covariance
        members = [(i, c, d) for i, (factor, c, d) in enumerate(crossed.components) if factor == k]
        squares = {i: (1 + (c != d)) * (scores[k][:, c] * scores[k][:, d] - usual[:, c, d]) for i, c, d in members}
        for i, c, d in members:
            skew[:, i] = linear.T @ squares[i]
            for j, a, b in members:
                normal = usual[:, c, a] * usual[:, d, b] + usual[:, c, b] * usual[:, d, a]
                excess[i, j] = squares[i] @ squares[j] - (1 + (c != d)) * (1 + (a != b)) * normal.sum()
    both = 2 * matrix + excess
    if np.linalg.eigvalsh(both)[0] <= 0:  # kappa_4 estimated as less than it can be
        both = 2 * matrix
    found = np.zeros((p + count, p + count))
    found[:p, :p] = model.covariance
    found[p:, p:] = inverse @ both @ inverse
    skewness, excess = _residual_cumulants(crossed, model)
    found[-1, -1] += excess
    found[:p, p:] = skew @ inverse
    most = np.sqrt(np.diag(model.covariance) * found[-1, -1])  # a covariance is no greater
    found[:p, -1] = np.clip(found[:p, -1] + skewness, -most, most)
    found[p:, :p] = found[:p, p:].T
    return found


def _residual_cumulants(crossed, model):
    """What kappa_3 of the residual adds to the covariances of the mean and s_e^2, and kappa_4 to the variance of s_e^2.

    kappa_4/n, by the squares of the residuals of cells; and by these times what their residuals add to the mean. The
    residuals given predicted effects are shrunk by a factor that is taken to be the same for all. Where they are next
    to nothing they say nothing of kappa_4, which is at most the number of cells times s_e^4 in a sample.
    """
    p, n = len(crossed.mean), crossed.sizes.sum()
    rest = np.zeros((*crossed.products.shape[:2], p + 1))  # V^-1 [X, y] s_e^2, in the columns of the products
    rest[:, crossed.mean, np.arange(p)] = 1.0
    rest[:, -1, p] = 1.0
    for codes, columns, root, solved in zip(crossed.codes, crossed.columns, model.roots, model.solved, strict=True):
        for column, effects in zip(columns, np.swapaxes(root @ solved, 0, 1), strict=True):
            rest[:, column] -= effects.take(codes, axis=0)
    contrast = rest @ np.append(-model.beta, 1.0)
    taken = np.einsum("nij,nj->ni", crossed.products, contrast)
    squares = np.sum(contrast * taken, axis=1)
    each = squares.sum() / n
    if each <= 0:
        return np.zeros(p), 0.0
    shrunk = each / model.residual
    added = np.einsum("nip,ni->np", rest[:, :, :p], taken) @ model.covariance / model.residual
    third = added.T @ (squares - crossed.sizes * each) / shrunk**3
    excess = (np.sum((squares - crossed.sizes * each) ** 2) / n - 2 * each**2) / shrunk**4
    return third / n, min(max(excess, -2 * model.residual**2), len(squares) * model.residual**2) / n
