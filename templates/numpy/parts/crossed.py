"""Weighted forms, generalised least squares, predictions and covariances where the factors are not one chain.

The text of this file is placed in estimators of such models, as it is. All of it works on `_Crossed`: the cells, which
are the levels of the intersection of all factors, with their cross-products; rows are never seen again.

    y = X beta + sum over factors f of Z_f u_f + e,    Var u_f = Theta_f for each level,    Var e = s_e^2

Known weights of the rows are inside the products (each row is multiplied by the root of its weight).
"""

import numpy as np

DENSE = 2e11  # multiplications that one iteration with all factors together may take
QUICK = 1e10  # and that it may take where a cheaper way does nearly as well
SPARSE = 200  # how much longer one multiplication takes of numbers that are looked up than in products of matrices
PROBES = 20  # of the normal vectors by which the variances of forms are averaged
TRIPLES = 10**7  # of levels of three factors that share rows, looked at for the form of the residual
ITERATIONS = 100
SWEEPS = 1000  # of the iterations of a solution, more than any of them should need


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
        self.own, self.common, self.around = [], [], []  # per level Z'Z, Z'[X, y], and [X, y]'[X, y]
        for codes, columns, levels in zip(self.codes, self.columns, self.levels, strict=True):
            self.own.append(_level_sums(products[:, columns][:, :, columns], codes, levels))
            self.common.append(_level_sums(products[:, columns][:, :, around], codes, levels))
            self.around.append(_level_sums(products[:, around][:, :, around], codes, levels))
        self._links = {}

    def covariances(self, thetas):
        """The covariance matrix of each factor, from those of the blocks, without their negative eigenvalues."""
        found = [np.zeros((len(columns), len(columns))) for columns in self.columns]
        for (factor, place), theta in zip(self.places, thetas, strict=True):
            found[factor][np.ix_(place, place)] = _nonnegative(np.atleast_2d(theta))
        return found

    def linked(self, k, g):
        """The pairs of levels of factors k and g that share rows: their positions, Z_k'Z_g and X'Z_g of these rows."""
        if (k, g) not in self._links:
            if k == g:
                place = np.arange(self.levels[k])
                tables = place, place, self.own[k], np.swapaxes(self.common[k][:, :, :-1], 1, 2)
            else:
                key = self.codes[k] * self.levels[g] + self.codes[g]
                rows = self.products[:, [*self.columns[k], *self.mean]][:, :, self.columns[g]]
                if len(key) > 1 and (key[1:] <= key[:-1]).any():
                    key, place = np.unique(key, return_inverse=True)
                    rows = _level_sums(rows, place, len(key))
                q = len(self.columns[k])
                tables = key // self.levels[g], key % self.levels[g], rows[:, :q], rows[:, q:]
            self._links[k, g] = tables
        return self._links[k, g]

    def across(self, k, g, coefficients):
        """Z_k'Z_g u for coefficients u of the levels of g, (levels, columns, right sides)."""
        if k == g:
            return self.own[k] @ coefficients
        first, second, cross, _ = self.linked(k, g)
        return _level_sums(_small_product(cross, coefficients[second]), first, self.levels[k])

    def within(self, k, g):
        """Whether each level of factor k lies in one level of factor g."""
        return len(self.linked(k, g)[0]) == self.levels[k]

    def triples(self, f, g, h):
        """The triples of levels of three factors that share rows pairwise, and how many are looked at to find them.

        The first is a function that yields Z_f'Z_h, Z_f'Z_g, Z_g'Z_h and the levels of f and g, a part at a time.
        """
        costs = {}
        for centre in (f, g, h):
            one, two = (k for k in (f, g, h) if k != centre)
            counts = [np.bincount(self.linked(centre, k)[0], minlength=self.levels[centre]) for k in (one, two)]
            costs[centre, one, two] = int(counts[0] @ counts[1])
        (centre, one, two), cost = min(costs.items(), key=lambda item: item[1])

        def parts():
            middle, left, _, _ = self.linked(centre, one)
            again, right, _, _ = self.linked(centre, two)
            begins = np.searchsorted(again, np.arange(self.levels[centre] + 1))
            key = self.linked(one, two)[0] * self.levels[two] + self.linked(one, two)[1]
            counts = np.diff(begins)[middle]
            ends = np.cumsum(counts)
            stops = np.unique(np.searchsorted(ends, np.arange(0, cost, 2**18), side="right"))
            for begin, end in zip(stops, [*stops[1:], len(middle)], strict=True):
                some = counts[begin:end]
                link = np.repeat(np.arange(begin, end), some)
                other = np.arange(len(link)) - np.repeat(ends[begin:end] - some - (ends[begin] - some[0]), some)
                other += begins[middle[link]]
                wanted = left[link] * self.levels[two] + right[other]
                third = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
                met = key[third] == wanted
                link, other, third = link[met], other[met], third[met]
                tables = {
                    (centre, one): self.linked(centre, one)[2][link],
                    (centre, two): self.linked(centre, two)[2][other],
                    (one, two): self.linked(one, two)[2][third],
                }
                tables |= {(b, a): np.swapaxes(table, 1, 2) for (a, b), table in tables.items()}
                places = {centre: middle[link], one: left[link], two: right[other]}
                yield tables[f, h], tables[f, g], tables[g, h], places[f], places[g]

        return parts, cost

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


def _small_product(left, right):
    """The products of many small matrices; of numbers, when they are 1 by 1."""
    return left * right if left.shape[1:] == (1, 1) else left @ right


def _nonnegative(matrix):
    """The nearest matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def _root(matrix):
    """L of full column rank with L L' = `matrix`, which has no negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-12 * max(values.max(), np.finfo(float).tiny)
    return vectors[:, kept] * np.sqrt(values[kept])


def _pseudo_inverse(matrix):
    """The inverse of a symmetric matrix on its range, its columns brought to one size first."""
    size = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    return np.linalg.pinv(matrix / np.outer(size, size), rcond=1e-11, hermitian=True) / np.outer(size, size)


class _OneFactor:
    """The working model in which one factor's levels are independent of each other.

    V = blockdiag over its levels l of (Z_l Theta Z_l' + tau_l I), where tau_l is the residual variance and what the
    other factors bring: the mean, over the directions of Z_l, of the variance of the projection on them; for
    intercepts the sum over g of s_g^2 sum_h n_lh^2/N_l, with which Var(Ybar_l) is the true one. What it leaves out is
    the covariance between levels that share levels of other factors. P = V^-1 - V^-1 X (X'V^-1 X)^- X'V^-1.
    """

    def __init__(self, crossed, factor, covariances, residual):
        self.crossed, self.factor = crossed, factor
        own, common, around = crossed.own[factor], crossed.common[factor], crossed.around[factor]
        brought = np.zeros_like(own)
        for g in range(len(crossed.codes)):
            if g != factor:
                first, _, cross, _ = crossed.linked(factor, g)
                parts = cross @ covariances[g] @ np.swapaxes(cross, 1, 2)
                brought += _level_sums(parts, first, len(own))
        directions = np.linalg.pinv(own, rcond=1e-11, hermitian=True)
        rank = np.maximum(np.round(np.einsum("lcd,ldc->l", own, directions)), 1)
        tau = residual + np.einsum("lcd,ldc->l", directions, brought) / rank
        q = own.shape[1]
        self.tau, self.brought = tau, brought
        self.weights = np.linalg.inv(tau[:, None, None] * np.eye(q) + covariances[factor] @ own)  # V^-1 Z = Z weights
        self.shrinkage = self.weights @ covariances[factor]  # V^-1 = (I - Z shrinkage Z')/tau
        z_mean = np.swapaxes(common, 1, 2) @ self.shrinkage  # [X, y]'Z shrinkage
        once = around - z_mean @ common
        twice = once - z_mean @ common + z_mean @ own @ np.swapaxes(z_mean, 1, 2)
        once = np.einsum("l,lij->ij", 1 / tau, once)
        self.inverse = _pseudo_inverse(once[:-1, :-1])  # (X'V^-1 X)^-
        self.twice = np.einsum("l,lij->ij", 1 / tau**2, twice)[:-1, :-1]  # X'V^-2 X
        self.beta = self.inverse @ once[:-1, -1]
        weighted = np.swapaxes(self.weights, 1, 2) @ common  # Z'V^-1 [X, y]
        self.z_mean = weighted[:, :, :-1]
        self.scores = weighted[:, :, -1] - self.z_mean @ self.beta  # Z'P y, per level

    def explained(self, g):
        """(X'V^-1 X)^- X'V^-1 Z_g, per level of g."""
        crossed = self.crossed
        first, second, cross, common = crossed.linked(self.factor, g)
        shrunken = np.swapaxes(crossed.common[self.factor][:, :, :-1], 1, 2) @ self.shrinkage
        parts = (common - shrunken[first] @ cross) / self.tau[first, None, None]
        return self.inverse @ _level_sums(parts, second, crossed.levels[g])

    def traces(self, g):
        """t[c, d, a, b] = tr(P Z_c Z_d' P Z_a Z_b'), c and d columns of this factor, a and b of factor g."""
        first, second, cross, _ = self.crossed.linked(self.factor, g)
        explained = self.explained(g)
        sparse = np.swapaxes(self.weights[first], 1, 2) @ cross  # Z'V^-1 Z_g
        rest = self.z_mean[first] @ explained[second]  # what X takes away of it, on the cells
        found = np.einsum("nca,ndb->cdab", sparse, sparse)
        mixed = np.einsum("nca,ndb->cdab", sparse, rest)
        found = found - mixed - mixed.transpose(1, 0, 3, 2)
        gram = np.einsum("lci,ldj->cdij", self.z_mean, self.z_mean)
        return found + np.einsum("cdij,hia,hjb->cdab", gram, explained, explained)

    def variances(self, covariances, residual):
        """Var(Z_l'P y) of each level, P without what X takes away."""
        own = self.crossed.own[self.factor]
        inner = own @ covariances[self.factor] @ own + self.brought + residual * own
        return np.swapaxes(self.weights, 1, 2) @ inner @ self.weights

    def projected(self, vectors, vector):
        """P of a vector of the rows."""
        found = self._weighted(vectors, vector)
        beta = self.inverse @ vectors.toward_mean(found)
        return found - self._weighted(vectors, vectors.along_mean(beta))

    def _weighted(self, vectors, vector):
        """V^-1 of a vector of the rows."""
        k = self.factor
        shrunken = (self.shrinkage @ vectors.toward(k, vector)[:, :, None])[:, :, 0]
        return (vector - vectors.along(k, shrunken)) / self.tau[self.crossed.codes[k], None]

    def squares(self):
        """t[c, d] = tr(P Z_c Z_d' P)."""
        weights, z_mean = self.weights, self.z_mean
        once = z_mean @ self.inverse
        mixed = np.einsum("lac,lai,ldi->cd", weights, z_mean, once)
        found = np.einsum("lac,lab,lbd->cd", weights, self.crossed.own[self.factor], weights) - mixed - mixed.T
        return found + np.einsum("lci,ij,ldj->cd", once, self.twice, once)


class _Shrunken:
    """The residual form y'A y: |L (y - X b)|^2 with b least squares, or (y - X b)'L (y - X b).

    L = I - sum over f of Z_f shrinkage_f Z_f' takes from each row what its level predicts in a model with that factor
    and the residual alone, and so leaves nearly the residuals given all effects. A factor in whose levels those of
    another lie is left to that one, when its columns are among the other's. |L (y - X b)|^2 is the better form; with
    three factors or more its coefficients need the triples of levels that share rows pairwise, and where these are
    too many (`TRIPLES`) the other form is taken. A = (I - M) L L (I - M) or (I - M) L (I - M), M the projection on X.
    """

    def __init__(self, crossed, covariances, residual):
        self.crossed = crossed
        number = len(covariances)
        covariances = [np.array(theta) for theta in covariances]
        self.used = list(range(number))
        for k in range(number):
            finer = [
                g
                for g in self.used
                if g != k and crossed.within(g, k) and set(crossed.columns[k]) <= set(crossed.columns[g])
            ]
            if finer:
                self.used.remove(k)
                place = [crossed.columns[finer[0]].index(column) for column in crossed.columns[k]]
                covariances[finer[0]][np.ix_(place, place)] += covariances[k]
        self.shrinkage = {
            k: np.linalg.inv(residual * np.eye(len(covariances[k])) + covariances[k] @ crossed.own[k]) @ covariances[k]
            for k in self.used
        }
        triples = [(f, g, h) for h in range(number) for f in self.used for g in self.used if f < g and h not in (f, g)]
        self.squared = sum(crossed.triples(*triple)[1] for triple in triples) <= TRIPLES
        self.inverse = _pseudo_inverse(crossed.total[:-1, :-1])
        p = len(crossed.mean)
        contrast = np.eye(p + 1)  # X, and y - X b, in terms of X and y
        contrast[:p, p] = -self.inverse @ crossed.total[:-1, -1]
        common = [table @ contrast for table in crossed.common]
        taken = {k: self.shrinkage[k] @ common[k] for k in self.used}  # L = . - Z taken
        self.left = self._left(common, taken)  # Z'L [X, y - X b]
        if self.squared:
            taken = {k: taken[k] + self.shrinkage[k] @ self.left[k] for k in self.used}
            self.left = self._left(common, taken)  # Z'L L [X, y - X b]
        self.form = contrast.T @ crossed.total @ contrast
        for k in self.used:
            self.form = self.form - np.einsum("lci,lcj->ij", common[k], taken[k])
        self.value = float(self.form[-1, -1])

    def _left(self, common, taken):
        """Z_k'(what `common` are the products with, less the sum over g of Z_g taken_g), for each factor k."""
        return [table - sum(self.crossed.across(k, g, u) for g, u in taken.items()) for k, table in enumerate(common)]

    def traces(self, h):
        """t[a, b] = tr(A Z_a Z_b'), a and b columns of factor h."""
        crossed = self.crossed
        explained = self.inverse @ np.swapaxes(crossed.common[h][:, :, :-1], 1, 2)
        mixed = np.einsum("lai,lib->ab", self.left[h][:, :, :-1], explained)
        found = np.einsum("lia,ij,ljb->ab", explained, self.form[:-1, :-1], explained) - mixed - mixed.T
        found += crossed.own[h].sum(axis=0)  # the rest is Z'L L Z, or Z'L Z
        for g in self.used:
            first, second, cross, _ = crossed.linked(g, h)
            shrunken = self.shrinkage[g][first] @ cross
            once = np.einsum("nca,ncb->ab", cross, shrunken)
            if not self.squared:
                found -= once
                continue
            found += np.einsum("nca,ncd,ndb->ab", shrunken, crossed.own[g][first], shrunken) - 2 * once
            if g != h and h in self.used:  # Z'(S_g S_h + S_h S_g)Z
                once = np.einsum(
                    "nca,ncd,nde,neb->ab", cross, shrunken, self.shrinkage[h][second], crossed.own[h][second]
                )
                found += once + once.T
            for f in self.used:
                if f < g and h not in (f, g):
                    once = self._three(f, g, h)
                    found += once + once.T
        return found

    def _three(self, f, g, h):
        """Z_h'S_f S_g Z_h, summed over the levels of h."""
        found = 0.0
        for to_f, between, to_g, i, j in self.crossed.triples(f, g, h)[0]():
            found = found + np.einsum(
                "nca,ncd,nde,nef,nfb->ab", to_f, self.shrinkage[f][i], between, self.shrinkage[g][j], to_g
            )
        return found

    def formed(self, vectors, vector):
        """A of a vector of the rows."""
        found = vector - vectors.along_mean(self.inverse @ vectors.toward_mean(vector))
        for _ in range(2 if self.squared else 1):
            found = found - sum(
                vectors.along(k, (self.shrinkage[k] @ vectors.toward(k, found)[:, :, None])[:, :, 0]) for k in self.used
            )
        return found - vectors.along_mean(self.inverse @ vectors.toward_mean(found))

    def trace(self):
        """tr(A)."""
        crossed = self.crossed
        found = float(crossed.sizes.sum()) - np.sum(self.inverse * self.form[:-1, :-1])
        for k in self.used:
            ratio = self.shrinkage[k] @ crossed.own[k]
            once = np.einsum("lcc->", ratio)
            if not self.squared:
                found -= once
                continue
            found += np.einsum("lcd,ldc->", ratio, ratio) - 2 * once
            for g in self.used:
                if g < k:
                    first, second, cross, _ = crossed.linked(k, g)
                    one, two = self.shrinkage[k][first] @ cross, self.shrinkage[g][second]
                    found += 2 * np.einsum("nab,nbc,nac->", one, two, cross)
        return float(found)


def _crossed_forms(crossed, covariances, residual):
    """The equations matrix @ components = right of the forms with weights at `covariances` and `residual`.

    For each factor y'P Z_c Z_d' P y (both orders added for c < d), P of the model with this factor alone; and a form
    for the residual variance. The coefficients are exact expectations, whatever the weights. Cost: the cells.
    """
    models = [_OneFactor(crossed, k, covariances, residual) for k in range(len(crossed.codes))]
    traces = [[model.traces(g) for g in range(len(models))] for model in models]
    squares = [model.squares() for model in models]
    matrix, right = [], []
    for k, c, d in crossed.components:
        orders = {(c, d), (d, c)}
        row = crossed.contract([sum(table[i, j] for i, j in orders) for table in traces[k]])
        matrix.append([*row, sum(squares[k][i, j] for i, j in orders)])
        right.append(len(orders) * np.sum(models[k].scores[:, c] * models[k].scores[:, d]))
    shrunken = _Shrunken(crossed, covariances, residual)
    matrix.append([*crossed.contract([shrunken.traces(h) for h in range(len(models))]), shrunken.trace()])
    right.append(shrunken.value)
    return np.array(matrix), np.array(right)


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
        right = [root.T @ table / residual for root, table in zip(self.roots, crossed.common, strict=True)]
        self.solved = self.solution(right)  # for [X, y]
        whole = crossed.total / residual
        for table, v in zip(right, self.solved, strict=True):
            whole = whole - np.einsum("lci,lcj->ij", table, v)
        self.whole = (whole + whole.T) / 2  # [X, y]'V^-1 [X, y]
        self.covariance = _pseudo_inverse(self.whole[:-1, :-1])  # of the estimates of beta
        self.beta = self.covariance @ self.whole[:-1, -1]
        contrast = np.append(-self.beta, 1.0)
        self.effects = [root @ (v @ contrast)[:, :, None] for root, v in zip(self.roots, self.solved, strict=True)]
        self.effects = [effect[:, :, 0] for effect in self.effects]

    def solution(self, right):
        """v of all factors, (levels, columns, right sides) each, for right sides of that shape."""
        found = [np.zeros_like(part) for part in right]
        if not self.kept:
            return found
        first, *rest = self.kept
        absorbed = self.inverses[first] @ right[first]
        left = {k: right[k] - self._toward(k, {first: absorbed}) for k in rest}
        scale = {k: np.sqrt(sum(np.sum(part * part, axis=(0, 1)) for part in left.values())) for k in rest[:1]}
        scale = np.maximum(next(iter(scale.values()), 1.0), np.finfo(float).tiny)
        for k in rest:
            found[k] = self.inverses[k] @ left[k]
        # left over, and directions, of each right side
        applied = self._applied({k: found[k] for k in rest}) if rest else {}
        left = {k: left[k] - applied[k] for k in rest}
        direction, before = None, None
        for _ in range(SWEEPS if rest else 0):
            if np.all(np.sqrt(_inner(left, left)) <= 1e-10 * scale):
                break
            swept = {k: self.inverses[k] @ left[k] for k in rest}
            now = _inner(left, swept)
            step = 0.0 if before is None else now / np.maximum(before, np.finfo(float).tiny)
            direction = swept if before is None else {k: swept[k] + step * direction[k] for k in rest}
            applied = self._applied(direction)
            length = now / np.maximum(_inner(direction, applied), np.finfo(float).tiny)
            for k in rest:
                found[k] = found[k] + length * direction[k]
                left[k] = left[k] - length * applied[k]
            before = now
        else:
            if rest:
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
    return sum(np.einsum("lcm,lcm->m", left[k], right[k]) for k in left)


class _Absorbed:
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
        self.table = _AbsorbedTable(crossed)
        count, p = self.count, len(crossed.mean)
        whole = np.zeros((count + p + 1, count + p + 1))  # [Z_o, X, y]'[Z_o, X, y], then with V_f^-1 between
        whole[count:, count:] = crossed.total
        for k in self.rest:
            place = self.place(k)
            whole[place.reshape(-1, 1), count + np.arange(p + 1)] = crossed.common[k].reshape(-1, p + 1)
            for g in self.rest:
                first, second, cross, _ = crossed.linked(k, g)
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
        self.with_response = whole[count:, count:] - whole[count:, :count] @ explained  # [X, y]'V^-1 [X, y]
        self.covariance = _pseudo_inverse(self.with_response[:-1, :-1])
        taken = np.vstack([-explained[:, :-1], np.eye(p)])
        self.outer = taken @ self.covariance @ taken.T
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
        scores, information = {}, {}
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


class _AbsorbedTable:
    """T_l = Z_l'[Z_o, X, y] of the levels l of the absorbed factor: what is not 0, level by level."""

    def __init__(self, crossed):
        first, rest, start, count = _split(crossed)
        common = crossed.common[first]
        levels, self.width, more = common.shape
        self.size = count + more
        owner, column, value = [], [], []
        for k in rest:
            one, two, cross, _ = crossed.linked(first, k)
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
        """The pairs of what is not 0 in some levels: the level, and the positions of both."""
        some = slice(self.ends[begin] - self.counts[begin], self.ends[end - 1])
        level = np.repeat(np.arange(begin, end), self.counts[begin:end])
        times = self.counts[level]
        one = np.repeat(np.arange(some.start, some.stop), times)
        level = np.repeat(level, times)
        within = np.arange(len(one)) - np.repeat(np.cumsum(times) - times, times)
        return level, one, self.ends[level] - self.counts[level] + within

    def gram(self, matrices):
        """The sum over l of T_l'M_l T_l."""
        found = np.zeros((self.size, self.size))
        if self.sparse:
            for begin, end in self._chunks(self.counts**2):
                level, one, two = self._pairs(begin, end)
                if self.width == 1:
                    parts = self.value[one, 0] * matrices[level, 0, 0] * self.value[two, 0]
                else:
                    parts = np.einsum("nc,ncd,nd->n", self.value[one], matrices[level], self.value[two])
                key = self.column[one] * self.size + self.column[two]
                found += np.bincount(key, weights=parts, minlength=self.size**2).reshape(found.shape)
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
                        within[begin:end, c, d] = np.bincount(level - begin, weights=weights, minlength=end - begin)
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


def _dense_forms(crossed, covariances, residual):
    """The equations of MINQUE with the working covariance matrix V of all factors: matrix @ components = right.

    y'P V_g P y has the expectation sum over h of component_h tr(P V_g P V_h); with s_e^2 P P = P - sum over the other
    components of P V_h P those of the residual follow. At a solution that equals the weights they are REML's equations.
    """
    model = _Absorbed(crossed, covariances, residual)
    scores, information = model.levels()
    pairs = model.traces(information)
    components = crossed.components
    matrix, right = np.zeros((len(components) + 1, len(components) + 1)), np.zeros(len(components) + 1)
    for i, (k, c, d) in enumerate(components):
        orders = {(c, d), (d, c)}
        matrix[i, :-1] = crossed.contract(
            [sum(pairs[k, g][i_, j_] for i_, j_ in orders) for g in range(len(crossed.codes))]
        )
        right[i] = len(orders) * np.sum(scores[k][:, c] * scores[k][:, d])
    single = np.array(crossed.contract([information[k].sum(axis=0) for k in range(len(crossed.codes))]))
    weights = np.array([covariances[k][c, d] for k, c, d in components])
    matrix[:-1, -1] = matrix[-1, :-1] = (single - matrix[:-1, :-1] @ weights) / residual
    rank = crossed.sizes.sum() - np.linalg.matrix_rank(crossed.total[:-1, :-1], hermitian=True)
    matrix[-1, -1] = ((rank - single @ weights) / residual - matrix[-1, :-1] @ weights) / residual
    right[-1] = (model.squares - right[:-1] @ weights) / residual
    return matrix, right


def _working(crossed, thetas, residual):
    """Components as weights can use them: no negative eigenvalues, and a residual variance that is positive."""
    left_over = (
        crossed.total[-1, -1]
        - crossed.total[-1, :-1] @ _pseudo_inverse(crossed.total[:-1, :-1]) @ crossed.total[:-1, -1]
    )
    least = 1e-6 * left_over / crossed.sizes.sum()
    return crossed.covariances(thetas), max(residual, least) if least > 0 else max(residual, 1.0)


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


def _crossed_solution(crossed, thetas, residual, iterated=False):
    """The components: from weights at the first estimates, or iterated until the weights are their own solution.

    The first has the forms of all factors together where these are quick (`QUICK`), and of each factor on its own
    otherwise. The second are REML's equations; weights have negative eigenvalues set to 0, the solution has not.
    Raises ValueError when the rows do not separate the components, or the dense forms cost too much (`DENSE`), and
    FloatingPointError when the iterations do not settle.
    """
    cost = _cost(crossed)
    if not iterated:
        forms = _dense_forms if cost <= QUICK else _crossed_forms
        return _components(*forms(crossed, *_working(crossed, thetas, residual)))
    if cost > DENSE:
        raise ValueError(f"iterated weights cost {cost:.0e} here, more than {DENSE:.0e}: use two-step weights")
    before = np.inf
    for _ in range(ITERATIONS):
        matrix, right = _dense_forms(crossed, *_working(crossed, thetas, residual))
        found = _components(matrix, right)
        errors = np.sqrt(2 * np.diag(np.linalg.inv(matrix)))  # of normal effects
        if np.all(np.abs(found - before) <= 1e-9 * np.maximum(np.abs(found), errors)):
            return found
        before = found
        thetas, residual = _by_block(crossed, found)
    raise FloatingPointError(f"the weights do not settle in {ITERATIONS} iterations: use two-step weights")


def _components(matrix, right):
    """The solution of the equations of the components."""
    rows = np.abs(matrix).max(axis=1)
    columns = np.abs(matrix / rows[:, None]).max(axis=0)
    scaled = matrix / rows[:, None] / columns
    if not np.isfinite(scaled).all() or np.linalg.cond(scaled) > 1e11:
        raise ValueError("these rows do not separate the variance components")
    return np.linalg.solve(scaled, right / rows) / columns


def _crossed_means(crossed, thetas, residual):
    """The mean parameters by generalised least squares at given components, and their covariance (X'V^-1 X)^-."""
    model = _MixedModel(crossed, *_working(crossed, thetas, residual))
    return model.beta, model.covariance


def _crossed_effects(crossed, thetas, residual):
    """Per block the best linear predictions of its effects, and the covariances of their errors, at given components.

    (levels, columns) and (levels, columns, columns). The covariances are those of the mixed-model equations, which
    count the errors of the mean parameters, where the dense forms fit (`DENSE`). Otherwise they are those of a level
    given the other effects and mean parameters, and what the errors of these add to it as if they were independent.
    """
    covariances, residual = _working(crossed, thetas, residual)
    if _cost(crossed) <= DENSE:
        scores, information = _Absorbed(crossed, covariances, residual).levels()
        effects = [scores[k] @ theta for k, theta in enumerate(covariances)]
        errors = [theta - theta @ information[k] @ theta for k, theta in enumerate(covariances)]
    else:
        model = _MixedModel(crossed, covariances, residual)
        effects, errors = model.effects, _errors_given_others(crossed, covariances, residual, model.covariance)
    return [(effects[k][:, place], errors[k][:, place[:, None], place]) for k, place in crossed.places]


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
                    first, second, cross, _ = crossed.linked(k, g)
                    brought += _level_sums(cross @ errors[g][second] @ np.swapaxes(cross, 1, 2), first, len(table))
            new.append(residual * table + table @ brought @ table)
        errors = new
    return errors


class _Vectors:
    """Vectors of the rows that are, within each cell, combinations of its columns: (C, columns) coefficients.

    The response has a part outside of them, which only the residuals of replicated cells see.
    """

    def __init__(self, crossed, covariances, residual):
        self.crossed, self.covariances, self.residual = crossed, covariances, residual
        self.products = crossed.products[:, :-1, :-1]
        values, vectors = np.linalg.eigh(self.products)
        kept = values > 1e-10 * values[:, -1:]
        self.rank = int(kept.sum())
        self.roots = vectors * np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)[:, None, :]

    def toward(self, k, vector):
        """Z_k' vector."""
        crossed = self.crossed
        rows = np.einsum("nij,nj->ni", self.products[:, crossed.columns[k]], vector)
        return _level_sums(rows, crossed.codes[k], crossed.levels[k])

    def along(self, k, effects):
        """Z_k effects."""
        found = np.zeros(self.products.shape[:2])
        found[:, self.crossed.columns[k]] = effects[self.crossed.codes[k]]
        return found

    def along_mean(self, beta):
        """X beta."""
        found = np.zeros(self.products.shape[:2])
        found[:, self.crossed.mean] = beta
        return found

    def toward_mean(self, vector):
        """X' vector."""
        return np.einsum("nij,nj->i", self.products[:, self.crossed.mean], vector)

    def draw(self, generator):
        """A normal vector with covariance matrix V, but for its part outside of the columns."""
        noise = generator.standard_normal(self.products.shape[:2])
        found = np.sqrt(self.residual) * np.einsum("nij,nj->ni", self.roots, noise)
        for k, theta in enumerate(self.covariances):
            root = _root(theta)
            found += self.along(k, generator.standard_normal((self.crossed.levels[k], root.shape[1])) @ root.T)
        return found

    def inner(self, left, right):
        """left' V right."""
        found = self.residual * np.einsum("ni,nij,nj->", left, self.products, right)
        for k, theta in enumerate(self.covariances):
            found += np.sum((self.toward(k, left) @ theta) * self.toward(k, right))
        return found


def _normal_covariance(crossed, covariances, residual):
    """2 tr(A V B V) for each two forms A and B of `_crossed_forms`, their covariances with normal effects.

    The mean over `PROBES` normal vectors w with covariance matrix V, always the same, of 2 w'A V B w.
    """
    vectors = _Vectors(crossed, covariances, residual)
    models = [_OneFactor(crossed, k, covariances, residual) for k in range(len(covariances))]
    shrunken = _Shrunken(crossed, covariances, residual)
    generator = np.random.default_rng(0)
    count = len(crossed.components) + 1
    found = np.zeros((count, count))
    for _ in range(PROBES):
        probe = vectors.draw(generator)
        projected = [model.projected(vectors, probe) for model in models]
        scores = [vectors.toward(k, vector) for k, vector in enumerate(projected)]
        forms = []
        for k, c, d in crossed.components:
            effects = np.zeros_like(scores[k])
            for one, two in {(c, d), (d, c)}:
                effects[:, one] += scores[k][:, two]
            forms.append(models[k].projected(vectors, vectors.along(k, effects)))
        forms.append(shrunken.formed(vectors, probe))
        for i, one in enumerate(forms):
            for j in range(i + 1):
                found[i, j] += 2 * vectors.inner(one, forms[j]) / PROBES
    found = np.tril(found) + np.tril(found, -1).T
    found[-1, -1] += 2 * residual**2 * (crossed.sizes.sum() - vectors.rank)
    return found


def _crossed_covariance(crossed, thetas, residual):
    """The covariance matrix of all estimates, the mean parameters and then the components, at given components.

    Of the mean parameters (X'V^-1 X)^-. Of the components M^-1 Var(Q) M^-T: the variances of the forms with normal
    effects, exact from the dense forms or by `_normal_covariance`, and what effects that are not normal add to them,
    kappa_4 by the spread of the squares of the scores of each level beyond that of normal effects, and for the
    residual by that of the cells. Between both, the third cumulants of the effects by their scores; that of the
    residual is left out. Weights count as known: the forms have the same expectations whatever they are.
    """
    covariances, residual = _working(crossed, thetas, residual)
    model = _MixedModel(crossed, covariances, residual)
    if _cost(crossed) <= QUICK:
        absorbed = _Absorbed(crossed, covariances, residual)
        scores, information = absorbed.levels()
        matrix, _ = _dense_forms(crossed, covariances, residual)
        normal = 2 * matrix
        variances = information
    else:
        models = [_OneFactor(crossed, k, covariances, residual) for k in range(len(covariances))]
        scores = [one.scores for one in models]
        information = [np.swapaxes(one.weights, 1, 2) @ own for one, own in zip(models, crossed.own, strict=True)]
        variances = [one.variances(covariances, residual) for one in models]
        matrix, _ = _crossed_forms(crossed, covariances, residual)
        normal = _normal_covariance(crossed, covariances, residual)
    inverse = np.linalg.inv(matrix)
    p, count = len(model.beta), len(crossed.components) + 1
    found = np.zeros((p + count, p + count))
    found[:p, :p] = model.covariance
    excess, skew = np.zeros((count, count)), np.zeros((p, count))
    for k, theta in enumerate(covariances):
        members = [(i, c, d) for i, (factor, c, d) in enumerate(crossed.components) if factor == k]
        squares = {
            i: (1 + (c != d)) * (scores[k][:, c] * scores[k][:, d] - variances[k][:, c, d]) for i, c, d in members
        }
        effects = (np.linalg.pinv(information[k], rcond=1e-9, hermitian=False) @ scores[k][:, :, None])[:, :, 0]
        root = _root(theta)
        linear = (effects @ np.linalg.pinv(root).T)[:, None, :] @ model.solved[k][:, :, :-1]  # u_l'Z_l'V^-1 X
        linear = linear[:, 0, :] @ model.covariance
        for i, c, d in members:
            skew[:, i] += linear.T @ squares[i]
            for j, a, b in members:
                v = variances[k]
                usual = v[:, c, a] * v[:, d, b] + v[:, c, b] * v[:, d, a]
                excess[i, j] += np.sum(squares[i] * squares[j] - (1 + (c != d)) * (1 + (a != b)) * usual)
    both = normal + excess
    if np.linalg.eigvalsh((both + both.T) / 2)[0] <= 0:
        both = normal
    found[p:, p:] = inverse @ both @ inverse.T
    found[-1, -1] += _residual_excess(crossed, model)
    found[:p, p:] = skew @ inverse.T
    found[p:, :p] = found[:p, p:].T
    return found


def _residual_excess(crossed, model):
    """What kappa_4 of the residual adds to the variance of s_e^2: kappa_4/n, by the squares of the residuals of cells.

    The residuals given predicted effects are shrunk by a factor that is taken to be the same for all.
    """
    contrast = np.zeros(crossed.products.shape[:2])
    contrast[:, crossed.mean] = -model.beta
    for codes, columns, effects in zip(crossed.codes, crossed.columns, model.effects, strict=True):
        contrast[:, columns] -= effects[codes]
    contrast[:, -1] = 1.0
    squares = np.einsum("ni,nij,nj->n", contrast, crossed.products, contrast)
    n = crossed.sizes.sum()
    each = squares.sum() / n
    shrunk = each / model.residual
    excess = (np.sum((squares - crossed.sizes * each) ** 2) / n - 2 * each**2) / shrunk**4
    return max(excess, -2 * model.residual**2) / n
