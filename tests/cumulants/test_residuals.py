"""Residuals with known weights, or with a variance per class, against exact enumeration and quadratic forms."""

import random
from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.parameters import cumulant_keys
from momentalg.check.quadratic import QuadraticOracle
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.data.design import DesignData, with_functions
from momentalg.expr.nodes import Variable
from momentalg.moments.expectation import expectation

MODELS = [
    ma.Model("y ~ 1 + (1 | user)", weights="w"),
    ma.Model("y ~ x + (1 | user)", residual_by={"site": ["n", "s"]}),
    ma.Model("y ~ 1 + (1 | user) + (1 | item)", weights="w", residual_by={"site": ["n", "s"]}),
    ma.Model("y ~ 1 + (1 | user)", residual_by="site", weights="w"),
    ma.Model("y ~ site + (1 | user)", fixed={"site": ["n", "s"]}, residual_by="site"),
]
WEIGHTS = [Fraction(1), Fraction(4), Fraction(9, 4), Fraction(1, 9)]


def rows_of(rng, size):
    values = {f"{name}(residual[site])": {c: Fraction(rng.randrange(1, 9), 3) for c in "ns"} for name in KINDS}
    rows = []
    for _ in range(size):
        site = rng.choice("ns")
        row = {"user": rng.randrange(2), "item": rng.randrange(2), "site": site, "w": rng.choice(WEIGHTS)}
        rows.append({**row, "x": Fraction(rng.randrange(-3, 4)), **{name: values[name][site] for name in values}})
    return rows


KINDS = ["var", *(f"k{order}" for order in range(3, 9))]


def parameters_of(model, rng):
    keys = [*model.parameters, *(key for key, _, _ in cumulant_keys(model.resolved))]
    return {key: Fraction(rng.randrange(-4, 9), rng.choice([1, 2, 3])) for key in keys}


def engine(statistics, model, rows, parameters, at):
    labels = {c: [row[c] for row in rows] for c in model.columns}
    values = {Variable("column", name): [row[name] for row in rows] for name in ("x", "w")}
    values |= {v: [row[v.name] for row in rows] for v in model.constant_on if v.kind == "fixed"}
    data = with_functions(DesignData(labels, values), model)
    exact = {
        v: [Fraction(x).limit_denominator(100) for x in found] for v, found in data.values.items()
    }  # sqrt(9/4) is 1.5
    table = DesignTable(data.labels, exact, len(rows))
    return evaluate(joint_cumulant([translate(s, model) for s in statistics], model), parameters, table, at)


def statistics(model):
    y, S, N = model.y, model.total(model.y, by="user"), model.size("user")
    return [S, model.total(y**2), ma.over("user", S**2 / N), model.total(y**3), model.total(y) * model.total(y**2)]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_cumulants_agree_with_enumeration(model):
    rng = random.Random(repr(model))
    S, T, Q, C, P = statistics(model)
    for _ in range(2):
        rows = rows_of(rng, 4)
        user = rows[0]["user"]
        parameters = parameters_of(model, rng)
        for asked in ([S, S], [S, S, S], [S, S, S, S], [T], [Q], [C], [P], [S, T], [T, T], [Q, T], [S, C], [T, T, S]):
            found = engine(asked, model.resolved, rows, parameters, {("user", "i"): user})
            assert found == enumerate_cumulant(asked, rows, model.resolved, parameters, {"user": user}), asked


@pytest.mark.parametrize("model", MODELS[:3], ids=repr)
def test_variances_agree_with_the_quadratic_form(model):
    rng = random.Random(7)
    _, T, Q, _, _ = statistics(model)
    rows = rows_of(rng, 5)
    parameters = parameters_of(model, rng)
    oracle = QuadraticOracle(rows, model.resolved, parameters)
    assert engine([Q - T], model.resolved, rows, parameters, {}) == oracle.mean(Q - T)
    assert engine([Q, T], model.resolved, rows, parameters, {}) == oracle.covariance(Q, T)


def test_the_square_of_the_root_of_a_weight_is_the_weight():
    """At one observation two third cumulants make w^-3, without a root."""
    model = ma.Model("y ~ 1 + (1 | user)", weights="w").resolved
    found = joint_cumulant(
        [translate(ma.Model("y ~ 1 + (1 | user)").total(ma.Model("y ~ (1|user)").y ** 6), model)], model
    )
    squares = [m for m in found.terms if ("k3(residual)", 2) in m]
    assert squares
    assert "sqrt" not in repr(squares)


@pytest.mark.parametrize("model", MODELS[:3], ids=repr)
def test_expected_mean_squares_of_projections_have_a_trace_for_each_class(model):
    """E[y'Py] by the oracle, against traces evaluated by it: the coefficients are tr(P diag(class/w))."""
    rng = random.Random(11)
    rows = rows_of(rng, 7)
    parameters = parameters_of(model, rng)
    (statistic,) = [e for e in model.moment_equations().variance if e.name.startswith(("SSE", "R", "U"))][:1]
    oracle = QuadraticOracle(rows, model.resolved, parameters)
    found = sum(
        parameters[key] * oracle.mean(node) for key, node in expectation(statistic.statistic, model.resolved).items()
    )
    assert found == oracle.mean(statistic.statistic)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_derivations_verify(model):
    S, T, Q, _, _ = statistics(model)
    for derived in (model.var(S, given=ma.design), model.mean(T, given=ma.design), model.cov(S, T, given=ma.design)):
        derived.verify()
    model.mean(Q, given=ma.design).verify()
    if "item" not in repr(model) and model.resolved.residual_by.get("site", True):
        model.var(S).verify()


def test_a_residual_s_cumulant_is_refused_where_the_model_has_it_by_class():
    model = ma.Model("y ~ 1 + (1 | user)", residual_by={"site": ["n", "s"]})
    assert str(model.parameter("k4(residual[s])")) == "k4(residual[s])"
    with pytest.raises(ma.ModelError, match=r"no parameter 'var\(residual\)'"):
        model.parameter("var(residual)")


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_code_of_a_model_makes_it_again(model):
    assert eval(repr(model), {"ma": ma}) == model


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"weights": 2}, "weights= names a column"),
        ({"weights": "user"}, "a column with another meaning"),
        ({"residual_by": {"a": ["x", "y"], "b": ["x", "y"]}}, "names one column"),
        ({"residual_by": "y"}, "is the response"),
        ({"residual_by": {"site": ["n"]}}, "two or more"),
        ({"fixed": {"x": ["n", "s"]}, "residual_by": {"x": ["n", "t"]}}, "different levels"),
    ],
)
def test_contradictions_are_refused(arguments, match):
    with pytest.raises(ma.ModelError, match=match):
        ma.Model("y ~ x + (1 | user)", **arguments)


def test_a_variance_that_depends_on_a_size_is_refused_by_name():
    with pytest.raises(ma.UnsupportedError, match="depends on a size"):
        ma.Model("y ~ 1 + (1 | user)", residual_by="size(user)")
