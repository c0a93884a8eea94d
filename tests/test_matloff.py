"""The equations of Matloff's talk (JSM 2016), by the public names alone: everything is random, the sizes included."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest
import sympy

import momentalg as ma

ONE_WAY = "y ~ 1 + (1 | user)"
COVARIATE = "y ~ 1 + X + (1 | user)"


def total_and_size(model):
    return model.total(model.y, by="user"), model.size("user")


def equal(derived, published):
    return sympy.expand(derived - published) == 0


@pytest.fixture(scope="module")
def one_way():
    return ma.Model(ONE_WAY)


def symbols(model, *keys):
    return [model.parameter(key) for key in keys]


# -- the one-way layout ------------------------------------------------------------------------------------------------


def test_given_the_size(one_way):
    S, N = total_and_size(one_way)
    d = one_way.var(S, given=[N])
    assert d.verify()
    frame = pd.DataFrame({"user": ["a"] * 1 + ["b"] * 4})
    values = d.evaluate(parameters={"var(1|user)": "1/2", "var(residual)": "1/3"}, data=frame)
    assert list(values) == [n**2 * Fraction(1, 2) + n * Fraction(1, 3) for n in (1, 4)]


@pytest.mark.parametrize("via", [(), ("size",), ("user",), ("user", "size")])
def test_the_variance_of_a_total_by_every_order_of_the_total_laws(one_way, via):
    S, N = total_and_size(one_way)
    mu, var_a, var_e = symbols(one_way, *one_way.parameters)
    EN, EN2, VN = symbols(one_way, "E(size(user))", "E(size(user)^2)", "var(size(user))")
    d = one_way.var(S, via=[N if step == "size" else step for step in via])
    assert equal(d.result, EN2 * var_a + EN * var_e + mu**2 * VN)
    assert d.verify()
    assert any(step.rule == "total_variance" for step in d.steps)


def test_first_moments(one_way):
    S, N = total_and_size(one_way)
    mu, EN, EN2 = symbols(one_way, "Intercept", "E(size(user))", "E(size(user)^2)")
    assert equal(one_way.mean(S).result, mu * EN)
    assert equal(one_way.mean(S * N).result, mu * EN2)
    assert equal(one_way.cov(S, N).result, mu * one_way.parameter("var(size(user))"))


def test_two_ratings_of_a_user_are_related_through_the_user(one_way):
    y = one_way.y
    d = one_way.cov(y.at("j"), y.at("k"), via=["user"])
    assert equal(d.result, one_way.parameter("var(1|user)"))
    assert d.verify()


def test_the_size_adds_no_variance_to_a_mean(one_way):
    """Var(S/N) has no mu^2 Var(N), and E[1/N] is not 1/E[N]."""
    S, N = total_and_size(one_way)
    var_a, var_e, inverse = symbols(one_way, "var(1|user)", "var(residual)", "E(size(user)^-1)")
    result = one_way.var(S / N).result
    assert equal(result, var_a + inverse * var_e)
    law = {"size(user)": {1: "1/2", 3: "1/2"}}
    value = one_way.var(S / N).evaluate(parameters={"Intercept": 5, "var(1|user)": 0, "var(residual)": 1}, law=law)
    assert value == Fraction(2, 3) != Fraction(1, 2)


def test_totals_are_not_normal_even_with_normal_effects(one_way):
    S, _ = total_and_size(one_way)
    what = one_way.cumulant(S, S, S, S).assuming(normal=True)
    law = {"size(user)": {1: "1/2", 2: "1/2"}}
    found = one_way.cumulant(S, S, S, S).evaluate(
        parameters={
            "Intercept": 0,
            "var(1|user)": 1,
            "var(residual)": 1,
            **{f"k{order}({of})": 0 for order in (3, 4) for of in ("1|user", "residual")},
        },
        law=law,
    )
    assert found == 3 * (Fraction(2**2 + 6**2, 2) - Fraction(2 + 6, 2) ** 2)  # 3 Var(N^2 + N)
    assert not {str(s) for s in what.result.free_symbols} & {"k3(1|user)", "k4(1|user)", "k3(residual)", "k4(residual)"}


def test_the_shortcut_is_an_approximation_that_says_what_it_drops(one_way):
    """S = N mu + N alpha leaves out E[N] var(residual)."""
    S, _ = total_and_size(one_way)
    mu, var_a, var_e = symbols(one_way, *one_way.parameters)
    EN, EN2, VN = symbols(one_way, "E(size(user))", "E(size(user)^2)", "var(size(user))")
    d = one_way.var(S)
    short = d.shortcut()
    assert equal(short.result, EN2 * var_a + mu**2 * VN)
    assert equal(d.result - short.result, EN * var_e)
    assert "E[N] var(residual)" in repr(short)


# -- the size as a covariate -------------------------------------------------------------------------------------------


def test_the_size_as_a_covariate():
    model = ma.Model("y ~ 1 + size(user) + (1 | user)")
    S, N = total_and_size(model)
    c1, c2, var_a, var_e = symbols(model, *model.parameters)
    EN, EN2, EN3 = symbols(model, "E(size(user))", "E(size(user)^2)", "E(size(user)^3)")
    VN, VN2 = symbols(model, "var(size(user))", "var(size(user)^2)")
    C = model.parameter("cov(size(user),size(user)^2)")
    assert equal(model.mean(S).result, c1 * EN + c2 * EN2)
    assert equal(model.mean(S * N).result, c1 * EN2 + c2 * EN3)
    published = EN2 * var_a + EN * var_e + c1**2 * VN + 2 * c1 * c2 * C + c2**2 * VN2
    assert equal(model.var(S).result, published)
    assert equal(model.cov(S / N, N).result, c2 * VN)


# -- a covariate of the user -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["", "NX", "XN"])
def test_a_covariate_keeps_its_joint_moments_with_the_size(order):
    model = ma.Model(COVARIATE, levels={"X": "user"})
    S, N = total_and_size(model)
    b0, b1, var_a, var_e = symbols(model, *model.parameters)
    EN, EN2, VN = symbols(model, "E(size(user))", "E(size(user)^2)", "var(size(user))")
    C, VNX = symbols(model, "cov(size(user),size(user)*X)", "var(size(user)*X)")
    d = model.var(S, via=[{"N": N, "X": model.covariate("X")}[letter] for letter in order])
    assert equal(d.canonical, model.var(S).canonical)
    assert d.verify()
    if not order:
        assert equal(d.result, EN2 * var_a + EN * var_e + b0**2 * VN + 2 * b0 * b1 * C + b1**2 * VNX)


def test_declared_independence_factors_the_moments():
    model = ma.Model(COVARIATE, levels={"X": "user"}, assume=ma.independent("X", "size(user)"))
    S, _ = total_and_size(model)
    b0, b1, var_a, var_e = symbols(model, *model.parameters)
    EN, EN2, EX, EX2 = symbols(model, "E(size(user))", "E(size(user)^2)", "E(X)", "E(X^2)")
    VN = EN2 - EN**2
    published = EN2 * var_a + EN * var_e + b0**2 * VN + 2 * b0 * b1 * EX * VN + b1**2 * (EN2 * EX2 - EN**2 * EX**2)
    d = model.var(S)
    assert equal(d.canonical, published)
    assert any(step.rule == "design_independence" for step in d.steps)
    joint = ma.Model(COVARIATE, levels={"X": "user"})
    assert not equal(joint.var(total_and_size(joint)[0]).canonical, published)


def test_in_matrix_form():
    """Var(S) = E[N^2] var_a + E[N] var_e + beta' Cov((N, N X)) beta."""
    model = ma.Model(COVARIATE, levels={"X": "user"})
    S, _ = total_and_size(model)
    d = model.var(S)
    rest, matrix, beta = d.matrix_form().sympy
    VN, C, VNX = symbols(model, "var(size(user))", "cov(size(user),size(user)*X)", "var(size(user)*X)")
    assert matrix == sympy.Matrix([[VN, C], [C, VNX]])
    assert list(beta) == symbols(model, "Intercept", "X")
    assert equal(rest + (beta.T * matrix * beta)[0], d.result)


# -- "we still get the same answer", and where plugging in costs -------------------------------------------------------

FRAME = pd.DataFrame({"user": ["a"] * 2 + ["b"] * 3})
PARAMETERS = {"Intercept": 7, "var(1|user)": 2, "var(residual)": 3}


def sample_variance(body, number=2):
    return (ma.over("user", body**2) - ma.over("user", body) ** 2 / number) / (number - 1)


def test_the_unconditional_equation_with_sample_moments_is_the_conditional_one(one_way):
    """E[s_S^2 | design] = (sum N^2/m) var_a + (n/m) var_e + mu^2 s_N^2, with divisor m - 1 in both variances."""
    S, _ = total_and_size(one_way)
    derived = one_way.mean(sample_variance(S), given=ma.design).evaluate(parameters=PARAMETERS, data=FRAME)
    EN2, EN, VN = Fraction(2**2 + 3**2, 2), Fraction(5, 2), Fraction(1, 2)
    assert derived == EN2 * 2 + EN * 3 + 7**2 * VN
    unconditional = one_way.var(S).result.subs(
        {
            one_way.parameter(key): value
            for key, value in {
                **PARAMETERS,
                "E(size(user)^2)": sympy.Rational(13, 2),
                "E(size(user))": sympy.Rational(5, 2),
                "var(size(user))": sympy.Rational(1, 2),
            }.items()
        }
    )
    assert unconditional == sympy.Rational(derived.numerator, derived.denominator)


def test_plugging_in_the_squared_mean_is_biased_by_what_theory_says(one_way):
    """Given the sizes (2, 3) the plug-in estimate has expectation 0.96 var_a - 0.0154 var_e (var_e / 65)."""
    S, N = total_and_size(one_way)
    n, G = one_way.size(), one_way.total(one_way.y)
    within = one_way.total(one_way.y**2) - ma.over("user", S**2 / N)
    plugged = (sample_variance(S) - (G / n) ** 2 * sample_variance(N) - n / 2 * within / (n - ma.over("user", 1))) / (
        ma.over("user", N**2) / 2
    )
    d = one_way.mean(plugged, given=ma.design)
    for mu, var_a, var_e in ((7, 2, 3), (0, 1, 0), (100, 0, 1)):
        parameters = {"Intercept": mu, "var(1|user)": var_a, "var(residual)": var_e}
        assert d.evaluate(parameters=parameters, data=FRAME) == Fraction(24, 25) * var_a - Fraction(1, 65) * var_e
