"""What to do when data do not separate the parameters: the nearest fit that works on them, as code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from momentalg.errors import MomentalgError
from momentalg.expr.names import join_factor
from momentalg.model import describe
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.system import default_statistics

if TYPE_CHECKING:
    from momentalg.model.model import Model


def advice(model: Model, size: Any, statistics: str, works: Callable[[Model], bool] | None) -> str:
    """The nearest thing that works, as code.

    `size` are the sizes of the levels, `statistics` those that were asked for. `works` tries a model with the default
    statistics on the data; without it, the data are no longer there to try anything on.
    """
    resolved = model.resolved
    name = join_factor(resolved.groups[0].factor)
    between, residual = f"var(1|{name})", "var(residual)"
    if len(size) == 1:
        alone = f"{residual} alone: {_residual_variance(resolved)}; " if size[0] > 1 else ""
        return (
            f"there is one level of {name}, so that {between} is confounded with the mean; {alone}for both, at least "
            "two levels are needed, one of them with two rows"
        )
    if (size == 1).all():
        return (
            f"only {between} + {residual}, the sum alone: "
            f"{_residual_variance(resolved)}; for both, some level needs two rows or more: "
            f"frame.groupby({name!r}).size()"
        )
    if works is None:
        return "fit from the data themselves, model.fit(frame), which tries simpler models and names one"
    default = default_statistics(resolved)
    if statistics != default and works(model):
        return f"{describe.code(resolved)}.fit(frame), by {default}, which is free of the means"
    found = next((m for m in _simpler(resolved) if works(m)), None)
    if found is None:
        return f"more levels of {name}, or more rows in them: no part of the model is identified by these"
    return f"leave out what the other columns already say, as in {describe.code(found.resolved)}.fit(frame)"


def _simpler(model: ResolvedModel) -> Iterator[Model]:
    """The model without one of its mean terms, the last one first; then with the intercept alone."""
    terms = [c for c in model.mean if c.monomial]
    for left_out in reversed(terms):
        yield _with_mean(model, tuple(c for c in model.mean if c is not left_out))
    if len(terms) > 1:
        yield _with_mean(model, tuple(c for c in model.mean if not c.monomial))


def _with_mean(model: ResolvedModel, mean: tuple[Any, ...]) -> Model:
    from momentalg.model.model import Model

    fewer = replace(model, mean=mean)
    used = {v.name for c in mean for v, _ in c.monomial if v.kind == "column"}
    return Model(describe.formula(fewer), levels={k: on for k, on in describe.levels(model).items() if k in used})


def _residual_variance(model: ResolvedModel) -> str:
    """The residual variance of least squares without the factor, as code where it is short."""
    response = f"frame[{model.response!r}]"
    columns = [c.monomial for c in model.mean]
    if columns == [()]:
        return f"{response}.var()"
    plain = [m[0][0].name if len(m) == 1 and m[0][1] == 1 and m[0][0].kind == "column" else None for m in columns if m]
    if None in plain:
        return "the residual variance of ordinary least squares"
    ones = ["np.ones(len(frame))"] * (() in columns)
    matrix = f"np.column_stack([{', '.join([*ones, *(f'frame[{name!r}]' for name in plain)])}])"
    return f"np.linalg.lstsq({matrix}, {response}, rcond=None)[1] / (len(frame) - {len(columns)})"


def identified(fit: Callable[[], object]) -> bool:
    """Whether a fit goes through."""
    try:
        fit()
    except MomentalgError:
        return False
    return True
