"""`sums` and `fit`: an engine accumulates data into mergeable sums, and the generated module's `solve` finishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from momentalg.data.files.datafiles import DataFiles
from momentalg.data.frames import is_lazy, needed_columns
from momentalg.data.levels import with_levels
from momentalg.data.queries.results import Results
from momentalg.errors import DataError, ModelError, NotIdentifiedError, UnsupportedError
from momentalg.inference.advice import Data, advice, identified
from momentalg.inference.failure import constants, is_about_means, require_regular, zeros
from momentalg.inference.merged_facts import require_unreplicated
from momentalg.inference.result import FitResult
from momentalg.inference.runs.progress import Listener
from momentalg.inference.runs.run import run
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
    checkpoint: str | PathLike[str] | None = None,
    progress: bool | Listener | None = None,
) -> Sums:
    """Accumulate the sums of a frame, of an iterable of frames, or of files, for which see `momentalg.inference.runs`.

    `checkpoint` and `progress` are of files.
    """
    model, data = with_levels(model, data)
    estimator = estimator_of(model, statistics, means, weighting)
    if isinstance(data, DataFiles):
        done = run(estimator, data, missing, engine, checkpoint, progress)
        with done.handing_over():
            return done.sums
    _require_no_checkpoint(checkpoint)
    return sums_of(estimator, data, missing, engine)


def fit(
    model: Model,
    data: Any,
    statistics: Any = None,
    means: str | None = None,
    missing: str = "refuse",
    weighting: str | None = None,
    engine: str | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: bool | Listener | None = None,
) -> FitResult:
    """Estimate the parameters of a model from a frame, an iterable of frames, files, results of queries, or `Sums`.

    Unless `statistics` are named, their equations are weighted in a second step: see `momentalg.moments.weighting`.

    Raises:
        DataError: columns that are missing or not usable, missing values with ``missing="refuse"``.
        NotIdentifiedError: data that do not separate the parameters, with what they do estimate.

    """
    if isinstance(data, Results):
        data = sums(model, data, statistics, means, missing, weighting, engine, checkpoint)
    model, data = with_levels(model, data)
    if weighting == KURTOSIS:
        if checkpoint is not None:
            raise DataError("fourth cumulants need all rows, which a checkpoint does not hold: leave out one")
        if isinstance(data, DataFiles):
            frames = list(data.frames(model.resolved, needed_columns(model.resolved)))
            data = frames[0] if len(frames) == 1 else frames
        from momentalg.inference.kurtosis_weights import fit_with_kurtosis

        return fit_with_kurtosis(model, data, statistics, means, missing)
    if isinstance(data, DataFiles):
        asked = estimator_of(model, statistics, means, weighting)
        done = run(asked, data, missing, engine, checkpoint, progress)
        with done.handing_over():
            return _solved(model, done.sums, done.sums if done.frame is None else done.frame, missing)
    if not isinstance(data, Sums):
        found = sums(model, data, statistics, means, missing, weighting, engine, checkpoint)
        return _solved(model, found, data, missing)
    _require_no_checkpoint(checkpoint)
    asked = replace(data.estimator, text=repr(model))
    if not statistics is means is weighting is None:
        asked = estimator_of(model, statistics, means, weighting)
    if asked != data.estimator:
        raise ModelError(f"these sums are of {data.estimator.described}; the fit is of {asked.described}")
    return _solved(model, data, data, missing)


def _solved(model: Model, found: Sums, data: Any, missing: str) -> FitResult:
    """The fit of sums; `data` are what they were made of, for what sums do not tell."""
    estimator = found.estimator
    if estimator.weighting != KURTOSIS:  # which is of the rows of one fit, that were checked
        require_unreplicated(estimator.model.resolved, estimator.generated.ir, found.table)
    try:
        estimates = estimator.module.solve(found.prepared)
    except FloatingPointError as error:
        raise DataError(str(error)) from error
    except MemoryError as error:
        raise UnsupportedError(str(error)) from error
    except ValueError as error:
        sizes = estimator.module.level_sizes(found.table)
        about_means = is_about_means(str(error))
        simpler = advice(model, sizes, estimator.statistics, _data(model, data, missing), about_means)
        whole = _is_kept(data) and not isinstance(data, (list, tuple))
        named = zeros(estimator.system, data, missing, found.nobs) if whole and not about_means else ""
        raise NotIdentifiedError(f"{error}.{named} The nearest thing that works: {simpler}") from error
    return FitResult(
        model=model,
        system=estimator.system,
        estimates=FrozenMapping(estimates),
        truncated=FrozenMapping(nearest(estimator.module, found.prepared, estimates)),
        nobs=found.nobs,
        n_groups=FrozenMapping({f: len(size) for f, size in estimator.module.level_sizes(found.table).items()}),
        dropped=found.dropped,
        sums=found,
        data=data if _is_kept(data) else None,
        missing=missing,
    )


def _require_no_checkpoint(checkpoint: object) -> None:
    if checkpoint is not None:
        raise DataError(
            "a checkpoint is of a run over files: give paths, such as 'ratings/*.parquet', in place of frames; or add "
            "up and save the sums of frames, model.sums(frame).save(path)"
        )


def nearest(module: Any, table: Mapping[str, Any], estimates: dict[str, float]) -> dict[str, float]:
    """The nearest components that are covariance matrices of effects; without a metric, variances of at least 0."""
    found: dict[str, float] = (
        module.nearest(dict(table), estimates) if hasattr(module, "nearest") else module.truncate(estimates)
    )
    rounding = {key: 1e-9 * (1 + abs(value)) for key, value in estimates.items()}
    return {k: estimates[k] if abs(value - estimates[k]) <= rounding[k] else value for k, value in found.items()}


def _is_kept(data: Any) -> bool:
    """Whether a fit keeps the data: not sums, nor what can be read only once, nor rows that are not in memory."""
    parts = data if isinstance(data, (list, tuple)) else [data]
    return not (isinstance(data, Sums) or hasattr(data, "__next__") or any(map(is_lazy, parts)))


def _data(model: Model, data: Any, missing: str) -> Data | None:
    """The data, to try other models on; nothing of sums, and of parts that can be read only once."""
    if isinstance(data, Sums) or hasattr(data, "__next__"):
        return None

    def works(model: Model) -> bool:
        def solved() -> None:  # not `fit`, whose failure would look for simpler models still
            found = sums(model, data, missing=missing)
            found.estimator.module.solve(found.prepared)

        return identified(solved)

    if isinstance(data, (list, tuple)) or is_lazy(data):
        return Data(lambda _: True, works)

    def likely(model: Model) -> bool:
        return identified(lambda: require_regular(model, data, missing))

    return Data(likely, works, constants(model, data, missing))
