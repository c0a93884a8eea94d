"""Likelihood packages on columns with integer codes: components first, then standard errors and predictions.

A peer is a function of a formula and columns. It gives the components, and a call that completes the fit: standard
errors as far as the package has them, and predicted effects of all levels. None is needed; each is left out by name
where it is not installed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import likelihood

Array = np.ndarray[Any, Any]
Estimates = dict[str, float]
Fit = tuple[Estimates, Callable[[], object]]


def gpboost(_formula: str, columns: Mapping[str, Array]) -> Fit:
    """GPBoost: maximum likelihood; Krylov subspaces where factors are crossed and large."""
    import gpboost as package

    factors = [name for name in ("user", "item") if name in columns]
    x = np.column_stack([np.ones(len(columns["y"])), *([columns["x"]] if "x" in columns else [])])
    slopes = {"group_rand_coef_data": columns["x"], "ind_effect_group_rand_coef": [1]} if "x" in columns else {}
    model = package.GPModel(group_data=np.column_stack([columns[f] for f in factors]), likelihood="gaussian", **slopes)
    model.fit(y=columns["y"], X=x)
    residual, *variances = np.ravel(model.get_cov_pars().iloc[0])
    keys = [f"var(1|{f})" for f in factors] + ["var(x|user)"] * bool(slopes)
    means = dict(zip(("Intercept", "x"), np.ravel(model.get_coef().iloc[0]), strict=False))
    estimates = {**means, **dict(zip(keys, variances, strict=False)), "var(residual)": residual}

    def complete() -> None:
        model.get_cov_pars(std_err=True)
        model.get_coef(std_err=True)
        model.predict_training_data_random_effects()

    return {key: float(value) for key, value in estimates.items()}, complete


def glmm(formula: str, columns: Mapping[str, Array]) -> Fit:
    """The package glmm: REML, text labels; its fit is complete at once."""
    return likelihood.glmm(formula, columns), lambda: None


def mixedlm(formula: str, columns: Mapping[str, Array]) -> Fit:
    """The package mixedlm: REML, text labels."""
    import mixedlm as package
    import pandas as pd

    frame = pd.DataFrame({n: v.astype(str) if v.dtype.kind == "i" else v for n, v in columns.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = package.lmer(formula, frame)
    found = {"Intercept" if name == "(Intercept)" else name: float(value) for name, value in fit.fixef().items()}
    for factor, group in fit.VarCorr().groups.items():
        for term, variance in group.variance.items():
            found[f"var({'1' if term == '(Intercept)' else term}|{factor})"] = float(variance)
    return found | {"var(residual)": float(fit.sigma) ** 2}, lambda: (fit.vcov(), fit.ranef())


def mixedlm_rs(_formula: str, columns: Mapping[str, Array]) -> Fit:
    """The package mixedlm-rs: REML; one factor."""
    import mixedlm_rs as package

    if "item" in columns:
        raise ValueError("mixedlm-rs fits one factor")
    x = np.column_stack([np.ones(len(columns["y"])), *([columns["x"]] if "x" in columns else [])])
    fit = package.MixedLM(columns["y"], x, columns["user"], exog_re=x).fit(reml=True)
    means = dict(zip(("Intercept", "x"), map(float, np.asarray(fit.fe_params)), strict=False))
    g = np.asarray(fit.cov_re)
    variances = {f"var({term}|user)": float(g[k, k]) for k, term in enumerate(("1", "x")[: len(g)])}
    return {**means, **variances, "var(residual)": float(fit.scale)}, lambda: (fit.bse, fit.random_effects)


def statsmodels(formula: str, columns: Mapping[str, Array]) -> Fit:
    """MixedLM of statsmodels: REML; crossed factors as variance components of one group, with dense matrices."""
    return likelihood.statsmodels(formula, columns), lambda: None


PEERS: dict[str, Callable[[str, Mapping[str, Array]], Fit]] = {
    f.__name__: f for f in (gpboost, glmm, mixedlm, mixedlm_rs, statsmodels)
}
LME4 = "lme4"


def versions() -> dict[str, str | None]:
    """The version of each peer, None where it is absent."""
    found: dict[str, str | None] = {}
    for name in PEERS:
        try:
            found[name] = version(name.replace("_", "-"))
        except PackageNotFoundError:
            found[name] = None
    return found | {LME4: "of R" if shutil.which("Rscript") else None}


def lme4(formula: str, columns: Mapping[str, Array], at_most: float) -> Mapping[str, Any]:
    """A fit by R's lme4, in its own process: seconds of components and of the full fit, peak, version, estimates."""
    with tempfile.TemporaryDirectory() as folder:
        for name, values in columns.items():
            values.astype("i4" if values.dtype.kind == "i" else "f8").tofile(Path(folder) / f"{name}.raw")
        factors = [name for name in ("user", "item") if name in columns]
        script = str(Path(__file__).with_suffix("").parent / "lme4.R")
        command = ["Rscript", script, folder, str(len(columns["y"])), formula, *factors]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=at_most)
    if run.returncode:
        raise RuntimeError((run.stderr.strip().splitlines() or ["Rscript failed"])[-1])
    return dict(json.loads(run.stdout.splitlines()[-1]))
