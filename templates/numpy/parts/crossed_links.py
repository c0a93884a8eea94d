"""The product that crossed factors spend their time in: links between levels of two factors, times coefficients."""

import numpy as np


def _linked_products(first, second, cross, begins, coefficients, levels):
    """The sum over pairs of linked levels of cross[pair] @ coefficients[second[pair]], per level that is first.

    Pairs (P,) and their cross-products (P, c, d), coefficients (levels, d, right sides); `begins` says where the pairs
    of each first level begin, if they are in this order, and is None otherwise.
    """
    found = np.empty((levels, cross.shape[1], coefficients.shape[2]))
    for right in range(coefficients.shape[2]):  # one column of numbers at a time is several times faster
        others = [np.ascontiguousarray(column).take(second) for column in coefficients[:, :, right].T]
        for c in range(cross.shape[1]):
            weights = others[0] * cross[:, c, 0]
            for d, column in enumerate(others[1:], start=1):
                weights += cross[:, c, d] * column
            if begins is None:
                found[:, c, right] = np.bincount(first, weights=weights, minlength=levels)
            else:
                found[:, c, right] = np.add.reduceat(weights, begins)
    return found
