"""Derivations in a terminal: within the width, nothing lost, broken only between terms, laws at the right."""

from __future__ import annotations

import re

import pytest

import momentalg as ma

MODEL = ma.Model("y ~ 1 + x + size(user) + (1 | user)")
S = MODEL.total(MODEL.y, by="user")


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("found", [MODEL.var(S), MODEL.moment_equations()], ids=["derivation", "system"])
def test_only_what_cannot_be_broken_is_wider(found, width):
    for row in found.text(width).splitlines():
        inside = row.strip().removeprefix("= ")
        assert len(row) <= width or not re.search(r" [+-] ", inside.partition("    [")[0]), row


def test_narrow_and_wide_say_the_same():
    narrow, wide = MODEL.var(S).text(60), MODEL.var(S).text(10_000)
    assert squeezed(narrow) == squeezed(wide)
    assert len(narrow.splitlines()) > len(wide.splitlines())


def test_lines_are_broken_before_signs():
    for row in MODEL.var(S).text(70).splitlines():
        if re.match(r" {6}[^ ]", row):
            assert row.strip()[0] in "+-"


def test_laws_end_at_the_right():
    rows = [row for row in MODEL.var(S).text(120).splitlines() if row.endswith("]") and "= " in row]
    assert rows
    assert {len(row) for row in rows if row.endswith("[definition]")} == {120}


def test_a_single_equality_stands_on_one_line():
    text = ma.Model("y ~ 1 + (1 | user)").moment_equations().text()
    assert "  E[SSE | design] = (n - r) var(residual)" in text.splitlines()
