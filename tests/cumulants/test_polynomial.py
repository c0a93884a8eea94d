"""Arithmetic of polynomials against arithmetic of their values."""

from __future__ import annotations

import pickle
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from momentalg.cumulants.evaluate import total_value
from momentalg.cumulants.polynomial import ONE, ZERO, Polynomial, times

POINT = {"a": Fraction(2), "b": Fraction(-3, 2), "c": Fraction(5, 7)}
NUMBERS = st.fractions(-4, 4, max_denominator=6)
MONOMIALS = st.dictionaries(st.sampled_from(sorted(POINT)), st.integers(-2, 3).filter(bool)).map(
    lambda powers: frozenset(powers.items())
)
POLYNOMIALS = st.lists(st.tuples(MONOMIALS, NUMBERS), max_size=5).map(Polynomial)


def value(polynomial):
    return total_value(polynomial, POINT.__getitem__)


@given(POLYNOMIALS, POLYNOMIALS, NUMBERS, st.integers(0, 3))
def test_values_are_kept(p, q, number, exponent):
    assert value(p + q) == value(p) + value(q)
    assert value(p - q) == value(p) - value(q)
    assert value(p * q) == value(p) * value(q)
    assert value(p.scale(number)) == number * value(p)
    assert value(p**exponent) == value(p) ** exponent


@given(POLYNOMIALS, POLYNOMIALS)
def test_equal_polynomials_are_equal_and_have_equal_hashes(p, q):
    assert (p + q) - q == p
    assert hash((p + q) - q) == hash(p)
    assert p * q == q * p
    assert p * ONE == p
    assert not p - p
    assert p - p == ZERO
    assert all(p.terms.values())
    assert (p == q) == (p.terms == q.terms)
    assert p != str(p)


@given(POLYNOMIALS)
def test_hashes_tell_polynomials_apart(p):
    assert len({p, p + ONE, p.scale(2) + ONE}) == (3 if p else 2)
    assert hash(p) != hash(p + Polynomial.symbol("d", 4))


@given(POLYNOMIALS, POLYNOMIALS)
def test_parts_and_substitutions_put_together_are_the_whole(p, q):
    parts = p.split(lambda symbol: symbol == "a")
    assert all("a" not in rest.symbols() and {s for s, _ in inner} <= {"a"} for inner, rest in parts.items())
    assert sum((Polynomial({inner: 1}) * rest for inner, rest in parts.items()), ZERO) == p
    swapped = p.substitute(lambda symbol, power: q if (symbol, power) == ("b", 1) else None)
    expected = ZERO
    for monomial, coefficient in p.terms.items():
        rest = Polynomial({monomial - {("b", 1)}: coefficient})
        expected += rest * q if ("b", 1) in monomial else rest
    assert swapped == expected


@given(MONOMIALS, MONOMIALS)
def test_products_of_monomials(a, b):
    powers = dict(times(a, b))
    assert all(powers.values())
    for symbol in POINT:
        assert powers.get(symbol, 0) == dict(a).get(symbol, 0) + dict(b).get(symbol, 0)


def test_a_symbol_is_to_the_power_one():
    assert value(Polynomial.symbol("a")) == POINT["a"]
    assert value(Polynomial.symbol("b", -2)) == POINT["b"] ** -2


@given(POLYNOMIALS)
def test_copies_are_equal_and_have_no_hash_of_another_process(p):
    hash(p)
    copy = pickle.loads(pickle.dumps(p))
    assert copy == p
    assert copy._hash is None
