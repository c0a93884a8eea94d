"""Term objects: their algebra and their text."""

import pytest

import momentalg as ma


def test_products_and_powers_have_the_text_of_formulas():
    x, z, n, one = ma.Covariate("x"), ma.Covariate("z"), ma.Size("user"), ma.Intercept()
    assert [t.text for t in (x, z, n, one)] == ["x", "z", "size(user)", "1"]
    assert [t.text for t in (x * n, n * x, x**2, x * x * z, n**2, x * one, one**3)] == [
        "x:size(user)",
        "x:size(user)",
        "I(x**2)",
        "I(x**2):z",
        "I(size(user)**2)",
        "x",
        "1",
    ]
    assert x * z == z * x
    assert (x * z) ** 2 == x**2 * z**2


def test_odd_names_are_quoted():
    assert ma.Covariate("x*z").text == "`x*z`"
    assert ma.Size("my user").text == "size(`my user`)"
    assert ma.Size("a:b").text == "size(a:b)"
    assert ma.Size("`a:b`").text == "size(`a:b`)"


@pytest.mark.parametrize("exponent", [0, -1, 0.5, True, "2"])
def test_powers_are_whole(exponent):
    with pytest.raises(ma.ModelError, match="whole powers from 1 up"):
        ma.Covariate("x") ** exponent


def test_terms_are_multiplied_by_terms():
    with pytest.raises(ma.ModelError, match="coefficients are estimated"):
        ma.Covariate("x") * 2
