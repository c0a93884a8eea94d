"""Weighted forms, generalised least squares, predictions and covariances where the factors are not one chain.

The text of this file is placed in estimators of such models, as it is. All of it works on `_Crossed`: the cells, which
are the levels of the intersection of all factors, with their cross-products; rows are never seen again.

    y = X beta + sum over factors f of Z_f u_f + e,    Var u_f = Theta_f for each level,    Var e = s_e^2

Known weights of the rows are inside the products (each row is multiplied by the root of its weight).
"""

import numpy as np

DENSE = 2e10  # multiplications that exact traces may take, some seconds; beyond it they are estimated by probes
SPARSE = 200  # how much longer one multiplication takes of numbers that are looked up than in products of matrices
PROBES = 4  # vectors of random signs for each factor, at least, by which traces are estimated
SWEEPS = 1000  # of the solution of the mixed-model equations, far more than it should need


class _Crossed:
    """The cells of a crossed design, and what all functions below need of them.

    products  (C, k, k) per cell, the cross-products of the columns, the response last
    sizes     (C,) the rows of each cell
    mean      the columns of X
    blocks    per group term (codes, columns): the level of its factor in which each cell lies, and the columns of Z

    Blocks of one factor, independent of each other, are taken together: their covariance matrix is block-diagonal.
    Components are the pairs c <= d of each block, in the order of the blocks, and then the residual variance.
    """

    def __init__(self, products, sizes, mean, blocks):
        self.products, self.sizes, self.mean = products, sizes, list(mean)
        self.codes, self.columns, self.levels = [], [], []
        self.components, self.places = [], []  # (factor, c, d); per block its factor, and its columns there
        for codes, columns in blocks:
            same = [k for k, other in enumerate(self.codes) if np.array_equal(other, codes)]
            if not same:
                self.codes.append(codes)
                self.columns.append([])
                self.levels.append(int(codes.max()) + 1)
            factor = same[0] if same else len(self.codes) - 1
            place = len(self.columns[factor]) + np.arange(len(columns))
            self.columns[factor].extend(columns)
            self.places.append((factor, place))
            self.components.extend((factor, int(c), int(d)) for c in place for d in place[place >= c])
        around = [*self.mean, products.shape[1] - 1]  # X and y
        self.total = products[:, around][:, :, around].sum(axis=0)
        self.own, self.common = [], []  # per level Z'Z and Z'[X, y]
        for codes, columns, levels in zip(self.codes, self.columns, self.levels, strict=True):
            self.own.append(_level_sums(products[:, columns][:, :, columns], codes, levels))
            self.common.append(_level_sums(products[:, columns][:, :, around], codes, levels))
        self._links = {}

    def covariances(self, thetas):
        """The covariance matrix of each factor, from those of the blocks, without their negative eigenvalues."""
        found = [np.zeros((len(columns), len(columns))) for columns in self.columns]
        for (factor, place), theta in zip(self.places, thetas, strict=True):
            own = np.ix_(place, place)
            found[factor][own] = _nonnegative(np.atleast_2d(theta), self.own[factor].sum(axis=0)[own])
        return found

    def linked(self, k, g):
        """The pairs of levels of factors k and g that share rows: their positions, and Z_k'Z_g of these rows."""
        if (k, g) not in self._links:
            if k == g:
                place = np.arange(self.levels[k])
                tables = place, place, self.own[k]
            else:
                key = self.codes[k] * self.levels[g] + self.codes[g]
                cross = self.products[:, self.columns[k]][:, :, self.columns[g]]
                if (key[1:] <= key[:-1]).any():
                    key, place = np.unique(key, return_inverse=True)
                    cross = _level_sums(cross, place, len(key))
                tables = key // self.levels[g], key % self.levels[g], cross
            self._links[k, g] = tables
        return self._links[k, g]

    def across(self, k, g, coefficients):
        """Z_k'Z_g u for coefficients u of the levels of g, (levels, columns, right sides)."""
        if k == g:
            return self.own[k] @ coefficients
        first, second, cross = self.linked(k, g)
        found = np.empty((self.levels[k], cross.shape[1], coefficients.shape[2]))
        for right in range(coefficients.shape[2]):  # one column of numbers at a time is several times faster
            others = [np.ascontiguousarray(column)[second] for column in coefficients[:, :, right].T]
            for c in range(cross.shape[1]):
                weights = sum(cross[:, c, d] * column for d, column in enumerate(others))
                found[:, c, right] = np.bincount(first, weights=weights, minlength=self.levels[k])
        return found

    def contract(self, tensors):
        """The coefficient of each component from tensors t[c, d] per factor, traces with Z_c Z_d'."""
        return [tensors[k][..., c, d] + (tensors[k][..., d, c] if c != d else 0.0) for k, c, d in self.components]


def _level_sums(values, codes, levels):
    """The sums of `values` over the cells of each level."""
    flat = values.reshape(len(values), -1)
    found = np.empty((levels, flat.shape[1]))
    for column in range(flat.shape[1]):
        found[:, column] = np.bincount(codes, weights=flat[:, column], minlength=levels)
    return found.reshape(levels, *values.shape[1:])


def _nonnegative(matrix, metric):
    """The nearest matrix without negative eigenvalues, in the metric Z'Z of its columns.

    So it is the same matrix in any units and about any shift of the covariates.
    """
    root = np.linalg.cholesky(metric)
    values, vectors = np.linalg.eigh(root.T @ ((matrix + matrix.T) / 2) @ root)
    half = np.linalg.solve(root.T, vectors * np.sqrt(np.maximum(values, 0)))
    return half @ half.T


def _root(matrix):
    """L of full column rank with L L' = `matrix`, which has no negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-12 * max(values.max(), np.finfo(float).tiny)
    return vectors[:, kept] * np.sqrt(values[kept])


def _pseudo_inverse(matrix):
    """The inverse of a symmetric matrix on its range, its columns brought to one size first."""
    size = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    return np.linalg.pinv(matrix / np.outer(size, size), rcond=1e-11, hermitian=True) / np.outer(size, size)


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
            (table - sum(crossed.across(k, g, u) for g, u in effects.items())) / self.residual
            for k, table in enumerate(common)
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


class _Eliminated:
    """V^-1 of all factors at once: the one with most coefficients absorbed level by level, the rest dense.

    With f absorbed, V_f = s_e^2 I + Z_f Theta_f Z_f', and Z_o, G_o of the others,
    V^-1 = V_f^-1 - V_f^-1 Z_o (G_o^-1 + Z_o'V_f^-1 Z_o)^-1 Z_o'V_f^-1, in a form that needs no inverse of G_o; and
    P = V_f^-1 - V_f^-1 [Z_o, X] outer [Z_o, X]'V_f^-1.
    """

    def __init__(self, crossed, covariances, residual):
        self.crossed = crossed
        self.first, self.rest, self.start, self.count = _split(crossed)
        own, theta = crossed.own[self.first], covariances[self.first]
        self.weights = np.linalg.inv(residual * np.eye(own.shape[1]) + theta @ own)  # V_f^-1 Z_f = Z_f weights
        self.table = _EliminatedTable(crossed)
        count, p = self.count, len(crossed.mean)
        whole = np.zeros((count + p + 1, count + p + 1))  # [Z_o, X, y]'[Z_o, X, y], then with V_f^-1 between
        whole[count:, count:] = crossed.total
        for k in self.rest:
            place = self.place(k)
            whole[place.reshape(-1, 1), count + np.arange(p + 1)] = crossed.common[k].reshape(-1, p + 1)
            for g in self.rest:
                first, second, cross = crossed.linked(k, g)
                whole[place[first][:, :, None], self.place(g)[second][:, None, :]] = cross
        whole[count:, :count] = whole[:count, count:].T
        whole = (whole - self.table.gram(self.weights @ theta)) / residual
        roots = {k: _root(covariances[k]) for k in self.rest}
        half = self._blockwise(whole[:count, :count], roots)
        inner = self._blockwise(np.ascontiguousarray(half.T), roots)
        inner[np.diag_indices(len(inner))] += 1
        backward = {k: root.T for k, root in roots.items()}
        middle = self._blockwise(np.linalg.inv(inner), backward)
        middle = self._blockwise(np.ascontiguousarray(middle.T), backward)
        explained = middle @ whole[:count, count:]
        covariance = _pseudo_inverse((whole[count:, count:] - whole[count:, :count] @ explained)[:-1, :-1])  # of beta
        taken = np.vstack([-explained[:, :-1], np.eye(p)])
        self.outer = taken @ covariance @ taken.T
        self.outer[:count, :count] += middle
        self.explained = self.outer @ whole[:-1]
        self.projected = whole[:count] - whole[:count, :-1] @ self.explained  # Z_o'P [Z_o, X, y]
        self.squares = float(whole[-1, -1] - whole[-1, :-1] @ self.explained[:, -1])  # y'P y

    def place(self, k):
        """Where the coefficients of factor k are, (levels, columns)."""
        shape = self.crossed.own[k].shape[:2]
        return self.start[k] + np.arange(shape[0] * shape[1]).reshape(shape)

    def _blockwise(self, matrix, blocks):
        """`matrix` times the block-diagonal matrix of `blocks`, one for all levels of a factor."""
        parts, begin = [], 0
        for k in self.rest:
            levels, width = self.crossed.levels[k], len(blocks[k])
            part = matrix[:, begin : begin + levels * width].reshape(len(matrix), levels, width) @ blocks[k]
            parts.append(part.reshape(len(matrix), levels * part.shape[2]))
            begin += levels * width
        return np.hstack(parts) if parts else matrix

    def levels(self):
        """Per factor Z'P y and Z_l'P Z_l of its levels."""
        scores, information = [None] * len(self.crossed.codes), [None] * len(self.crossed.codes)
        for k in self.rest:
            place = self.place(k)
            scores[k] = self.projected[place, -1]
            information[k] = self.projected[place[:, :, None], place[:, None, :]]
        transposed = np.swapaxes(self.weights, 1, 2)
        linear, within = self.table.levels(self.explained[:, -1], self.outer)
        direct = self.crossed.common[self.first][:, :, -1]
        scores[self.first] = (transposed @ (direct - linear)[:, :, None])[:, :, 0]
        information[self.first] = transposed @ (self.crossed.own[self.first] - within @ self.weights)
        return scores, information

    def traces(self, information):
        """t[c, d, a, b] = tr(P Z_c Z_d'P Z_a Z_b') by pair of factors (k, g), c and d of k, a and b of g."""
        crossed, first = self.crossed, self.first
        pairs = {}
        for k in self.rest:
            part = self.projected[self.place(k)]  # (levels, columns, ...)
            for g in self.rest:
                cross = part[:, :, self.place(g)].transpose(1, 3, 0, 2)
                flat = cross.reshape(cross.shape[0] * cross.shape[1], -1)
                shape = (*cross.shape[:2], *cross.shape[:2])
                pairs[k, g] = (flat @ flat.T).reshape(shape).transpose(0, 2, 1, 3)
        diagonal = np.swapaxes(self.weights, 1, 2) @ crossed.own[first]  # Z_f'V_f^-1 Z_f
        within = diagonal - information[first]
        mixed = np.einsum("lca,ldb->cdab", diagonal, within)
        found = np.einsum("lca,ldb->cdab", diagonal, diagonal) - mixed - mixed.transpose(1, 0, 3, 2)
        q = diagonal.shape[1]
        left = -self.explained[:, : self.count]  # Z_f'P Z_o = Z_f'V_f^-1 [Z_o, X] left
        left[np.diag_indices(self.count)] += 1
        for k in self.rest:
            pairs[first, k] = np.zeros((q, q, *[len(crossed.columns[k])] * 2))
        spread = {}
        for c in range(q):
            for d in range(c + 1):
                gram = self.table.gram(self.weights[:, :, c, None] * self.weights[:, None, :, d])[:-1, :-1]
                spread[c, d] = self.outer @ gram
                spread[d, c] = spread[c, d] if c == d else self.outer @ gram.T
                once = gram @ left
                for k in self.rest:
                    place = self.place(k)
                    one, two = once[:, place], left[:, place]
                    pairs[first, k][c, d] = np.einsum("jla,jlb->ab", one, two)
                    pairs[first, k][d, c] = pairs[first, k][c, d].T
        for c in range(q):
            for d in range(q):
                for a in range(q):
                    for b in range(q):
                        found[c, d, a, b] += np.sum(spread[d, c] * spread[a, b].T)
        pairs[first, first] = found
        for k in self.rest:
            pairs[k, first] = pairs[first, k].transpose(2, 3, 0, 1)
        return pairs


class _EliminatedTable:
    """T_l = Z_l'[Z_o, X, y] of the levels l of the absorbed factor: what is not 0, level by level."""

    def __init__(self, crossed):
        first, rest, start, count = _split(crossed)
        common = crossed.common[first]
        levels, self.width, more = common.shape
        self.size = count + more
        owner, column, value = [], [], []
        for k in rest:
            one, two, cross = crossed.linked(first, k)
            for c in range(cross.shape[2]):
                owner.append(one)
                column.append(start[k] + two * cross.shape[2] + c)
                value.append(cross[:, :, c])
        for c in range(more):
            owner.append(np.arange(levels))
            column.append(np.full(levels, count + c))
            value.append(common[:, :, c])
        order = np.argsort(np.concatenate(owner), kind="stable")
        self.column, self.value = np.concatenate(column)[order], np.concatenate(value)[order]
        self.counts = np.bincount(np.concatenate(owner), minlength=levels)
        self.ends = np.cumsum(self.counts)
        self.sparse = SPARSE * np.sum(self.counts.astype(float) ** 2) < levels * self.width * float(self.size) ** 2

    def _chunks(self, work):
        """Levels, so many at a time that what is made of them stays small."""
        stops = np.searchsorted(np.cumsum(work), np.arange(0, work.sum() + 2**22, 2**22), side="right")
        begins = np.unique([0, *stops[stops < len(work)]])
        return zip(begins, [*begins[1:], len(work)], strict=True)

    def _dense(self, begin, end):
        """T of some levels, (levels, columns, ...)."""
        table = np.zeros((end - begin, self.size, self.width))
        some = slice(self.ends[begin] - self.counts[begin], self.ends[end - 1])
        table[np.repeat(np.arange(end - begin), self.counts[begin:end]), self.column[some]] = self.value[some]
        return np.swapaxes(table, 1, 2)

    def _pairs(self, begin, end):
        """The pairs of what is not 0 in some levels, each once: the level, and the positions of both."""
        position = np.arange(self.ends[begin] - self.counts[begin], self.ends[end - 1])
        level = np.repeat(np.arange(begin, end), self.counts[begin:end])
        times = self.ends[level] - position
        one = np.repeat(position, times)
        two = one + np.arange(len(one)) - np.repeat(np.cumsum(times) - times, times)
        return np.repeat(level, times), one, two

    def gram(self, matrices):
        """The sum over l of T_l'M_l T_l."""
        found = np.zeros((self.size, self.size))
        if self.sparse:
            for begin, end in self._chunks(self.counts**2):
                level, one, two = self._pairs(begin, end)
                for _ in range(2):
                    if self.width == 1:
                        parts = self.value[one, 0] * matrices[level, 0, 0] * self.value[two, 0]
                    else:
                        parts = np.einsum("nc,ncd,nd->n", self.value[one], matrices[level], self.value[two])
                    key = self.column[one] * self.size + self.column[two]
                    found += np.bincount(key, weights=parts, minlength=self.size**2).reshape(found.shape)
                    apart = one != two
                    level, one, two = level[apart], two[apart], one[apart]
            return found
        for begin, end in self._chunks(np.full(len(self.counts), self.size * self.width)):
            table = self._dense(begin, end)
            weighted = matrices[begin:end] @ table
            found += table.reshape(-1, self.size).T @ weighted.reshape(-1, self.size)
        return found

    def levels(self, vector, matrix):
        """T_l `vector` and T_l `matrix` T_l', of T without its last column."""
        levels = len(self.counts)
        linear, within = np.zeros((levels, self.width)), np.zeros((levels, self.width, self.width))
        padded = np.zeros((self.size, self.size))
        padded[:-1, :-1] = matrix
        if self.sparse:
            owner = np.repeat(np.arange(levels), self.counts)
            linear = _level_sums(self.value * np.append(vector, 0.0)[self.column, None], owner, levels)
            for begin, end in self._chunks(self.counts**2):
                level, one, two = self._pairs(begin, end)
                parts = padded[self.column[one], self.column[two]]
                for c in range(self.width):
                    for d in range(self.width):
                        weights = parts * self.value[one, c] * self.value[two, d]
                        sums = np.bincount(level - begin, weights=weights, minlength=end - begin)
                        within[begin:end, c, d] += sums
                        within[begin:end, d, c] += sums
                own = np.arange(self.ends[begin] - self.counts[begin], self.ends[end - 1])
                parts = padded[self.column[own], self.column[own], None, None] * (
                    self.value[own, :, None] * self.value[own, None, :]
                )
                within[begin:end] -= _level_sums(parts, owner[own] - begin, end - begin)
            return linear, within
        for begin, end in self._chunks(np.full(levels, self.size * self.width)):
            table = self._dense(begin, end)
            linear[begin:end] = table[:, :, :-1] @ vector
            within[begin:end] = (table @ padded) @ np.swapaxes(table, 1, 2)
        return linear, within


def _split(crossed):
    """The factor with most coefficients, the others, where these begin among all of them, and how many they are."""
    widths = [levels * len(columns) for levels, columns in zip(crossed.levels, crossed.columns, strict=True)]
    first = int(np.argmax(widths))
    rest = [k for k in range(len(widths)) if k != first]
    begins = np.cumsum([0] + [widths[k] for k in rest])
    return first, rest, dict(zip(rest, begins.tolist(), strict=False)), int(begins[-1])


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


def _forms(crossed, covariances, residual):
    """The equations of MINQUE with the working covariance matrix V of all factors: matrix @ components = right.

    y'P V_g P y has the expectation sum over h of component_h tr(P V_g P V_h), whatever the weights; at a solution that
    equals them the equations are REML's. The traces are exact where that costs no more than `DENSE`, and by probes
    otherwise. Returns matrix, right, and per factor Z'P y and the blocks Z_l'P Z_l of its levels.
    """
    exact = _cost(crossed) <= DENSE
    if exact:
        model = _Eliminated(crossed, covariances, residual)
        scores, information = model.levels()
        pairs, squares = model.traces(information), model.squares
    else:
        model = _MixedModel(crossed, covariances, residual)
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
    information, pairs = [], {}
    for h in range(number):
        levels, q = crossed.own[h].shape[:2]
        count = max(PROBES, min(levels, 400 // levels))
        if count < levels:
            probes, share = generator.choice([-1.0, 1.0], (count, levels)), 1 / count
        else:
            probes, share = np.eye(levels), 1.0
        found = np.zeros((levels, q, q))
        for probe in probes:
            effects = probe[:, None, None] * np.eye(q)  # one right side for each column
            common = [crossed.across(k, h, effects) for k in range(number)]
            around = np.einsum("lci,lcm->im", crossed.common[h], effects)
            tables = model.projected(common, around, 1e-7)
            for k, table in enumerate(tables):
                pairs[k, h] = pairs.get((k, h), 0.0) + share * np.einsum("lca,ldb->cdab", table, table)
            found += share * tables[h] * probe[:, None, None]
        information.append((found + np.swapaxes(found, 1, 2)) / 2)
    for k in range(number):
        for h in range(k + 1):
            pairs[k, h] = (pairs[k, h] + pairs[h, k].transpose(2, 3, 0, 1)) / 2
            pairs[h, k] = pairs[k, h].transpose(2, 3, 0, 1)
    return information, pairs


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
                    brought += _level_sums(cross @ errors[g][second] @ np.swapaxes(cross, 1, 2), first, len(table))
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
    matrix, _, scores, information = _forms(crossed, covariances, residual)
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
        rest[:, columns] -= (root @ solved)[codes]
    contrast = rest @ np.append(-model.beta, 1.0)
    taken = (crossed.products @ contrast[:, :, None])[:, :, 0]
    squares = np.sum(contrast * taken, axis=1)
    each = squares.sum() / n
    if each <= 0:
        return np.zeros(p), 0.0
    shrunk = each / model.residual
    added = np.einsum("nip,ni->np", rest[:, :, :p], taken) @ model.covariance / model.residual
    third = added.T @ (squares - crossed.sizes * each) / shrunk**3
    excess = (np.sum((squares - crossed.sizes * each) ** 2) / n - 2 * each**2) / shrunk**4
    return third / n, min(max(excess, -2 * model.residual**2), len(squares) * model.residual**2) / n
