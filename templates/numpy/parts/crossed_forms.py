"""The weighted forms of crossed factors and their coefficients: exact traces, or averages over random signs."""

import numpy as np


def _cost(crossed):
    """About how many multiplications the dense forms take."""
    first, rest, _, count = _split(crossed)
    width = len(crossed.columns[first])
    counts = np.full(crossed.levels[first], len(crossed.mean) + 1.0)
    for k in rest:
        counts += len(crossed.columns[k]) * np.bincount(crossed.linked(first, k)[0], minlength=len(counts))
    size = count + len(crossed.mean) + 1.0
    absorbed = min(SPARSE * np.sum(counts**2), len(counts) * width * size**2)
    return absorbed * (2 + width * (width + 1) / 2) + size**3 * (4 + width * (width + 1))


def _forms(crossed, covariances, residual, model=None):
    """The equations of MINQUE with the working covariance matrix V of all factors: matrix @ components = right.

    y'P V_g P y has the expectation sum over h of component_h tr(P V_g P V_h), whatever the weights; at a solution that
    equals them the equations are REML's. The traces are exact where that costs no more than `DENSE`, and by probes
    otherwise, with `model` the equations at these components if they are solved already. Returns matrix, right, and per
    factor Z'P y and the blocks Z_l'P Z_l of its levels.
    """
    exact = _cost(crossed) <= DENSE
    if exact:
        model = _Eliminated(crossed, covariances, residual)
        scores, information = model.levels()
        pairs, squares = model.traces(information), model.squares
    else:
        model = model or _MixedModel(crossed, covariances, residual)
        scores, squares = model.scores, model.squares
        information, pairs = _probed(crossed, model)
    count = len(crossed.components)
    matrix, right = np.zeros((count + 1, count + 1)), np.zeros(count + 1)
    for i, (k, c, d) in enumerate(crossed.components):
        orders = {(c, d), (d, c)}
        tensors = [sum(pairs[k, g][one, two] for one, two in orders) for g in range(len(crossed.codes))]
        matrix[i, :-1] = crossed.contract(tensors)
        right[i] = len(orders) * np.sum(scores[k][:, c] * scores[k][:, d])
    traces = np.array(crossed.contract([table.sum(axis=0) for table in information]))
    weights = np.array([covariances[k][c, d] for k, c, d in crossed.components])
    rank = crossed.sizes.sum() - np.linalg.matrix_rank(crossed.total[:-1, :-1], hermitian=True)
    # those of the residual follow, since s_e^2 P P = P - sum over the other components of P V_h P
    matrix[:-1, -1] = matrix[-1, :-1] = (traces - matrix[:-1, :-1] @ weights) / residual
    matrix[-1, -1] = ((rank - traces @ weights) / residual - matrix[-1, :-1] @ weights) / residual
    right[-1] = (squares - right[:-1] @ weights) / residual
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    apart = all(
        np.einsum("lcc->", table)
        > 1e-6 * np.einsum("lcc->", own @ np.linalg.inv(residual * np.eye(len(theta)) + theta @ own))
        for table, own, theta in zip(information, crossed.own, covariances, strict=True)
    )
    if not apart or not (size > 0).all() or np.linalg.cond(matrix / np.outer(size, size)) > (1e11 if exact else 1e6):
        raise ValueError("these rows do not separate the variance components")
    return matrix, right, scores, information


def _probed(crossed, model):
    """Z_l'P Z_l of the levels, and t[c, d, a, b] = tr(P Z_c Z_d'P Z_a Z_b') by pair of factors, both by probes.

    The trace is the mean over vectors xi of random signs of the levels, always the same, of
    (Z_d'P Z_a xi)'(Z_c'P Z_b xi), one solution of the mixed-model equations for each column. What a level has with
    itself comes out exactly; only the covariances between levels are sampled, and change the estimates by some
    hundredths of their standard errors. Factors of few levels take more vectors, up to each level on its own: exact.
    """
    generator = np.random.default_rng(0)
    number = len(crossed.codes)
    signs, effects = [], []
    for own in crossed.own:
        levels, q = own.shape[:2]
        count = max(PROBES, min(levels, 400 // levels))
        probes = generator.choice([-1.0, 1.0], (count, levels)) if count < levels else np.eye(levels)
        signs.append(probes.T)  # (levels, probes)
        effects.append((probes.T[:, None, :, None] * np.eye(q)[:, None, :]).reshape(levels, q, -1))  # in each column
    common = [np.concatenate([crossed.across(k, h, u) for h, u in enumerate(effects)], axis=2) for k in range(number)]
    around = [np.einsum("lci,lcm->im", own, u) for own, u in zip(crossed.common, effects, strict=True)]
    found = model.projected(common, np.concatenate(around, axis=1), 1e-7)
    ends = np.cumsum([u.shape[2] for u in effects])
    information, pairs = [], {}
    for h, xi in enumerate(signs):
        levels, q = crossed.own[h].shape[:2]
        share = 1.0 if xi.shape[1] == levels else 1 / xi.shape[1]
        own = slice(ends[h] - effects[h].shape[2], ends[h])
        tables = [table[:, :, own].reshape(*table.shape[:2], -1, q) for table in found]
        for k, table in enumerate(tables):
            pairs[k, h] = share * np.einsum("lcpa,ldpb->cdab", table, table, optimize=True)
        within = share * np.einsum("lcpd,lp->lcd", tables[h], xi)
        information.append((within + np.swapaxes(within, 1, 2)) / 2)
    for k in range(number):
        for h in range(k + 1):
            pairs[k, h] = (pairs[k, h] + pairs[h, k].transpose(2, 3, 0, 1)) / 2
            pairs[h, k] = pairs[k, h].transpose(2, 3, 0, 1)
    return information, pairs
