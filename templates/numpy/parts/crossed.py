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
        self.total = products.sum(axis=0)[np.ix_(around, around)]
        self.own, self.common = [], []  # per level Z'Z and Z'[X, y]
        for codes, columns, levels in zip(self.codes, self.columns, self.levels, strict=True):
            self.own.append(_block_sums(products, columns, columns, codes, levels))
            self.common.append(_block_sums(products, columns, around, codes, levels))
        self._links, self._ordered = {}, {}

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
            elif (g, k) in self._links or (self._is_sorted(g) and not self._is_sorted(k)):
                first, second, cross = self.linked(g, k)
                tables = second, first, np.swapaxes(cross, 1, 2)
            else:
                key = self.codes[k] * self.levels[g] + self.codes[g]
                cross = self.products[:, self.columns[k]][:, :, self.columns[g]]
                if (key[1:] <= key[:-1]).any():
                    key, place = np.unique(key, return_inverse=True)
                    cross = _level_sums(cross, place, len(key))
                tables = key // self.levels[g], key % self.levels[g], cross
            self._links[k, g] = tables
        return self._links[k, g]

    def _is_sorted(self, k):
        """Whether the cells are in the order of the levels of factor k."""
        return not (self.codes[k][1:] < self.codes[k][:-1]).any()

    def across(self, k, g, coefficients):
        """Z_k'Z_g u for coefficients u of the levels of g, (levels, columns, right sides)."""
        if k == g:
            return self.own[k] @ coefficients
        first, second, cross = self.linked(k, g)
        return _linked_products(first, second, cross, self.begins(k, g), coefficients, self.levels[k])

    def begins(self, k, g):
        """Where the pairs of each level of k begin, if they are in the order of these levels."""
        if (k, g) not in self._ordered:
            first = self.linked(k, g)[0]
            ordered = not (first[1:] < first[:-1]).any()
            self._ordered[k, g] = np.flatnonzero(np.diff(first, prepend=-1)) if ordered else None
        return self._ordered[k, g]

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


def _block_sums(products, rows, columns, codes, levels):
    """The sums over the cells of each level of the products of some columns with others, (levels, rows, columns)."""
    found = np.empty((levels, len(rows), len(columns)))
    for c, row in enumerate(rows):
        for d, column in enumerate(columns):
            found[:, c, d] = np.bincount(codes, weights=products[:, row, column], minlength=levels)
    return found


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
