"""Tidy tables of a fit with broom.mixed's columns, and lme4's tables of components and effects.

Column names have underscores, and dots with ``style="broom"``: std_error or std.error. Terms are broom.mixed's:
``var__(Intercept)`` and ``cov__(Intercept).Days``, or ``sd__`` and ``cor__`` on the scale of standard deviations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError
from momentalg.expr.keys import ParameterKey, read_key
from momentalg.inference.covariance import available
from momentalg.inference.prediction import predict
from momentalg.inference.reference import quantile
from momentalg.inference.rows import as_pandas, kept_rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

EFFECTS = ("fixed", "ran_pars", "ran_vals")
SCALES = ("vcov", "sdcor")
STYLES = ("python", "broom")
COLUMNS = ("effect", "group", "level", "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


def tidy(
    fit: FitResult, conf_int: bool, conf_level: float, effects: Iterable[str], scales: str, style: str
) -> pd.DataFrame:
    """One row per parameter: effect, group, term, estimate, std_error, statistic, p_value, and perhaps an interval.

    `effects` are "fixed" (means), "ran_pars" (components and cumulants) and "ran_vals" (predicted effects, with a
    column for the level and the standard error of prediction). On the scale "vcov" estimates are those of `params`; on
    "sdcor" they are standard deviations and correlations of the truncated values, with errors by the delta method
    (not a number where a variance is truncated at 0), and without intervals. Without standard errors, as of sums for
    classical statistics, their columns are not numbers, and intervals are refused.

    Raises `ModelError` for an effect, a scale or a style that does not exist.
    """
    import pandas as pd

    chosen = (effects,) if isinstance(effects, str) else tuple(effects)
    for given, known, what in (
        (chosen, EFFECTS, "effects"),
        ((scales,), SCALES, "scales"),
        ((style,), STYLES, "style"),
    ):
        if wrong := [v for v in given if v not in known]:
            raise ModelError(f"{what}= is of {', '.join(map(repr, known))}, not {wrong[0]!r}")
    keys = [k for k in fit.keys if ("fixed" if read_key(k).kind == "mean" else "ran_pars") in chosen]
    rows = _parameters(fit, keys, scales, conf_level if conf_int else None)
    rows += _values(fit, conf_level) if "ran_vals" in chosen else []
    names = [c for c in COLUMNS if ("ran_vals" in chosen or c != "level") and (conf_int or not c.startswith("conf"))]
    found = pd.DataFrame([[row.get(name) for name in names] for row in rows], columns=names)
    numeric = [c for c in names if c not in ("effect", "group", "level", "term")]
    found = found.astype(dict.fromkeys(numeric, float))
    return _styled(found, style)


def _parameters(fit: FitResult, keys: Sequence[str], scales: str, level: float | None) -> list[dict[str, Any]]:
    known = level is not None or available(fit)
    none = fit.params * math.nan
    errors, statistics, tails = (fit.bse, fit.tvalues, fit.pvalues) if known else (none, none, none)
    bounds = fit.conf_int(1 - level) if level is not None and keys else None
    rows = []
    for key in keys:
        group, term = names_of(key, scales)
        row: dict[str, Any] = {"effect": "fixed" if group is None else "ran_pars", "group": group, "term": term}
        if scales == "sdcor" and group is not None and read_key(key).order == 2:
            row["estimate"], row["std_error"] = deviation(fit, key, known)
        else:
            row["estimate"], row["std_error"] = fit.estimates[key], errors[key]
            row["statistic"], row["p_value"] = statistics[key], tails[key]
            if bounds is not None:
                row["conf_low"], row["conf_high"] = bounds.loc[key]
        rows.append(row)
    return rows


def _values(fit: FitResult, level: float) -> list[dict[str, Any]]:
    """The predicted effects, with intervals of prediction."""
    q = quantile((1 + level) / 2, fit.df)
    rows = []
    for name, effects in fit.effects.items():
        errors = effects.standard_errors()
        for label, values, spread in zip(effects.levels, effects.predictions, errors, strict=True):
            for term, value, error in zip(effects.coefficients, values, spread, strict=True):
                row = {"effect": "ran_vals", "group": name, "level": label, "term": _term(term)}
                bounds = {"conf_low": value - q * error, "conf_high": value + q * error}
                rows.append({**row, "estimate": value, "std_error": error, **bounds})
    return rows


def names_of(key: str, scales: str = "vcov") -> tuple[str | None, str]:
    """The group and the term of a parameter in tidy tables; means have no group."""
    read = read_key(key)
    if read.kind == "mean":
        return None, key
    second = ("sd", "cor") if scales == "sdcor" else ("var", "cov")
    if read.kind != "group":
        kind = second[0] if read.order == 2 else f"k{read.order}"
        return _residual(read), f"{kind}__Observation"
    terms = dict.fromkeys(map(_term, read.coefficients))  # a variance names it once
    kind = (second[0] if len(terms) == 1 else second[1]) if read.order == 2 else f"k{read.order}"
    return read.factor, f"{kind}__{'.'.join(terms)}"


def _term(coefficient: str) -> str:
    return "(Intercept)" if coefficient == "1" else coefficient


def _residual(read: ParameterKey) -> str:
    return f"Residual[{read.factor}]" if read.factor else "Residual"


def deviation(fit: FitResult, key: str, with_error: bool = True) -> tuple[float, float]:
    """A component as a standard deviation or a correlation of the truncated values, and its standard error.

    By the delta method: se/(2 sd) of sd = sqrt(v), and the error of c/sqrt(v w) from the covariances of c, v and w.
    """
    import numpy as np

    read = read_key(key)
    keys = [key]
    if key.startswith("cov("):
        a, b = read.coefficients
        keys = [key, f"var({a}|{read.factor})", f"var({b}|{read.factor})"]
    values = [fit.truncated[k] for k in keys]
    if len(keys) == 1:
        sd = math.sqrt(values[0])
        return sd, float(fit.bse[key]) / (2 * sd) if with_error and sd > 0 else math.nan
    c, v, w = values
    if v <= 0 or w <= 0:
        return math.nan, math.nan
    correlation = c / math.sqrt(v * w)
    if not with_error:
        return correlation, math.nan
    gradient = np.array([1 / math.sqrt(v * w), -correlation / (2 * v), -correlation / (2 * w)])
    variance = float(gradient @ fit.cov_params().loc[keys, keys].to_numpy() @ gradient)
    return correlation, math.sqrt(variance) if variance >= 0 else math.nan


def glance(fit: FitResult, style: str) -> pd.DataFrame:
    """One row: nobs, dropped, sigma, df_residual, the levels of each factor, statistics, weighting, standard errors.

    There is no logLik, AIC or BIC: moments have no likelihood.
    """
    import pandas as pd

    row: dict[str, Any] = {"nobs": fit.nobs, "dropped": fit.dropped, "sigma": fit.sigma, "df_residual": fit.df_resid}
    row |= {f"ngrps_{name}": count for name, count in fit.n_groups.items()}
    row |= {"statistics": fit.statistics, "weighting": fit.weighting}
    return _styled(pd.DataFrame([row]), style)


def augment(fit: FitResult, data: Any) -> pd.DataFrame:
    """The rows of the fit, or of `data`, with .fitted (X b + Z u), .fixed (X b) and .resid (y less .fitted).

    Rows that were left out for missing values are left out here. Of new data .resid is there if they hold the response.
    """
    import pandas as pd

    fitted, fixed = predict(fit, data, True), predict(fit, data, False)
    if data is None:
        parts = kept_rows(fit)
        kept = parts[0] if len(parts) == 1 else pd.concat(parts)
    else:
        whole = as_pandas(data)
        kept = whole if len(whole) == len(fitted) else whole[whole.index.isin(fitted.index)]
    added = {".fitted": fitted.to_numpy(), ".fixed": fixed.to_numpy()}
    if fit.model.resolved.response in kept:
        added[".resid"] = pd.to_numeric(kept[fit.model.resolved.response]).to_numpy(float) - added[".fitted"]
    return kept.assign(**added)


def var_corr(fit: FitResult) -> pd.DataFrame:
    """lme4's table of components: grp, var1, var2, vcov, sdcor; variances of a factor first, then covariances.

    vcov is the estimate, which may be negative; sdcor is the standard deviation, or correlation, of truncated values.
    """
    import pandas as pd

    rows = []
    for key in fit.keys:
        read = read_key(key)
        if read.kind == "mean" or read.order != 2:
            continue
        if read.kind == "residual":
            names: tuple[str | None, str | None] = (None, None)
        else:
            terms = list(dict.fromkeys(map(_term, read.coefficients)))
            names = (terms[0], terms[1] if len(terms) > 1 else None)
        group = read.factor if read.kind == "group" else _residual(read)
        rows.append((group, *names, fit.estimates[key], deviation(fit, key, with_error=False)[0]))
    groups = list(dict.fromkeys(row[0] for row in rows))
    rows.sort(key=lambda row: (groups.index(row[0]), row[2] is not None))
    return pd.DataFrame(rows, columns=["grp", "var1", "var2", "vcov", "sdcor"])


def long_effects(fit: FitResult) -> pd.DataFrame:
    """The predicted effects in one long table: grpvar, term, grp, condval, condsd."""
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    for name, effects in fit.effects.items():
        errors = effects.standard_errors()
        for n, term in enumerate(effects.coefficients):
            pairs = zip(effects.levels, effects.predictions[:, n], errors[:, n], strict=True)
            rows += [(name, _term(term), label, value, error) for label, value, error in pairs]
    return pd.DataFrame(rows, columns=["grpvar", "term", "grp", "condval", "condsd"])


def _styled(frame: pd.DataFrame, style: str) -> pd.DataFrame:
    if style not in STYLES:
        raise ModelError(f"style= is of {', '.join(map(repr, STYLES))}, not {style!r}")
    if style == "python":
        return frame
    fixed = {c: c.replace("_", ".") for c in COLUMNS}
    return frame.rename(columns={**fixed, "df_residual": "df.residual"})
