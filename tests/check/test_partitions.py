"""Moments and cumulants: the conversions are inverse to each other, and right for laws with known cumulants."""

from __future__ import annotations

from fractions import Fraction

import pytest

from momentalg.check.laws import centred, law_cumulants
from momentalg.check.partitions import CumulantsFromMoments, MomentsFromCumulants
from momentalg.errors import DataError


def test_poisson_moments_from_its_cumulants():
    rate = Fraction(3, 2)
    moments = MomentsFromCumulants(lambda _: rate)
    assert moments(("N",) * 4) == rate + 7 * rate**2 + 6 * rate**3 + rate**4


def test_a_joint_moment_is_the_sum_over_set_partitions():
    kappa = {("a",): 2, ("b",): 3, ("c",): 5, ("a", "b"): 7, ("a", "c"): 11, ("b", "c"): 13, ("a", "b", "c"): 17}
    moments = MomentsFromCumulants(lambda items: Fraction(kappa[items]))
    assert moments(("a", "b", "c")) == 17 + 2 * 13 + 3 * 11 + 5 * 7 + 2 * 3 * 5


def test_there_and_back():
    def kappa(items):
        return Fraction(sum(ord(i) - 95 for i in items), len(items) ** 2)

    back = CumulantsFromMoments(MomentsFromCumulants(kappa))
    for items in (
        ("a",),
        ("a", "b"),
        ("a", "a", "b"),
        ("a", "b", "c", "d"),
        ("a",) * 5,
        ("a", "b", "b", "c", "c", "c"),
    ):
        assert back(items) == kappa(items)


def test_cumulants_of_a_law_of_two_correlated_effects():
    law = centred(("1/2", (0, 0)), ("1/2", (2, 4)))
    cumulants = law_cumulants(law)
    assert [cumulants(i) for i in ((0,), (0, 0), (0, 1), (1, 1), (0, 0, 1), (0, 0, 0, 0))] == [0, 1, 2, 4, 0, -2]


def test_probabilities_must_sum_to_one():
    with pytest.raises(DataError, match="sum to 1"):
        centred(("1/2", 1), ("1/3", 2))
