"""The kept tables of the grammar: current, and the same parser as one made anew."""

import json

import lark
import pytest

from momentalg.model import grammar
from momentalg.model.formula import _Builder

FORMULAS = [
    "y ~ 1 + x + (1 | user)",
    "y ~ 0 + I(x**-2*z/3) + log(a) - `b c`:d %in% e + (1 + x || a/b)",
    "y ~ (a + b)^2 - -1 + size(a:b)",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_kept_tables_make_the_parser_of_the_grammar(text):
    kept, new = grammar.parser(_Builder()), grammar.build(_Builder())
    assert kept.parse(text, start="formula") == new.parse(text, start="formula")


def test_kept_tables_are_current():
    version, fingerprint = json.loads(grammar._TABLES.read_text())["made from"]
    assert fingerprint == grammar._origin()[1], "run: python -c 'from momentalg.model.grammar import keep; keep()'"
    assert version.split(".")[0] == lark.__version__.split(".")[0]


def test_tables_of_another_grammar_are_not_used(tmp_path, monkeypatch):
    changed = grammar._GRAMMAR.read_text().replace('"%in%"', '"%of%"')
    monkeypatch.setattr(grammar, "_GRAMMAR", tmp_path / "grammar.lark")
    grammar._GRAMMAR.write_text(changed)
    assert grammar.parser(_Builder()).parse("y ~ a %of% b", start="formula")


def test_keep_writes_what_parser_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(grammar, "_TABLES", tmp_path / "grammar.json")
    grammar.keep()
    monkeypatch.setattr(grammar, "build", None)  # the tables must do
    assert grammar.parser(_Builder()).parse(FORMULAS[0], start="formula")
