"""Denominators of a level cancel where they divide what stands above them."""

from __future__ import annotations

from fractions import Fraction

import momentalg as ma
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.reduction import reduced
from momentalg.cumulants.translate import translate
from momentalg.expr.nodes import ONE, Over, Size, Total, Value, Variable

MODEL = ma.Model("y ~ 1 + (1 | user)").resolved
USER = ("user",)
N = Size(USER)
x = Value(Variable("column", "x"))
THETA = Fraction(3, 2)


def value(node):
    return reduced(joint_cumulant([translate(node, MODEL)], MODEL), MODEL)


def same(left, right):
    return value(left) == value(right)


def test_a_size_over_one_plus_it():
    """N/(1 + N theta) and 1/(1 + N theta) add up: theta N/(1 + N theta) + 1/(1 + N theta) = 1, level by level."""
    weight = 1 / (1 + THETA * N)
    assert same(Over(USER, THETA * N * weight) + Over(USER, weight), Over(USER, ONE))
    assert same(Over(USER, N**2 * weight), Over(USER, N) / THETA - Over(USER, N * weight) / THETA)
    assert same(Over(USER, (1 + THETA * N) ** 2 * weight**2), Over(USER, ONE))


def test_what_is_not_over_it_stays():
    weight = 1 / (1 + THETA * N)
    assert not same(Over(USER, weight), Over(USER, weight**2))
    assert value(Over(USER, weight)) == joint_cumulant([translate(Over(USER, weight), MODEL)], MODEL)


def test_a_determinant_of_totals():
    """With D = N S2 - S1^2: sum (N S2 - S1^2)/D counts the levels, for whatever S1 and S2."""
    first, second = Total(x, USER), Total(x**2, USER)
    below = N * second - first**2
    assert same(Over(USER, (N * second - first**2) / below), Over(USER, ONE))
    assert same(Over(USER, second * (N * second - first**2) / below**2), Over(USER, second / below))
    assert not same(Over(USER, N * second / below), Over(USER, ONE))
