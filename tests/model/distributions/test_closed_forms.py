"""Closed forms and error bounds against theory.md, section 20, against long series and against mpmath."""

from fractions import Fraction

import mpmath
import pytest
import sympy

from momentalg.errors import ModelError
from momentalg.model.distributions.bounded import BoundedFloat
from momentalg.model.distributions.combinatorics import stirling2
from momentalg.model.distributions.constant import Constant
from momentalg.model.distributions.empirical import Empirical
from momentalg.model.distributions.exponential import Exponential
from momentalg.model.distributions.finite import Finite
from momentalg.model.distributions.geometric import Geometric
from momentalg.model.distributions.lognormal import LogNormal
from momentalg.model.distributions.negative_binomial import NegativeBinomial
from momentalg.model.distributions.normal import Normal
from momentalg.model.distributions.poisson import Poisson
from momentalg.model.distributions.student_t import StudentT
from momentalg.model.distributions.two_point import TwoPoint
from momentalg.model.distributions.uniform import Uniform
from momentalg.model.distributions.zero_truncated_negative_binomial import ZeroTruncatedNegativeBinomial
from momentalg.model.distributions.zero_truncated_poisson import ZeroTruncatedPoisson

L, P, M, R, N = (sympy.Symbol(name, positive=True) for name in ("lambda", "p", "m", "r", "n"))
ORDERS = [*range(-8, 0), *range(1, 9)]


def same(a, b):
    return sympy.cancel(sympy.expand(a - b)) == 0


def test_poisson_has_the_moments_of_section_20():
    law = Poisson()
    expected = [L, L + L**2, L + 3 * L**2 + L**3, L + 7 * L**2 + 6 * L**3 + L**4]
    assert all(same(law.moment(p), value) for p, value in enumerate(expected, start=1))
    assert all(same(law.cumulant(k), L) for k in range(1, 9))


def test_geometric_has_the_moments_of_section_20():
    law = Geometric()
    expected = [1 / P, (2 - P) / P**2, (6 - 6 * P + P**2) / P**3, (24 - 36 * P + 14 * P**2 - P**3) / P**4]
    assert all(same(law.moment(p), value) for p, value in enumerate(expected, start=1))
    assert same(law.moment(-1), P * sympy.log(1 / P).expand() / (1 - P))


def test_negative_binomial_has_the_moments_of_section_20():
    law = NegativeBinomial()
    assert same(law.moment(1), M)
    assert same(law.moment(2), M + M**2 * (1 + 1 / R))
    third_factorial = law.moment(3) - 3 * law.moment(2) + 2 * law.moment(1)
    assert same(third_factorial, M**3 * (1 + 1 / R) * (1 + 2 / R))


def test_a_constant_has_powers():
    assert [Constant().moment(p) for p in (-2, 3)] == [N**-2, N**3]
    assert [Constant(4).moment(p) for p in (-2, 3)] == [Fraction(1, 16), 64]


def test_stirling_numbers_count_partitions():
    for n in range(1, 9):
        x = sympy.Symbol("x")
        assert sympy.expand(sum(stirling2(n, k) * sympy.ff(x, k) for k in range(n + 1)) - x**n) == 0


def test_free_symbols_can_be_named():
    assert Poisson(symbol="rate").moment(1) == sympy.Symbol("rate", positive=True)
    mixed = NegativeBinomial(3, symbols=("a", "b")).moment(2)
    assert mixed.free_symbols == {sympy.Symbol("b", positive=True)}


@pytest.mark.parametrize(
    ("free", "given"),
    [
        (Poisson(), Poisson("7/3")),
        (ZeroTruncatedPoisson(), ZeroTruncatedPoisson("7/3")),
        (Geometric(), Geometric("2/7")),
        (NegativeBinomial(), NegativeBinomial("7/3", "1/2")),
        (ZeroTruncatedNegativeBinomial(), ZeroTruncatedNegativeBinomial("7/3", "1/2")),
        (Constant(), Constant(3)),
    ],
    ids=repr,
)
def test_a_free_law_with_values_put_in_is_the_law_with_these_values(free, given):
    names = {"mean": M, "shape": R} if len(given.parameters) == 2 else {"mean": L, "rate": L, "p": P, "value": N}
    values = {names[name]: value for name, value in given.parameters.items()}
    at = {s: sympy.Rational(v.numerator, v.denominator) for s, v in values.items()}
    orders = ORDERS if free.support_min != 0 and not isinstance(free, ZeroTruncatedNegativeBinomial) else range(1, 9)
    pairs = [(free.moment(p), given.moment(p)) for p in orders]
    if not isinstance(free, Constant):
        pairs += [(free.pmf(k), given.pmf(k)) for k in (1, 2, 5)]
    for symbolic, numeric in pairs:
        assert mpmath.almosteq(symbolic.evalf(30, subs=at), float(numeric), rel_eps=1e-12)


def true_moment(law, p):
    """E[N^p] by the definition, in 60 digits: special functions for the normalisation, a direct sum otherwise."""
    with mpmath.workdps(60):
        if isinstance(law, ZeroTruncatedPoisson):
            rate = mpmath.mpf(law.rate.numerator) / law.rate.denominator
            mass = mpmath.expm1(rate)
            total, term, k = mpmath.mpf(0), mpmath.mpf(1), 0
            while k < 3 * rate + 400:
                k += 1
                term = term * rate / k
                total += term * mpmath.mpf(k) ** p
            return total / mass
        if isinstance(law, Geometric):
            success = mpmath.mpf(law.p.numerator) / law.p.denominator
            return success / (1 - success) * mpmath.polylog(-p, 1 - success)
        mean = mpmath.mpf(law.parameters["mean"].numerator) / law.parameters["mean"].denominator
        shape = mpmath.mpf(law.parameters["shape"].numerator) / law.parameters["shape"].denominator
        q = mean / (mean + shape)
        first = (1 - q) ** shape
        total, term, k = mpmath.mpf(0), first, 0
        while k < 5000:
            term = term * (shape + k) * q / (k + 1)
            k += 1
            total += term * mpmath.mpf(k) ** p
        return total / (1 - first)


@pytest.mark.parametrize(
    "law",
    [
        ZeroTruncatedPoisson(3),
        ZeroTruncatedPoisson("1/1000"),
        ZeroTruncatedPoisson(200),
        Geometric("1/3"),
        Geometric("1/50"),
        ZeroTruncatedNegativeBinomial(4, 2),
        ZeroTruncatedNegativeBinomial("5/2", "1/3"),
        ZeroTruncatedNegativeBinomial(30, "21/2"),
    ],
    ids=repr,
)
def test_the_error_bound_holds_and_is_small(law):
    for p in ORDERS:
        moment, truth = law.moment(p), true_moment(law, p)
        with mpmath.workdps(60):
            if isinstance(moment, Fraction):
                assert abs(mpmath.mpf(moment.numerator) / moment.denominator / truth - 1) < mpmath.mpf(10) ** -40
            else:
                assert abs(mpmath.mpf(moment.value) - truth) <= mpmath.mpf(moment.bound)
                assert moment.bound <= 1.2e-16 * abs(moment.value)


def test_a_moment_that_is_rational_is_exact():
    exact = [Poisson("5/2"), Geometric("1/3"), NegativeBinomial("5/2", "1/3"), ZeroTruncatedNegativeBinomial(4, 2)]
    assert all(isinstance(law.moment(p), Fraction) for law in exact for p in range(1, 9))
    assert Finite({1: "1/2", 3: "1/2"}).moment(-1) == Fraction(2, 3)
    assert Empirical([3, 2, 2]).moment(-1) == Fraction(4, 9)
    assert NegativeBinomial(3, 2).pmf(1) == Fraction(2, 5) ** 2 * 2 * Fraction(3, 5)
    assert NegativeBinomial(3, 2).moment(2) == 3 + 9 + Fraction(9, 2)
    assert Geometric(1).moment(-1) == 1


def test_shapes_have_their_known_third_and_fourth_cumulants():
    v = Fraction(4)  # a square, so that odd orders are rational too
    table = [
        (Normal(5, 7), 0, 0),
        (Uniform(-1, 2), 0, Fraction(-6, 5)),
        (Exponential(3), 2, 6),
        (TwoPoint(), 0, -2),
        (TwoPoint("3/2"), Fraction(3, 2), Fraction(9, 4) - 2),
        (StudentT(7), 0, Fraction(6, 3)),
    ]
    for law, skewness, excess in table:
        assert law.cumulant(3, v) == skewness * 8
        assert law.cumulant(4, v) == excess * 16
    assert [Exponential(2).cumulant(k) for k in range(1, 9)] == [2**k * sympy.factorial(k - 1) for k in range(1, 9)]


@pytest.mark.parametrize("sigma", ["1/10", "1/2", "1"])
def test_lognormal_cumulants_are_bounded(sigma):
    with mpmath.workdps(60):
        s = mpmath.mpf(Fraction(sigma).numerator) / Fraction(sigma).denominator
        w = mpmath.exp(s**2)
        skewness = (w + 2) * mpmath.sqrt(w - 1)
        excess = w**4 + 2 * w**3 + 3 * w**2 - 6
        law = LogNormal(sigma)
        for order, standard in ((3, skewness), (4, excess)):
            found = law.cumulant(order, "2/3")
            truth = standard * (mpmath.mpf(2) / 3) ** (mpmath.mpf(order) / 2)
            assert abs(mpmath.mpf(found.value) - truth) <= mpmath.mpf(found.bound) < 1e-13 * abs(truth)


def test_moments_that_do_not_exist_are_refused():
    for law in (Normal(), Uniform(1, 2), Exponential(), TwoPoint(), StudentT()):
        with pytest.raises(Exception, match="does not exist"):
            law.moment(-1)
    with pytest.raises(Exception, match="below its degrees of freedom"):
        StudentT(4).moment(4)
    with mpmath.workdps(40):  # a lognormal law has negative moments
        inverse = LogNormal(1).moment(-1)
        assert abs(inverse.value - mpmath.exp(mpmath.mpf("0.5"))) <= inverse.bound


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Poisson(0), "must be positive"),
        (lambda: Poisson("three"), "must be a number"),
        (lambda: Poisson(float("nan")), "must be finite"),
        (lambda: Poisson(True), "must be a number"),
        (lambda: Geometric("3/2"), "mean size is 1/p"),
        (lambda: Constant(-1), "whole number"),
        (lambda: Constant("1/2"), "whole number"),
        (lambda: NegativeBinomial(3, -1), "must be positive"),
        (lambda: Finite({}), "no values"),
        (lambda: Finite({1: "1/2", 2: "1/3"}), "sum to 5/6"),
        (lambda: Finite({1: 0.5, 2: 0.5}), "must be exact"),
        (lambda: Finite({1: "3/2", 2: "-1/2"}), "is negative"),
        (lambda: Uniform(1, 1), "low < high"),
        (lambda: StudentT(2), "more than 2 degrees"),
        (lambda: Empirical([2, -1]), "whole number"),
    ],
)
def test_laws_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ModelError, match=message):
        wrong()


def test_a_float_counts_as_the_decimal_that_was_typed():
    assert Poisson(0.1).moment(1) == Fraction(1, 10)
    assert Poisson("0.1") == Poisson(0.1) == Poisson("1/10")


def test_arithmetic_with_bounds_keeps_the_true_value_inside():
    third = BoundedFloat(0.3333, 0.0001)
    assert (third + Fraction(2, 3)).contains(1)
    assert (2 - third).contains(Fraction(5, 3))
    assert (third * -3).contains(-1)
    assert (Fraction(1) / third).contains(3)
    assert (third**2).contains(Fraction(1, 9))
    assert (third**-1).contains(3)
    assert (third / third).contains(1)
    assert not (third * 3).contains(Fraction(11, 10))
    with pytest.raises(ZeroDivisionError):
        1 / BoundedFloat(0.0, 0.1)
