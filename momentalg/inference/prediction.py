"""Fitted values, predictions and residuals of a fit, row by row or by level; effects by level."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.expr.names import join_factor, split_factor
from momentalg.inference.effects import Effects, contribution, index_of, shrinkage
from momentalg.inference.rows import Rows, Sizes, read_rows, rows_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult

    Array = np.ndarray[Any, Any]

MARGINAL, CONDITIONAL = "marginal", "conditional"


def predict(fit: FitResult, data: Any, effects: bool | str | Iterable[str]) -> pd.Series[float]:
    """X b + sum of Z u over the factors in `effects` (True: all, False: none), in the unit of the response.

    Rows with a missing value are refused or left out, as in the fit; the index says which rows are there. A size of a
    level that is a covariate, such as size(user), is that of the fit, or what a column ``size(user)`` gives.

    Raises:
        DataError: columns that are missing or not usable, unknown levels of a fixed factor, the size of a new level.
        ModelError: `effects` of a factor that the model does not have.
        UnsupportedError: without `data`, or with effects, a fit from sums that do not hold what they need.

    """
    chosen = _factors(fit, effects)
    if data is None:
        parts = rows_of(fit, "predictions of the rows of the fit")
    else:
        model = fit.model.resolved
        kept = tuple(b for b in model.groups if b.factor in chosen)
        parts = [read_rows(data, replace(model, groups=kept), fit.missing, fit.level_sizes, True)]
    return _joined([_series(rows, linear_predictor(fit, rows, chosen), "predicted") for rows in parts])


def fitted(fit: FitResult) -> pd.Series[float]:
    """X b + Z u of the rows of the fit."""
    parts = rows_of(fit, "fitted values")
    chosen = _factors(fit, True)
    return _joined([_series(rows, linear_predictor(fit, rows, chosen), "fitted") for rows in parts])


def residuals(fit: FitResult, level: str, kind: str) -> pd.Series[float]:
    """Residuals by observation, or their means by level of a factor.

    "marginal" is y - X b, with the effects in it; "conditional" is y - X b - Z u. The mean of the marginal residuals of
    a level, Ybar_i - xbar_i'b, is what its effect is predicted from, before shrinkage.

    Raises `UnsupportedError` for a fit from sums, which do not hold rows.
    """
    if kind not in (MARGINAL, CONDITIONAL):
        raise ModelError(f"residuals are {MARGINAL!r} or {CONDITIONAL!r}, not {kind!r}")
    name = None if level == "observation" else _name(fit, level)
    chosen = _factors(fit, kind == CONDITIONAL)
    parts = rows_of(fit, "residuals")
    found = [(rows, rows.response - linear_predictor(fit, rows, chosen)) for rows in parts]
    if name is None:
        return _joined([_series(rows, values, "residual") for rows, values in found])
    return _level_means(name, found)


def _level_means(name: str, found: list[tuple[Rows, Array]]) -> pd.Series[float]:
    import pandas as pd

    factor = split_factor(name)
    labels = [pd.DataFrame(dict(zip(factor, rows.labels(factor), strict=True))) for rows, _ in found]
    values = pd.concat([part.assign(residual=v) for part, (_, v) in zip(labels, found, strict=True)])
    means: pd.Series[float] = (
        values.set_axis([*range(len(factor)), "residual"], axis=1).groupby([*range(len(factor))])["residual"].mean()
    )
    means.index.names = list(factor)
    return means


def linear_predictor(fit: FitResult, rows: Rows, chosen: Iterable[tuple[str, ...]]) -> Array:
    """X b, and Z u of the chosen factors, at each row, shape (n,)."""
    import numpy as np

    found: Array = rows.mean @ np.array([fit.estimates[key] for key in fit.mean_keys])
    for factor in chosen:
        found = found + contribution(rows, fit.effects[join_factor(factor)], fit.model.resolved.groups)
    return found


def _factors(fit: FitResult, effects: bool | str | Iterable[str]) -> list[tuple[str, ...]]:
    """The factors whose effects are asked for."""
    all_of_them = list(dict.fromkeys(block.factor for block in fit.model.resolved.groups))
    if isinstance(effects, bool):
        return all_of_them if effects else []
    names = [effects] if isinstance(effects, str) else list(effects)
    return [split_factor(_name(fit, name)) for name in names]


def _name(fit: FitResult, name: str) -> str:
    known = list(dict.fromkeys(block.name for block in fit.model.resolved.groups))
    if name not in known:
        raise ModelError(f"{name!r} is no factor with effects in {fit.model.formula!r}; there is {', '.join(known)}")
    return name


def _series(rows: Rows, values: Array, name: str) -> pd.Series[float]:
    import pandas as pd

    return pd.Series(values, index=rows.index, name=name, dtype=float)


def _joined(parts: list[pd.Series[float]]) -> pd.Series[float]:
    import pandas as pd

    return parts[0] if len(parts) == 1 else pd.concat(parts)


def level_sizes(fit: FitResult) -> Sizes:
    """By factor, the levels of the fit as an index, and the number of observations in each."""
    if fit.sums is None:
        raise UnsupportedError("this result was made without the sums of a fit; make it by model.fit")
    module, table = fit.sums.estimator.module, fit.sums.table
    found = {}
    for name, sizes in module.level_sizes(table).items():
        factor = split_factor(name)
        found[factor] = (index_of(_levels(module.LEVELS, table, factor), factor), sizes)
    return found


def _levels(named: Mapping[str, tuple[str, ...]], table: Mapping[str, Any], factor: tuple[str, ...]) -> Array:
    """The levels of a factor in the order of a module: as in its own table, or sorted, of one that is finer."""
    import numpy as np

    for key, columns in named.items():
        if not set(factor) <= set(columns):
            continue
        levels: Array = table[key]
        if levels.dtype.names is None:
            return levels
        field = dict(zip(columns, levels.dtype.names, strict=True))
        inside = [field[c] for c in columns if c in factor]
        if len(inside) < len(columns):
            levels = np.unique(levels[inside[0]] if len(inside) == 1 else levels[inside])
        return levels if len(inside) == 1 else levels[[field[c] for c in factor]]
    raise UnsupportedError(f"the sums of this fit do not name the levels of {join_factor(factor)}")


def by_level(fit: FitResult) -> dict[Any, pd.Series[float]]:
    """The effects of the one factor of a model, by level."""
    effects = _only(fit, "random_effects")
    frame = effects.frame()
    return {label: frame.loc[label] for label in frame.index}


def covariances_by_level(fit: FitResult) -> dict[Any, pd.DataFrame]:
    """The covariances of the errors of prediction of the one factor of a model, by level."""
    import pandas as pd

    effects = _only(fit, "random_effects_cov")
    names = list(effects.coefficients)
    pairs = zip(effects.levels, effects.covariances, strict=True)
    return {label: pd.DataFrame(matrix, index=names, columns=names) for label, matrix in pairs}


def _only(fit: FitResult, what: str) -> Effects:
    if len(fit.effects) > 1:
        raise UnsupportedError(
            f"{what} is by level of one factor, and this model has {', '.join(fit.effects)}: use fit.ranef(), whose "
            "tables are by factor, or fit.effects, with the covariances"
        )
    return next(iter(fit.effects.values()))


def shrinkage_by_factor(fit: FitResult) -> dict[str, Any]:
    """By factor, the shrinkage of each level: a Series for an intercept, a DataFrame of matrices for slopes."""
    import numpy as np
    import pandas as pd

    parts = rows_of(fit, "shrinkage factors") if fit.data is not None else [None]
    if len(parts) > 1:
        raise UnsupportedError(
            "shrinkage factors of a fit from several frames: fit from one, model.fit(pd.concat(frames))"
        )
    found: dict[str, Any] = {}
    for name, effects in fit.effects.items():
        matrices = shrinkage(fit, effects, parts[0])
        names = list(effects.coefficients)
        if names == ["1"]:
            found[name] = pd.Series(matrices[:, 0, 0], index=effects.levels, name="shrinkage")
            continue
        frame = pd.DataFrame(np.concatenate(list(matrices)), columns=names)
        rows = [(*(label if isinstance(label, tuple) else (label,)), c) for label in effects.levels for c in names]
        frame.index = pd.MultiIndex.from_tuples(rows, names=[*effects.levels.names, "coefficient"])
        found[name] = frame
    return found
