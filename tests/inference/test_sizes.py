"""Moments of the sizes: exact unbiasedness over small spaces, standard errors against the jackknife and simulation."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.inference.sizes import sizes

MODEL = ma.Model("y ~ 1 + X + x + (1 | user)", levels={"X": "user"})
KEYS = ["k3(size(user))", "cov(size(user)^2,X)", "E(size(user)^-1)", "k3(X)"]


def frame(rng: np.random.Generator, levels: int = 40) -> pd.DataFrame:
    size = 1 + rng.poisson(2, levels)
    user = np.repeat(np.arange(levels), size)
    X = np.round(rng.normal(size=levels) + size, 2)
    noise = rng.normal(size=(2, len(user)))
    return pd.DataFrame({"user": user, "X": X[user], "x": noise[0], "y": noise[1] + 0.2 * size[user]})


def by_level(data: pd.DataFrame, by: str = "user") -> pd.DataFrame:
    groups = data.groupby(by)
    found = pd.DataFrame({"N": groups.size(), "Ybar": groups["y"].mean()})
    return found.assign(X=groups["X"].first(), x=groups["x"].sum()) if "X" in data else found


def by_hand(units: pd.DataFrame) -> dict[str, float]:
    N, X = units["N"], units["X"]
    return {
        "E(size(user))": N.mean(),
        "E(size(user)^2)": (N**2).mean(),
        "var(size(user))": N.var(ddof=1),
        "E(size(user)^2)/E(size(user))": (N**2).sum() / N.sum(),
        "cov(size(user),X)": np.cov(N, X, ddof=1)[0, 1],
        "cov(size(user),total(x|user))": np.cov(N, units["x"], ddof=1)[0, 1],
        "cov(size(user),mean(y|user))": np.cov(N, units["Ybar"], ddof=1)[0, 1],
        "E(mean(y|user))": units["Ybar"].mean(),
        "k3(size(user))": third(N),
        "cov(size(user)^2,X)": np.cov(N**2, X, ddof=1)[0, 1],
        "E(size(user)^-1)": (1 / N).mean(),
        "k3(X)": third(X),
    }


def third(a: pd.Series) -> float:
    n = len(a)
    return float(n / ((n - 1) * (n - 2)) * ((a - a.mean()) ** 3).sum())


def test_estimates_are_the_sample_moments():
    data = frame(np.random.default_rng(1))
    found = sizes(MODEL, data, moments=KEYS)
    for key, value in by_hand(by_level(data)).items():
        assert found[key].estimate == pytest.approx(value, rel=1e-12, abs=1e-12), key
        assert key in found.table.index


def test_variance_covariance_and_third_cumulant_are_exactly_unbiased():
    """Over all samples of three i.i.d. units with the atoms (N, X) = (1, 0), (2, 3), (5, 1)."""
    atoms = [(Fraction(1, 2), 1, 0), (Fraction(1, 3), 2, 3), (Fraction(1, 6), 5, 1)]
    mean = dict.fromkeys(("E(size(user))", "var(size(user))", "cov(size(user),X)", "k3(size(user))"), 0.0)
    square = 0.0
    model = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
    for units in itertools.product(atoms, repeat=3):
        p = float(math.prod(u[0] for u in units))
        rows = [(i, u[2], 0.0) for i, u in enumerate(units) for _ in range(u[1])]
        found = sizes(model, pd.DataFrame(rows, columns=["user", "X", "y"]), moments=["k3(size(user))"])
        square += p * found["E(size(user))"].std_error ** 2
        for key in mean:
            mean[key] += p * found[key].estimate
    n, x = (sum(atom[0] * atom[i] for atom in atoms) for i in (1, 2))
    variance = sum(p * (a - n) ** 2 for p, a, _ in atoms)
    assert mean["E(size(user))"] == pytest.approx(float(n))
    assert mean["var(size(user))"] == pytest.approx(float(variance))
    assert mean["cov(size(user),X)"] == pytest.approx(float(sum(p * (a - n) * (b - x) for p, a, b in atoms)))
    assert mean["k3(size(user))"] == pytest.approx(float(sum(p * (a - n) ** 3 for p, a, _ in atoms)))
    assert square == pytest.approx(float(variance) / 3)  # the squared standard error of the mean


@pytest.mark.parametrize("key", list(by_hand(by_level(frame(np.random.default_rng(0))))))
def test_standard_errors_agree_with_the_jackknife(key):
    data = frame(np.random.default_rng(2), 300)
    units = by_level(data)
    without = np.array([by_hand(units.drop(index=u))[key] for u in units.index])
    jackknife = math.sqrt((len(units) - 1) / len(units) * ((without - without.mean()) ** 2).sum())
    assert sizes(MODEL, data, moments=KEYS)[key].std_error == pytest.approx(jackknife, rel=0.04)


def test_a_nested_factor_is_clustered_by_its_unit():
    rng = np.random.default_rng(3)
    school = rng.gamma(2, 1, 60)
    rows = [
        (a, b, rng.normal())
        for a in range(60)
        for b in range(1 + rng.poisson(2))
        for _ in range(1 + rng.poisson(school[a]))
    ]
    data = pd.DataFrame(rows, columns=["a", "b", "y"])
    found = sizes(ma.Model("y ~ 1 + (1 | a/b)"), data, by="a:b")
    inner = data.groupby(["a", "b"]).size().rename("N").reset_index()
    total = inner.groupby("a")["N"].agg(["sum", "count"])
    mean = total["sum"].sum() / total["count"].sum()
    influence = total["sum"] - mean * total["count"]
    expected = math.sqrt(60 / 59 * (influence**2).sum()) / len(inner)
    assert found["E(size(a:b))"].std_error == pytest.approx(expected)
    assert found["E(size(a:b))"].std_error > 1.2 * inner["N"].std() / math.sqrt(len(inner))  # not as if independent
    assert found["E(size(a:b))"].df == 59


def test_moments_with_the_response_are_clustered_by_all_crossed_factors():
    rng = np.random.default_rng(4)
    row, column = rng.integers(0, 30, 400), rng.integers(0, 12, 400)
    data = pd.DataFrame({"row": row, "column": column, "y": rng.normal(size=12)[column] + rng.normal(size=400)})
    found = sizes(ma.Model("y ~ 1 + (1 | row) + (1 | column)"), data, by="row")["cov(size(row),mean(y|row))"]
    units = by_level(data, "row")
    n, y = units["N"] - units["N"].mean(), units["Ybar"] - units["Ybar"].mean()
    level = (n * y - (n * y).mean()) / units["N"]
    score = level[row].to_numpy() + n[row].to_numpy() / units["N"][row].to_numpy() * (
        data["y"].to_numpy() - units["Ybar"][row].to_numpy()
    )
    A, B = pd.get_dummies(row).to_numpy(float), pd.get_dummies(column).to_numpy(float)
    same = A @ A.T + B @ B.T - (A @ A.T) * (B @ B.T)  # of observations: they share a row or a column
    assert found.std_error == pytest.approx(math.sqrt(12 / 11 * score @ same @ score) / 30)


def test_a_ratio_is_the_same_with_and_without_empty_levels_and_the_variance_is_not():
    size = np.random.default_rng(5).poisson(1.5, 4000)
    user = np.repeat(np.arange(4000), size)
    found = sizes(ma.Model("y ~ 1 + (1 | user)"), {"user": user, "y": np.zeros(len(user))})
    assert found["E(size(user)^2)/E(size(user))"].estimate == pytest.approx((size**2).sum() / size.sum())
    assert (
        abs(found["E(size(user)^2)/E(size(user))"].estimate - 2.5)
        < 4 * found["E(size(user)^2)/E(size(user))"].std_error
    )
    assert found["var(size(user))"].estimate < 0.8 * size.var()
    assert "given N >= 1" in found.notes[-1]


def test_intervals_cover():
    """Of 400 samples of 500 units, 95 % intervals cover E N, E N^2/E N and Var N, judged by z-scores."""
    rng, covered = np.random.default_rng(6), np.zeros(3)
    model = ma.Model("y ~ 1 + (1 | user)")
    law = ma.ZeroTruncatedPoisson(3)
    truth = [float(law.mean), float(law.moment(2) / law.mean), float(law.variance)]
    for _ in range(400):
        size = law.sample(rng, 500)
        found = sizes(model, {"user": np.repeat(np.arange(500), size), "y": np.zeros(size.sum())})
        keys = ["E(size(user))", "E(size(user)^2)/E(size(user))", "var(size(user))"]
        covered += [low <= t <= high for (low, high), t in zip((found[k].interval() for k in keys), truth, strict=True)]
    assert ((covered / 400 - 0.95) / math.sqrt(0.95 * 0.05 / 400) > -3).all(), covered / 400


def test_sums_have_the_sizes_alone():
    data = frame(np.random.default_rng(7))
    found = sizes(MODEL, MODEL.sums(data[:50]) + MODEL.sums(data[50:]))
    whole = sizes(MODEL, data)
    for key in found.table.index:
        assert found[key].estimate == pytest.approx(whole[key].estimate)
        assert found[key].std_error == pytest.approx(whole[key].std_error)
    with pytest.raises(ma.DataError, match="give the frame"):
        found["cov(size(user),X)"]


def test_the_distribution_and_the_law():
    data = {"user": list("aabbccc"), "y": range(7)}
    found = sizes(ma.Model("y ~ 1 + (1 | user)"), data)
    assert found.distribution["levels"].to_dict() == {2: 2, 3: 1}
    assert found.distribution["observations"].tolist() == pytest.approx([4 / 7, 3 / 7])
    assert found.law.mean == Fraction(7, 3)
    assert "3 levels of user, 7 observations" in repr(found)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda d: sizes(MODEL, d, by="item"), ma.ModelError, "no grouping factor"),
        (lambda d: sizes(MODEL, d, moments="var(1|user)"), ma.ModelError, "no parameter"),
        (lambda d: sizes(MODEL, d, moments="k4(size(user))"), ma.UnsupportedError, "up to order 3"),
        (lambda d: sizes(MODEL, d, moments="cov(size(user),x)"), ma.ModelError, r"total\(x\|user\)"),
        (lambda d: sizes(MODEL, d[d["user"] == 0]), ma.DataError, "single independent level"),
        (lambda d: sizes(MODEL, [d, d]), ma.DataError, "one frame"),
    ],
)
def test_what_cannot_be_had_is_an_error(call, error, says):
    with pytest.raises(error, match=says):
        call(frame(np.random.default_rng(8)))
