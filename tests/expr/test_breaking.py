"""Lines of formulas: each fits if it can, in both languages at the same places, and nothing is lost."""

from __future__ import annotations

import re
import xml.dom.minidom

import pytest

from momentalg.expr.breaking import latex_lines, mathml_lines
from momentalg.expr.latex import latex
from momentalg.expr.measure import measure
from momentalg.expr.nodes import E, Node, Noise, Parameter, Pow, Size, Sum, Var, add, mul
from momentalg.expr.notation import Notation

N = Size(("user",))
COMPONENTS = (Parameter("var(1|user)"), Parameter("var(residual)"), Parameter("Intercept"))
LONG = add(*(mul(N**p, c) for p in range(1, 6) for c in COMPONENTS))
SUM = Sum("j", add(LONG, Noise("j")), ("user",))
FORMULAS: dict[str, Node] = {
    "sum": LONG,
    "mean": add(E(LONG), N),
    "sum over observations": add(N, SUM),
    "nested": E(mul(N, add(N, mul(N, add(LONG, Var(SUM, (N,))))))),
    "product": mul(LONG, N, SUM),
}
WIDTH = 30


def bare(code: str) -> str:
    """LaTeX without what fences may differ in: their size and space."""
    code = re.sub(r"\\(left|right|[bB]igg?[lr])(?![a-z])|\\,|\\!|\\middle|\s", "", code)
    return code.replace(r"\mid", "|").replace("{}", "")


@pytest.fixture(params=FORMULAS)
def formula(request):
    return FORMULAS[request.param]


def test_lines_fit(formula):
    lines = latex_lines(formula, Notation.read_from(formula), WIDTH)
    assert len(lines) > 1
    assert max(measure(line) for line in lines) <= WIDTH * 1.35  # a piece that cannot be broken may stand out


def test_nothing_is_lost(formula):
    notation = Notation.read_from(formula)
    assert bare("".join(latex_lines(formula, notation, WIDTH))) == bare(latex(formula, notation))


def test_mathml_breaks_at_the_same_places(formula):
    notation = Notation.read_from(formula)
    lines, rows = latex_lines(formula, notation, WIDTH), mathml_lines(formula, notation, WIDTH)
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        parsed = xml.dom.minidom.parseString(row)
        signs = [e.firstChild.data for e in parsed.getElementsByTagName("mo") if e.getAttribute("form") == "infix"]
        assert len(signs) == len(re.findall(r"(?<!\{)[+-]", line))


def test_lines_after_the_first_begin_with_their_sign(formula):
    first, *rest = latex_lines(formula, Notation.read_from(formula), WIDTH)
    assert not first.startswith(("+", "-"))
    assert all(line.startswith(("+", "-")) for line in rest)


def test_no_mark_is_left(formula):
    notation = Notation.read_from(formula)
    for line in (*latex_lines(formula, notation, WIDTH), *mathml_lines(formula, notation, WIDTH)):
        assert not any(0xE000 <= ord(character) <= 0xF8FF for character in line)


def test_what_fits_stays_on_one_line():
    notation = Notation.read_from(LONG)
    assert latex_lines(LONG, notation, 1000) == [latex(LONG, notation)]


@pytest.mark.parametrize("inside", [Pow(LONG, 2), mul(N, Pow(LONG, 3))])
def test_powers_stay_whole(inside):
    assert len(latex_lines(inside, Notation.read_from(inside), WIDTH)) == 1


def test_marked_terms():
    found = mathml_lines(LONG, Notation.read_from(LONG), 1000, marked=(1, 2))
    assert found[0].count('class="acted"') == 2


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("x", "xx"),
        ("x_{i}", "xi"),
        (r"\alpha", r"\alpha \beta"),
        (r"\frac{aa}{bbb}", "aabbb"),
        (r"x_{aa}^{bb}", "x_{aabb}"),
        (r"\sum_{i} x", r"\sum_{iiiiiiiiii} x"),
        ("ab", "a+b"),
        (r"\mathrm{design}", r"\mathrm{a design}"),
        (r"\operatorname{E}[x]", r"\operatorname{Var}[x]"),
    ],
)
def test_measure_orders_by_width(narrow, wide):
    assert 0 < measure(narrow) < measure(wide)


@pytest.mark.parametrize("size", [r"\left", r"\bigl", r"\biggl"])
def test_measure_does_not_count_commands(size):
    assert measure(f"{size}( x") == measure("(x")


RATIOS = {"above": mul(LONG, N**-1), "below": mul(N, LONG**-1), "sum over": Sum("j", mul(LONG, N**-2), ("user",))}


@pytest.mark.parametrize("name", RATIOS)
def test_a_fraction_of_long_sums_breaks_beside_a_slash(name):
    formula = RATIOS[name]
    notation = Notation.read_from(formula)
    lines, rows = latex_lines(formula, notation, WIDTH), mathml_lines(formula, notation, WIDTH)
    assert len(lines) == len(rows) > 2
    assert "/" in "".join(lines)
    assert "frac" not in "".join(lines) + "".join(rows)
    assert max(measure(line) for line in lines) <= WIDTH * 1.35
    for row in rows:
        xml.dom.minidom.parseString(row)
    short = mul(add(N, Parameter("Intercept")), N**-1)  # two terms stay on the bar
    assert latex_lines(short, notation, 3) == [latex(short, notation)]
