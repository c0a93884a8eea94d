"""`sums` and `fit`: data are accumulated into mergeable sums, and the generated module's `solve` finishes.

`Sums` of chunks, files or sites add up exactly: ``model.fit(model.sums(first) + model.sums(second))``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import read_columns
from momentalg.data.levels import with_levels
from momentalg.errors import DataError, ModelError, NothingLeftError, NotIdentifiedError, UnsupportedError
from momentalg.inference.advice import Data, advice, identified
from momentalg.inference.failure import constants, is_about_means, require_regular, zeros
from momentalg.inference.labels import in_order, labelled, plain
from momentalg.inference.result import FitResult
from momentalg.model.mapping import FrozenMapping
from momentalg.moments.system import default_statistics
from momentalg.moments.weighting import KURTOSIS, chosen_weighting

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.model import Model
    from momentalg.moments.system import MomentSystem

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Estimator:
    """A model with the statistics to fit it by; equal, and cached, by its text."""

    text: str
    statistics: str
    means: str | None
    weighting: str
    model: Model = field(compare=False, repr=False)
    given: Any = field(compare=False, repr=False)

    @property
    def described(self) -> str:
        """The model and the statistics, for messages."""
        means = f", means={self.means!r}" if self.means else ""
        weighting = f", weighting={self.weighting!r}" if self.weighting != "none" else ""
        return f"{self.text} with {self.statistics}{means}{weighting}"

    @property
    def system(self) -> MomentSystem:
        """The moment equations."""
        return _system(self)

    @property
    def module(self) -> ModuleType:
        """The generated module."""
        return _module(self)


@dataclass(frozen=True, repr=False)
class Sums:
    """What a fit needs of some data. Sums of parts of the data add; the labels of levels match them up."""

    estimator: Estimator
    table: Mapping[str, Any]
    nobs: int
    dropped: int = 0

    def __repr__(self) -> str:
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        return f"<Sums for {self.estimator.described}: {self.nobs} observations{dropped}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the table as a dictionary, so that sums travel between processes."""
        return _restored, (self.estimator, dict(self.table), self.nobs, self.dropped)

    def __add__(self, other: Sums) -> Sums:
        if not isinstance(other, Sums):
            return NotImplemented
        if other.estimator != self.estimator:
            raise ModelError(
                f"sums of different models or statistics do not add: {self.estimator.described} and "
                f"{other.estimator.described}{_of_their_own(self.estimator.model, other.estimator.model)}"
            )
        try:
            table = self.estimator.module.combine(dict(self.table), dict(other.table))
        except (TypeError, ValueError) as error:
            raise DataError(f"these sums do not merge: {error}") from error
        return replace(
            self,
            table=MappingProxyType(table),
            nobs=self.nobs + other.nobs,
            dropped=self.dropped + other.dropped,
        )

    def __radd__(self, other: object) -> Sums:
        """Let ``sum(parts)`` work, which begins with 0."""
        return self if other == 0 else NotImplemented


def _of_their_own(first: Model, second: Model) -> str:
    """What to do where two models differ in the levels that were seen in parts of the data."""
    known = [dict(m.resolved.coded) for m in (first, second)]
    if first.formula != second.formula or known[0] == known[1]:
        return ""
    return f"; declare the levels of all parts for {', '.join(map(repr, known[0]))}, in fixed= or residual_by="


def _restored(estimator: Estimator, table: dict[str, Any], nobs: int, dropped: int) -> Sums:
    return Sums(estimator, MappingProxyType(table), nobs, dropped)


def sums(
    model: Model,
    data: Any,
    statistics: Any = None,
    means: str | None = None,
    missing: str = "refuse",
    weighting: str | None = None,
) -> Sums:
    """Accumulate the sums of a frame, or of an iterable of frames."""
    model, data = with_levels(model, data)
    return sums_of(estimator_of(model, statistics, means, weighting), data, missing)


def sums_of(estimator: Estimator, data: Any, missing: str) -> Sums:
    """The sums of an estimator: anything that has a module, a model whose levels are known, and a description."""
    if isinstance(data, (list, tuple)) or hasattr(data, "__next__"):
        return _sums_of_parts(estimator, data, missing)
    return _sums_of_frame(estimator, data, missing)


def _sums_of_parts(estimator: Estimator, parts: Iterable[Any], missing: str) -> Sums:
    """The sums of all parts; one whose rows are all dropped has none of its own, and is counted."""
    total: Sums | None = None
    left_out = 0
    for part in parts:
        try:
            more = _sums_of_frame(estimator, part, missing)
        except NothingLeftError as error:
            left_out += error.rows
            continue
        total = more if total is None else total + more
    if total is None:
        raise NothingLeftError(left_out) if left_out else DataError("there are no parts of data")
    return replace(total, dropped=total.dropped + left_out)


def fit(
    model: Model,
    data: Any,
    statistics: Any = None,
    means: str | None = None,
    missing: str = "refuse",
    weighting: str | None = None,
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
        found = sums(model, data, statistics, means, missing, weighting)
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


def estimator_of(model: Model, statistics: Any, means: str | None, weighting: str | None = None) -> Estimator:
    """What a fit is by; statistics that are named are solved as they are, unless a weighting is."""
    asked = default_statistics(model.resolved) if statistics is None else statistics
    named = asked if isinstance(asked, str) else repr(asked)
    chosen = chosen_weighting(model.resolved, weighting, statistics is means is None)
    return Estimator(repr(model), named, means, chosen, model, statistics)


@lru_cache(maxsize=64)
def _system(estimator: Estimator) -> MomentSystem:
    asked = estimator.given, estimator.means, estimator.weighting
    system: MomentSystem = estimator.model.moment_equations(*asked)
    return system


@lru_cache(maxsize=64)
def _module(estimator: Estimator) -> ModuleType:
    from momentalg.emit.backend import estimator as generate

    module: ModuleType = generate(estimator.system).load()
    return module


def _sums_of_frame(estimator: Estimator, frame: Any, missing: str) -> Sums:
    module = estimator.module
    model = estimator.model.resolved
    columns = read_columns(frame, model, missing)
    arrays, labels = columns.inputs(model), {n: found for n, found in columns.labels.items() if n not in model.coded}
    if len(labels) > 1:
        for name in labels:
            arrays[name], labels[name] = in_order(name, arrays[name], labels[name])
    try:
        table = module.accumulate(arrays)
    except ValueError as error:
        raise DataError(str(error)) from error
    for name, factor in module.LEVELS.items():
        table[name] = labelled(table[name], [plain(labels[c]) if c in labels else None for c in factor])
    return Sums(estimator, MappingProxyType(table), columns.n, columns.dropped)


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
