"""Quoting, and the names of factors."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from momentalg.errors import ModelError
from momentalg.expr.names import join_factor, quote, split_factor
from momentalg.model.formula import parse_key
from momentalg.model.syntax import Name

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@pytest.mark.parametrize("name", ["x", "_x", "x1", "Sepal.Length", "a.1", "é", "变量", "lambda", "E", "size", "k3"])
def test_plain_names_stand_for_themselves(name):
    assert quote(name) == name


@pytest.mark.parametrize("name", ["1", "1x", "", "x.", ".x", "a..b", "a b", "x\n", "x:z", "Intercept", "residual", "`"])
def test_other_names_are_quoted(name):
    assert quote(name) == "`" + name.replace("`", "``") + "`"


@given(names)
def test_a_quoted_name_reads_back(name):
    assert parse_key(quote(name)) == Name(name)


@given(st.lists(names, min_size=1, max_size=3, unique=True))
def test_a_factor_reads_back_from_its_name(columns):
    assert split_factor(join_factor(tuple(columns))) == tuple(columns)


@given(names)
def test_a_column_that_needs_no_quotes_as_a_factor_stands_for_itself(name):
    assume(not {":", "`"} & set(name))
    assert split_factor(name) == (name,)


@pytest.mark.parametrize("name", ["", ":", "a:", ":a", "a::b", "`a", "a`b", "``", "`a`b", "`a`:"])
def test_what_is_no_factor(name):
    with pytest.raises(ModelError, match="cannot read the factor name"):
        split_factor(name)


def test_a_factor_names_a_column_once():
    with pytest.raises(ModelError, match="repeats a column"):
        split_factor("a:b:a")
