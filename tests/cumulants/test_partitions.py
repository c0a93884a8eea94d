"""Set partitions: their numbers, the indecomposable ones among them, and like ones counted together."""

from __future__ import annotations

from itertools import combinations
from math import comb, perm

import pytest

from momentalg.cumulants.choices import Choice
from momentalg.cumulants.identity import counted_choices
from momentalg.cumulants.partitions import connects, counted_partitions, falling_factorial, set_partitions

BELL = (1, 1, 2, 5, 15, 52, 203, 877, 4140)


@pytest.mark.parametrize(("size", "number"), list(enumerate(BELL)))
def test_their_number_is_bells(size, number):
    partitions = set_partitions(size)
    assert len(set(partitions)) == len(partitions) == number
    for blocks in partitions:
        assert sorted(element for block in blocks for element in block) == list(range(size))


def indecomposable(sizes):
    """How many partitions tie groups of these sizes together: all, less those that fall apart (by the first part)."""
    groups = tuple(sizes)
    if len(groups) == 1:
        return BELL[groups[0]]
    total = BELL[sum(groups)]
    for count in range(len(groups) - 1):
        for others in combinations(range(1, len(groups)), count):
            with_first = (groups[0], *(groups[n] for n in others))
            rest = sum(groups) - sum(with_first)
            total -= indecomposable(with_first) * BELL[rest]
    return total


SIZES = [(1,), (4,), (1, 1), (2, 2), (1, 1, 1, 1), (1, 2, 3), (2, 2, 2), (3, 3), (4, 4), (1,) * 8]


@pytest.mark.parametrize("sizes", SIZES)
def test_the_number_that_tie_groups_together(sizes):
    group = [n for n, size in enumerate(sizes) for _ in range(size)]
    found = sum(connects(blocks, group, len(sizes)) for blocks in set_partitions(len(group)))
    assert found == indecomposable(sizes)
    if sizes == (2, 2):
        assert found == 11  # Cov of two products of two: 15 - 2 * 2


def test_products_of_pairs_in_normal_theory():
    """For zero means and normal effects only pairings count: 2, 8 and 48 of them tie 2, 3 and 4 squares together."""
    for squares, number in ((1, 1), (2, 2), (3, 8), (4, 48)):
        group = [n for n in range(squares) for _ in range(2)]
        pairings = [p for p in set_partitions(2 * squares) if all(len(block) == 2 for block in p)]
        assert sum(connects(p, group, squares) for p in pairings) == number


@pytest.mark.parametrize("kinds", ["aaaa", "aabb", "abcd", "aab", "abab", "aaaaaaaa", "aaaabbbb"])
def test_like_partitions_are_counted_together(kinds):
    for groups in (1, 2):
        group = [n * groups // len(kinds) for n in range(len(kinds))]
        code = list(zip(kinds, group, strict=True))
        counted = list(counted_partitions(code, group, groups))
        together = [blocks for blocks in set_partitions(len(kinds)) if connects(blocks, group, groups)]
        assert sum(number for number, _ in counted) == len(together)
        shapes = {tuple(sorted(tuple(sorted(code[e] for e in b)) for b in blocks)) for blocks in together}
        assert len(counted) == len(shapes)


def test_alike_draws_are_integer_partitions():
    """Of eight draws that nothing tells apart there are 22 partitions, one for each partition of the number 8."""
    assert len(list(counted_partitions(["y"] * 8, [0] * 8, 1))) == 22


def test_exchangeable_choices_are_counted_with_their_number():
    options = [Choice(key, ((),)) for key in "abc"]
    counted = list(counted_choices([options] * 4, ["same"] * 4))
    assert len(counted) == comb(6, 2)
    assert sum(number for number, _ in counted) == 3**4
    apart = list(counted_choices([options, options[:2], options], ["one", "two", "one"]))
    assert sum(number for number, _ in apart) == 3 * 2 * 3
    assert all(chosen[1] in options[:2] for _, chosen in apart)


@pytest.mark.parametrize(("blocks", "fixed"), [(0, 2), (1, 0), (2, 1), (3, 0), (4, 3)])
def test_the_ways_to_give_blocks_distinct_units(blocks, fixed):
    coefficients = falling_factorial(blocks, fixed)
    assert len(coefficients) == blocks + 1
    for units in range(fixed, fixed + 8):
        assert sum(c * units**power for power, c in enumerate(coefficients)) == perm(units - fixed, blocks)
