"""Covariates that go with an effect, against enumeration in long form: a row for y and a row for x of each observation.

With b1 a number the pair (y, x) is one response whose rows load on alpha and epsilon (those of y), and on xi and delta
with weight b1 (those of y) or 1 (those of x): an ordinary model with slopes, and no covariate that is random.
"""

import random
from fractions import Fraction
from itertools import combinations_with_replacement

import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.translate import translate
from momentalg.expr.nodes import Effect, Noise, Value, Variable
from tests.cumulants.support import given_design

USERS = "aab"
B1 = Fraction(3, 2)
MODEL = ma.Model("y ~ x + (1 | user)", assume=ma.goes_with("x", "user"))
LONG = ma.Model("v ~ 0 + isy + load + (0 + isy + load | user) + (0 + isy | obs) + (0 + load | obs)")
KEYS = {  # what the long form calls them
    "Intercept": "isy",
    "Intercept@x": "load",
    "var(1|user)": "var(isy|user)",
    "cov(1,1@x|user)": "cov(isy,load|user)",
    "var(1@x|user)": "var(load|user)",
    "var(residual)": "var(isy|obs)",
    "var(residual@x)": "var(load|obs)",
    "k3(1|user)": "k3(isy|user)",
    "k3(1,1,1@x|user)": "k3(isy,isy,load|user)",
    "k3(1,1@x,1@x|user)": "k3(isy,load,load|user)",
    "k3(1@x|user)": "k3(load|user)",
    "k3(residual)": "k3(isy|obs)",
    "k3(residual@x)": "k3(load|obs)",
    "k4(1|user)": "k4(isy|user)",
    "k4(1,1,1,1@x|user)": "k4(isy,isy,isy,load|user)",
    "k4(1,1,1@x,1@x|user)": "k4(isy,isy,load,load|user)",
    "k4(1,1@x,1@x,1@x|user)": "k4(isy,load,load,load|user)",
    "k4(1@x|user)": "k4(load|user)",
    "k4(residual)": "k4(isy|obs)",
    "k4(residual@x)": "k4(load|obs)",
}


def rows():
    found = []
    for obs, user in enumerate(USERS):
        found.append({"user": user, "obs": obs, "isy": 1, "isx": 0, "load": B1})
        found.append({"user": user, "obs": obs, "isy": 0, "isx": 1, "load": 1})
    return found


def wide_and_long():
    """The same statistics of (y, x), and of the rows in long form."""
    y, x = MODEL.y, MODEL.covariate("x")
    isy, v = LONG.covariate("isy"), LONG.y
    isx = 1 - isy
    by = {"by": "user"}
    N = LONG.total(isy, by="user")
    at_obs = ma.over("obs", LONG.total(isy * v, by="obs") * LONG.total(isx * v, by="obs"))
    S, X = LONG.total(isy * v, **by), LONG.total(isx * v, **by)
    wide = MODEL.total(y, **by), MODEL.total(x, **by), MODEL.size("user")
    return {
        "S": (wide[0], S),
        "X": (wide[1], X),
        "yy": (MODEL.total(y**2), LONG.total(isy * v**2)),
        "xx": (MODEL.total(x**2), LONG.total(isx * v**2)),
        "xy": (MODEL.total(x * y), at_obs),
        "Bxy": (ma.over("user", wide[0] * wide[1] / wide[2]), ma.over("user", S * X / N)),
        "Byy": (ma.over("user", wide[0] ** 2 / wide[2]), ma.over("user", S**2 / N)),
    }


@pytest.mark.parametrize(
    "asked",
    [
        ["S"], ["xy"], ["yy"], ["xx"], ["Bxy"], ["Byy"],
        ["S", "S"], ["S", "X"], ["X", "X"], ["S", "S", "X"], ["xy", "S"], ["xy", "X"], ["xy", "xy"], ["Bxy", "xy"],
        ["Byy", "yy"], ["Byy", "xx"],
    ],
)  # fmt: skip
def test_joint_cumulants_agree_with_enumeration_in_long_form(asked):
    rng = random.Random(str(asked))
    values = {key: Fraction(rng.randrange(-5, 9), rng.choice([1, 2, 3])) for key in KEYS}
    parameters = {**values, "x": B1}
    long = {KEYS[key]: value for key, value in values.items()} | {f"{k}(residual)": 0 for k in ("var", "k3", "k4")}
    known = wide_and_long()
    resolved = MODEL.resolved
    found = joint_cumulant([translate(known[name][0], resolved) for name in asked], resolved)
    table = DesignTable({"user": list(USERS)}, {}, len(USERS))
    wanted = enumerate_cumulant([known[name][1] for name in asked], rows(), LONG.resolved, long, {"user": "a"})
    assert evaluate(found, parameters, table, {("user", "i"): "a"}) == wanted


SEVERAL = ma.Model("y ~ x + w + z + (1 + z | user)", assume=[ma.goes_with("x", "user"), ma.goes_with("w", "user")])
SEVERAL_LONG = ma.Model(
    "v ~ 0 + isy + isyz + lx + lw + (0 + isy + isyz + lx + lw | user)"
    "+ (0 + isy | obs) + (0 + lx | obs) + (0 + lw | obs)"
)
LOADS = {"1": "isy", "z": "isyz", "1@x": "lx", "1@w": "lw"}
B2, Z = Fraction(-2, 3), [Fraction(1), Fraction(-1, 2), Fraction(3)]


def parameters_of_several():
    """The same parameters, as the two models call them."""
    rng = random.Random(4)
    (wide,), long = SEVERAL.resolved.groups, SEVERAL_LONG.resolved
    by_user = next(block for block in long.groups if block.factor == ("user",))
    pairs = list(combinations_with_replacement(LOADS, 2))
    drawn = {pair: Fraction(rng.randrange(1, 30), 3) for pair in pairs}
    values = {SEVERAL.resolved.cumulant_key(wide, pair): value for pair, value in drawn.items()}
    same = {long.cumulant_key(by_user, tuple(LOADS[c] for c in pair)): value for pair, value in drawn.items()}
    means = {"Intercept": "isy", "z": "isyz", "Intercept@x": "lx", "Intercept@w": "lw"}
    residuals = {"var(residual)": "var(isy|obs)", "var(residual@x)": "var(lx|obs)", "var(residual@w)": "var(lw|obs)"}
    for key, name in (means | residuals).items():
        values[key] = same[name] = Fraction(rng.randrange(1, 30), 3)
    return values | {"x": B1, "w": B2}, same | {"var(residual)": 0}


def statistics_of_several():
    """The same statistics of (y, x, w), and of the rows in long form; each covariate by itself and with the others."""
    isy, isx, isw, z = (Value(Variable("column", c)) for c in ("isy", "isx", "isw", "z"))
    v = SEVERAL_LONG.y
    y, x, w = SEVERAL.y, SEVERAL.covariate("x"), SEVERAL.covariate("w")
    part = {"y": isy * v, "x": isx * v, "w": isw * v, "zy": isy * z * v}
    found = {}
    for name, own in {"y": y, "x": x, "w": w, "zy": SEVERAL.covariate("z") * y}.items():
        found[name] = SEVERAL.total(own, by="user"), SEVERAL_LONG.total(part[name], by="user")
    for one, other, own in (("y", "x", y * x), ("y", "w", y * w), ("x", "w", x * w)):
        both = SEVERAL_LONG.total(part[one], by="obs") * SEVERAL_LONG.total(part[other], by="obs")
        found[one + other] = SEVERAL.total(own), ma.over("obs", both)
    return found


@pytest.mark.parametrize(
    "asked", [["yx"], ["yw"], ["xw"], *map(list, combinations_with_replacement(["y", "x", "w", "zy"], 2))], ids=str
)
def test_two_covariates_and_a_slope_agree_with_enumeration_in_long_form(asked):
    """Each is a response of its own, with residuals of its own; a slope loads draws of y, and no others."""
    parameters, same = parameters_of_several()
    known, long_rows = statistics_of_several(), []
    for obs, (user, z) in enumerate(zip(USERS, Z, strict=True)):
        row = {"user": user, "obs": obs, "z": z, **dict.fromkeys(("isy", "isx", "isw", "isyz", "lx", "lw"), 0)}
        long_rows.append({**row, "isy": 1, "isyz": z, "lx": B1, "lw": B2})
        long_rows += [{**row, "isx": 1, "lx": 1}, {**row, "isw": 1, "lw": 1}]
    found = joint_cumulant([translate(known[name][0], SEVERAL.resolved) for name in asked], SEVERAL.resolved)
    table = DesignTable({"user": list(USERS)}, {Variable("column", "z"): Z}, len(USERS))
    statistics = [known[name][1] for name in asked]
    wanted = enumerate_cumulant(statistics, long_rows, SEVERAL_LONG.resolved, same, {"user": "a"})
    assert evaluate(found, parameters, table, {("user", "i"): "a"}) == wanted


ALPHA, XI, NOISE = Effect(("user",)), Effect(("user",), "1@x"), MODEL.total(Noise(), by="user")
COVARIANCES_OF_EFFECTS = [  # per observation of the level, times powers of the slope b1
    (ALPHA, "y", {"var(1|user)": 0, "cov(1,1@x|user)": 1}),
    (ALPHA, "x", {"cov(1,1@x|user)": 0}),
    (XI, "y", {"cov(1,1@x|user)": 0, "var(1@x|user)": 1}),
    (XI, "x", {"var(1@x|user)": 0}),
    (NOISE, "y", {"var(residual)": 0}),
    (NOISE, "x", {}),
]


@pytest.mark.parametrize(("draw", "other", "wanted"), COVARIANCES_OF_EFFECTS, ids=str)
def test_effects_and_residuals_are_draws_of_their_own(draw, other, wanted):
    """Neither is a draw of the covariate: the residuals of y and of x are different ones."""
    own = MODEL.total(MODEL.y if other == "y" else MODEL.covariate("x"), by="user")
    found = given_design([draw, own], MODEL.resolved)
    symbol, size = Polynomial.symbol, given_design([MODEL.size("user")], MODEL.resolved)
    assert found == sum((symbol(key) * symbol("x") ** power * size for key, power in wanted.items()), Polynomial())


def sums_of_squares(model):
    y, x, N = model.y, model.covariate("x"), model.size("user")
    S, X = model.total(y, by="user"), model.total(x, by="user")
    within = {
        "Dxx": model.total(x * x) - ma.over("user", X * X / N),
        "Dxy": model.total(x * y) - ma.over("user", X * S / N),
        "Dyy": model.total(y * y) - ma.over("user", S * S / N),
    }
    between = {
        "Bxx": ma.over("user", X * X / N) - model.total(x) ** 2 / model.size(),
        "Bxy": ma.over("user", X * S / N) - model.total(x) * model.total(y) / model.size(),
        "Byy": ma.over("user", S * S / N) - model.total(y) ** 2 / model.size(),
    }
    return within, between


def test_within_levels_identify_the_slope_and_between_them_the_rest():
    within, between = sums_of_squares(MODEL)
    assert MODEL.identified(within).identified == ("x", "var(residual)", "var(residual@x)")
    everything = MODEL.identified({**within, **between})
    assert {"cov(1,1@x|user)", "var(1|user)", "var(1@x|user)"} <= set(everything.identified)
    everything.require("x", "cov(1,1@x|user)")


def test_a_covariate_of_levels_leaves_its_slope_confounded_with_what_it_goes_with():
    model = ma.Model("y ~ x + (1 | user)", levels={"x": "user"}, assume=ma.goes_with("x", "user"))
    within, between = sums_of_squares(model)
    found = model.identified({**within, **between, "T": model.total(model.y), "X": model.total(model.covariate("x"))})
    assert set(found.confounded) == {"Intercept", "x", "var(1|user)", "cov(1,1@x|user)"}
    with pytest.raises(ma.NotIdentifiedError, match=r"do not determine x: they cannot be separated among .*cov\(1,1@x"):
        found.require("x")


def test_a_covariance_enters_the_variance_of_a_total_with_the_mean_of_squared_sizes():
    """What Cov(xi, alpha) = c adds to Var(S) over random sizes is 2 b1 c E(N^2)."""
    derived = MODEL.var(MODEL.total(MODEL.y, by="user"))
    derived.verify()
    c, b1 = MODEL.parameter("cov(1,1@x|user)"), MODEL.parameter("x")
    assert derived.result.expand().coeff(c) == 2 * b1 * MODEL.parameter("E(size(user)^2)")


@pytest.mark.parametrize("formula", ["y ~ x + (1 | user)", "y ~ x + z + (1 | user) + (1 | item)"])
def test_the_code_of_a_model_makes_it_again(formula):
    model = ma.Model(formula, assume=ma.goes_with("x", "user"))
    assert eval(repr(model), {"ma": ma}) == model


@pytest.mark.parametrize(
    ("formula", "arguments", "error", "match"),
    [
        ("y ~ z + (1 | user)", {}, ma.ModelError, "no common term"),
        ("y ~ x + x:z + (1 | user)", {}, ma.UnsupportedError, "products of random draws"),
        ("y ~ x + (1 + x | user)", {}, ma.UnsupportedError, "products of random draws"),
        ("y ~ x + (0 + z | user)", {}, ma.ModelError, "no random intercept"),
        ("y ~ x + log(x) + (1 | user)", {}, ma.UnsupportedError, "is a function of it"),
        ("y ~ x + (1 | user) + (1 | item)", {"levels": {"x": "item"}}, ma.ModelError, "constant within item"),
    ],
)
def test_what_cannot_go_with_an_effect_is_refused_by_name(formula, arguments, error, match):
    with pytest.raises(error, match=match):
        ma.Model(formula, assume=ma.goes_with("x", "user"), **arguments)


def test_equations_that_are_not_linear_are_refused_with_what_works():
    with pytest.raises(ma.UnsupportedError, match=r"model\.identified"):
        MODEL.moment_equations()
