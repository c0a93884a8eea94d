"""What-if: normal effects, equal sizes, laws of a unit, the shortcut; and results side by side."""

from __future__ import annotations

from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.expr.nodes import Parameter

TRUE = {"Intercept": 2, "X": 3, "var(1|user)": "1/3", "var(residual)": 1}
ATOMS = [{"p": "1/2", "size(user)": 1, "X": 0}, {"p": "1/2", "size(user)": 3, "X": 2}]
ONE_WAY = ma.Model("y ~ 1 + (1 | user)")
WITH_X = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})


def total(model):
    return model.total(model.y, by="user")


def number(model, expression):
    values = {model.parameter(key): Fraction(value) for key, value in TRUE.items() if key in model.parameters}
    found = expression.subs({symbol: f"{v.numerator}/{v.denominator}" for symbol, v in values.items()})
    return Fraction(int(found.p), int(found.q))


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (ONE_WAY, {"size(user)": {1: "1/2", 3: "1/2"}}),
        (ONE_WAY, {"size(user)": ma.Poisson(3)}),
        (WITH_X, ATOMS),
    ],
)
def test_a_law_that_is_put_in_gives_the_number_that_evaluate_gives(model, law):
    derived = model.var(total(model))
    known = {key: value for key, value in TRUE.items() if key in model.parameters}
    assert number(model, derived.assuming(law=law).result) == derived.evaluate(parameters=known, law=law)


def test_laws_of_independent_covariates_are_put_in_as_well():
    model = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"}, assume=[ma.independent("X", "size(user)")])
    found = model.var(total(model)).assuming(law={"size(user)": ma.Poisson(3), "X": ma.Normal(0, 1)}).result
    mu, beta, between, within = map(model.parameter, ("Intercept", "X", "var(1|user)", "var(residual)"))
    assert found.expand() == 3 * mu**2 + 12 * beta**2 + 12 * between + 3 * within  # E N = Var N = 3, E N^2 = 12


def test_a_joint_law_must_have_the_independence_that_was_declared():
    model = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"}, assume=[ma.independent("X", "size(user)")])
    derived = model.var(total(model))
    with pytest.raises(ma.ModelError, match="declared independent, and are not under this law"):
        derived.assuming(law=ATOMS)
    apart = [{"p": "1/4", "size(user)": n, "X": x} for n in (1, 3) for x in (0, 2)]
    assert number(model, derived.assuming(law=apart).result) == derived.evaluate(parameters=TRUE, law=apart)


def test_normal_effects_have_no_cumulants_beyond_the_second():
    squares = ONE_WAY.total(ONE_WAY.y**2, by="user")
    derived = ONE_WAY.var(squares, given=ma.design)
    keys = {str(symbol) for symbol in derived.result.free_symbols}
    assert {"k3(1|user)", "k4(1|user)", "k3(residual)", "k4(residual)"} <= keys
    normal = derived.assuming(normal=True)
    assert {str(symbol) for symbol in normal.result.free_symbols} == {
        key for key in keys if not key.startswith(("k3(", "k4("))
    }
    assert "normal" in normal.settings[0]


def test_equal_sizes_come_out_of_the_moments():
    found = ONE_WAY.var(total(ONE_WAY)).assuming(balanced=True)
    size = ONE_WAY.size("user")
    assert found.node == size**2 * Parameter("var(1|user)") + size * Parameter("var(residual)")


def test_the_shortcut_says_what_it_leaves_out():
    found = ONE_WAY.var(total(ONE_WAY)).shortcut()
    assert "var(residual)" not in {str(symbol) for symbol in found.result.free_symbols}
    assert "left out: E[N] var(residual)" in repr(found)
    with pytest.raises(ma.UnsupportedError, match="no residual"):
        ONE_WAY.mean(total(ONE_WAY)).shortcut()


def test_refusals_say_why():
    S, N = total(ONE_WAY), ONE_WAY.size("user")
    law = {"size(user)": ma.Poisson(3)}
    with pytest.raises(ma.ModelError, match="at least one of"):
        ONE_WAY.var(S).assuming()
    with pytest.raises(ma.ModelError, match="conditional on the design"):
        ONE_WAY.var(S, given=[N]).assuming(law=law)
    with pytest.raises(ma.ModelError, match="contradict"):
        ONE_WAY.var(S).assuming(balanced=True, law=law)


def test_results_side_by_side_differ_where_they_do():
    S, N = total(ONE_WAY), ONE_WAY.size("user")
    fixed, random = ONE_WAY.var(S, given=[N]), ONE_WAY.var(S)
    found = ma.compare(random, fixed)
    assert not found.same
    assert all(row in found.rows for row in found.differences)
    assert "Intercept^2    Var(N)  0           differs" in str(found)
    assert (found.difference - (random.result - fixed.result)).expand() == 0
    assert ma.compare(random, ONE_WAY.var(S, via=["user"])).same
    assert "differs" not in ma.compare(random, random.assuming(normal=True))._repr_markdown_()


def test_a_comparison_says_what_was_put_in_and_refuses_what_it_cannot_set_side_by_side():
    derived = ONE_WAY.var(total(ONE_WAY))
    balanced = ma.compare(derived, derived.assuming(balanced=True))
    assert repr(balanced) == str(balanced)
    assert str(balanced).endswith("second: balanced: all sizes are equal")
    with pytest.raises(ma.UnsupportedError, match="before the law is put in"):
        ma.compare(derived, derived.assuming(law={"size(user)": ma.Poisson(3)}))
    with pytest.raises(ma.ModelError, match="found int"):
        ma.compare(derived, 3)


def test_names_with_bars_keep_the_cells_of_a_comparison():
    model = ma.Model("y ~ 1 + `a|b` + (1 | user)", levels={"a|b": "user"})
    table = ma.compare(model.var(total(model)), model.mean(total(model) ** 2))._repr_markdown_().split("\n")
    rows = [line.replace(r"\|", "") for line in table if line.startswith("|")]
    assert {line.count("|") for line in rows} == {5}


def test_equal_sizes_and_a_law_of_the_size_contradict_each_other_in_any_order():
    derived, law = ONE_WAY.var(total(ONE_WAY)), {"size(user)": ma.Poisson(3)}
    for assume in (
        lambda: derived.assuming(balanced=True, law=law),
        lambda: derived.assuming(balanced=True).assuming(law=law),
        lambda: derived.assuming(law=law).assuming(balanced=True),
    ):
        with pytest.raises(ma.ModelError, match="contradict"):
            assume()


def test_an_approximation_is_shown_as_one():
    derived = ONE_WAY.var(total(ONE_WAY))
    assert r"\approx" in derived.shortcut()._repr_latex_()
    assert "Var(S) ~ " in repr(derived.shortcut())
    assert derived.assuming(law={"size(user)": ma.Poisson(3)})._repr_latex_() is None


def test_a_matrix_form_is_in_the_letters_of_the_model():
    form = WITH_X.var(total(WITH_X)).matrix_form()
    assert r"\beta_{0} \\ \beta_{1}" in form.latex()
    assert form._repr_latex_().startswith(r"$\displaystyle \operatorname{Var}(S) = ")
    assert "[[Var(N), Cov(N, N X)], [Cov(N, N X), Var(N X)]] b; b = (Intercept, beta(X))" in repr(form)


def test_a_matrix_of_zeros_is_told_so():
    form = WITH_X.var(total(WITH_X), given=ma.design).matrix_form()
    assert repr(form).endswith("= N^2 var(1|user) + N var(residual); the matrix of (Intercept, beta(X)) is zero>")


def test_a_coefficient_and_its_covariate_are_told_apart():
    model = ma.Model("y ~ 1 + size(user) + (1 | user)")
    shown = repr(model.mean(total(model)).assuming(law={"size(user)": ma.Poisson(3)}))
    assert "E[S] = 3*Intercept + 12*beta(size(user));" in shown


@pytest.mark.parametrize("label", ["", 3, None])
def test_a_level_or_observation_is_named_by_a_text(label):
    for statistic in (ONE_WAY.y, total(ONE_WAY), total(ONE_WAY) ** 2):
        with pytest.raises(ma.StatisticError, match="takes a name"):
            statistic.at(label)


def test_what_ifs_of_normal_effects_have_numbers():
    import pandas as pd

    data = pd.DataFrame({"user": list("aabbb")})
    squares = ma.over("user", ONE_WAY.total(ONE_WAY.y, by="user") ** 2)
    derivation = ONE_WAY.var(squares, given=ma.design)
    values = {"Intercept": 1, "var(1|user)": "1/2", "var(residual)": 2}
    zeros = {f"k{order}({what})": 0 for order in (3, 4) for what in ("1|user", "residual")}
    exact = derivation.evaluate(parameters={**values, **zeros}, data=data)
    assert derivation.assuming(normal=True).evaluate(parameters=values, data=data) == exact
    with pytest.raises(ma.UnsupportedError, match=r"its \.result is a SymPy expression"):
        derivation.assuming(balanced=True).evaluate(parameters=values, data=data)
