"""The text of a polynomial orders the denominators of results: it must not depend on the process."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

from momentalg.cumulants.polynomial import Polynomial
from tests.imports import ROOT

DENOMINATORS = """
import momentalg as ma
from momentalg.cumulants.polynomial import Polynomial
from momentalg.expr.nodes import Levels
from momentalg.expr.text import text

print(repr(Polynomial((frozenset({(a, 1), (b, 2)}), 1) for a in "abc" for b in "xyz")))
model = ma.Model("y ~ 1 + (1 | user)")
n, m, N, G = model.size(), Levels(("user",)), model.size("user"), model.total(model.y)
one, two, three = n - m, n**2 - ma.over("user", N**2), n * m + 1
print(text(model.mean(G**2 / (one * two * three) + G / (two * three), given=ma.design).node))
"""


def output(seed):
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", DENOMINATORS]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout


def test_texts_and_results_do_not_depend_on_hashes():
    first = output(1)
    assert first.count("<Polynomial") == 1
    assert all(output(seed) == first for seed in (2, 3, 4))


def test_texts_tell_polynomials_apart():
    x, y = Polynomial.symbol("x"), Polynomial.symbol("y", 2)
    assert repr(x + y) == repr(y + x)
    assert len({repr(p) for p in (x, y, x + y, x - y, x * y, x.scale(Fraction(1, 2)), Polynomial())}) == 7


def test_the_text_of_a_polynomial_by_hand():
    """Terms and factors are sorted by their texts, the number of a term comes first, and no terms are 0."""
    powers = frozenset((symbol, 1 + n) for n, symbol in enumerate("hgfedcba"))
    shown = " ".join(f"('{symbol}', {8 - n})" for n, symbol in enumerate("abcdefgh"))
    terms = [(frozenset({("z", -1)}), Fraction(-2, 3)), (powers, Fraction(4)), (frozenset(), Fraction(1, 2))]
    wanted = f"<Polynomial 1/2 + 4 {shown} + -2/3 ('z', -1)>"
    assert repr(Polynomial(terms)) == repr(Polynomial(reversed(terms))) == wanted
    assert repr(Polynomial()) == "<Polynomial 0>"
