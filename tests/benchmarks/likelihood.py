"""REML by other programs, as peers: each is left out, by name, where it is not installed; none is needed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Engine = Callable[[str, Mapping[str, Array]], dict[str, float]]


def glmm(formula: str, columns: Mapping[str, Array]) -> dict[str, float]:
    """The package glmm: profiled REML; variances are not negative. Its formulas are those of lme4, as ours are."""
    import glmm as engine

    data = {name: values.astype(str) if values.dtype.kind == "i" else values for name, values in columns.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of variances at 0, which are counted
        fit = engine.fit(data, formula, satterthwaite=False, wald_se="rx", anova_test="Wald")
    if not fit.converged:
        raise ArithmeticError("glmm did not converge")
    found = dict(zip(map(_coefficient, fit.names), map(float, fit.beta), strict=True))
    for (factor, terms), packed in zip(fit.re_groups, fit.varcorr, strict=True):
        columns_of = [(i, j) for j in range(len(terms)) for i in range(j, len(terms))]  # the lower triangle, by columns
        for (i, j), value in zip(columns_of, packed, strict=True):
            found[_component(terms[j], terms[i], factor)] = float(value)
    return found | {"var(residual)": float(fit.dispersion)}


def statsmodels(formula: str, columns: Mapping[str, Array]) -> dict[str, float]:
    """MixedLM of statsmodels; crossed and nested factors as variance components, which takes it long."""
    import pandas as pd
    from statsmodels.regression.mixed_linear_model import MixedLM

    frame, ones = pd.DataFrame(dict(columns)), pd.Series(1, index=range(len(columns["y"])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "(1 + x | user)" in formula:
            x = np.column_stack([ones, frame["x"]])
            fit = MixedLM(frame["y"], x, frame["user"], exog_re=x).fit(reml=True, gtol=1e-8)
            _require_settled(fit)
            g = np.asarray(fit.cov_re)
            return {
                "Intercept": float(fit.fe_params.iloc[0]),
                "x": float(fit.fe_params.iloc[1]),
                "var(1|user)": float(g[0, 0]),
                "cov(1,x|user)": float(g[0, 1]),
                "var(x|user)": float(g[1, 1]),
                "var(residual)": float(fit.scale),
            }
        if "(1 | item)" in formula:
            parts = {"user": "0 + C(user)", "item": "0 + C(item)"}
            fit = MixedLM.from_formula("y ~ 1", frame, groups=ones, re_formula="0", vc_formula=parts).fit(reml=True)
            keys = ["var(1|item)", "var(1|user)"]  # in the order of the alphabet, as the components are
            effects = dict(zip(keys, map(float, fit.vcomp), strict=True))
        elif "school/class" in formula:
            parts = {"class": "0 + C(classroom)"}
            frame = frame.rename(columns={"class": "classroom"})
            fit = MixedLM.from_formula("y ~ 1", frame, groups="school", re_formula="1", vc_formula=parts).fit(reml=True)
            effects = {
                "var(1|school)": float(fit.cov_re.iloc[0, 0]),
                "var(1|school:class)": float(fit.vcomp[0]),
            }
        else:
            fit = MixedLM(frame["y"], np.ones((len(frame), 1)), frame["user"]).fit(reml=True, gtol=1e-8)
            effects = {"var(1|user)": float(np.asarray(fit.cov_re)[0, 0])}
    _require_settled(fit)
    return {"Intercept": float(fit.fe_params.iloc[0]), **effects, "var(residual)": float(fit.scale)}


def _require_settled(fit: Any) -> None:
    if not fit.converged:
        raise ArithmeticError("statsmodels did not converge")


def _coefficient(name: str) -> str:
    return "Intercept" if name == "(Intercept)" else name


def _component(first: str, second: str, factor: str) -> str:
    one, two = ("1" if term == "(Intercept)" else term for term in (first, second))
    return f"var({one}|{factor})" if one == two else f"cov({one},{two}|{factor})"


ENGINES: dict[str, Engine] = {f.__name__: f for f in (glmm, statsmodels)}


def installed(name: str) -> bool:
    """Whether a program is there."""
    return find_spec(name) is not None
