"""`Model`: two ways to say the same, what is refused and why, and the statistic language."""

import pickle
from dataclasses import FrozenInstanceError

import pytest

import momentalg as ma
from momentalg.expr.names import quote
from momentalg.expr.nodes import Response, Size, Total, Value, Variable

FORMULA = "y ~ 1 + x + size(user) + (1 | user)"


@pytest.mark.parametrize(
    ("formula", "common", "intercept"),
    [
        (FORMULA, [ma.Covariate("x"), ma.Size("user")], True),
        (FORMULA, [ma.Intercept(), ma.Covariate("x"), ma.Size("user")], True),
        (FORMULA, ["x", "size(user)"], True),
        ("y ~ (1 | user)", None, True),
        ("y ~ 0 + x + (1 | user)", ma.Covariate("x"), False),
        ("y ~ x*size(user) + (1 | user)", ["x*size(user)"], True),
        ("y ~ x:size(user) + (1 | user)", [ma.Covariate("x") * ma.Size("user")], True),
        ("y ~ I(x**2) + (1 | user)", [ma.Covariate("x") ** 2], True),
        ("y ~ I(x**2) + (1 | user)", [ma.Covariate("x") * ma.Covariate("x")], True),
        (
            "y ~ x + I(size(user)**2):x + (1 | user)",
            [ma.Covariate("x"), ma.Covariate("x") * ma.Size("user") ** 2],
            True,
        ),
        ("y ~ `a b` + `1` + (1 | user)", [ma.Covariate("a b"), ma.Covariate("1")], True),
        ("y ~ x + (1 | user)", [ma.Covariate("x") * ma.Intercept()], True),
        ("y ~ log(x) + (1 | user)", ["log( x )"], True),
    ],
)
def test_formula_and_term_objects_make_equal_models(formula, common, intercept):
    terms = ma.Model(response="y", common=common, group=[ma.Group("user")], intercept=intercept)
    assert terms == ma.Model(formula)
    assert hash(terms) == hash(ma.Model(formula))
    assert terms.formula == ma.Model(terms.formula).formula


@pytest.mark.parametrize(
    "other",
    [
        "y ~ 1 + x + (1 | user)",
        "z ~ 1 + x + size(user) + (1 | user)",
        "y ~ 0 + x + size(user) + (1 | user)",
        "y ~ 1 + size(item) + x + (1 | item)",
        "y ~ 1 + x + size(user) + offset(w) + (1 | user)",
    ],
)
def test_models_that_say_different_things_differ(other):
    assert ma.Model(FORMULA) != ma.Model(other)


def test_declarations_are_part_of_a_model():
    plain = ma.Model(FORMULA)
    declared = [
        ma.Model(FORMULA, levels={"x": "user"}),
        ma.Model(FORMULA, assume=ma.may_be_empty("user")),
        ma.Model(FORMULA, assume=[ma.independent("x", "size(user)")]),
        ma.Model(FORMULA, symbols={"user": "alpha"}),
    ]
    assert len({plain, *declared}) == 5
    assert ma.Model(FORMULA, assume=[ma.independent(ma.Size("user"), ma.Covariate("x"))]) == declared[2]


def test_repr_is_the_code_of_the_model():
    model = ma.Model(
        "y~X*size(user)+log(X)+offset(w)+(1|user)",
        levels={"X": "user"},
        assume=[ma.independent("X", "size(user)"), ma.may_be_empty("user")],
        symbols={"user": "alpha"},
    )
    assert repr(model) == (
        "ma.Model('y ~ 1 + X + size(user) + X:size(user) + log(X) + offset(w) + (1 | user)', levels={'X': 'user'}, "
        "assume=[ma.independent('X', 'size(user)'), ma.may_be_empty('user')], symbols={'user': 'alpha'})"
    )
    assert ma.Model(model.formula) == ma.Model("y~X*size(user)+log(X)+offset(w)+(1|user)")


def test_markdown_shows_names_as_code():
    shown = ma.Model("`<b>|y|</b>` ~ `a``b` + (1 | user)")._repr_markdown_()
    assert "- response: `<b>|y|</b>`" in shown
    assert "``1`, " not in shown
    assert "``` `a``b` ```" in shown.replace("- parameters: `Intercept`, ", "")


def test_a_model_is_frozen_and_pickles():
    model = ma.Model("y ~ log(x) + (1 | user)", levels={"x": "user"})
    with pytest.raises(FrozenInstanceError):
        model.resolved = None
    with pytest.raises(TypeError):
        model.resolved.constant_on[Variable("column", "x")] = ()
    assert pickle.loads(pickle.dumps(model)) == model


# Constancy.


def test_what_is_constant_within_a_factor_follows_from_its_parts():
    model = ma.Model("y ~ X + x + log(X + size(user)) + log(x) + exp(X*x) + (1 | user)", levels={"X": "user"})
    constant = {Variable("column", "X"), Variable("size", "user"), Variable("function", "log(X+size(user))")}
    assert model.resolved.constant_on == dict.fromkeys(constant, ("user",))


def test_sizes_are_constant_within_their_factor():
    assert ma.Model(FORMULA).resolved.constant_on == {Variable("size", "user"): ("user",)}


def test_facts_found_in_data_add_to_those_declared():
    model = ma.Model("y ~ X + log(Z) + (1 | user)", levels={"X": "user"})
    declared = ma.Model("y ~ X + log(Z) + (1 | user)", levels={"Z": "user", "X": "user"})
    assert model.resolve({"Z": "user", "another": "user"}) == declared.resolved
    assert model.resolve({}) == model.resolved


# Refusals.


def refused(error, match, *args, **kwargs):
    with pytest.raises(error, match=match) as found:
        ma.Model(*args, **kwargs)
    assert type(found.value) is error


def test_no_group_term():
    refused(
        ma.ModelError,
        r"^no group term in 'y ~ x': this is not a mixed model; add one, such as \(1 \| user\)$",
        "y ~ x",
    )
    refused(ma.ModelError, "no group term", response="y", common="x")
    refused(ma.ModelError, "no group term", response="y", group=[])


@pytest.mark.parametrize(
    ("formula", "parameters"),
    [
        ("y ~ (1 | user) + (1 | item)", ["var(1|user)", "var(1|item)"]),
        ("y ~ (1 | a/b)", ["var(1|a)", "var(1|a:b)"]),
        ("y ~ (1 | a:b)", ["var(1|a:b)"]),
        ("y ~ (1 + x | user)", ["var(1|user)", "cov(1,x|user)", "var(x|user)"]),
        ("y ~ (1 + x || user)", ["var(1|user)", "var(x|user)"]),
        ("y ~ (log(x) | user)", ["var(1|user)", "cov(1,log(x)|user)", "var(log(x)|user)"]),
    ],
)
def test_parameters_of_several_factors_and_slopes(formula, parameters):
    assert list(ma.Model(formula).parameters) == ["Intercept", *parameters, "var(residual)"]


def test_slopes_of_term_objects():
    group = ma.Group("user", ["1", ma.Covariate("x")])
    assert group.text == "(1 + x | user)"
    assert ma.Model(response="y", group=group) == ma.Model("y ~ 1 + (1 + x | user)")
    assert ma.Group("user", "x").text == "(0 + x | user)"
    assert ma.Group("my g", [ma.Intercept(), "x"], correlated=False).text == "(1 + x || `my g`)"


@pytest.mark.parametrize(
    ("argument", "value", "names"),
    [
        ("family", "poisson", "generalised"),
        ("kernels", {}, "relatedness"),
    ],
)
def test_arguments_of_later_versions_are_refused_by_name(argument, value, names):
    refused(ma.UnsupportedError, f"{argument}= is not available yet .*{names}", FORMULA, **{argument: value})
    assert ma.Model(FORMULA, **{argument: None}) == ma.Model(FORMULA)


def test_other_arguments_are_mistakes():
    with pytest.raises(TypeError, match="no argument 'level'"):
        ma.Model(FORMULA, level={})


@pytest.mark.parametrize(
    ("formula", "match"),
    [
        ("user ~ (1 | user)", "'user' is both the response and a grouping factor"),
        ("y ~ y + (1 | user)", "'y' is both the response and a covariate"),
        ("y ~ log(y + 1) + (1 | user)", "'y' is both the response and a covariate"),
        ("y ~ offset(y) + (1 | user)", "'y' is both the response and a covariate"),
        ("y ~ user + (1 | user)", "'user' is both a covariate and a grouping factor"),
        (
            "y ~ size(item) + (1 | user)",
            r"size\(item\): 'item' is no grouping factor of the model; its factors are: user",
        ),
        ("y ~ log(size(item)) + (1 | user)", "'item' is no grouping factor"),
    ],
)
def test_names_that_clash(formula, match):
    refused(ma.ModelError, match, formula)


@pytest.mark.parametrize(
    ("levels", "match"),
    [
        ({"X": "item"}, "levels={'X': 'item'}: 'item' is no grouping factor of the model; its factors are: user"),
        ({"Z": "user"}, "names 'Z', which is no covariate of the model; these are: X"),
        ({"size(user)": "user"}, "no covariate of the model"),
    ],
)
def test_levels_that_do_not_fit(levels, match):
    refused(ma.ModelError, match, "y ~ log(X) + size(user) + (1 | user)", levels=levels)


@pytest.mark.parametrize(
    ("symbols", "match"),
    [
        ({"item": "a"}, "names 'item', which the model does not have; it has: y, user, x, residual"),
        ({"user": "\\alpha{}"}, "a letter or its name"),
        ({"user": "</mi>"}, "a letter or its name"),
        ({"user": 3}, "a letter or its name"),
        ({"user": "a", "x": "a"}, "the letter 'a' to two things"),
    ],
)
def test_symbols_that_do_not_fit(symbols, match):
    refused(ma.ModelError, match, "y ~ x + (1 | user)", symbols=symbols)


def test_a_formula_and_term_objects_do_not_mix():
    refused(ma.ModelError, "not both", FORMULA, response="y")
    refused(ma.ModelError, "not both", FORMULA, intercept=False)
    refused(ma.ModelError, "needs a formula, or response=")
    refused(ma.ModelError, "group= takes ma.Group", response="y", group="user")
    refused(ma.ModelError, "a term is", response="y", common=[3], group=ma.Group("user"))
    refused(ma.FormulaError, "x is there twice", response="y", common=["x", "x"], group=ma.Group("user"))


# The statistic language.


def test_statistics_are_nodes():
    model = ma.Model("y ~ X + log(x) + size(user) + (1 | user)", levels={"X": "user"})
    y, S, N = model.y, model.total(model.y, by="user"), model.size("user")
    assert (y, S, N) == (Response(), Total(Response(), ("user",)), Size(("user",)))
    assert model.total(y**2) == Total(y**2, ())
    assert model.size() == Size(())
    assert model.covariate("X") == Value(Variable("column", "X"))
    assert model.covariate("size(user)") == N
    assert model.covariate("log(x)") == Value(Variable("function", "log(x)"))
    assert model.covariate("x") == Value(Variable("column", "x"))
    assert model.total(1, by="user") == Total(ma.over("user", 1).body, ("user",))


def test_statistics_of_unknown_things_are_refused():
    model = ma.Model("y ~ X + size(user) + (1 | user)")
    with pytest.raises(ma.ModelError, match=r"'Z' is no covariate of .*; its covariates are: X, size\(user\)"):
        model.covariate("Z")
    with pytest.raises(ma.ModelError, match=r"total\(by='item'\): item is no column of a grouping factor.*: user"):
        model.total(model.y, by="item")
    with pytest.raises(ma.ModelError, match=r"size\(by='user:item'\)"):
        model.size("user:item")
    with pytest.raises(ma.StatisticError, match="int or Fraction"):
        model.total(0.5)


def test_parameters_are_means_then_variances():
    model = ma.Model("y ~ x*size(user) + I(x**2) + offset(w) + (1 | user)")
    assert model.parameters == (
        "Intercept",
        "x",
        "size(user)",
        "x:size(user)",
        "I(x**2)",
        "var(1|user)",
        "var(residual)",
    )


# Odd names.

ODD = [
    "lambda", "class", "None", "I", "E", "S", "N", "e", "sum", "sin", "log", "var", "size", "total", "residual",
    "Intercept", "1", "0", "my x", "Sepal.Length", ".x", "x.", "é", "e\u0301", "größe", "变量", "x:z", "x*z", "(1|g)",
    "y ~ x", "<script>", "$x_1^{2}$", "\\alpha", "{x}", "it's", 'a "b"', "a`b", "`", "a\nb", "a\tb", "%in%", "x²",
    "__import__('os')",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_data(name):
    quoted = "`" + name.replace("`", "``") + "`"
    for model in (
        ma.Model(f"y ~ {quoted} + I({quoted}**2) + log({quoted}) + (1 | user)", levels={name: "user"}),
        ma.Model(f"{quoted} ~ x + (1 | user)"),
        ma.Model(f"y ~ x + size({quoted}) + (1 | {quoted})"),
    ):
        assert ma.Model(model.formula).formula == model.formula
        assert all(str(model.parameter(key)) == key for key in model.parameters)
        assert quote(name) in model.formula
    covariate = ma.Model(response="y", common=ma.Covariate(name), group=ma.Group("user"))
    assert covariate == ma.Model(f"y ~ {quoted} + (1 | user)")
    assert covariate.covariate(name) == Value(Variable("column", name))


@pytest.mark.parametrize("name", ["lambda", "I", "E", "S", "N", "log", "size", "var", "residual", "é", "Sepal.Length"])
def test_plain_odd_names_need_no_quotes(name):
    assert ma.Model(f"y ~ {name} + (1 | user)") == ma.Model(f"y ~ `{name}` + (1 | user)")
    assert ma.Model(f"y ~ x + (1 | {name})").resolved.groups[0].factor == (name,)


def test_no_name_at_all_is_refused():
    for make in (ma.Covariate, ma.Size, ma.Group, ma.may_be_empty, ma.unreplicated):
        for name in ("", None, 3):
            with pytest.raises(ma.ModelError, match="a non-empty text"):
                make(name)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"formula": "y ~ x + (1 | user)", "levels": ["x"]}, r"levels= says which factor .* found \['x'\]"),
        ({"formula": "y ~ x + (1 | user)", "levels": "x"}, "levels= says which factor .* found 'x'"),
        ({"response": "y", "group": "user"}, r"group= takes ma\.Group.* found 'user'"),
    ],
)
def test_arguments_of_the_wrong_kind_are_shown_whole(declared, message):
    with pytest.raises(ma.ModelError, match=message):
        ma.Model(**declared)


def test_what_cannot_be_conditioned_on_is_shown_as_it_prints():
    model = ma.Model("y ~ 1 + (1 | user)")
    S = model.total(model.y, by="user")
    with pytest.raises(ma.ModelError, match="cannot condition on S: use a size"):
        model.var(S, given=[S])
