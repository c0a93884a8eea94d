"""Pictures of fits: what is drawn are the fit's numbers; odd names, edge cases, no pyplot, and no matplotlib."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import momentalg as ma
from momentalg.catalogue import discover
from momentalg.inference import plots
from momentalg.inference.result import FitResult
from tests.imports import ROOT

drawn_by_matplotlib = pytest.mark.engine("matplotlib")
KINDS = ("caterpillar", "densities", "pooling", "quantiles", "residuals", "shrinkage", "sizes")


def rats(formula="weight ~ size(Litter) + C(sex) + (1 | Litter)"):
    return ma.Model(formula).fit(ma.datasets.load("RatPupWeight"))


def sleepstudy():
    return ma.Model("Reaction ~ Days + (Days | Subject)").fit(ma.datasets.load("sleepstudy"))


def penicillin():
    return ma.Model("diameter ~ 1 + (1 | plate) + (1 | sample)").fit(ma.datasets.load("Penicillin"))


def pastes():
    return ma.Model("strength ~ 1 + (1 | batch/cask)").fit(ma.datasets.load("Pastes"))


def negative():
    data = pd.DataFrame({"y": [1.0, 9, 2, 8, 1, 9], "g": ["a", "a", "b", "b", "c", "c"]})
    return ma.Model("y ~ 1 + (1 | g)").fit(data)


def two_levels():
    y = np.random.default_rng(1).normal(size=20) + np.repeat([0, 3], 10)
    return ma.Model("y ~ 1 + (1 | g)").fit(pd.DataFrame({"y": y, "g": np.repeat(["p", "q"], 10)}))


def no_residuals():
    return ma.Model("y ~ 1 + (1 | g)").fit(pd.DataFrame({"y": [1.0, 1, 2, 2, 4, 4], "g": list("aabbcc")}))


def zero_slopes():
    """One level has no slope of its own, and slopes have a negative variance."""
    x = np.r_[np.tile([1.0, 2], 28), 3, 3, 3, 3]
    y = np.random.default_rng(3).normal(size=60)
    return ma.Model("y ~ x + (x || g)").fit(pd.DataFrame({"y": y, "x": x, "g": np.repeat(range(15), 4)}))


def parts():
    data = ma.datasets.load("Dyestuff")
    return ma.Model("Yield ~ 1 + (1 | Batch)").fit([data[:13], data[13:]])


def many(levels=5000):
    rng = np.random.default_rng(2)
    sizes = 1 + rng.geometric(0.2, levels)
    user = np.repeat(np.arange(levels), sizes)
    y = 3 + (rng.gamma(2, 1, levels) - 0.1 * sizes)[user] + rng.normal(size=len(user))
    return ma.Model("y ~ size(user) + (1 | user)").fit(pd.DataFrame({"y": y, "user": user}))


FITS = (rats, sleepstudy, penicillin, pastes, negative, two_levels, no_residuals, zero_slopes, parts, many)


def segments(axes):
    (lines,) = axes.collections[:1]
    return np.array(lines.get_segments())


def points(axes, at=-1):
    return np.asarray(axes.collections[at].get_offsets())


@drawn_by_matplotlib
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", FITS)
def test_every_picture_of_every_fit_is_drawn_without_a_warning(make, kind):
    fit = make()
    picture = fit.plot(kind)
    written = io.BytesIO()
    picture.savefig(written, format="png", dpi=50)
    assert len(written.getvalue()) > 2_000
    assert all(axes.get_xlabel() for axes in picture.axes)


@drawn_by_matplotlib
def test_the_caterpillar_has_the_intervals_of_the_tidy_table():
    fit = sleepstudy()
    table = fit.tidy(effects="ran_vals", conf_int=True, conf_level=0.9)
    for axes, term in zip(fit.plot("caterpillar", alpha=0.1).axes, ("(Intercept)", "Days"), strict=True):
        rows = table[table["term"] == term].sort_values("estimate")
        np.testing.assert_allclose(points(axes)[:, 0], rows["estimate"])
        np.testing.assert_allclose(segments(axes)[:, :, 0], rows[["conf_low", "conf_high"]])
        assert [t.get_text() for t in axes.get_yticklabels()] == [str(level) for level in rows["level"]]
        filled = axes.collections[1].get_facecolors()[:, :3].sum(axis=1) < 3
        assert filled.tolist() == ((rows["conf_low"] > 0) | (rows["conf_high"] < 0)).tolist()


@drawn_by_matplotlib
def test_of_many_levels_none_is_labelled_and_all_are_drawn():
    fit = many()
    (axes,) = fit.plot("caterpillar").axes
    assert axes.get_yticks().tolist() == []
    assert len(segments(axes)) == len(points(axes)) == 5000
    np.testing.assert_allclose(points(axes)[:, 0], np.sort(fit.effects["user"].predictions[:, 0]))


@drawn_by_matplotlib
def test_levels_alone_against_their_predictions():
    """Alone: least squares within each subject, less the mean parameters."""
    fit, data = sleepstudy(), ma.datasets.load("sleepstudy")
    alone = {s: np.polyfit(d["Days"], d["Reaction"], 1)[::-1] for s, d in data.groupby("Subject")}
    alone = pd.DataFrame(alone).T - fit.fe_params.to_numpy()
    for n, axes in enumerate(fit.plot("shrinkage").axes):
        expected = np.column_stack([alone[n], fit.effects["Subject"].predictions[:, n]])
        np.testing.assert_allclose(points(axes), expected, atol=1e-9 * np.abs(alone[n]).max())


@drawn_by_matplotlib
@pytest.mark.parametrize("make", [penicillin, rats, parts])
def test_predictions_are_shrunken_by_the_ratio_of_variances(make):
    """u_i = N theta/(1 + N theta) (mean of y - X b - effects of other factors), by the mixed-model equations."""
    fit = make()
    for (name, effects), axes in zip(fit.effects.items(), fit.plot("shrinkage").axes, strict=True):
        sizes = fit.level_sizes[effects.factor][1]
        theta = fit.truncated[f"var(1|{name})"] / fit.scale
        alone, predicted = points(axes).T
        np.testing.assert_allclose(predicted, sizes * theta / (1 + sizes * theta) * alone, atol=1e-8)
        for line, x in zip(segments(axes), alone, strict=True):
            np.testing.assert_allclose(line, [[x, min(x, 0)], [x, max(x, 0)]])


@drawn_by_matplotlib
def test_a_level_that_does_not_determine_its_slope_is_left_out_and_counted():
    first, _ = zero_slopes().plot("shrinkage").axes
    assert len(points(first)) == 14
    assert first.get_title("left") == "15 levels, 1 without estimates of their own"


@drawn_by_matplotlib
def test_a_level_that_hardly_determines_its_slope_does_not_take_all_the_room():
    rng = np.random.default_rng(5)
    level = np.repeat(np.arange(400), 4)
    x = rng.normal(size=1600)
    x[:4] = 1 + 1e-4 * np.arange(4)
    frame = pd.DataFrame({"y": (1 + rng.normal(size=400))[level] * x + rng.normal(size=1600), "x": x, "g": level})
    (axes,) = ma.Model("y ~ x + (1 + x | g)").fit(frame).plot("shrinkage", coefficient="x").axes
    alone = points(axes)[:, 0]
    inside = (axes.get_xlim()[0] < alone) & (alone < axes.get_xlim()[1])
    assert np.abs(alone[0]) > 100
    assert not inside[0]
    assert inside.sum() > 390
    assert axes.get_title("left") == f"400 levels, {400 - inside.sum()} out of the picture"


@drawn_by_matplotlib
def test_effects_are_standardised_by_their_own_variances():
    """Var(u-hat) = G Z'PZ G, P = V^-1 - V^-1 X (X'V^-1X)^-1 X'V^-1, by dense matrices."""
    fit, data = rats(), ma.datasets.load("RatPupWeight")
    z = pd.get_dummies(data["Litter"]).to_numpy(float)
    size = data.groupby("Litter")["weight"].transform("size")
    x = np.column_stack([np.ones(len(data)), size, data["sex"] == "Male"]).astype(float)
    g = fit.estimates["var(1|Litter)"]
    inverse = np.linalg.inv(fit.scale * np.eye(len(z)) + g * z @ z.T)
    p = inverse - inverse @ x @ np.linalg.inv(x.T @ inverse @ x) @ x.T @ inverse
    u = g * z.T @ p @ data["weight"].to_numpy()
    standardised = np.sort(u / np.sqrt(np.diag(g * z.T @ p @ z * g)))
    effects, residuals = fit.plot("quantiles").axes
    at, found = points(effects).T
    np.testing.assert_allclose(found, standardised, rtol=1e-6)
    np.testing.assert_allclose(at, stats.norm.ppf((np.arange(1, 28) - 0.375) / 27.25), atol=1e-9)
    rest = np.sort(fit.resid)
    np.testing.assert_allclose(points(residuals)[:, 1], rest / np.sqrt((rest**2).mean()))


@drawn_by_matplotlib
def test_quantiles_of_what_is_asked_for():
    fit = penicillin()
    assert len(fit.plot("quantiles").axes) == 3
    assert [a.get_ylabel() for a in fit.plot("quantiles", by="residual").axes] == ["standardised residual of diameter"]
    assert len(fit.plot("quantiles", by="plate").axes) == 1


@drawn_by_matplotlib
def test_residuals_against_fitted_values_and_their_means():
    fit = sleepstudy()
    (axes,) = fit.plot("residuals").axes
    np.testing.assert_allclose(points(axes, 0), np.column_stack([fit.fittedvalues, fit.resid]))
    bins = pd.qcut(fit.fittedvalues, 12, labels=False)
    (means,) = (line for line in axes.get_lines() if line.get_marker() == "D")
    assert len(means.get_xdata()) == 12
    np.testing.assert_allclose(means.get_xdata(), fit.fittedvalues.groupby(bins).mean(), rtol=0.01)
    assert np.abs(means.get_ydata() - fit.resid.groupby(bins).mean()).max() < 5


@drawn_by_matplotlib
def test_of_very_many_observations_some_are_drawn_and_it_says_so(monkeypatch):
    from momentalg.inference.plots import residuals

    monkeypatch.setattr(residuals, "MANY", 1000)
    (axes,) = many(400).plot("residuals").axes
    assert len(points(axes, 0)) == 1000
    assert axes.get_title("left").endswith("observations, 1,000 drawn")


@drawn_by_matplotlib
def test_densities_raw_and_corrected():
    fit, data = rats(), ma.datasets.load("RatPupWeight")
    (axes,) = fit.plot("densities").axes
    raw, corrected = (line for line in axes.get_lines() if line.get_marker() == "None")
    means = data.groupby("Litter")["weight"].mean()
    predictor = pd.Series(fit.predict(effects=False).to_numpy())
    without = means + predictor.mean() - predictor.groupby(data["Litter"].to_numpy()).mean()
    for line, values in ((raw, means), (corrected, without)):
        width = 0.9 * min(values.std(), stats.iqr(values) / 1.349) * len(values) ** -0.2
        x, height = line.get_data()
        np.testing.assert_allclose(height, stats.gaussian_kde(values, width / values.std())(x), rtol=1e-9)
        assert height.sum() * (x[1] - x[0]) == pytest.approx(1, abs=0.01)
    only, *ticks = penicillin().plot("densities", by="plate").axes[0].get_lines()
    assert only.get_label() == "level means"
    assert [len(line.get_xdata()) for line in ticks] == [24]


@drawn_by_matplotlib
def test_means_that_are_equal_have_no_density():
    (axes,) = negative().plot("densities").axes
    assert axes.get_lines()[0].get_label() == "level means, all equal"
    assert axes.get_lines()[0].get_xdata() == pytest.approx([5, 5])


@drawn_by_matplotlib
@pytest.mark.parametrize("term", ["size(Litter)", "log(size(Litter))"])
def test_sizes_against_means_with_the_term_of_the_model(term):
    fit, data = rats(f"weight ~ {term} + C(sex) + (1 | Litter)"), ma.datasets.load("RatPupWeight")
    (axes,) = fit.plot("sizes").axes
    sizes = data.groupby("Litter").size()
    of_size = fit.estimates[term] * (np.log(sizes) if "log" in term else sizes)
    of_size -= (of_size * sizes).sum() / sizes.sum()
    expected = fit.residuals("Litter", "marginal").to_numpy() + of_size.to_numpy()
    np.testing.assert_allclose(points(axes, 0), np.column_stack([sizes, expected]), atol=1e-9)
    (line,) = (line for line in axes.get_lines() if line.get_label().startswith(term))
    x, y = line.get_data()
    assert x.tolist() == sorted(set(sizes))
    each = dict(zip(sizes, of_size, strict=True))
    np.testing.assert_allclose(y, [each[n] for n in x], atol=1e-9)
    assert line.get_label() == f"{term} = {fit.estimates[term]:.3g}"


@drawn_by_matplotlib
def test_a_model_without_sizes_says_so_and_many_levels_have_bins():
    (axes,) = rats("weight ~ 1 + (1 | Litter)").plot("sizes").axes
    assert axes.get_title("left") == "27 levels, size(Litter) not in the model"
    (axes,) = many().plot("sizes").axes
    (bins,) = (line for line in axes.get_lines() if line.get_marker() == "D")
    assert 3 <= len(bins.get_xdata()) <= 12
    assert axes.get_xscale() == "log"


@drawn_by_matplotlib
def test_the_error_of_pooling_and_its_minimum():
    fit = rats("weight ~ 1 + (1 | Litter)")
    between, within = (fit.estimates[key] for key in ("var(1|Litter)", "var(residual)"))
    (axes,) = fit.plot("pooling", size=4).axes
    total, variance, bias, _, best = axes.get_lines()
    x = total.get_xdata()
    np.testing.assert_allclose(variance.get_ydata(), x**2 * within / 4)
    np.testing.assert_allclose(bias.get_ydata(), (1 - x) ** 2 * between)
    np.testing.assert_allclose(total.get_ydata(), x**2 * within / 4 + (1 - x) ** 2 * between)
    assert best.get_xdata()[0] == pytest.approx(4 / (4 + within / between))
    assert best.get_ydata()[0] <= total.get_ydata().min()
    assert axes.get_title("left") == "a level of Litter with 4 observations"
    assert fit.plot("pooling").axes[0].get_title("left") == "a level of Litter with 13 observations"


@drawn_by_matplotlib
def test_pooling_of_a_level_of_crossed_data():
    fit = penicillin()
    (axes,) = fit.plot("pooling", by="plate", level="b").axes
    noise = (fit.estimates["var(1|sample)"] + fit.estimates["var(residual)"]) / 6  # the samples of a plate differ
    assert axes.get_lines()[1].get_ydata()[-1] == pytest.approx(noise)
    assert axes.get_title("left") == "plate b, 6 observations"


ODD = {"y": "$y_1^2$", "g": "a_b $\\alpha$ <é>", "x": "x{%}"}


@drawn_by_matplotlib
@pytest.mark.parametrize("kind", KINDS)
def test_odd_names_are_drawn_letter_by_letter(kind):
    import matplotlib as mpl

    rng = np.random.default_rng(3)
    data = {ODD["y"]: rng.normal(size=60) + np.repeat(rng.normal(size=12), 5), ODD["x"]: rng.normal(size=60)}
    data[ODD["g"]] = np.repeat([f"level_{n}_$x^{n}$\n" for n in range(12)], 5)
    fit = ma.Model(f"`{ODD['y']}` ~ `{ODD['x']}` + (1 + `{ODD['x']}` | `{ODD['g']}`)").fit(pd.DataFrame(data))
    written = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        fit.plot(kind).savefig(written, format="svg")
    assert ODD["y"] in written.getvalue()
    if kind in ("caterpillar", "pooling"):
        assert "level_7_$x^7$\\n" in written.getvalue() or kind == "pooling"
        assert "a_b $\\alpha$ &lt;é&gt;" in written.getvalue()


@drawn_by_matplotlib
def test_texts_for_tex_are_escaped_for_it():
    import matplotlib as mpl

    from momentalg.inference.canvas import text_of

    with mpl.rc_context({"text.usetex": True}):
        assert text_of("a_b 5%") == r"a\_b 5\%"
    assert text_of("n" * 60) == "n" * 39 + "…"


@drawn_by_matplotlib
def test_an_axes_is_drawn_on_and_returned():
    from matplotlib.figure import Figure

    fit = sleepstudy()
    axes = Figure().subplots()
    assert fit.plot("caterpillar", ax=axes, coefficient="Intercept") is axes
    assert len(segments(axes)) == 18
    with pytest.raises(ma.ModelError, match=r"has 2: \(1 \| Subject\), \(Days \| Subject\)"):
        fit.plot("caterpillar", ax=axes)


@drawn_by_matplotlib
def test_pictures_show_themselves_and_travel():
    picture = two_levels().plot("caterpillar")
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert len(pickle.loads(pickle.dumps(picture)).axes) == 1


@drawn_by_matplotlib
def test_pyplot_is_not_touched():
    code = """
import sys, momentalg as ma
fit = ma.Model("Yield ~ 1 + (1 | Batch)").fit(ma.datasets.load("Dyestuff"))
assert "matplotlib" not in sys.modules
for kind in KINDS:
    fit.plot(kind)._repr_png_()
fit.model.plan(dict(fit.truncated), {"Intercept": 10}).plot()
print("matplotlib.pyplot" in sys.modules)
"""
    command = [sys.executable, "-W", "error", "-c", code.replace("KINDS", repr(KINDS))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout.strip() == "False", done.stderr


@drawn_by_matplotlib
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"kind": "histogram"}, "there is no picture 'histogram' of a fit; there is 'caterpillar': predicted"),
        ({"kind": "sizes", "bins": 3}, "the picture 'sizes' has no option bins=; it has ax=, by="),
        ({"kind": "sizes", "by": "user"}, "by='user' is no factor with effects"),
        ({"kind": "caterpillar", "coefficient": "x"}, r"coefficient='x' has no effects; there is \(1 \| Subject\)"),
        ({"kind": "caterpillar", "alpha": 95}, "alpha=95 must lie between 0 and 1"),
        ({"kind": "quantiles", "level": 95}, "level= is a probability"),
        ({"kind": "pooling", "level": "nobody"}, "level='nobody' is no level of Subject"),
        ({"kind": "pooling", "level": "308", "size": 3}, "not both"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(asked, says):
    with pytest.raises(ma.ModelError, match=says):
        sleepstudy().plot(**asked)


@drawn_by_matplotlib
def test_sums_have_effects_and_no_rows():
    model, data = ma.Model("Yield ~ 1 + (1 | Batch)"), ma.datasets.load("Dyestuff")
    fit = model.fit(model.sums(data))
    for kind in ("caterpillar", "quantiles", "pooling"):
        assert len(fit.plot(kind).axes) == 1
    for kind in ("shrinkage", "residuals", "densities", "sizes"):
        with pytest.raises(ma.UnsupportedError, match="need the rows of the data"):
            fit.plot(kind)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    fit = two_levels()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for kind in KINDS:
        with pytest.raises(ma.UnsupportedError, match=r"pip install 'momentalg\[plot\]'"):
            fit.plot(kind)
    plan = fit.model.plan(dict(fit.truncated), {"Intercept": 1})
    with pytest.raises(ma.UnsupportedError, match=r"pip install 'momentalg\[plot\]'"):
        plan.plot()


def test_a_picture_is_a_file():
    """Each file of the folder but plot.py, which defines what a picture is, has one; fit.plot's help names them all."""
    files = {path.stem for path in Path(plots.__file__).parent.glob("*.py")} - {"__init__", "plot"}
    known = discover("momentalg.inference.plots", "PLOT")
    assert files == set(known) == set(KINDS)
    assert [name for name in known if f'"{name}"' not in FitResult.plot.__doc__] == []
