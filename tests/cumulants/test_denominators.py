"""Named denominators: exact quotients cancel, anything else stays as it is, and values never change."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import momentalg as ma
from momentalg.cumulants.denominators import cancelled, divide
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import What
from momentalg.cumulants.totals import single

LETTERS = "abc"
monomials = st.dictionaries(st.sampled_from(LETTERS), st.integers(-2, 3).filter(bool), max_size=3).map(
    lambda powers: frozenset(powers.items())
)
polynomials = st.dictionaries(monomials, st.integers(-3, 3).filter(bool).map(Fraction), min_size=1, max_size=4).map(
    Polynomial
)


@given(polynomials, polynomials)
def test_a_product_divides_by_its_factor(quotient, divisor):
    assert divide(quotient * divisor, divisor) == quotient


@given(polynomials, polynomials)
def test_a_quotient_times_the_divisor_is_the_dividend(dividend, divisor):
    quotient = divide(dividend, divisor)
    if quotient is not None:
        assert quotient * divisor == dividend


def test_what_does_not_divide_stays():
    a, b = Polynomial.symbol("a"), Polynomial.symbol("b")
    assert divide(a * a + b, a + b) is None


@pytest.mark.parametrize("power", [1, 2, 3])
def test_powers_of_a_denominator_cancel_one_by_one(power):
    n, r = (Polynomial.symbol(single((), What("value", (), name))) for name in "nr")
    divisor = n - r
    named = single((), What("named", (), divisor))
    numerator = divisor**2 * Polynomial.symbol("var(residual)")
    left = cancelled(numerator * Polynomial.symbol(named, -power))
    expected = divisor ** max(2 - power, 0) * Polynomial.symbol("var(residual)")
    if power > 2:
        expected = expected * Polynomial.symbol(named, 2 - power)
    assert left == expected


def test_the_anova_estimators_are_derived_to_be_unbiased():
    model = ma.Model("y ~ 1 + (1 | user)")
    y, N = model.y, model.size("user")
    S, r, n = model.total(y, by="user"), ma.over("user", 1), model.size()
    within = model.total(y**2) - ma.over("user", S**2 / N)
    between = ma.over("user", S**2 / N) - model.total(y) ** 2 / n
    residual = within / (n - r)
    effect = (between - (r - 1) * residual) / (n - ma.over("user", N**2) / n)
    for estimator, key in ((residual, "var(residual)"), (effect, "var(1|user)")):
        derivation = model.mean(estimator, given=ma.design)
        assert derivation.result == model.parameter(key)
        assert derivation.verify()


def test_the_within_slope_is_derived_to_be_unbiased_with_its_variance():
    model = ma.Model("y ~ 1 + x + (1 | user)")
    y, x, N = model.y, model.covariate("x"), model.size("user")
    S, Sx = model.total(y, by="user"), model.total(x, by="user")
    Dxx = model.total(x**2) - ma.over("user", Sx**2 / N)
    slope = (model.total(x * y) - ma.over("user", Sx * S / N)) / Dxx
    assert model.mean(slope, given=ma.design).result == model.parameter("x")
    variance = model.var(slope, given=ma.design)
    rows = {"user": ["a", "a", "b", "b", "b"], "x": [0, 1, 2, 4, 6]}
    pandas = pytest.importorskip("pandas")
    value = variance.evaluate(parameters={"var(residual)": 3, "var(1|user)": 5}, data=pandas.DataFrame(rows))
    assert value == Fraction(3) / (Fraction(1, 2) + 8)  # s_e^2 / D_xx
