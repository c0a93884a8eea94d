"""Moment systems and solutions as people read them."""

from __future__ import annotations

import xml.dom.minidom

import pytest

import momentalg as ma
from momentalg.moments.view import NUMERICAL

ONE_WAY = ma.Model("y ~ 1 + (1 | user)").moment_equations()
ODD = ma.Model("`<b>` ~ 1 + `a_b%` + (1 | `\\input{x}`)").moment_equations()
PRODUCTS = ma.Model("y ~ 1 + x + (1 | user)").moment_equations("totals")


def test_one_way_in_text():
    text = " ".join(ONE_WAY.text().split())
    assert "SSE = T_all - sum_i S_i^2/N_i [cost: linear in the levels]" in text
    assert "E[R | design] = (n - (sum_i N_i^2)/n) var(1|user) + (r - 1) var(residual)" in text
    assert "E[SSE | design] = (n - r) var(residual)" in text
    assert "Means: the mean parameters do not occur in these equations." in text


def test_the_solution_in_the_order_of_computation():
    text = " ".join(ONE_WAY.solve().text().split())
    residual = text.index("hat(var(residual)) = SSE/(n - r)")
    assert residual < text.index("hat(var(1|user)) = (R - (r - 1) hat(var(residual)))/(n - (sum_i N_i^2)/n)")
    assert "hat(Intercept) = S_all/n" in text


@pytest.mark.parametrize("system", [ONE_WAY, ODD, PRODUCTS])
def test_every_view_is_sound(system):
    for shown in (system, system.solve()):
        xml.dom.minidom.parseString(shown.html().replace("<br>", "<br/>"))
        assert shown.latex().isascii()
        assert shown.latex().count("{") == shown.latex().count("}")
        assert "<b>" not in shown.html()
        assert "\\input{x}" not in shown.latex()
        assert shown._repr_markdown_() == shown.markdown()
        assert shown._repr_html_().endswith(shown.html())


def test_means_that_are_unknowns_are_said_to_be():
    assert "products of mean parameters are unknowns" in PRODUCTS.text()
    plugged = ma.Model("y ~ 1 + (1 | user)").moment_equations("totals", means="plug-in")
    assert "biased" in plugged.text()


def test_what_is_too_long_to_read_is_not_written_out():
    found = ma.Model("y ~ 1 + x + z + (1 | user)").moment_equations().solve()
    assert NUMERICAL in " ".join(found.text().split())
    assert "hat(var(residual)) = " in " ".join(found.text().split())


def test_reprs_are_short():
    shown = "<MomentSystem of y ~ 1 + (1 | user): statistics G[Intercept], R, SSE; "
    assert repr(ONE_WAY) == shown + "unknowns Intercept, var(1|user), var(residual)>"
    assert repr(ONE_WAY.solve()).splitlines()[1] == "hat(var(residual)) = SSE/(n - r)"


def test_projections_are_explained_where_they_occur():
    with_x = ma.Model("y ~ 1 + x + (1 | user)").moment_equations()
    said = "P projects on what is orthogonal to the columns in its index"
    assert all(said in view for view in (with_x.text(), with_x.latex(), with_x.markdown(), with_x.html()))
    assert said not in ma.Model("y ~ 1 + (1 | user)").moment_equations().text()
