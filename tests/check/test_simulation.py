"""The check by simulation passes right estimators, fails wrong ones, and hides nothing."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.check.simulation import check, simulation
from momentalg.check.verdict import CheckRow, SimulationCheck
from momentalg.errors import CheckError, DataError, ModelError, MomentalgError, UnsupportedError
from momentalg.model.assumptions import independent
from momentalg.model.distributions.empirical import empirical
from momentalg.model.distributions.exponential import Exponential
from momentalg.model.distributions.negative_binomial import NegativeBinomial
from momentalg.model.distributions.normal import Normal
from momentalg.model.distributions.poisson import Poisson
from momentalg.model.distributions.two_point import TwoPoint
from momentalg.model.distributions.zero_truncated_poisson import ZeroTruncatedPoisson
from momentalg.model.model import Model

ONE_WAY = Model("y ~ 1 + (1 | user)")
TRUE = {"Intercept": 2, "var(1|user)": "1/3", "var(residual)": 1}
SIZES = [1, 2, 2, 3, 5, 8, 1, 4, 4, 2]
FRAME = {"user": [f"u{i}" for i, n in enumerate(SIZES) for _ in range(n)]}


def totals(columns):
    codes, y = columns["user"], columns["y"]
    n = np.bincount(codes)
    return y, n, np.bincount(codes, y)


def anova(columns):
    """Henderson I: within and between sums of squares; the mean by pooling."""
    y, n, s = totals(columns)
    within = np.sum(y**2) - np.sum(s**2 / n)
    between = np.sum(s**2 / n) - s.sum() ** 2 / n.sum()
    residual = within / (n.sum() - len(n))
    user = (between - (len(n) - 1) * residual) / (n.sum() - np.sum(n**2) / n.sum())
    return {"Intercept": y.mean(), "var(1|user)": user, "var(residual)": residual}


def without_residual(columns):
    """The same, but with the term E[N] var(residual) forgotten in Var S."""
    _, n, s = totals(columns)
    product = (s.sum() ** 2 - np.sum(s**2)) / (n.sum() ** 2 - np.sum(n**2))  # unbiased for mu^2
    return {"var(1|user)": (np.sum(s**2) - product * np.sum(n**2)) / np.sum(n**2)}


LAWS = {
    "normal": None,
    "by name": {"user": "exponential", "residual": "uniform"},
    "skewed": {"user": TwoPoint(3), "residual": Exponential()},
    "heavy": {"user": "lognormal", "residual": "t"},
}


@pytest.mark.parametrize("effects", LAWS.values(), ids=LAWS)
def test_anova_passes_whatever_the_law_of_the_effects(effects):
    found = check(ONE_WAY, parameters=TRUE, design=FRAME, effects=effects, replicates=800, seed=3, estimator=anova)
    assert found.passed
    assert [row.parameter for row in found.rows] == list(TRUE)
    assert [row.truth for row in found.rows] == pytest.approx([2, 1 / 3, 1])
    assert all(0 < row.error < 0.05 for row in found.rows)


DESIGNS = {
    "poisson": {"size(user)": Poisson(3)},
    "negative binomial": {"size(user)": NegativeBinomial(3, 1)},
    "finite": {"size(user)": {1: "1/2", 3: "1/2"}},
    "law": ZeroTruncatedPoisson(2),
    "atoms": [{"p": "1/4", "size(user)": 6}, {"p": "3/4", "size(user)": 2}],
    "empirical": empirical(FRAME),
}


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_anova_passes_with_random_sizes(design):
    found = check(ONE_WAY, parameters=TRUE, design=design, units={"user": 30}, replicates=600, seed=4, estimator=anova)
    assert found.passed
    empty = [note for note in found.notes if "empty" in note]
    assert bool(empty) == (found.design.find("Poisson with mean 3") > 0 or "negative" in found.design)


def test_forgetting_the_residual_fails_by_as_much_as_theory_says():
    found = check(
        ONE_WAY,
        parameters=TRUE,
        design={"size(user)": {2: "1/2", 4: "1/2"}},
        units={"user": 200},
        effects={"user": "exponential"},
        replicates=400,
        estimator=without_residual,
    )
    (row,) = found.rows
    assert not found.passed
    assert row.z > 20
    bias = 3 / 10  # E N / E N^2 times var(residual)
    assert abs(row.mean - row.truth - bias) < 5 * row.error
    assert "FAILED" in found.summary()
    assert "var(1|user)" in found.verdict


def test_the_same_seed_gives_the_same_result_and_another_one_does_not():
    def run(seed):
        return check(ONE_WAY, parameters=TRUE, design=FRAME, replicates=20, seed=seed, estimator=anova)

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_a_replicate_can_be_drawn_again_alone():
    seen = []

    def keep(columns):
        seen.append(columns["y"])
        return anova(columns)

    settings = {"parameters": TRUE, "design": {"size(user)": Poisson(4)}, "units": {"user": 9}, "seed": 8}
    check(ONE_WAY, **settings, replicates=12, estimator=keep)
    again = simulation(ONE_WAY, **settings).columns(7)
    assert np.array_equal(again["y"], seen[7])
    assert len({len(y) for y in seen}) > 1  # sizes are drawn anew


def regression(columns, names):
    design = np.column_stack([np.ones_like(columns["y"]), *(columns[name] for name in names)])
    return np.linalg.lstsq(design, columns["y"], rcond=None)[0]


def test_covariates_of_all_kinds_enter_the_mean():
    model = Model("y ~ 1 + x + X + size(user) + I(X**2):x + log(x) + (1 | user)", levels={"X": "user"})
    keys = [key for key in model.parameters if "(1|" not in key and "residual" not in key]
    parameters = {**{key: Fraction(i + 1, 3) for i, key in enumerate(keys)}, "var(1|user)": 0, "var(residual)": 0}
    frame = pd.DataFrame(
        {"user": ["a", "b", "a", "c"], "X": [1.5, 2, 1.5, -1], "x": [0.5, 3, 1, 2], "unused": [None] * 4}
    )
    y = simulation(model, parameters=parameters, design=frame).columns(0)["y"]
    x, level, size = (np.array(v) for v in ([0.5, 3, 1, 2], [1.5, 2, 1.5, -1], [2, 1, 2, 1]))
    value = {"Intercept": 1.0, "x": x, "X": level, "size(user)": size, "log(x)": np.log(x)}
    expected = sum(float(parameters[key]) * value.get(key, level**2 * x) for key in keys)
    assert len(set(keys) - set(value)) == 1
    assert np.allclose(y, expected)


ATOMS = [{"p": "1/2", "size(user)": 1, "X": 2, "x": [7]}, {"p": "1/2", "size(user)": 3, "X": -1, "x": [0, 1, 2]}]


def test_atoms_are_drawn_as_they_are():
    model = Model("y ~ 1 + x + X + (1 | user)", levels={"X": "user"})
    parameters = {"Intercept": 0, "x": 1, "X": 10, "var(1|user)": 0, "var(residual)": 0}
    columns = simulation(model, parameters=parameters, design=ATOMS, units={"user": 300}).columns(0)
    units = pd.DataFrame(columns).groupby("user")
    assert {(tuple(u["X"]), tuple(u["x"])) for _, u in units} == {((2,), (7,)), ((-1,) * 3, (0, 1, 2))}
    assert np.array_equal(columns["y"], 10 * columns["X"] + columns["x"])
    assert abs(np.mean(units.size() == 1) - 0.5) < 5 * 0.5 / 300**0.5


def test_covariates_may_be_drawn_by_law():
    model = Model("y ~ 1 + x + X + (1 | user)", levels={"X": "user"})
    parameters = {"Intercept": 1, "x": 2, "X": -1, "var(1|user)": 0, "var(residual)": 1}

    def slopes(columns):
        return dict(zip(("Intercept", "x", "X"), regression(columns, ("x", "X")), strict=True))

    laws = {"x": Normal(1, 2), "X": {0: "1/2", 3: "1/2"}}
    for design, units in ((FRAME, None), ({"size(user)": Poisson(3)}, {"user": 40})):
        settings = {"parameters": parameters, "design": design, "units": units, "covariates": laws}
        columns = simulation(model, **settings).columns(0)
        assert pd.DataFrame(columns).groupby("user")["X"].nunique().max() == 1
        assert pd.DataFrame(columns).groupby("user")["x"].nunique().max() > 1
        assert check(model, **settings, replicates=300, estimator=slopes).passed


def test_independent_laws_make_a_design_only_if_declared():
    laws = {"size(user)": Poisson(3), "X": Normal()}
    parameters = {"Intercept": 1, "X": -1, "var(1|user)": 0, "var(residual)": 1}
    model = Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
    declared = Model("y ~ 1 + X + (1 | user)", levels={"X": "user"}, assume=[independent("X", "size(user)")])
    settings = {"parameters": parameters, "design": laws, "units": {"user": 5}}
    with pytest.raises(ModelError, match="the joint law of size"):
        simulation(model, **settings)
    assert set(simulation(declared, **settings).columns(0)) == {"y", "user", "X"}


def test_estimates_of_products_and_of_third_cumulants_have_their_true_values():
    def estimate(columns):
        _, n, s = totals(columns)
        means = s / n
        deviations = means - means.mean()
        third = len(n) * np.sum(deviations**3) / ((len(n) - 1) * (len(n) - 2))
        product = (s.sum() ** 2 - np.sum(s**2)) / (n.sum() ** 2 - np.sum(n**2))
        return {"Intercept**2": product, "k3(1|user)": third}

    found = check(
        ONE_WAY,
        parameters={"Intercept": "3/2", "var(1|user)": 4, "var(residual)": 1},
        design={"user": np.repeat(np.arange(60), 2)},
        effects={"user": Exponential()},
        residual="normal",
        replicates=500,
        estimator=estimate,
    )
    assert [row.truth for row in found.rows] == [2.25, 16]
    assert found.passed


def failing(columns):
    if len(columns["y"]) % 5 == 0:
        raise MomentalgError("five")
    return anova(columns)


def test_a_failure_names_the_replicate_and_its_seed():
    settings = {"parameters": TRUE, "design": {"size(user)": Poisson(3)}, "units": {"user": 9}, "replicates": 50}
    with pytest.raises(CheckError, match=r"failed on replicate \d+: MomentalgError: five.*SeedSequence\(1, spawn_key"):
        check(ONE_WAY, **settings, estimator=failing)
    with pytest.raises(CheckError, match=r"\(2 failures are allowed\)"):
        check(ONE_WAY, **settings, estimator=failing, allow_failures=2)
    found = check(ONE_WAY, **settings, estimator=failing, allow_failures=True)
    assert 0 < found.failed < 50
    assert f"{found.failed} failed" in found.summary()
    assert "conditional on no failure" in found.summary()


def test_estimates_that_are_not_finite_are_failures():
    with pytest.raises(CheckError, match="not finite: var"):
        check(ONE_WAY, parameters=TRUE, design=FRAME, estimator=lambda _: {"var(residual)": np.nan}, replicates=3)
    with pytest.raises(CheckError, match="0 replicates gave estimates"):
        check(
            ONE_WAY,
            parameters=TRUE,
            design=FRAME,
            estimator=lambda _: {"var(residual)": np.inf},
            replicates=3,
            allow_failures=True,
        )


def test_replicates_without_pairs_or_observations_are_counted():
    found = check(
        ONE_WAY,
        parameters=TRUE,
        design={"size(user)": {0: "1/2", 1: "1/4", 2: "1/4"}},
        units={"user": 2},
        replicates=200,
        estimator=lambda columns: {"Intercept": columns["y"].mean()},
        allow_failures=True,
    )
    assert abs(found.failed - 50) < 5 * (200 * 0.25 * 0.75) ** 0.5
    assert any("no unit has an observation" in note for note in found.notes)
    assert any("no unit had two observations" in note for note in found.notes)


def test_an_estimator_without_spread_is_judged_exactly():
    def constant(value):
        return check(ONE_WAY, parameters=TRUE, design=FRAME, estimator=lambda _: {"var(residual)": value}, replicates=2)

    assert constant(1.0).rows[0].z == 0
    assert constant(1.5).rows[0].z == float("inf")
    assert not constant(1.5).passed


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"parameters": {"Intercept": 1}}, ModelError, r"lacks var\(1\|user\), var\(residual\)"),
        ({"parameters": {**TRUE, "z": 1}}, ModelError, "z"),
        ({"parameters": {**TRUE, "k3(residual)": 1}}, ModelError, "takes from the laws"),
        ({"parameters": {**TRUE, "var(residual)": -1}}, ModelError, "must not be negative"),
        ({"parameters": {**TRUE, "Intercept": "two"}}, ModelError, "must be a number"),
        ({"effects": {"user": "cauchy"}}, ModelError, "no law is called 'cauchy'.*exponential"),
        ({"effects": {"user": 3}}, ModelError, "must be a law"),
        ({"effects": {"item": "normal"}}, ModelError, "names 'item'; the model has 'user' and 'residual'"),
        ({"effects": {"user": Poisson()}}, ModelError, "free parameters"),
        ({"effects": {"residual": "t"}, "residual": "t"}, ModelError, "given twice"),
        ({"units": {"user": 4}}, ModelError, "goes with a law"),
        ({"design": {"size(user)": Poisson(3)}}, ModelError, r"units=\{'user': 40\}"),
        ({"design": {"size(user)": Poisson(3)}, "units": {"item": 3}}, ModelError, "number of units"),
        ({"design": {"size(user)": Poisson(3)}, "units": {"user": 0}}, ModelError, "1 or more"),
        ({"design": {"size(user)": Poisson()}, "units": {"user": 3}}, ModelError, "free parameters"),
        ({"design": {"item": [1, 2]}}, DataError, "no column 'user'"),
        ({"design": {"user": []}}, DataError, "no rows"),
        ({"covariates": {"x": Normal()}}, ModelError, "covariates of the model are: none"),
        ({"replicates": 1}, ModelError, "at least 2 replicates"),
        ({"seed": -1}, ModelError, "seed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changed, error, message):
    settings = {"parameters": TRUE, "design": FRAME, "replicates": 3, "estimator": anova}
    with pytest.raises(error, match=message):
        check(ONE_WAY, **{**settings, **changed})


def test_designs_with_covariates_that_make_no_sense_are_refused():
    model = Model("y ~ 1 + X + log(x) + (1 | user)", levels={"X": "user"})
    parameters = {"Intercept": 1, "X": 1, "log(x)": 1, "var(1|user)": 1, "var(residual)": 1}
    atoms = [{"p": 1, "size(user)": 2, "X": 0}]
    frame = {"user": [1, 1, 2], "X": [0, 1, 1], "x": [1, 2, 3]}

    def draw(design, units=None, covariates=None):
        simulation(model, parameters=parameters, design=design, units=units, covariates=covariates).columns(0)

    with pytest.raises(DataError, match="declared constant on 'user', but varies"):
        draw(frame)
    with pytest.raises(DataError, match="is not finite"):
        draw({**frame, "X": [0, 0, 1], "x": [1, -2, 3]})
    with pytest.raises(ModelError, match="says nothing about x"):
        draw(atoms, {"user": 3})
    with pytest.raises(ModelError, match="given twice"):
        draw(atoms, {"user": 3}, {"X": Normal(), "x": {1: 1}})
    with pytest.raises(ModelError, match="design says nothing about X"):
        draw({"size(user)": Poisson(2)}, {"user": 3}, {"x": {1: 1}})
    draw(atoms, {"user": 3}, {"x": {1: 1}})


SLOPES = Model("y ~ 1 + x + (1 + x | user)")
SLOPE_TRUTH = {
    "Intercept": 1, "x": "1/2", "var(1|user)": 2, "cov(1,x|user)": "-1/2", "var(x|user)": "3/4", "var(residual)": 0
}  # fmt: skip


@pytest.mark.parametrize("laws", ["exponential", {"1": "exponential", "x": TwoPoint(3)}, {"x": "uniform"}])
def test_correlated_effects_have_the_covariances_and_cumulants_that_they_should(laws):
    users = 40_000
    frame = {"user": np.repeat(np.arange(users), 2), "x": np.tile([0.0, 1.0], users)}
    drawn = simulation(SLOPES, parameters=SLOPE_TRUTH, design=frame, effects={"user": laws}, seed=6)
    y = drawn.columns(0)["y"].reshape(-1, 2)
    effects = np.stack([y[:, 0] - 1, y[:, 1] - y[:, 0] - 0.5], axis=1)
    assert np.allclose(np.cov(effects.T), [[2, -0.5], [-0.5, 0.75]], atol=0.08)
    for powers, key in (((3, 0), "k3(1|user)"), ((2, 1), "k3(1,1,x|user)"), ((0, 3), "k3(x|user)")):
        mixed = (effects[:, 0] ** powers[0] * effects[:, 1] ** powers[1]).mean()
        assert mixed == pytest.approx(drawn.responses.truth(key), abs=0.35), key
    assert drawn.responses.truth("k3(1|user)") == pytest.approx(0 if laws == {"x": "uniform"} else 2 * 2**1.5)


def test_singular_covariances_are_drawn_and_impossible_ones_refused():
    whole = {"user": range(5), "x": [0.0] * 5}
    y = simulation(SLOPES, parameters=SLOPE_TRUTH | {"cov(1,x|user)": 0, "var(x|user)": 0}, design=whole).columns(0)[
        "y"
    ]
    assert np.all(np.isfinite(y))
    line = {"user": np.repeat(np.arange(50), 2), "x": np.tile([0.0, 2.0], 50)}
    exact = SLOPE_TRUTH | {"cov(1,x|user)": "-1", "var(x|user)": "1/2"}  # the slope is minus half the intercept
    y = simulation(SLOPES, parameters=exact, design=line).columns(0)["y"].reshape(-1, 2)
    assert np.allclose(y[:, 1], 1 + 2 * 0.5)
    with pytest.raises(ModelError, match=r"cannot have the covariance matrix \[2, -2; -2, 0.75\]"):
        simulation(SLOPES, parameters=SLOPE_TRUTH | {"cov(1,x|user)": -2}, design=line)
    with pytest.raises(ModelError, match="a law for 'z'; the coefficients are '1', 'x'"):
        simulation(SLOPES, parameters=SLOPE_TRUTH, design=line, effects={"user": {"z": "normal"}})


CROSSED = Model("y ~ 1 + (1 | user) + (1 | item)")
CROSSED_TRUTH = {"Intercept": 3, "var(1|user)": 2, "var(1|item)": "1/2", "var(residual)": 1}


def crossed_design(replicated):
    rng = np.random.default_rng(1)
    user, item = rng.integers(0, 12, 90), rng.integers(0, 9, 90)
    if not replicated:
        user, item = np.array(sorted(set(zip(user.tolist(), item.tolist(), strict=True)))).T
    return {"user": [f"u{u}" for u in user], "item": [f"i{i}" for i in item]}


def gao_owen(columns, cells=True):
    """The three U-statistics of Gao and Owen, with the coefficients for replicated cells, or without."""
    y, user, item = columns["y"], columns["user"], columns["item"]
    n, table = len(y), np.zeros((user.max() + 1, item.max() + 1))
    np.add.at(table, (user, item), 1)
    rows, cols = table.sum(1), table.sum(0)

    def within(codes, sizes):
        return np.sum(y**2) - np.sum(np.bincount(codes, y) ** 2 / sizes)

    def left(sizes, axis):
        return n - (np.sum((table**2).sum(axis) / sizes) if cells else len(sizes))

    system = [
        [0, left(rows, 1), n - len(rows)],
        [left(cols, 0), 0, n - len(cols)],
        [n**2 - np.sum(rows**2), n**2 - np.sum(cols**2), n**2 - n],
    ]
    total = n * np.sum((y - y.mean()) ** 2)
    found = np.linalg.solve(system, [within(user, rows), within(item, cols), total])
    return dict(zip(["var(1|user)", "var(1|item)", "var(residual)"], found, strict=True))


def test_crossed_effects_are_told_apart_and_replicated_cells_matter():
    """The coefficient N - R is right without replicates only."""
    settings = {
        "parameters": CROSSED_TRUTH,
        "effects": {"user": "exponential", "item": TwoPoint(2)},
        "replicates": 1500,
    }
    replicated = check(CROSSED, design=crossed_design(True), estimator=gao_owen, **settings)
    assert replicated.passed, replicated.summary()
    assert "90 observations, 12 levels of user, 9 levels of item" in replicated.design
    assert check(CROSSED, design=crossed_design(False), estimator=lambda c: gao_owen(c, False), **settings).passed
    wrong = check(CROSSED, design=crossed_design(True), estimator=lambda c: gao_owen(c, False), **settings)
    assert not wrong.passed


def test_a_law_of_units_is_no_design_for_crossed_factors():
    with pytest.raises(UnsupportedError, match=r"user and item are crossed.*give a frame"):
        check(CROSSED, parameters=CROSSED_TRUTH, design={"size(user)": Poisson(3)}, units={"user": 9})


@pytest.mark.parametrize(
    ("formula", "nested"), [("y ~ 1 + (1 | a / b)", False), ("y ~ 1 + (1 | a) + (1 | b)", True)], ids=["/", "declared"]
)
def test_nested_labels_may_repeat(formula, nested):
    """The labels 0 and 1 of b occur in every level of a, and are other levels there."""
    model = Model(formula, assume=ma.nested("b", "a") if nested else ())
    values = dict.fromkeys(model.parameters, 0) | {model.parameters[2]: 1}
    frame = {"a": np.repeat(np.arange(3), 4), "b": np.tile([0, 0, 1, 1], 3)}
    y = simulation(model, parameters=values, design=frame).columns(0)["y"]
    assert len(set(y.round(9))) == 6
    assert np.array_equal(y[::2], y[1::2])


def test_the_generated_module_is_the_default_estimator():
    asked = []
    module = SimpleNamespace(
        accumulate=lambda columns: totals(columns), solve=lambda sums: {"Intercept": sums[0].mean()}
    )

    def moment_equations(statistics, means, weighting):
        asked.append((statistics, means, weighting))
        return SimpleNamespace(estimator=lambda: SimpleNamespace(load=lambda: module))

    stand_in = SimpleNamespace(resolved=ONE_WAY.resolved, moment_equations=moment_equations)
    found = check(stand_in, parameters=TRUE, design=FRAME, statistics="pairs", means="products", replicates=100)
    assert found.passed
    assert asked == [("pairs", "products", "none")]
    with pytest.raises(ModelError, match="no generated estimator"):
        check(ONE_WAY.resolved, parameters=TRUE, design=FRAME)


def test_progress_is_shown_on_a_terminal_when_asked(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what is captured passes for a terminal
    check(ONE_WAY, parameters=TRUE, design=FRAME, replicates=3, estimator=anova, progress=True)
    shown = capsys.readouterr()
    assert "simulating" in shown.err
    assert shown.out == ""


def test_a_check_can_be_read_in_every_form():
    rows = (CheckRow("var(1|`a|<b>`)", 1.0, 1.25, 0.5, 0.5), CheckRow("x", 0.0, 1.0, 0.1, 10.0))
    found = SimulationCheck(rows, "y ~ <b>", "d", "e", 10, 2, 1, ("some *note*",))
    assert found.frame().loc["x", "z"] == 10
    assert list(found.frame().columns) == ["truth", "mean", "Monte-Carlo error", "z"]
    assert not found.passed
    assert not replace(found, rows=(replace(rows[1], z=-10.0),)).passed
    assert replace(found, rows=(replace(rows[1], z=-4.0),)).passed
    text = found.summary()
    assert str(found) == text
    assert all(word in text for word in ("10, seed 1; 2 failed", "+10.00", "|z| is above 4 for x", "some *note*"))
    html = found._repr_html_()
    assert "<b>" not in html
    assert "a|&lt;b&gt;" in html
    table = [line for line in found._repr_markdown_().splitlines() if line.startswith("| ")]
    assert all(line.replace("\\|", "").count("|") == 6 for line in table)


@pytest.mark.parametrize("fixed", [{"drug": ["b", "a", "c"]}, None], ids=["declared", "seen"])
def test_fixed_factors_have_the_means_of_their_levels(fixed):
    model = Model("y ~ 1 + drug + (1 | user)", fixed=fixed)
    frame = {"user": [1, 1, 2, 3], "drug": ["a", "b", "c", "b"]}
    keys = ["drug[a]", "drug[c]"] if fixed else ["drug[b]", "drug[c]"]
    values = {"Intercept": 5, keys[0]: 7, keys[1]: 11, "var(1|user)": 0, "var(residual)": 0}
    seen = []
    check(model, parameters=values, design=frame, replicates=2, estimator=lambda c: seen.append(c) or {"Intercept": 5})
    assert seen[0]["y"].tolist() == ([12, 5, 16, 5] if fixed else [5, 12, 16, 12])
    assert seen[0]["drug"].tolist() == frame["drug"]


SHARES = ["1/2", "1/4", "1/8", "1/8"]
INCIDENCES = {
    "cells": (ma.designs.independent_cells("user", "item", Poisson(1)), {"user": 9, "item": 7}),
    "draws": (ma.designs.draws("user", "item", Poisson(4), SHARES), {"user": 12}),
    "labels": (ma.designs.multinomial_labels("user", "item", 60, [SHARES, SHARES]), None),
}


@pytest.mark.parametrize("name", INCIDENCES)
def test_the_generated_estimator_is_unbiased_on_random_crossed_designs(name):
    incidence, units = INCIDENCES[name]
    settings = {"parameters": CROSSED_TRUTH, "effects": {"user": "exponential"}, "replicates": 400, "units": units}
    found = CROSSED.check(design=incidence, **settings)
    assert found.passed, found.summary()
    own = Model("y ~ 1 + (1 | user) + (1 | item)", incidence=incidence)
    assert own.check(**settings).rows == found.rows
    assert repr(incidence) in found.design


def test_incidences_that_leave_something_open_are_refused_before_anything_is_drawn():
    with pytest.raises(ModelError, match="leaves"):
        CROSSED.check(parameters=CROSSED_TRUTH, design=ma.designs.draws("user", "item"), units={"user": 5})
    with pytest.raises(ModelError, match="say how many levels"):
        CROSSED.check(parameters=CROSSED_TRUTH, design=INCIDENCES["cells"][0], units={"user": 5})
    with pytest.raises(ModelError, match="a check needs a design"):
        CROSSED.check(parameters=CROSSED_TRUTH)


def test_nested_designs_are_sampled():
    model = Model("y ~ 1 + (1 | a / b)")
    incidence = ma.designs.nested_sampling("a", "b", {1: "1/2", 3: "1/2"}, Poisson(2))
    values = {"Intercept": 1, "var(1|a)": 1, "var(1|a:b)": "1/2", "var(residual)": 2}
    found = model.check(parameters=values, design=incidence, units={"a": 20}, replicates=400, effects={"a": "uniform"})
    assert found.passed, found.summary()


def test_residuals_have_the_variance_of_their_class_by_their_weight():
    model = Model("y ~ 1 + (1 | user)", weights="w", residual_by={"site": ["n", "s"]})
    rows = 60_000
    frame = {"user": [0] * rows, "site": np.tile(["n", "s"], rows // 2), "w": np.repeat([1.0, 4.0], rows // 2)}
    values = {"Intercept": 0, "var(1|user)": 0, "var(residual[n])": 1, "var(residual[s])": 9}
    drawn = simulation(model, parameters=values, design=frame, residual="exponential", seed=2)
    y = drawn.columns(0)["y"]
    for site, variance in (("n", 1), ("s", 9)):
        for weight in (1.0, 4.0):
            mine = (np.array(frame["site"]) == site) & (frame["w"] == weight)
            assert y[mine].var() == pytest.approx(variance / weight, rel=0.08)
    assert drawn.responses.truth("k3(residual[s])") == pytest.approx(2 * 9**1.5)
    seen = simulation(Model("y ~ 1 + (1 | user)", residual_by="site"), parameters=values, design=frame)
    assert seen.columns(0)["y"][::2].var() == pytest.approx(1, rel=0.05)
    with pytest.raises(DataError, match="weights 'w' must be positive"):
        simulation(model, parameters=values, design={**frame, "w": [0.0] * rows}).columns(0)


def test_units_with_subgroups_are_drawn():
    """Atoms with the sizes of subgroups, or those of a frame; and a law of the sizes alone says too little."""
    model = Model("y ~ 1 + (1 | a / b)")
    values = {"Intercept": 1, "var(1|a)": 1, "var(1|a:b)": "1/2", "var(residual)": 2}
    atoms = [{"p": "1/2", "size(a)": 5, "size(a:b)": [2, 3]}, {"p": "1/2", "size(a)": 4, "size(a:b)": [1, 1, 2]}]
    frame = {"a": list("ppppqqqrr"), "b": [1, 1, 2, 2, 1, 1, 2, 1, 1]}
    for design in (atoms, empirical(frame)):
        found = model.check(parameters=values, design=design, units={"a": 25}, replicates=300)
        assert found.passed, found.summary()
    drawn = simulation(model, parameters=values, design=atoms, units={"a": 4}).columns(0)
    sizes = {tuple(np.bincount(drawn["b"][drawn["a"] == unit])) for unit in range(4)}
    assert sizes <= {(2, 3), (1, 1, 2)}
    with pytest.raises(UnsupportedError, match=r"nothing about the levels of b within a.*nested_sampling"):
        model.check(parameters=values, design={"size(a)": Poisson(3)}, units={"a": 5})


def test_what_is_plugged_in_is_told():
    found = ONE_WAY.check(parameters=TRUE, design=FRAME, replicates=50, statistics="totals", means="plug-in")
    assert any("put in place of Intercept**2, which is consistent, and biased" in note for note in found.notes)
    assert not ONE_WAY.check(parameters=TRUE, design=FRAME, replicates=50).notes


def test_estimated_weights_are_checked_and_said_to_be():
    found = check(ONE_WAY, parameters=TRUE, design=FRAME, weighting="two-step", replicates=200, seed=3)
    assert found.passed
    assert any("weights are estimated" in note for note in found.notes)
    with pytest.raises(ModelError, match="is none of 'none', 'two-step', 'iterated'"):
        check(ONE_WAY, parameters=TRUE, design=FRAME, weighting="thrice", replicates=10)
