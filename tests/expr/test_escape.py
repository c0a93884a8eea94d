"""User text is harmless wherever it is printed."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentalg.expr.escape import escape_html, escape_latex, escape_text

NASTY = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("\\{}$&#%_^~`'\"<>|-\n\r\t\x1b\u202eéßαł")), max_size=30
)


def balanced(code: str) -> bool:
    """Whether the braces of LaTeX code pair up; an escaped brace is a character."""
    depth = 0
    for brace in re.findall(r"\\.|[{}]", code):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            return False
    return depth == 0


@given(NASTY)
def test_latex_is_ascii_balanced_and_without_raw_specials(text: str) -> None:
    code = escape_latex(text)
    assert code.isascii()
    assert code.isprintable()
    assert balanced(code)
    assert not re.search(r"(?<!\\)[$&#%_]", code.replace("\\\\", ""))
    commands = set(re.findall(r"\\([A-Za-z]+|.)", code))
    known = {
        "textbackslash",
        "textasciicircum",
        "textasciitilde",
        "textless",
        "textgreater",
        "textbar",
        "char",
        "ensuremath",
    }
    accents = set("`'^~\"rvc=.uHij{}$&#%_")
    letters = {"ss", "ae", "oe", "o", "l", "AE", "OE", "O", "L"}
    greek = {c for c in commands if len(c) > 1} - known - letters
    assert commands - known - letters - greek <= accents
    assert all(f"\\ensuremath{{\\{c}}}" in code for c in greek)


@given(NASTY)
def test_html_holds_the_text_and_no_markup(text: str) -> None:
    element = ET.fromstring(f'<p title="{escape_html(text)}">{escape_html(text)}</p>')
    assert len(element) == 0
    assert (element.text or "") == element.get("title") == escape_text(text)


@given(NASTY)
def test_a_terminal_line_stays_one_line_without_controls(text: str) -> None:
    assert escape_text(text).isprintable()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("plain name", "plain name"),
        ("a_b", r"a\_b"),
        ("été", r"{\'{e}}t{\'{e}}"),
        ("naïve", r"na{\"{\i}}ve"),
        ("groß", r"gro\ss{}"),
        ("βeta", r"\ensuremath{\beta}eta"),
        ("中", "[U+4E2D]"),
        ("a\nb", r"a\textbackslash{}nb"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
    ],
)
def test_latex_examples(text: str, code: str) -> None:
    assert escape_latex(text) == code
