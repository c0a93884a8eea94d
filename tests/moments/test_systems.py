"""Moment systems: coefficients are the oracle's traces, solutions solve their equations exactly, rank is told."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import momentalg as ma
from momentalg.check.parameters import ParameterValues
from momentalg.check.quadratic import QuadraticOracle
from momentalg.check.reader import NumberReader
from momentalg.check.sample import Sample
from momentalg.errors import ModelError, NotIdentifiedError, StatisticError, UnsupportedError
from momentalg.expr.nodes import ZERO, Add, Hat, Letter, Mul, Number, Parameter, Pow
from momentalg.moments.constants import constant_value
from momentalg.moments.expectation import variance_keys
from momentalg.moments.rational import echelon
from tests.cumulants.support import LONG, table_of

MODELS = {
    "intercept": ma.Model("y ~ 1 + (1 | user)"),
    "size": ma.Model("y ~ 1 + size(user) + (1 | user)"),
    "level covariate": ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"}),
    "observation covariate": ma.Model("y ~ 1 + x + (1 | user)"),
    "both": ma.Model("y ~ 1 + x + X + (1 | user)", levels={"X": "user"}),
    "no intercept": ma.Model("y ~ 0 + x + (1 | user)"),
}
ANOVA_LIKE = ("henderson1", "unweighted_means")
SYSTEMS = [
    (name, statistics, means)
    for name in MODELS
    for statistics, means in (
        ("henderson3", None),
        ("minque0", None),
        ("pairs", "products"),
        ("totals", "products"),
        ("pairs", "plug-in"),
        *(((s, None) for s in ANOVA_LIKE) if name == "intercept" else ()),
    )
]
DESIGNS = 12 if LONG else 2


def system_of(name, statistics, means):
    return MODELS[name].moment_equations(statistics, means=means)


def random_rows(seed, sizes=None):
    """Rows with at least four levels of different sizes, so that everything is identified."""
    rng = Random(seed)
    sizes = sizes or rng.choice(([1, 2, 3, 2], [2, 3, 1, 4], [1, 1, 3, 4, 2]))
    values = [Fraction(rng.randint(-5, 9), rng.randint(1, 3)) for _ in sizes]
    return [
        {"user": f"u{i}", "X": values[i], "x": Fraction(rng.randint(-9, 9), 2)}
        for i, size in enumerate(sizes)
        for _ in range(size)
    ]


def parameters_of(model, seed):
    rng = Random(f"parameters {seed}")
    keys = [*(str(c.key) for c in model.resolved.mean), *variance_keys(model.resolved)]
    return {key: Fraction(rng.randint(1, 20), rng.randint(1, 5)) for key in keys}


def value(node, letters, known):
    """The number that an assignment gives, from the values of statistics and design constants."""
    match node:
        case Number(number):
            return number
        case Letter(name):
            return letters[name]
        case Hat(Parameter(key)):
            return known[key]
        case Add(args):
            return sum((value(a, letters, known) for a in args), Fraction(0))
        case Mul(args):
            product = Fraction(1)
            for a in args:
                product *= value(a, letters, known)
            return product
        case Pow(base, exponent):
            return value(base, letters, known) ** exponent
        case _:
            return letters[node]


class Constants(dict):
    """The letters of a design: names of statistics are given, design constants are computed."""

    def __init__(self, letters, rows, model):
        super().__init__(letters)
        self.table, self.model = table_of(rows), model.resolved

    def __missing__(self, node):
        return constant_value(node, self.table, self.model)


def estimates(solution, letters, rows, model):
    """The assignments carried out in order, exactly."""
    constants = Constants(letters, rows, model)
    known = {}
    for assignment in (*solution.common, *solution.variance):
        known[assignment.key] = value(assignment.value, constants, known)
    return known


@pytest.mark.parametrize(("name", "statistics", "means"), SYSTEMS)
def test_coefficients_are_those_of_the_oracle(name, statistics, means):
    """The expectation of every statistic, from traces of matrices, is the sum of coefficients times unknowns."""
    system, model = system_of(name, statistics, means), MODELS[name]
    for seed in range(DESIGNS):
        rows, parameters = random_rows(seed), parameters_of(model, seed)
        key_value = ParameterValues(model.resolved, parameters)
        oracle = QuadraticOracle(rows, model.resolved, parameters)
        table = table_of(rows)
        for equation in (*system.common, *system.variance):
            total = sum(
                (constant_value(c, table, model.resolved) * key_value(k) for k, c in equation.coefficients.items()),
                Fraction(0),
            )
            assert total == oracle.mean(equation.statistic), (seed, equation.name)


def solved(equations, constants, letters):
    """The linear equations solved exactly, all at once."""
    unknowns = list(dict.fromkeys(key for e in equations for key in e.coefficients))
    rows = [[constants[e.coefficients.get(key, ZERO)] for key in unknowns] + [letters[e.name]] for e in equations]
    reduced, pivots = echelon(rows)
    assert pivots == list(range(len(unknowns))), "one solution"
    return {key: row[-1] for key, row in zip(unknowns, reduced, strict=True)}


@pytest.mark.parametrize(("name", "statistics", "means"), SYSTEMS)
def test_solutions_solve_their_equations(name, statistics, means):
    """From the expectations of the statistics, the closed forms give back the parameters, exactly."""
    if means == "plug-in":
        return  # the means are estimated: see test_plugged_in_means_are_biased
    model = MODELS[name]
    system = system_of(name, statistics, means)
    solution = system.solve()
    assert (solution.variance is None) == (len(solution.equations) > 4), "small systems have closed forms"
    for seed in range(DESIGNS):
        rows, parameters = random_rows(seed), parameters_of(model, seed)
        key_value = ParameterValues(model.resolved, parameters)
        constants = Constants({}, rows, model)
        letters = {
            e.name: sum((constants[c] * key_value(k) for k, c in e.coefficients.items()), Fraction(0))
            for e in (*system.common, *solution.equations)
        }
        if solution.variance is None:
            found = solved(solution.equations, constants, letters)
        else:
            found = estimates(solution, letters, rows, model)
            assert set(system.targets) <= set(found)
        assert found == {key: key_value(key) for key in found}


def statistics_on(system, rows, model, responses):
    """The statistics on data, by the reader of the oracles."""
    reader = NumberReader(Sample(dict(enumerate(rows))), model.resolved, dict(enumerate(responses)))
    return {e.name: reader.read(e.statistic, {}) for e in (*system.common, *system.variance)}


def estimates_on(model, statistics, rows, responses, **how):
    system = model.moment_equations(statistics, **how)
    solution = system.solve()
    return estimates(solution, statistics_on(system, rows, model, responses), rows, model)


def test_henderson_three_is_anova_for_the_intercept_model():
    rng, model = Random(5), MODELS["intercept"]
    for seed in range(DESIGNS):
        rows = random_rows(seed)
        responses = [Fraction(rng.randint(-9, 9), 4) for _ in rows]
        assert estimates_on(model, "henderson3", rows, responses) == estimates_on(model, "henderson1", rows, responses)


def test_minque_zero_is_the_centred_total_statistic():
    """Rao's MINQUE(0), Q = y'PZZ'Py and y'Py, is Matloff's statistic S centred, with the total sum of squares."""
    model, rng = MODELS["intercept"], Random(6)
    y, N = model.y, model.size("user")
    S, G, n = model.total(y, by="user"), model.total(y), model.size()
    centred = {"centred": ma.over("user", (S - N * G / n) ** 2), "TSS": model.total(y**2) - G**2 / n}
    for seed in range(DESIGNS):
        rows = random_rows(seed)
        responses = [Fraction(rng.randint(-9, 9), 4) for _ in rows]
        assert estimates_on(model, "minque0", rows, responses) == estimates_on(model, centred, rows, responses)


def test_pairs_need_two_equations_for_the_variance_between_levels():
    """WP / (N2 - n) - XP / (n^2 - N2): no residual variance, no estimate of the mean."""
    solution = MODELS["intercept"].moment_equations("pairs").solve(targets=["var(1|user)"])
    assert [e.name for e in solution.equations] == ["WP", "XP"]
    assert solution.common == ()
    rows = random_rows(2, [1, 2, 4])
    letters = {"WP": Fraction(30), "XP": Fraction(7)}
    found = estimates(solution, letters, rows, MODELS["intercept"])
    assert found["var(1|user)"] == Fraction(30, 21 - 7) - Fraction(7, 49 - 21)
    assert all("var(residual)" not in e.coefficients for e in solution.equations)


def expectation_of_plugged(s2a, s2e):
    """E of the plug-in estimator of Var(alpha) from Var S - mu^2 Var N, sizes 2 and 3 (theory.md, 2.4)."""
    model = MODELS["intercept"]
    y, N = model.y, model.size("user")
    S, G, n, m = model.total(y, by="user"), model.total(y), model.size(), ma.over("user", 1)
    variance = (ma.over("user", S**2) - G**2 / m) / (m - 1)
    spread = (ma.over("user", N**2) - n**2 / m) / (m - 1)
    within = (model.total(y**2) - ma.over("user", S**2 / N)) / (n - m)
    plugged = (variance - n / m * within - (G / n) ** 2 * spread) / (ma.over("user", N**2) / m)
    rows = [{"user": u} for u in "aabbb"]
    parameters = {"Intercept": 3, "var(1|user)": s2a, "var(residual)": s2e}
    return model.mean(plugged, given=ma.design), QuadraticOracle(rows, model.resolved, parameters).mean(plugged), rows


def test_plugged_in_means_are_biased():
    """Given N = (2, 3): E = 0.96 s_a^2 - 0.0154 s_e^2, and not s_a^2."""
    derivation, between, rows = expectation_of_plugged(1, 0)
    _, within, _ = expectation_of_plugged(0, 1)
    assert (between, within) == (Fraction(24, 25), Fraction(-1, 65))  # 0.96 and -0.0154
    import pandas as pd

    for a, e, expected in ((1, 0, between), (0, 1, within)):
        parameters = {"Intercept": 3, "var(1|user)": a, "var(residual)": e}
        assert derivation.evaluate(parameters=parameters, data=pd.DataFrame(rows).assign(y=0)) == expected


def bias_of(means):
    """E[estimate of var(1|user)] - var(1|user) on sizes 2, 3 by the quadratic-form oracle, for pairs."""
    model = MODELS["intercept"]
    system = model.moment_equations("pairs", means=means)
    rows = [{"user": u} for u in "aabbb"]
    parameters = {"Intercept": 3, "var(1|user)": Fraction(2), "var(residual)": Fraction(5)}
    oracle = QuadraticOracle(rows, model.resolved, parameters)
    solution = system.solve(targets=["var(1|user)"])
    grand = next(e for e in system.common).statistic
    letters = {e.name: oracle.mean(e.statistic) for e in solution.equations}
    found = Fraction(0)
    if means == "products":
        found = estimates(solution, letters, rows, model)["var(1|user)"]
    else:  # quadratic in the total: its square has an expectation of its own
        squared = oracle.mean(grand**2)
        found = (letters["WP"] - squared * Fraction(13 - 5, 25)) / (13 - 5)
        trial = {**letters, "G[Intercept]": Fraction(7)}
        assert estimates(solution, trial, rows, model)["var(1|user)"] == (letters["WP"] - 49 * Fraction(8, 25)) / 8
    return found - 2


def test_products_are_exactly_unbiased_and_plugging_in_is_not():
    assert bias_of("products") == 0
    variance_of_mean = Fraction(13 * 2 + 5 * 5, 25)
    assert bias_of("plug-in") == -variance_of_mean


ALL_ONE = [{"user": f"u{i}", "X": i * i, "x": i} for i in range(6)]


def test_when_all_sizes_are_one_only_the_sum_is_identified():
    """All N_i = 1: every coefficient matrix has rank one, and the sum of the components is what it determines."""
    model = MODELS["intercept"]
    for statistics in ("henderson1", "minque0", "unweighted_means"):
        system = model.moment_equations(statistics)
        constants = Constants({}, ALL_ONE, model)
        rows = [[constants[e.coefficients.get(key, ZERO)] for key in system.unknowns] for e in system.variance]
        assert all(a == b for a, b in rows), statistics
        assert any(a for a, _ in rows)


def test_single_observations_in_a_frame_are_told():
    import pandas as pd

    frame = pd.DataFrame(ALL_ONE).assign(y=[1.0, 3.0, 2.0, 5.0, 4.0, 0.5])
    with pytest.raises(NotIdentifiedError, match=r"var\(1\|user\)"):
        MODELS["intercept"].fit(frame)


@pytest.mark.parametrize(
    ("statistics", "targets", "message"),
    [
        ({"T": "T"}, None, r"do not separate var\(1\|user\), var\(residual\)"),
        ({"SSW": "SSW"}, None, r"none of the statistics SSW has var\(1\|user\) in its expectation"),
        ({"SSW": "SSW"}, ["var(1|user)"], "The nearest thing that works: model.moment_equations"),
        ("normal_equations", None, "henderson3"),
    ],
)
def test_what_is_not_identified_is_named(statistics, targets, message):
    model = MODELS["intercept"]
    y, N = model.y, model.size("user")
    squares = model.total(y**2)
    nodes = {"T": squares, "SSW": squares - ma.over("user", model.total(y, by="user") ** 2 / N)}
    chosen = statistics if isinstance(statistics, str) else {k: nodes[v] for k, v in statistics.items()}
    with pytest.raises(NotIdentifiedError, match=message):
        model.moment_equations(chosen).solve(targets)


def test_a_residual_component_alone_is_identified_from_ssw():
    model = MODELS["intercept"]
    ssw = model.total(model.y**2) - ma.over("user", model.total(model.y, by="user") ** 2 / model.size("user"))
    solution = model.moment_equations({"SSW": ssw}).solve(targets=["var(residual)"])
    assert set(solution.closed_form) == {"var(residual)"}


def test_one_target_is_its_name():
    system = MODELS["intercept"].moment_equations()
    assert repr(system.solve("var(residual)")) == repr(system.solve(["var(residual)"]))


def test_bad_requests():
    model = MODELS["intercept"]
    with pytest.raises(ModelError, match="no such parameter"):
        model.moment_equations().solve(targets=["var(1|item)"])
    with pytest.raises(StatisticError, match="no statistics called"):
        model.moment_equations("reml")
    with pytest.raises(ModelError, match="is none of projection, products, plug-in"):
        model.moment_equations(means="square")
    with pytest.raises(UnsupportedError, match="not mean-free"):
        model.moment_equations("pairs", means="projection")
    with pytest.raises(UnsupportedError, match="products of 3 mean parameters"):
        MODELS["both"].moment_equations("pairs")
