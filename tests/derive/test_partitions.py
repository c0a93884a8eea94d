"""The table of partitions: its rows add up to the result, and say what is shared and what it costs."""

from __future__ import annotations

import pytest

import momentalg as ma
from momentalg.errors import RuleError, UnsupportedError

MODEL = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
y, DESIGN = MODEL.y, {"given": ma.design}
SQUARES, WHOLE = MODEL.total(y**2), MODEL.total(y)
U = {f: SQUARES - ma.over(f, MODEL.total(y, by=f) ** 2 / MODEL.size(f)) for f in "ab"}
U["e"] = MODEL.size() * SQUARES - WHOLE**2


@pytest.mark.parametrize("pair", ["aa", "ab", "ae", "bb", "be", "ee"])
def test_the_six_moments_of_the_u_statistics(pair):
    derivation = MODEL.cov(U[pair[0]], U[pair[1]], **DESIGN)
    assert derivation.verify()
    table = derivation.partitions()
    assert {row.blocks for row in table.rows} == {((1, 1, 2, 2),), ((1, 2), (1, 2))}
    dear = [row for row in table.rows if row.cost.indices]
    assert [row.shares for row in dear] == _dear(pair)


def _dear(pair: str) -> list[tuple[str, str]]:
    """Within rows columns are shared twice: the four-cycle."""
    return {"aa": [("b", "b")], "bb": [("a", "a")]}.get(pair, [])


def test_rows_of_the_table():
    table = MODEL.var(U["a"], **DESIGN).partitions()
    lines = repr(table).splitlines()
    assert lines[0].split() == ["blocks", "share", "parameters", "design", "total", "cost"]
    assert len(lines) == 6
    four_cycle = next(line for line in lines if "b, b" in line)
    assert "12 | 12" in four_cycle
    assert "2 sum_{i,k,j,l} n_ij n_il n_kj n_kl/(N_i N_k)" in four_cycle
    assert "sparse product over 3 indices" in four_cycle


def test_means_stand_in_blocks_of_their_own():
    table = MODEL.mean(SQUARES, **DESIGN).partitions()
    assert [(row.blocks, row.shares) for row in table.rows][-1] == (((1,), (1,)), ("mean", "mean"))


def test_views_of_the_table():
    derivation = MODEL.var(U["a"], **DESIGN)
    table = derivation.partitions()
    assert table._repr_markdown_().count("\n") == 7
    assert r"12 \| 12" in table._repr_markdown_()
    assert "<details><summary>Table of partitions</summary>" in derivation.html()
    assert table.html() == table._repr_html_()
    assert "<details>" not in MODEL.var(MODEL.total(y, by="a"), **DESIGN).html()


def test_slopes_and_one_factor_have_tables_too():
    model = ma.Model("y ~ 1 + x + (1 + x | a)")
    derivation = model.var(model.total(model.y**2, by="a"), **DESIGN)
    shares = {row.shares for row in derivation.partitions().rows}
    assert {("a",), ("residual",), ("a", "a"), ("a", "mean")} <= shares


def test_only_results_given_the_design_have_a_table():
    model = ma.Model("y ~ 1 + (1 | a)")
    with pytest.raises(UnsupportedError, match=r"given=ma\.design"):
        model.var(model.total(model.y, by="a")).partitions()


def test_a_result_that_is_not_the_sum_is_found_out():
    from dataclasses import replace

    derivation = MODEL.var(U["a"], **DESIGN)
    wrong = replace(derivation, polynomial=derivation.polynomial.scale(2))
    with pytest.raises(RuleError, match="does not add up"):
        wrong.partitions()
