"""Fixed factors in the algebra: indicators are idempotent and disjoint, and unknown levels have values."""

import random
from fractions import Fraction
from itertools import combinations_with_replacement

import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.translate import translate
from momentalg.data.design import DesignData, with_functions
from momentalg.expr.nodes import Variable

LEVELS = {"drug": ["a", "b", "c"], "site": [1, 2]}
FORMULAS = [
    "y ~ drug + (1 | user)",
    "y ~ 0 + drug*site + (1 | user)",
    "y ~ drug*x + (1 | user) + (1 | item)",
    "y ~ 1 + x + (0 + drug | user)",
    "y ~ drug + (1 | user) + (1 | user:drug)",
    "y ~ drug + (1 | drug:user)",
]


def statistics(model):
    y, S, N = model.y, model.total(model.y, by="user"), model.size("user")
    D = model.total(y, by="drug")
    drawn = [
        S,
        model.total(y**2),
        ma.over("user", S**2 / N) - model.total(y) ** 2 / model.size(),
        model.total(y) * model.total(y**2),
    ]
    if "drug" in model.resolved.columns:
        drawn += [
            ma.over("drug", D**2),
            ma.over("drug", D**2 / model.size("drug")),
            ma.over("drug", D * model.size("drug")),
        ]
    return drawn


def rows_of(rng, users, items, size):
    return [
        {
            "user": rng.randrange(users),
            "item": rng.randrange(items),
            "drug": rng.choice("abc"),
            "site": rng.choice([1, 2]),
            "x": Fraction(rng.randrange(-3, 4), 2),
            "C(drug)": Fraction(0),
        }
        for _ in range(size)
    ]


def engine(statistics, model, rows, parameters, at):
    labels = {c: [row[c] for row in rows] for c in model.columns}
    values = {Variable("column", "x"): [row["x"] for row in rows]}
    values |= {v: [row[v.name] for row in rows] for v in model.constant_on if v.kind == "fixed"}
    data = with_functions(DesignData(labels, values), model)
    table = DesignTable(data.labels, data.values, len(rows))
    return evaluate(joint_cumulant([translate(s, model) for s in statistics], model), parameters, table, at)


def parameters_of(model, rng):
    keys = [*model.parameters]
    for order in (3, 4):
        keys += [f"k{order}(residual)"]
        for block in model.resolved.groups:
            names = [str(c.key) for c in block.coefficients]
            keys += [model.resolved.cumulant_key(block, some) for some in combinations_with_replacement(names, order)]
    return {key: Fraction(rng.randrange(-4, 9), rng.choice([1, 2, 3])) for key in keys}


@pytest.mark.parametrize("formula", FORMULAS)
def test_known_levels_agree_with_enumeration(formula):
    fixed = {name: levels for name, levels in LEVELS.items() if name in formula}
    model = ma.Model(formula, fixed=fixed)
    rng = random.Random(formula)
    for _ in range(2):
        rows = rows_of(rng, 2, 2, 5)
        user = rows[0]["user"]
        parameters = parameters_of(model, rng)
        drawn = statistics(model)
        pairs = [[s] for s in drawn] + [[drawn[0], drawn[0]], [drawn[0], drawn[1]]]
        pairs += [] if "(0 +" in formula else [[drawn[1], drawn[1]], [drawn[0], drawn[0], drawn[0]]]
        for asked in pairs:
            found = engine(asked, model.resolved, rows, parameters, {("user", "i"): user})
            assert found == enumerate_cumulant(asked, rows, model.resolved, parameters, {"user": user}), asked


@pytest.mark.parametrize("formula", ["y ~ C(drug) + (1 | user)", "y ~ C(drug) + x + (1 | user) + (1 | user:drug)"])
def test_unknown_levels_agree_with_enumeration(formula):
    model = ma.Model(formula)
    rng = random.Random(formula)
    for _ in range(3):
        rows = rows_of(rng, 2, 2, 5)
        tau = {label: Fraction(rng.randrange(-5, 6), 2) for label in "abc"}
        rows = [{**row, "C(drug)": tau[row["drug"]]} for row in rows]
        user = rows[0]["user"]
        parameters = parameters_of(model, rng)
        drawn = statistics(model)
        for asked in [[s] for s in drawn] + [[drawn[0], drawn[0]], [drawn[1], drawn[2]]]:
            found = engine(asked, model.resolved, rows, parameters, {("user", "i"): user})
            assert found == enumerate_cumulant(asked, rows, model.resolved, parameters, {"user": user}), asked


def test_a_level_s_values_are_those_of_its_indicators():
    """Known and unknown levels are one model: tau of the reference is 0, and tau_k the coefficient of k."""
    known, unknown = (
        ma.Model("y ~ drug + (1 | user)", fixed={"drug": ["a", "b", "c"]}),
        ma.Model("y ~ C(drug) + (1 | user)"),
    )
    rng = random.Random(1)
    rows = rows_of(rng, 3, 2, 9)
    parameters = parameters_of(known, rng)
    tau = {"a": Fraction(0), "b": parameters["drug[b]"], "c": parameters["drug[c]"]}
    levelled = [{**row, "C(drug)": tau[row["drug"]]} for row in rows]
    at = {("user", "i"): rows[0]["user"]}
    for one, other in zip(statistics(known), statistics(unknown), strict=True):
        for power in (1, 2) if one != statistics(known)[3] else (1,):
            left = engine([one] * power, known.resolved, rows, parameters, at)
            assert left == engine([other] * power, unknown.resolved, levelled, parameters, at)


def test_products_of_indicators_have_one_normal_form():
    model = ma.Model("y ~ drug + (1 | user)", fixed={"drug": ["a", "b", "c"]})
    b, c = model.covariate("drug[b]"), model.covariate("drug[c]")
    resolved = model.resolved

    def value(node):
        return joint_cumulant([translate(node, resolved)], resolved)

    total = model.total
    assert value(total(b**3)) == value(total(b)) == value(ma.over("drug", b * model.size("drug")))
    assert not value(total(b * c))
    assert not value(ma.over("drug", b * c * model.size("drug")))
    assert value(ma.over("drug", b * model.size("drug") ** 2)) == value(total(b) ** 2)
    assert value(ma.over("user", total(b * b, by="user") ** 2)) == value(ma.over("user", total(b, by="user") ** 2))


def test_what_is_derived_given_the_design_verifies():
    unknown = ma.Model("y ~ C(drug) + (1 | user)")
    unknown.mean(unknown.total(unknown.y**2), given=ma.design).verify()
    unknown.var(unknown.total(unknown.y, by="user"), given=ma.design).verify()
    model = ma.Model("y ~ drug*x + (1 | user)", fixed={"drug": ["a", "b", "c"]})
    for statistic in (model.total(model.y, by="user"), model.total(model.y**2)):
        model.mean(statistic, given=ma.design).verify()
    model.var(model.total(model.y, by="user"), given=ma.design).verify()


def test_the_expectation_of_a_sum_of_squares_is_a_quadratic_form_in_the_values_of_the_levels():
    model = ma.Model("y ~ C(drug) + (1 | user)")
    D, N = model.total(model.y, by="drug"), model.size("drug")
    derived = model.mean(ma.over("drug", D**2 / N), given=ma.design)
    assert "sum(size(drug)*C(drug)^2)" in str(derived.canonical)


def test_random_designs_need_the_levels():
    model = ma.Model("y ~ C(drug) + (1 | user)")
    with pytest.raises(ma.UnsupportedError, match="levels of drug are not known"):
        model.var(model.total(model.y, by="user"))


def test_equations_that_hold_values_of_unknown_levels_are_refused_with_what_works():
    model = ma.Model("y ~ C(drug) + (1 | user)")
    with pytest.raises(ma.UnsupportedError, match=r"holds C\(drug\) at levels that are not known"):
        model.moment_equations("henderson1")
    assert model.moment_equations("henderson3").unknowns == ("var(1|user)", "var(residual)")
