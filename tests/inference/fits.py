"""Fits whose effects come from dense equations: every view of a result, whatever makes the effects."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pandas as pd

import momentalg as ma
from tests.inference.dense import Dense


def sleepstudy(whole=False):  # noqa: ARG001
    frame = ma.datasets.load("sleepstudy")
    model = ma.Model("Reaction ~ Days + (Days | Subject)")

    def dense(fit):
        x = np.column_stack([np.ones(len(frame)), frame["Days"]])
        g = np.array([[p(fit, "var(1|Subject)"), p(fit, "cov(1,Days|Subject)")], [0, p(fit, "var(Days|Subject)")]])
        g[1, 0] = g[0, 1]
        return Dense(y(frame["Reaction"]), x, {"Subject": (*labels(frame["Subject"]), x, g)}, p(fit, "var(residual)"))

    return model, frame, dense


def dyestuff(whole=False):
    frame = ma.datasets.load("Dyestuff")
    frame = frame if whole else frame.drop(index=[17, 18, 28, 29])
    return ma.Model("Yield ~ 1 + (1 | Batch)"), frame, intercepts(frame, "Yield", {"Batch": frame["Batch"]})


def penicillin(whole=False):
    frame = ma.datasets.load("Penicillin")
    frame = frame if whole else frame.drop(index=[3, 50, 51, 52, 100])
    model = ma.Model("diameter ~ 1 + (1 | plate) + (1 | sample)")
    return model, frame, intercepts(frame, "diameter", {"plate": frame["plate"], "sample": frame["sample"]})


def pastes(whole=False):
    frame = ma.datasets.load("Pastes")
    frame = frame if whole else frame.drop(index=[0, 1, 8, 30])
    casks = list(zip(frame["batch"], frame["cask"], strict=True))
    model = ma.Model("strength ~ 1 + (1 | batch/cask)")
    return model, frame, intercepts(frame, "strength", {"batch": frame["batch"], "batch:cask": casks})


def rats(whole=False):  # noqa: ARG001
    frame = ma.datasets.load("RatPupWeight")
    model = ma.Model("weight ~ size(Litter) + C(sex) + (1 | Litter)")
    size = frame.groupby("Litter")["weight"].transform("size")
    x = np.column_stack([np.ones(len(frame)), size, frame["sex"] == "Male"]).astype(float)
    return model, frame, intercepts(frame, "weight", {"Litter": frame["Litter"]}, x)


def several():
    rng = np.random.default_rng(7)
    n = 130
    frame = pd.DataFrame({"g": rng.integers(0, 12, n), "h": rng.integers(0, 5, n), "x": rng.normal(2, 1, n)})
    frame = frame.assign(w=rng.uniform(0.5, 2, n), site=rng.choice(["north", "south"], n))
    effects = rng.normal(size=12)[frame["g"]] + 0.7 * rng.normal(size=5)[frame["h"]]
    return frame.assign(y=1 + frame["x"] + effects + rng.normal(size=n))


def known_weights(whole=False):  # noqa: ARG001
    frame = several()
    x = np.column_stack([np.ones(len(frame)), frame["x"]])
    return (
        ma.Model("y ~ x + (1 | g)", weights="w"),
        frame,
        intercepts(frame, "y", {"g": frame["g"]}, x, 1 / y(frame["w"])),
    )


def interaction(whole=False):  # noqa: ARG001
    frame = several()
    factors = {"g": frame["g"], "h": frame["h"], "g:h": list(zip(frame["g"], frame["h"], strict=True))}
    x = np.column_stack([np.ones(len(frame)), frame["x"]])
    return ma.Model("y ~ x + (1 | g) + (1 | h) + (1 | g:h)"), frame, intercepts(frame, "y", factors, x)


def uncorrelated(whole=False):
    """Two blocks of one factor: an intercept and a slope that are independent."""
    _, frame, _ = sleepstudy()
    frame = frame if whole else frame.drop(index=[0, 1, 2, 31, 77])

    def dense(fit):
        x = np.column_stack([np.ones(len(frame)), frame["Days"]])
        g = np.diag([p(fit, "var(1|Subject)"), p(fit, "var(Days|Subject)")])
        return Dense(y(frame["Reaction"]), x, {"Subject": (*labels(frame["Subject"]), x, g)}, p(fit, "var(residual)"))

    return ma.Model("Reaction ~ Days + (Days || Subject)"), frame, dense


def crossed_slopes(whole=False):  # noqa: ARG001
    frame = several()
    frame = frame.assign(y=frame["y"] + np.random.default_rng(8).normal(size=12)[frame["g"]] * frame["x"])

    def dense(fit):
        x = np.column_stack([np.ones(len(frame)), frame["x"]])
        cov = p(fit, "cov(1,x|g)")
        g = np.array([[p(fit, "var(1|g)"), cov], [cov, p(fit, "var(x|g)")]])
        one, h = np.ones((len(frame), 1)), np.array([[p(fit, "var(1|h)")]])
        factors = {"g": (*labels(frame["g"]), x, g), "h": (*labels(frame["h"]), one, h)}
        return Dense(y(frame["y"]), x, factors, p(fit, "var(residual)"))

    return ma.Model("y ~ x + (x | g) + (1 | h)"), frame, dense


def classes():
    """Classes of residuals: effects are those of rows weighted by the variance of their class."""
    frame = several()
    x = np.column_stack([np.ones(len(frame)), frame["x"]])
    model = ma.Model("y ~ x + (1 | g)", residual_by="site")

    def dense(fit):
        r = np.where(frame["site"] == "north", fit.params["var(residual[north])"], fit.params["var(residual[south])"])
        one = intercepts(frame, "y", {"g": frame["g"]}, x, r)
        return one(replace(fit, truncated={**fit.truncated, "var(residual)": 1.0}))

    return model, frame, dense


DESIGNS = {
    f.__name__: f
    for f in (sleepstudy, dyestuff, penicillin, pastes, rats, known_weights, interaction, uncorrelated, crossed_slopes)
}


def intercepts(frame, response, factors, x=None, relative=1.0):
    """Dense equations of a model whose effects are intercepts."""
    ones = np.ones((len(frame), 1))

    def dense(fit):
        found = {
            name: (*labels(of_row), ones, np.array([[fit.truncated[f"var(1|{name})"]]]))
            for name, of_row in factors.items()
        }
        return Dense(y(frame[response]), ones if x is None else x, found, p(fit, "var(residual)") * relative)

    return dense


def y(series):
    return series.to_numpy(float)


def p(fit, key):
    return fit.truncated[key]


def labels(of_row):
    return sorted(set(of_row)), list(of_row)


def from_dense(design, whole=False):
    """A classical fit of a design, with effects at its estimates from dense equations in place of a module's."""
    model, frame, dense = DESIGNS[design](whole)
    fit = model.fit(frame, weighting="none")
    equations = dense(fit)

    def effects(_, estimates):
        u, errors = equations.at(np.array([estimates[key] for key in fit.mean_keys]))
        found = {}
        for name, (levels, _, columns, _) in equations.factors.items():
            coefficients = ("1", "x" if design == "crossed_slopes" else "Days")[: columns.shape[1]]
            found[name] = (structured(levels), coefficients, u[name], errors[name])
        return found

    real = fit.sums.estimator.module
    module = SimpleNamespace(effects=effects, LEVELS=real.LEVELS, level_sizes=real.level_sizes)
    sums = SimpleNamespace(
        estimator=SimpleNamespace(module=module), table=MappingProxyType(dict(fit.sums.table)), prepared={}, files=()
    )
    return replace(fit, sums=sums), frame, equations


def structured(levels):
    """Levels as a module has them: an array, with a field for each column of a factor."""
    if not isinstance(levels[0], tuple):
        return np.array(levels)
    columns = [np.array(column) for column in zip(*levels, strict=True)]
    found = np.empty(len(levels), dtype=[(f"label_{n}", c.dtype) for n, c in enumerate(columns)])
    for n, column in enumerate(columns):
        found[f"label_{n}"] = column
    return found
