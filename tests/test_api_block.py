"""The public names as the design lists them: that block of code, top to bottom.

What belongs to later versions stands at its place and is refused by name.
"""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest
import sympy

import momentalg as ma

LAW = [{"p": "1/2", "size(user)": 1, "X": 0}, {"p": "1/2", "size(user)": 3, "X": 2}]


@pytest.fixture
def frame():
    """Twelve ratings of five users, X constant within a user."""
    users = ["a", "a", "b", "b", "b", "c", "d", "d", "d", "d", "e", "e"]
    ratings = [3, 4, 1, 2, 2, 5, 4, 4, 3, 5, 2, 1]
    levels = {"a": 0, "b": 2, "c": 1, "d": 2, "e": 0}
    return pd.DataFrame({"user": users, "y": ratings, "X": [levels[u] for u in users]})


def test_the_block_runs_top_to_bottom(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    # -- models
    model = ma.Model("y ~ 1 + x + (1 | user) + (1 | item)")
    assert model.parameters == ("Intercept", "x", "var(1|user)", "var(1|item)", "var(residual)")
    model = ma.Model("y ~ 1 + x + size(user) + (1 | user)")
    same = ma.Model(response="y", common=[ma.Covariate("x"), ma.Size("user")], group=[ma.Group("user")])
    assert same == model
    model = ma.Model(
        "y ~ 1 + X + (1 | user)",
        levels={"X": "user"},
        assume=[ma.independent("X", "size(user)")],
        symbols={"user": "alpha"},
    )

    # -- the statistic language
    y, X = model.y, model.covariate("X")
    S, N, T = model.total(y, by="user"), model.size("user"), model.total(y**2)
    SSW = T - ma.over("user", S**2 / N)
    W4 = ma.over(ma.observations, (y - S / N) ** 4)
    assert model.mean(W4, given=ma.design).verify()
    assert model.cov(S, S.at("k"), given=ma.design).result == 0

    # -- derivations
    d = model.var(S)
    assert model.mean(S).result.free_symbols
    assert model.cumulant(S, S, S) != d
    assert model.var(S, given=[N]) != d
    assert model.var(S, via=[N, X]) == d == model.var(S, via=[X, N])
    d = model.var(SSW, given=ma.design)
    assert isinstance(d.result, sympy.Expr)
    assert isinstance(d.canonical, sympy.Expr)
    assert d.steps
    assert r"\operatorname{Var}" in d.latex()
    assert d.verify()
    assert sympy.simplify(model.mean(SSW, given=ma.design).result.coeff(model.parameter("var(1|user)"))) == 0

    # -- what if, side by side
    normal = d.assuming(normal=True)
    assert model.parameter("k4(residual)") in d.result.free_symbols
    assert model.parameter("k4(residual)") not in normal.result.free_symbols
    assert "differs" in str(ma.compare(model.var(S), model.var(S, given=[N])))

    # -- numbers
    par = {"Intercept": 2, "X": 1, "var(1|user)": "1/3", "var(residual)": 1}
    assert model.mean(SSW, given=ma.design).evaluate(parameters=par, data=frame) == Fraction(12 - 5)
    # by hand: given the unit, S has mean N (2 + X), which is 2 or 12, and variance N^2/3 + N, which is 4/3 or 6
    joint = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
    assert (
        joint.var(S).evaluate(parameters=par, law=LAW)
        == Fraction(4, 3) / 2 + Fraction(6) / 2 + Fraction(12 - 2, 2) ** 2
    )
    flat = ma.Model("y ~ 1 + (1 | user)")
    sizes = {"size(user)": {1: "1/2", 3: "1/2"}}
    assert flat.mean(flat.total(flat.y, by="user")).evaluate(parameters={"Intercept": 5}, law=sizes) == 10
    assert model.var(S).evaluate(parameters=par, law=ma.empirical(frame)) > 0

    # -- equations, solution, generated module
    system = model.moment_equations()
    coefficients = system.coefficients(frame)
    assert isinstance(coefficients, pd.DataFrame)
    assert coefficients.loc["SSE", "var(residual)"] == pytest.approx(12 - 5)
    assert set(system.solve().estimates) == {"Intercept", "X", "var(1|user)", "var(residual)"}
    module = system.estimator(backend="numpy")
    assert "def accumulate" in module.source
    module.write("ratings_estimator.py")
    assert (tmp_path / "ratings_estimator.py").read_text(encoding="utf-8") == module.source

    # -- fits
    fit = model.fit(frame)
    assert model.fit(frame, statistics="minque0").params.index.equals(fit.params.index)
    sums, more_sums = model.sums(frame.iloc[:7]), model.sums(frame.iloc[7:])
    merged = model.fit(sums + more_sums)
    pd.testing.assert_series_equal(merged.params, fit.params, rtol=1e-12)
    assert "var(1|user)" in fit.summary()
    assert "estimate" in fit.tidy().columns
    assert fit.bse.index.tolist() == list(fit.cov_params().columns) == list(fit.keys)
    with pytest.warns(UserWarning, match="independent units"):  # of five
        assert fit.conf_int().shape == (len(fit.keys), 2)
    assert fit.ranef()["user"].shape == (5, 1)

    # -- check and report
    check = model.check(parameters=par, design=frame, effects={"user": "exponential"}, replicates=50, seed=1)
    assert [row.parameter for row in check.rows] == list(fit.params.index)
    model.report("ratings.html", data=frame, fit=fit, check=check)
    assert "<math" in (tmp_path / "ratings.html").read_text(encoding="utf-8")
    for suffix in (".tex", ".md"):
        model.report(f"ratings{suffix}")
        assert (tmp_path / f"ratings{suffix}").stat().st_size > 1000
    monkeypatch.setattr("shutil.which", lambda _: None)  # as on a machine without LaTeX
    with pytest.raises(ma.UnsupportedError, match=r"\.pdf is made by latexmk, which is not installed"):
        model.report("ratings.pdf")
    assert not (tmp_path / "ratings.pdf").exists()


def test_crossed_random_designs_name_their_incidence():
    crossed = ma.Model("y ~ 1 + (1 | user) + (1 | item)", assume=[ma.unreplicated("user:item")])
    R, cell = crossed.total(crossed.y, by="user"), crossed.size("user:item")
    assert crossed.var(R, given=ma.design).verify()
    assert crossed.mean(ma.over("user:item", cell**2), given=ma.design).node == crossed.size()
    with pytest.raises(ma.UnsupportedError, match=r"ma\.designs"):
        crossed.var(R)
    drawn = ma.Model("y ~ 1 + (1 | user) + (1 | item)", incidence=ma.designs.draws("user", "item"))
    assert drawn.var(R).verify()
    nested = ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.nested("b", "a")])
    assert nested.var(nested.total(nested.y, by="a")).verify()


@pytest.mark.parametrize("argument", ["family", "kernels"])
def test_later_arguments_are_refused_by_name(argument):
    with pytest.raises(ma.UnsupportedError, match=f"{argument}= is not available yet"):
        ma.Model("y ~ 1 + (1 | user)", **{argument: "anything"})
