"""Laws applied to one expression each: what they give is kept as it is; what is not of their form they leave.

Most of the texts that are expected here were read from what the package gave, and then checked by reading, each against
its law: they guard against change, and are no second road to the result. (Values are held against enumeration in
test_laws.py.) The mutants of the laws that lived in derivations alone die here.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

import momentalg as ma
from momentalg.catalogue import discover
from momentalg.cumulants.terms import Level, What
from momentalg.cumulants.totals import single
from momentalg.expr.nodes import (
    DESIGN,
    ZERO,
    Cov,
    Cumulant,
    Delta,
    E,
    Effect,
    LevelSum,
    Noise,
    Over,
    Parameter,
    Response,
    Size,
    Sum,
    Total,
    Value,
    Var,
    Variable,
    mul,
    power,
)
from momentalg.expr.text import text
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.cumulants_of_totals import of_residual
from momentalg.rules.rule import Context

LAWS = discover("momentalg.rules", "RULE")
USER, ITEM, CELL = ("user",), ("item",), ("user", "item")
ONE = ma.Model("y ~ 1 + (1 | user)").resolved
COVARIATE = ma.Model("y ~ 1 + x + (1 | user)").resolved
APART = ma.Model("y ~ 1 + x + (1 + x || user)").resolved
WEIGHTED = ma.Model("y ~ 1 + (1 | user)", weights="w").resolved
CLASSES = ma.Model("y ~ 1 + (1 | user)", residual_by="site").resolved
KNOWN_CLASSES = replace(CLASSES, residual_by={"site": ("a", "b")})
CROSSED = ma.Model("y ~ 1 + x + z + (1 | user) + (1 | item)", levels={"z": "item"}).resolved
OWN_SIZE = ma.Model("y ~ 1 + size(user) + (1 | user) + (1 | item)").resolved
THREE = ma.Model("y ~ 1 + (1 | user) + (1 | item) + (1 | day)").resolved
X, Z, W = (Variable("column", name) for name in "xzw")
N, ALPHA, BETA = Size(USER), Effect(USER), Effect(ITEM)
S, NOISE = Total(Response(), USER), Sum("j", Noise("j"), USER)
WEIGHED = Sum("j", mul(Value(X, "j"), Noise("j")), USER)
S_ITEM = Total(Response(), ITEM)
Y = {name: Response(name) for name in "jkl"}
ALL = (DESIGN,)


def key(name):
    return Parameter(name)


def shown(value):
    """The name of a case: the model goes without saying."""
    return "" if isinstance(value, ResolvedModel) else str(value)


def rewritten(law, node, model):
    return LAWS[law].rewrite(node, Context(model))


@pytest.mark.parametrize(
    ("law", "node", "model"),
    [
        ("effects", NOISE, ONE),
        ("effects", E(N), ONE),
        ("effects", Var(Noise("j"), (N,)), WEIGHTED),
        ("effects", Var(Noise("j"), (N,)), CLASSES),
        ("effects", E(ALPHA, (ALPHA,)), ONE),
        ("effects", Cov(ALPHA, Noise("j")), ONE),
        ("effects", Cov(ALPHA, BETA, (ALPHA,)), CROSSED),
        ("independence", E(N + ALPHA, (N,)), ONE),
        ("independence", Var(ALPHA * Response("j"), (N,)), ONE),
        ("independence", Cov(ALPHA * E(S), NOISE, (N,)), ONE),
        ("linearity", E(Response("j"), (N,)), ONE),
        ("linearity", Var(N + ALPHA, (N,)), ONE),
        ("linearity", E(LevelSum((("item", "c"),), BETA), (N,)), CROSSED),
        ("iid_sum", E(NOISE, (N,)), ONE),
        ("iid_sum", Var(NOISE), ONE),
        ("iid_sum", Cov(Sum("j", mul(ALPHA, Noise("j")), USER), NOISE, ALL), ONE),
        ("iid_sum", Cov(Sum("j", mul(Value(X, "j"), Noise("k")), USER), Noise("k"), ALL), COVARIATE),
        ("iid_sum", Cov(WEIGHED, Sum("k", mul(Value(X, "j"), Noise("k")), USER), ALL), COVARIATE),
        ("sum_over_level", Sum("j", mul(Noise("j"), Effect(ITEM, index="j")), USER), CROSSED),
        ("sum_over_level", Sum("j", mul(Noise("j"), Value(Z, "j")), USER), CROSSED),
        ("sum_over_level", Sum("j", mul(Delta("j", "k"), Value(X, "j")), USER), COVARIATE),
        ("sum_over_level", Sum("j", mul(Delta("k", "j"), Value(X, "j")), USER), COVARIATE),
        ("cumulants_of_totals", Cov(S, S, (N,)), COVARIATE),
        ("cumulants_of_totals", Cov(S, E(S, ALL), ALL), ONE),
        ("cumulants_of_totals", E(N, ALL), ONE),
        ("cumulants_of_totals", Cov(mul(Value(X, "j"), Y["j"]), Y["k"], ALL), COVARIATE),
        ("cumulants_of_totals", Var(Y["j"] + Y["k"], ALL), ONE),
        ("cumulants_of_totals", Cov(Y["j"] + Y["k"], S, ALL), ONE),
        ("cumulants_of_totals", E(Y["j"] * Y["k"], ALL), ONE),
        ("cumulants_of_products", Var(Over(USER, S**2), ALL), ONE),
        ("cumulants_of_products", E(Total(Response() ** 2, ()), ALL), ONE),
        ("cumulants_of_products", Cov(Over(USER, S**2), Over(ITEM, S_ITEM**2), ALL), CROSSED),
        ("cumulants_of_products", E(Y["j"], (N,)), ONE),
        ("cumulants_of_products", E(N * S, (N,)), COVARIATE),
        ("cumulants_of_products", E(S * Total(Value(X), USER), (N,)), COVARIATE),
        ("cumulants_of_products", E(Total(Value(X) * Response(), USER) ** 2, (N,)), COVARIATE),
        ("cumulants_of_products", E(S**2 / N, (N,)), COVARIATE),
        ("cumulants_of_products", E(Over(USER, S), (N,)), COVARIATE),
        ("cumulants_of_products", E(Total(Response() ** 2, ()) * S, ALL), ONE),
        ("cumulants_of_products", Cov(Total(Response() ** 2, ()), S, ALL), CROSSED),
        ("cumulants_of_products", Var(Over(USER, S**2) + S * S, ALL), ONE),
    ],
    ids=shown,
)
def test_what_is_not_of_its_form_is_left(law, node, model):
    assert rewritten(law, node, model) is None


@pytest.mark.parametrize("law", ["total_cumulance", "total_covariance", "total_expectation", "total_variance"])
def test_a_law_that_conditions_is_of_cumulants(law):
    assert LAWS[law].rewrite(N, Context(ONE, (N,))) is None
    assert LAWS[law].rewrite(mul(N, S), Context(ONE, (N,))) is None


@pytest.mark.parametrize(
    ("law", "node", "model", "wanted"),
    [
        ("effects", Sum("j", ZERO, USER), ONE, ZERO),
        ("effects", LevelSum((("item", "c"),), ZERO), CROSSED, ZERO),
        ("effects", Cov(Noise("j"), Noise("k")), ONE, ZERO),
        ("effects", Cov(Effect(USER), Effect(USER, "x")), APART, ZERO),
        ("effects", Var(Effect(USER, "x")), APART, key("var(x|user)")),
        ("effects", Var(BETA), CROSSED, key("var(1|item)")),
        ("effects", Cov(ALPHA, Effect(USER, level=("k",))), ONE, ZERO),
        ("effects", Var(Noise("j")), ONE, key("var(residual)")),
        ("effects", Var(Noise("j"), ALL), WEIGHTED, mul(key("var(residual)"), power(Value(W, "j"), -1))),
        ("effects", Var(Noise("j"), ALL), CLASSES, Value(Variable("fixed", "var(residual[site])"), "j")),
        ("independence", Cov(ALPHA + NOISE, ALPHA, (N,)), ONE, Var(ALPHA, (N,))),
        ("independence", Cov(N + ALPHA, NOISE, (N,)), ONE, ZERO),
        ("linearity", E(Sum("j", Y["j"], USER), (N,)), COVARIATE, Sum("j", E(Y["j"], (N,)), USER)),
        (
            "linearity",
            E(LevelSum((("item", "c"),), BETA), ALL),
            CROSSED,
            LevelSum((("item", "c"),), E(BETA, ALL)),
        ),
        ("iid_sum", Var(NOISE, (N,)), ONE, Sum("j", Var(Noise("j"), (N,)), USER)),
        (
            "iid_sum",
            Var(Sum("j", Noise("j"), USER, ("k",)), ALL),
            ONE,
            Sum("j", Var(Noise("j"), ALL), USER, ("k",)),
        ),
        ("iid_sum", Cov(NOISE, Sum("j", Noise("j"), USER, ("k",)), ALL), ONE, ZERO),
        ("iid_sum", Cov(Sum("j", Noise("j"), USER, ("k",)), Noise("l"), ALL), ONE, ZERO),
        ("iid_sum", Var(NOISE, ALL), CROSSED, Sum("j", Var(Noise("j"), ALL), USER)),
        (
            "iid_sum",
            Var(WEIGHED, ALL),
            COVARIATE,
            Sum("j", mul(Value(X, "j"), Value(X, "j"), Var(Noise("j"), ALL)), USER),
        ),
        ("iid_sum", Cov(WEIGHED, Noise("k"), ALL), COVARIATE, mul(Value(X, "k"), Var(Noise("k"), ALL))),
        (
            "iid_sum",
            Cov(WEIGHED, mul(Value(X, "j"), Noise("k")), ALL),
            COVARIATE,
            mul(Value(X, "k"), Value(X, "j"), Var(Noise("k"), ALL)),
        ),
        ("iid_sum", Cov(NOISE, Noise("j"), ALL), ONE, Var(Noise("j"), ALL)),  # the one that has the name, and no other
        ("iid_sum", Cov(Noise("j"), WEIGHED, ALL), COVARIATE, mul(Value(X, "j"), Var(Noise("j"), ALL))),
        ("iid_sum", Cov(NOISE, Sum("j", Noise("j"), ITEM), ALL), CROSSED, Sum("j", Var(Noise("j"), ALL), CELL)),
        (
            "iid_sum",
            Cov(Sum("j", Noise("j"), USER, ("i2",)), Sum("j", Noise("j"), ITEM), ALL),
            CROSSED,
            Sum("j", Var(Noise("j"), ALL), CELL, ("i2", "i")),
        ),
        ("cumulants_of_products", Cov(S, N, ALL), ONE, ZERO),
        ("cumulants_of_products", E(N, ALL), ONE, N),
        ("sum_over_level", Sum("j", key("Intercept"), USER), ONE, mul(key("Intercept"), N)),
        ("sum_over_level", Sum("j", key("Intercept"), USER), CROSSED, mul(key("Intercept"), N)),
        ("sum_over_level", Sum("l", Delta("j", "k"), USER), COVARIATE, mul(Delta("j", "k"), N)),
        (
            "cumulants_of_products",
            E(Y["j"] ** 2, (N,)),
            ONE,
            Var(Y["j"], (N,)) + mul(E(Y["j"], (N,)), E(Y["j"], (N,))),
        ),
    ],
    ids=shown,
)
def test_what_a_law_gives(law, node, model, wanted):
    assert rewritten(law, node, model) == wanted


IN_CROSSED = [  # of the observations of one user, of a named user, of one item, of a named item, of all
    (Effect(ITEM, index="j"), ("sum_i n_ij alpha_i", "sum_j n_jk alpha_j", "N_i alpha_i", "N_c alpha_c")),
    (Value(Z, "j"), ("sum_i n_ij z_i", "sum_j n_jk z_j", "N_i z_i", "N_c z_c", "sum_j N_j z_j")),
    (Value(Z, "j") ** 2, ("sum_i n_ij z_i^2", "sum_j n_jk z_j^2", "N_i z_i^2", "N_c z_c^2", "sum_j N_j z_j^2")),
    (Value(X, "j") ** 2, ("S[x^2]", "S[x^2, k]", "S[x^2]", "S[x^2, c]", "S_all[x^2]")),
    (mul(Value(X, "j"), Value(Z, "j")), ("sum_i S[x, ij] z_i", "sum_j S[x, jk] z_j", "S[x, i] z_i", "S[x, c] z_c")),
    (mul(Value(X, "j"), Effect(ITEM, index="j")), ("sum_i S[x, ij] alpha_i", "sum_j S[x, jk] alpha_j")),
    (mul(Value(Z, "j"), Effect(ITEM, index="j")), ("sum_i n_ij z_i alpha_i", "sum_j n_jk z_j alpha_j")),
]
PLACES = ((USER, ()), (USER, ("k",)), (ITEM, ()), (ITEM, ("c",)), ((), ()))


@pytest.mark.parametrize(
    ("body", "by", "level", "wanted"),
    [(body, *PLACES[n], wanted) for body, all_wanted in IN_CROSSED for n, wanted in enumerate(all_wanted)],
    ids=shown,
)
def test_sums_over_observations_are_sums_over_what_they_share(body, by, level, wanted):
    found = rewritten("sum_over_level", Sum("j", body, by, level), CROSSED)
    assert text(found) == wanted
    (summed,) = [found] if isinstance(found, LevelSum) else [LevelSum((), found)]
    names = [name for _, name in summed.levels]
    assert len(names) == wanted.count("sum_"), "a sum over levels binds one name, and no sum binds none"
    assert not set(names) & set(level)


@pytest.mark.parametrize(
    ("node", "model", "wanted"),
    [
        (ALPHA, ONE, "alpha N"),
        (ALPHA, CROSSED, "N alpha"),  # of several factors effects stand last
        (mul(Effect(ITEM, index="o"), Effect(USER, index="o")), CROSSED, "N"),
    ],
    ids=shown,
)
def test_effects_of_several_factors_stand_after_the_sizes(node, model, wanted):
    if wanted != "N":
        assert text(rewritten("sum_over_level", Sum("o", node, USER), model)) == wanted
        return
    found = rewritten("sum_over_level", Sum("o", node, ()), model)
    assert isinstance(found, LevelSum)
    assert [column for column, _ in found.levels] == ["user", "item"], "one sum over both, in the order of the model"
    assert found.body.args[0] == Size(CELL, tuple(name for _, name in found.levels))


def test_a_value_is_summed_within_the_effects_that_it_stands_beside():
    model = ma.Model("y ~ 1 + u + (1 | user) + (1 | item)", levels={"u": "user"}).resolved
    value = Value(Variable("column", "u"), "o")
    found = rewritten("sum_over_level", Sum("o", mul(Effect(ITEM, index="o"), value), ()), model)
    assert [column for column, _ in found.levels] == ["item"]
    (within,) = [part for part in found.body.args if isinstance(part, LevelSum)]
    assert [column for column, _ in within.levels] == ["user"]


def test_a_level_that_is_summed_over_is_not_the_one_that_is_named():
    found = rewritten("sum_over_level", Sum("o", Effect(ITEM, index="o"), USER, ("j",)), CROSSED)
    ((column, name),) = found.levels
    assert column == "item"
    assert name != "j"


@pytest.mark.parametrize(
    ("arguments", "model", "wanted"),
    [
        ((S, Y["j"]), ONE, "N var(1|user) + var(residual)"),
        ((Y["j"], Y["k"]), ONE, "var(1|user) + delta_jk var(residual)"),
        ((Y["j"], Y["j"]), ONE, "var(1|user) + var(residual)"),
        ((Y["j"], Y["k"], S), ONE, "N k3(1|user) + delta_jk k3(residual)"),
        ((Y["j"], Y["j"], Y["k"]), ONE, "k3(1|user) + delta_jk k3(residual)"),
        ((Y["j"], Y["k"], Y["l"]), ONE, "k3(1|user) + delta_jk delta_jl k3(residual)"),
        ((Y["j"], Y["k"]), WEIGHTED, "var(1|user) + delta_jk var(residual)/w_j"),
        ((Y["j"], Y["k"]), CLASSES, "var(1|user) + delta_jk var(residual[site])"),
        ((Y["j"], Y["k"]), APART, "var(1|user) + x_j x_k var(x|user) + delta_jk var(residual)"),
        (
            (Y["j"], Y["k"], Total(Value(X) * Response(), USER)),
            COVARIATE,
            "S_x k3(1|user) + delta_jk x_j k3(residual)",
        ),
        ((mul(Value(X, "j"), Y["j"]),), COVARIATE, "Intercept x_j + beta(x) x_j^2"),
        ((Y["j"], Y["k"]), CROSSED, "var(1|user) + var(1|item) + delta_jk var(residual)"),
    ],
    ids=shown,
)
def test_residuals_coincide_where_observations_do(arguments, model, wanted):
    assert text(rewritten("cumulants_of_totals", Cumulant(arguments, ALL), model)) == wanted


def test_effects_of_observations_have_no_coincidence():
    """A term is of the residual by the names in it: of its parameters, or of the values of its classes."""
    effects, residual = (frozenset({(name, 1)}) for name in ("var(1|user)", "var(residual)"))
    assert of_residual(residual, 2, ONE)
    assert not of_residual(effects, 2, ONE)
    assert not of_residual(residual, 2, CLASSES)
    for level in "ab":
        assert of_residual(frozenset({(f"var(residual[{level}])", 1)}), 2, KNOWN_CLASSES)


def test_columns_that_are_called_as_the_residual_or_its_weights_are_not_of_it():
    value = single((Level("user", "i"),), What("value", ((Variable("column", "var(residual)"), 1),)))
    assert not of_residual(frozenset({(value, 1), ("var(1|user)", 1)}), 2, ONE)
    weighted = replace(WEIGHTED, residual_by={"site": None})
    assert not of_residual(frozenset({("w", 1), ("var(1|user)", 1)}), 2, weighted)


@pytest.mark.parametrize(
    ("by", "wanted"), [(ITEM, "sum_k n_kj N_k"), (USER, "N_i N_i"), ((), "sum_i N_i N_i")], ids=shown
)
def test_the_size_of_each_observations_user_is_counted_as_often_as_the_user_occurs(by, wanted):
    """Over the observations of an item, sum_o N_u(o) is sum_i n_ij N_i; of a user, N_i N_i."""
    (size,) = OWN_SIZE.constant_on
    found = rewritten("sum_over_level", Sum("o", Value(size, "o"), by), OWN_SIZE)
    assert text(found) == wanted
    assert not any(isinstance(part, Value) for part in walk(found)), "a size, and no covariate that looks so"


@pytest.mark.parametrize(
    ("node", "model", "wanted"),
    [
        (E(Over(USER, S**2), ALL), ONE, "sum_i (Var(S) + E[S] E[S])"),
        (E(Over(CELL, S * S_ITEM), ALL), CROSSED, "sum_{i,j} (Cov(S_i., S_.j) + E[S_i.] E[S_.j])"),
        (E(Over(CELL, Total(Response(), CELL) ** 2), ALL), CROSSED, "sum_{i,j} (Var(S_ij) + E[S_ij] E[S_ij])"),
        (E(Total(Response() ** 2, USER), ALL), ONE, "sum_{j=1..N} (Var(Y_j) + E[Y_j] E[Y_j])"),
        (E(Total(Response() ** 2, ()), ALL), CROSSED, "sum_t (Var(Y_t) + E[Y_t] E[Y_t])"),
        (
            E(Total(Value(X) * Response() ** 2, USER), ALL),
            COVARIATE,
            "sum_{j=1..N} x_j (Var(Y_j) + E[Y_j] E[Y_j])",
        ),
        (E(S**2, (N,)), COVARIATE, "Var(S | N) + E[S | N] E[S | N]"),
        (E(Total(Response(), ()) * S, ALL), ONE, "Cov(S_all, S) + E[S_all] E[S]"),
        (
            E(Over(USER, S**2) ** 2, ALL),
            CROSSED,
            (
                "sum_{i,k} (kappa(S, S, S_k, S_k) + 2 kappa(S, S, S_k) E[S_k] + Var(S) Var(S_k) + Var(S) E[S_k] E[S_k]"
                " + 2 kappa(S, S_k, S_k) E[S] + 2 Cov(S, S_k) Cov(S, S_k) + 4 Cov(S, S_k) E[S] E[S_k]"
                " + E[S] E[S] Var(S_k) + E[S] E[S] E[S_k] E[S_k])"
            ),
        ),
        (
            E(S * Over(USER, S**2), ALL),
            ONE,
            "sum_k (kappa(S, S_k, S_k) + 2 Cov(S, S_k) E[S_k] + E[S] Var(S_k) + E[S] E[S_k] E[S_k])",
        ),
        (E(S * Over(CELL, Total(Response(), CELL)), ALL), CROSSED, "sum_{k,j} (Cov(S_i., S_kj) + E[S_i.] E[S_kj])"),
        (E(Over(USER, S**2 / N), ALL), ONE, "sum_i (Var(S) + E[S] E[S])/N"),
        (E(Over(CELL, Total(Response(), CELL) ** 2), ALL), THREE, "sum_{i,j} (Var(S_ij) + E[S_ij] E[S_ij])"),
        (E(mul(Value(X, "j"), Y["j"], Y["k"]), ALL), COVARIATE, "x_j (Cov(Y_j, Y_k) + E[Y_j] E[Y_k])"),
        (
            E(Total(Value(X) * Response(), USER) ** 2, ALL),
            COVARIATE,
            "Var(sum_{j=1..N} x_j Y_j) + E[sum_{j=1..N} x_j Y_j] E[sum_{j=1..N} x_j Y_j]",
        ),
        (E(S**2 * Total(Value(X), USER), ALL), COVARIATE, "S_x (Var(S) + E[S] E[S])"),
        (E(S**2 * N, ALL), COVARIATE, "N (Var(S) + E[S] E[S])"),
        (E(N, ALL), ONE, "N"),
        (
            Cov(Y["j"] * Y["k"], Y["j"], ALL),
            ONE,
            "kappa(Y_j, Y_k, Y_j) + Var(Y_j) E[Y_k] + E[Y_j] Cov(Y_k, Y_j)",
        ),
    ],
    ids=shown,
)
def test_products_of_forms_over_partitions(node, model, wanted):
    found = rewritten("cumulants_of_products", node, model)
    assert text(found).replace(" | design", "") == wanted
    assert isinstance(found, Over) == wanted.startswith("sum_{i,j}"), "over the cells that are there, not over pairs"


def test_sums_over_two_factors_are_not_sums_over_cells():
    found = rewritten("cumulants_of_products", E(Over(USER, S**2) * Over(ITEM, S_ITEM), ALL), CROSSED)
    assert isinstance(found, LevelSum)
    assert [column for column, _ in found.levels] == ["user", "item"]


def test_a_delta_names_the_first_observation():
    found = rewritten("cumulants_of_totals", Cov(Y["k"], Y["j"], ALL), WEIGHTED)
    assert found == key("var(1|user)") + mul(Delta("k", "j"), power(Value(W, "k"), -1), key("var(residual)"))
