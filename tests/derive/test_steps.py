"""Every step of every derivation keeps its exact value on finite spaces; orders of conditioning; what is refused."""

from __future__ import annotations

from itertools import permutations

import pytest

import momentalg as ma
from momentalg.check.laws import read_atoms
from momentalg.check.random_design import law_cumulant
from momentalg.check.random_models import OWN_COVARIATE
from momentalg.check.spaces import Space, values
from momentalg.errors import AssumptionError, ModelError, StatisticError, UnsupportedError
from momentalg.expr.nodes import Effect, Function
from momentalg.expr.traversal import walk
from tests.cumulants.support import LONG
from tests.rules.spaces import COVARIATES, EFFECTS, RESIDUALS, SIZES

FORMULAS = {
    "intercept": ("y ~ 1 + (1 | user)", {}),
    "size": ("y ~ 1 + size(user) + (1 | user)", {}),
    "level covariate": ("y ~ 1 + X + (1 | user)", {"levels": {"X": "user"}}),
    "observation covariate": ("y ~ 1 + x + (1 | user)", {}),
    "products": ("y ~ 1 + X:size(user) + I(X**2) + X:x + (1 | user)", {"levels": {"X": "user"}}),
    "no intercept": ("y ~ 0 + x + (1 | user)", {}),
}
MODELS = {name: ma.Model(formula, **facts) for name, (formula, facts) in FORMULAS.items()}
MEANS = {"Intercept": "5/2", "X": -3, "x": 2, "size(user)": "1/2", "X:size(user)": -1, "I(X**2)": "1/3", "X:x": 2}


def space(model, number, units=1):
    """A space for the model; sizes are at least 2 where a covariate varies by observation, so that x_j exists."""
    keys = {str(c.key) for c in model.resolved.mean}
    if any(v.name == "x" for c in model.resolved.mean for v, _ in c.monomial):
        design = [{**atom, "size(user)": 2, "x": atom["x"][:2]} for atom in COVARIATES[number % 2]]
    else:
        design = [{**atom, "X": 1 + 2 * n} for n, atom in enumerate(SIZES[number % 2])]
    means = {key: MEANS[key] for key in keys}
    atoms = read_atoms(design)
    return Space(model.resolved, means, atoms, (EFFECTS[number % 3],), RESIDUALS[number % 3], units)


def statistics(model):
    """Statistics of one level: total, mean, sums of squares, products with the size."""
    y, N = model.y, model.size("user")
    S, T = model.total(y, by="user"), model.total(y**2, by="user")
    return {"S": S, "mean": S / N, "T": T, "D": T - S**2 / N, "P": S**2 - T, "SN": S * N}


def kept(derivation, where):
    """How many steps were compared; each keeps its value in every outcome."""
    compared = 0
    for step in derivation.steps:
        if step.kind not in ("identity", "assumption"):
            continue
        if any(isinstance(part, Function) for part in (*walk(step.before), *walk(step.after))):
            continue  # the indicator of a level that is not empty: no statistic has it
        assert values(step.before, where) == values(step.after, where), step.rule
        compared += 1
    return compared


FEW = {
    "E T": ("mean", "T"),
    "E D": ("mean", "D"),
    "Var S": ("var", "S"),
    "Var mean": ("var", "mean"),
    "Cov(S, SN)": ("cov", "S", "SN"),
}
MORE = {
    "E S": ("mean", "S"),
    "E mean": ("mean", "mean"),
    "E P": ("mean", "P"),
    "E SN": ("mean", "SN"),
    "Var SN": ("var", "SN"),
    "Cov(mean, S)": ("cov", "mean", "S"),
    "k3 S": ("cumulant", "S", "S", "S"),
    "k3 mean": ("cumulant", "mean", "mean", "mean"),
    "Cov(S, T)": ("cov", "S", "T"),
    "Var T": ("var", "T"),
    "Var D": ("var", "D"),
    "Var P": ("var", "P"),
    "Cov(T, D)": ("cov", "T", "D"),
    "k4 S": ("cumulant", "S", "S", "S", "S"),
    "k4 mean": ("cumulant", "mean", "mean", "mean", "mean"),
}
GRID = [
    pytest.param(name, asked, id=f"{name}-{title}")
    for name in MODELS
    for title, asked in (FEW | MORE).items()
    if title in FEW or name == "intercept" or LONG
]


def derived(model, asked, **how):
    how_many, *names = asked
    chosen = [statistics(model)[name] for name in names]
    return getattr(model, how_many)(*chosen, **how)


@pytest.mark.parametrize(("name", "asked"), GRID)
def test_steps_keep_their_value(name, asked):
    model = MODELS[name]
    derivation = derived(model, asked)
    assert derivation.verify().steps == len(derivation.steps) > 0
    assert kept(derivation, space(model, 0)) == len(derivation.steps)
    conditional = derived(model, asked, given=[model.size("user")])
    assert conditional.verify()
    kept(conditional, space(model, 1))


@pytest.mark.parametrize("name", MODELS)
def test_results_under_a_law_are_those_of_enumeration(name):
    model = MODELS[name]
    where = space(model, 1)
    design = [
        {"p": a.probability, "size(user)": a.size, **a.constant, **{k: list(v) for k, v in a.varying.items()}}
        for a in where.design
    ]
    parameters = {key: where.parameters(key) for key in (*where.coefficients, "var(1|user)", "var(residual)")}
    parameters |= {f"k{n}({of})": where.parameters(f"k{n}({of})") for n in (3, 4) for of in ("1|user", "residual")}
    for asked in (FEW | MORE if LONG else FEW).values():
        derivation = derived(model, asked)
        expected = law_cumulant(derivation.args, design, model.resolved, parameters)
        needed = {"p", "size(user)", *(v.name for c in model.resolved.mean for v, _ in c.monomial)}
        law = [{k: v for k, v in atom.items() if k in needed} for atom in design]
        assert derivation.evaluate(parameters=parameters, law=law) == expected


@pytest.mark.parametrize("name", ["intercept", "size"])
def test_sums_over_levels_keep_their_value(name):
    model = MODELS[name]
    sums = [ma.over("user", statistics(model)[key]) for key in ("T", "D")]
    for derivation in (
        *(model.mean(statistic, given=given) for statistic in sums for given in ((), ma.design)),
        *(model.var(model.total(model.y), given=given) for given in ((), ma.design)),
    ):
        assert derivation.verify()
        assert kept(derivation, space(model, 0, units=2)) == len(derivation.steps)


ORDERS = [("var", "S"), ("mean", "P"), *([("cov", "S", "T"), ("cumulant", "S", "S", "S")] if LONG else [])]


@pytest.mark.parametrize("name", ["intercept", "size", "level covariate", "observation covariate"])
@pytest.mark.parametrize("asked", ORDERS, ids=str)
def test_every_order_of_conditions_gives_one_result(name, asked):
    model = MODELS[name]
    covariates = {v.name for c in model.resolved.mean for v, _ in c.monomial if v.kind == "column"}
    conditions = [model.size("user"), "user", *(model.covariate(c) for c in sorted(covariates))]
    standard = derived(model, asked)
    compared = 0
    for length in (1, 2, 3) if LONG else (1, 2):
        for via in permutations(conditions, length):
            columns = [getattr(condition, "variable", None) for condition in via]
            if OWN_COVARIATE in columns and model.size("user") in via[columns.index(OWN_COVARIATE) :]:
                continue  # x of all observations says how many there are
            other = derived(model, asked, via=list(via))
            assert other == standard
            assert other.canonical == standard.canonical
            assert other.result == standard.result
            assert other.verify()
            compared += 1
    assert compared >= 3


def test_steps_through_effects_keep_their_value():
    model = MODELS["intercept"]
    j, k = model.y.at("j"), model.y.at("k")
    for derivation in (
        model.cov(j, k, via=["user"]),
        model.var(statistics(model)["S"], via=["user"]),
        model.var(statistics(model)["S"], via=[model.size("user"), "user"]),
        model.var(statistics(model)["S"], given=[model.size("user"), "user"]),
    ):
        assert derivation.verify()
        assert any(isinstance(part, Effect) for step in derivation.steps for part in walk(step.after))
        assert kept(derivation, space(model, 0)) > 1


MODEL = MODELS["intercept"]
EMPTY = ma.Model("y ~ 1 + (1 | user)", assume=[ma.may_be_empty("user")])
S, N, G = MODEL.total(MODEL.y, by="user"), MODEL.size("user"), MODEL.total(MODEL.y)
T = MODEL.total(MODEL.y**2, by="user")


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: EMPTY.mean(S / N), AssumptionError, r"divides by size\(user\).*may be empty.*P\(N = 0\) > 0"),
        (lambda: EMPTY.var(T - S**2 / N), AssumptionError, "Use totals without division"),
        (lambda: MODEL.mean(S**9), UnsupportedError, "degree of what is asked is 9; up to 8"),
        (lambda: MODEL.var(S**5), UnsupportedError, "is 10; up to 8"),
        (lambda: MODEL.cumulant(*[S] * 9), UnsupportedError, "is 9; up to 8"),
        (lambda: MODEL.var(S, via=["item"]), ModelError, "no factor 'item'.*the model has user"),
        (lambda: MODEL.var(S, given=["N"]), ModelError, r"The sizes are model\.size\('user'\)"),
        (lambda: MODELS["observation covariate"].var(S, given=["x"]), ModelError, r"is model\.covariate\('x'\)"),
        (lambda: MODEL.var(S, via=[N, N]), ModelError, "known already"),
        (lambda: MODEL.var(S, given=[S]), ModelError, "cannot condition on"),
        (lambda: MODEL.mean(MODEL.y), StatisticError, "outside any total"),
        (lambda: MODEL.var(G**2 / MODEL.size()), UnsupportedError, "no closed variance.*given=ma.design"),
        (lambda: MODEL.mean(1 / S), UnsupportedError, "contains the response"),
    ],
)
def test_what_is_refused_and_why(ask, error, message):
    with pytest.raises(error, match=message):
        ask()


def test_the_variance_of_a_projection_is_refused():
    model = MODELS["observation covariate"]
    projected = model.moment_equations("minque0").variance[0].statistic
    with pytest.raises(UnsupportedError, match="variance of a projection statistic is not derivable yet"):
        model.var(projected, given=ma.design)


def test_empty_levels_are_legal_where_nothing_divides_by_the_size():
    law = {"size(user)": {0: "1/3", 2: "1/3", 3: "1/3"}}
    parameters = {"Intercept": 3, "var(1|user)": 2, "var(residual)": 5}
    found = EMPTY.var(S).evaluate(parameters=parameters, law=law)
    atoms = [{"p": "1/3", "size(user)": size} for size in (0, 2, 3)]
    assert found == law_cumulant((S, S), atoms, EMPTY.resolved, parameters)
    within = ma.over("user", T - S**2 / N)
    over_levels = EMPTY.mean(within).evaluate(parameters=parameters, law=law, units={"user": 2})
    assert over_levels == law_cumulant((within,), atoms, EMPTY.resolved, parameters, units=2)


def test_the_eighth_degree_is_still_derived():
    derivation = MODEL.var(S**4 / N**4, given=[N])
    assert derivation.verify()
    assert {"k8(1|user)", "k8(residual)"} <= {str(s) for s in derivation.result.free_symbols}
