"""`sums` and `fit`: an engine accumulates data into mergeable sums, and the generated module's `solve` finishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from momentalg.data.levels import with_levels
from momentalg.errors import DataError, ModelError, NotIdentifiedError, UnsupportedError
from momentalg.inference.advice import Data, advice, identified
from momentalg.inference.failure import constants, is_about_means, require_regular, zeros
from momentalg.inference.result import FitResult
from momentalg.inference.sums import Sums, estimator_of, sums_of
from momentalg.model.mapping import FrozenMapping
from momentalg.moments.weighting import KURTOSIS

if TYPE_CHECKING:
    from momentalg.model.model import Model


def sums(
    model: Model,
    data: Any,
    statistics: Any = None,
    means: str | None = None,
    missing: str = "refuse",
    weighting: str | None = None,
    engine: str | None = None,
) -> Sums:
    """Accumulate the sums of a frame, or of an iterable of frames."""
    model, data = with_levels(model, data)
    return sums_of(estimator_of(model, statistics, means, weighting), data, missing, engine)


def fit(
    model: Model,
    data: Any,
    statistics: Any = None,
    means: str | None = None,
    missing: str = "refuse",
    weighting: str | None = None,
    engine: str | None = None,
) -> FitResult:
    """Estimate the parameters of a model from a frame, an iterable of frames, or `Sums`.

    Unless `statistics` are named, their equations are weighted in a second step: see `momentalg.moments.weighting`.

    Raises:
        DataError: columns that are missing or not usable, missing values with ``missing="refuse"``.
        NotIdentifiedError: data that do not separate the parameters, with what they do estimate.

    """
    if weighting == KURTOSIS:
        from momentalg.inference.kurtosis_weights import fit_with_kurtosis

        return fit_with_kurtosis(model, data, statistics, means, missing)
    if isinstance(data, Sums):
        found = data
        model, _ = with_levels(model, data)
        if not statistics is means is weighting is None:
            asked = estimator_of(model, statistics, means, weighting)
        else:
            asked = replace(found.estimator, text=repr(model))
        if asked != found.estimator:
            raise ModelError(f"these sums are of {found.estimator.described}; the fit is of {asked.described}")
    else:
        model, data = with_levels(model, data)
        found = sums(model, data, statistics, means, missing, weighting, engine)
    estimator = found.estimator
    try:
        estimates = estimator.module.solve(dict(found.table))
    except FloatingPointError as error:
        raise DataError(str(error)) from error
    except MemoryError as error:
        raise UnsupportedError(str(error)) from error
    except ValueError as error:
        sizes = estimator.module.level_sizes(found.table)
        about_means = is_about_means(str(error))
        simpler = advice(model, sizes, estimator.statistics, _data(model, data, missing), about_means)
        whole = not (isinstance(data, (Sums, list, tuple)) or hasattr(data, "__next__"))
        named = zeros(estimator.system, data, missing, found.nobs) if whole and not about_means else ""
        raise NotIdentifiedError(f"{error}.{named} The nearest thing that works: {simpler}") from error
    return FitResult(
        model=model,
        system=estimator.system,
        estimates=FrozenMapping(estimates),
        truncated=FrozenMapping(nearest(estimator.module, found.table, estimates)),
        nobs=found.nobs,
        n_groups=FrozenMapping({f: len(size) for f, size in estimator.module.level_sizes(found.table).items()}),
        dropped=found.dropped,
        sums=found,
        data=None if isinstance(data, Sums) or hasattr(data, "__next__") else data,
        missing=missing,
    )


def nearest(module: Any, table: Mapping[str, Any], estimates: dict[str, float]) -> dict[str, float]:
    """The nearest components that are covariance matrices of effects; without a metric, variances of at least 0."""
    found: dict[str, float] = (
        module.nearest(dict(table), estimates) if hasattr(module, "nearest") else module.truncate(estimates)
    )
    rounding = {key: 1e-9 * (1 + abs(value)) for key, value in estimates.items()}
    return {k: estimates[k] if abs(value - estimates[k]) <= rounding[k] else value for k, value in found.items()}


def _data(model: Model, data: Any, missing: str) -> Data | None:
    """The data, to try other models on; nothing of sums, and of parts that can be read only once."""
    if isinstance(data, Sums) or hasattr(data, "__next__"):
        return None

    def works(model: Model) -> bool:
        def solved() -> None:  # not `fit`, whose failure would look for simpler models still
            found = sums(model, data, missing=missing)
            found.estimator.module.solve(dict(found.table))

        return identified(solved)

    if isinstance(data, (list, tuple)):
        return Data(lambda _: True, works)

    def likely(model: Model) -> bool:
        return identified(lambda: require_regular(model, data, missing))

    return Data(likely, works, constants(model, data, missing))
