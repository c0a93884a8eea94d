"""Intervals and bounded floats keep the true value inside, whatever is computed with them."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentalg.model.distributions.bounded import BoundedFloat, Interval, square_root
from momentalg.model.distributions.geometric import Geometric
from momentalg.model.distributions.negative_binomial import NegativeBinomial, negative_binomial_series
from momentalg.model.distributions.poisson import Poisson, poisson_series
from momentalg.model.distributions.series import PowerSeries

numbers = st.fractions(min_value=-50, max_value=50, max_denominator=97)
positive = st.fractions(min_value=Fraction(1, 50), max_value=50, max_denominator=97)
steps = st.lists(st.tuples(st.sampled_from("+-*/r^"), numbers), max_size=8)


def contains(interval, value):
    return Fraction(interval.lo) <= value <= Fraction(interval.hi)


def walk(start, steps):
    """The same arithmetic on an exact number, an interval and a bounded float."""
    exact, interval = start, Interval.of(start)
    bounded = BoundedFloat.of(interval)
    yield exact, interval, bounded
    for operation, number in steps:
        if (operation == "/" and number == 0) or (operation == "r" and (exact == 0 or bounded.contains(0))):
            continue
        if operation == "^" and abs(exact) > 10**6:
            continue
        act = {
            "+": lambda x, n=number: x + n,
            "-": lambda x, n=number: n - x,
            "*": lambda x, n=number: n * x,
            "/": lambda x, n=number: x / n,
            "r": lambda x, n=number: n / x,
            "^": lambda x, _=number: x**2,
        }[operation]
        exact, interval, bounded = act(exact), act(interval), act(bounded)
        yield exact, interval, bounded


@given(numbers, steps)
def test_arithmetic_keeps_the_true_value_inside(start, steps):
    for exact, interval, bounded in walk(start, steps):
        assert contains(interval, exact)
        assert bounded.contains(exact)
        assert Fraction(interval.hi) - Fraction(interval.lo) <= Fraction(1, 10**30) * max(1, abs(exact))


@given(numbers, numbers)
def test_intervals_combine_with_each_other(a, b):
    x, y = Interval.of(a) / 3, Interval.of(b) / 7
    assert contains(x * y, a * b / 21)
    assert contains(x - y, a / 3 - b / 7)
    assert BoundedFloat.of(x) - BoundedFloat.of(y) == -(BoundedFloat.of(y) - BoundedFloat.of(x))


@given(positive)
def test_square_roots_and_exponentials_are_enclosed(value):
    root = square_root(value)
    if isinstance(root, Fraction):
        assert root**2 == value
    else:
        assert Fraction(root.lo) ** 2 < value < Fraction(root.hi) ** 2
    with mpmath.workdps(90):
        for x in (value, -value):
            found, truth = Interval.of(x).exp(), mpmath.exp(mpmath.mpf(x.numerator) / x.denominator)
            assert mpmath.mpf(str(found.lo)) < truth < mpmath.mpf(str(found.hi))


@given(positive, positive, st.integers(1, 8))
def test_series_enclose_the_closed_forms(mean, shape, p):
    """Two roads: Stirling numbers from factorial moments, and the sum of the series with its tail bounds."""
    p_geometric = 1 / (1 + mean)
    series = [
        (Poisson(mean), poisson_series(mean, 0)),
        (NegativeBinomial(mean, max(shape, mean / 8)), negative_binomial_series(mean, max(shape, mean / 8), 0)),
        (Geometric(p_geometric), PowerSeries(lambda _: 1 - p_geometric, 1, 1, 1 - p_geometric)),
    ]
    for law, weights in series:
        exact, found = law.moment(p), weights.moment(p)
        assert contains(found, exact)
        assert Fraction(found.hi) - Fraction(found.lo) < exact / 10**30


def test_a_ratio_that_rises_to_its_limit_is_bounded_by_the_limit():
    """Of shape 1/2, the weights sum to (1 - q)^(-1/2), which is rational where 1 - q is a square."""
    for root in (2, 3, 10):
        q = 1 - Fraction(1, root**2)
        weights = negative_binomial_series(q / (1 - q) / 2, Fraction(1, 2), 0)
        assert contains(weights.probability(0), Fraction(1, root))


def test_series_far_from_zero_leave_out_the_far_end_and_say_so_in_the_bound():
    weights = poisson_series(Fraction(20_000), 1)
    assert contains(weights.moment(1) * (1 - weights.probability(1) / 20_000), 20_000)  # e^-20000 is below the width
    inverse = weights.moment(-1)
    assert Fraction(1, 20_000) < Fraction(inverse.lo) <= Fraction(inverse.hi) < Fraction(1, 19_998)
    assert weights.probability(0).hi == 0


def test_sampling_by_inversion_follows_the_probabilities():
    weights = negative_binomial_series(Fraction(4), Fraction(3), 1)
    drawn = weights.sample(np.random.default_rng(5), 30_000)
    for k in (1, 2, 3, 5, 9):
        mass = float(BoundedFloat.of(weights.probability(k)))
        assert abs(np.mean(drawn == k) - mass) < 5 * (mass * (1 - mass) / 30_000) ** 0.5


def test_what_may_be_zero_cannot_be_divided_by():
    with pytest.raises(ZeroDivisionError, match="contains it"):
        1 / (Interval.of(Fraction(1, 3)) - Fraction(1, 3))
    with pytest.raises(ZeroDivisionError, match="may be zero"):
        poisson_series(Fraction(3), 0).moment(-1)


def test_a_bounded_float_reads_well_and_refuses_what_is_no_number():
    third = BoundedFloat.of(Interval.of(Fraction(1, 3)))
    assert float(third) == 1 / 3
    assert "error at most" in str(third)
    for wrong in ("1", None, 1j):
        with pytest.raises(TypeError):
            third + wrong
