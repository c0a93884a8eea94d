"""The product that crossed factors spend their time in, compiled: all right sides of a pair at once, on two threads."""

import numpy as np

LINKS = 2**18  # pairs of levels from which on a second thread is worth its start


@_compiled
def _add_links(found, first, second, cross, coefficients):
    """Add cross[pair] @ coefficients[second[pair]] to found[first[pair]], pair by pair."""
    rows, columns, right = found.shape[1], coefficients.shape[1], found.shape[2]
    for pair in range(len(first)):
        to, of = found[first[pair]], coefficients[second[pair]]
        for c in range(rows):
            for d in range(columns):
                weight = cross[pair, c, d]
                for m in range(right):
                    to[c, m] += weight * of[d, m]


def _linked_products(first, second, cross, begins, coefficients, levels):
    """The sum over pairs of linked levels of cross[pair] @ coefficients[second[pair]], per level that is first.

    Pairs (P,) and their cross-products (P, c, d), coefficients (levels, d, right sides). Each thread takes half of the
    pairs: those of other levels, if pairs are in the order of the first levels, as they are where `begins` is not None.
    """
    coefficients = np.ascontiguousarray(coefficients)
    found = np.zeros((levels, cross.shape[1], coefficients.shape[2]))
    if len(first) < LINKS:
        _add_links(found, first, second, cross, coefficients)
        return found
    half = len(first) // 2 if begins is None else begins[len(begins) // 2]
    other = np.zeros_like(found) if begins is None else found
    halves = [(found, slice(None, half)), (other, slice(half, None))]
    _by_threads([lambda to=to, k=k: _add_links(to, first[k], second[k], cross[k], coefficients) for to, k in halves])
    return found if begins is not None else found + other
