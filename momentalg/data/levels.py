"""Fixed factors meet data: the levels that a frame has, sorted, the first of them the reference."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import is_missing
from momentalg.data.files.datafiles import DataFiles, data_files, is_files
from momentalg.data.files.paths import is_paths
from momentalg.data.frames import covariate_columns, is_lazy, select
from momentalg.data.queries.results import Results
from momentalg.errors import DataError, NothingLeftError
from momentalg.expr.nodes import Label
from momentalg.lower.examples import require_few_labels
from momentalg.model.fixed_factors import plain_label
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    from momentalg.model.model import Model


def with_levels(model: Model, data: Any, elsewhere: Collection[str] = ()) -> tuple[Model, Any]:
    """The model with the levels of its fixed factors in `data`, and the data to read on with.

    `data` is a frame, a list of frames or files, whose levels are taken together, or an iterator of frames, the first
    of which has to show all levels; sums of data know the levels that they were made with, and results of queries those
    of the model. A covariate whose values are texts or categories is a fixed factor. The data need not have the columns
    in `elsewhere`.
    """
    if hasattr(data, "estimator"):
        made_with = data.estimator.model.resolved.coded
        new = {name: labels for name, labels in made_with.items() if model.resolved.coded.get(name) is None}
        return model.with_fixed(new) if new else model, data
    if is_files(data):
        return _with_levels_of_files(model, data_files(data), elsewhere)
    if hasattr(data, "__next__"):
        if hasattr(data, "readline"):
            raise DataError("the data are an open file, which may be read only once; give its path")
        first = next(data, None)
        if is_paths(first):
            raise DataError("the data are an iterator of paths; give a list of them: model.fit(list(paths))")
        return (model, data) if first is None else (with_levels(model, first, elsewhere)[0], chain([first], data))
    if isinstance(data, Results):
        return model, data
    found: dict[str, list[Label]] = {}
    parts = data if isinstance(data, (list, tuple)) else [data]
    for frame in parts:
        try:
            seen = _seen(frame, model.resolved, elsewhere)
        except NothingLeftError:
            if len(parts) == 1:
                raise
            continue
        for name, labels in seen.items():
            known = found.setdefault(name, [])
            known.extend(label for label in labels if label not in known)
    return _known(model, found), data


def _known(model: Model, found: Mapping[str, list[Label]]) -> Model:
    """The model with levels that were found."""
    if not found:
        return model
    known = model.with_fixed({name: _sorted(name, labels) for name, labels in found.items()})
    require_few_labels(known.resolved)  # before equations are solved, which takes long with many
    return known


def _with_levels_of_files(model: Model, files: DataFiles, elsewhere: Collection[str]) -> tuple[Model, DataFiles]:
    """The same of files, of which only the columns that may be factors are read, once, and the columns of numbers."""
    wanted = [name for name in _wanted(model.resolved, elsewhere) if name not in files.numbers]
    if not wanted:
        return model, files
    kinds = [dict(header.columns) for header in files.opened(model.resolved, wanted)]
    told = {name: {kind[name] for kind in kinds} - {None} for name in wanted}
    unknown = [name for name in wanted if name not in model.resolved.coded and not told[name]]
    first = next(files.frames(model.resolved, unknown), None) if unknown else None
    texts = [] if first is None else [name for name in unknown if _is_text(select(first, unknown)[name])]
    factors = [name for name in wanted if name in model.resolved.coded or name in texts or "texts" in told[name]]
    found: dict[str, dict[Label, None]] = {name: {} for name in factors}
    for frame in files.frames(model.resolved, factors, labels=factors) if factors else ():
        selected = select(frame, factors)
        for name in factors:
            found[name].update(dict.fromkeys(_labels(selected[name])))
    known = _known(model, {name: list(labels) for name, labels in found.items()})
    return known, replace(files, numbers=files.numbers | (set(wanted) - set(factors)))


def _wanted(model: ResolvedModel, elsewhere: Collection[str]) -> tuple[str, ...]:
    """The columns that are, or may be, fixed factors without known levels."""
    names = dict.fromkeys((*model.coded, *covariate_columns(model)))
    return tuple(name for name in names if model.coded.get(name) is None and name not in elsewhere)


def _seen(frame: Any, model: ResolvedModel, elsewhere: Collection[str]) -> dict[str, list[Label]]:
    """The labels in each column that is a fixed factor without known levels, in order of appearance."""
    wanted = _wanted(model, elsewhere)
    if not wanted:
        return {}
    if is_lazy(frame):
        from momentalg.data.lazy.distinct import distinct

        return {n: list(_labels(seen)) for n, seen in distinct(frame, wanted, model.coded).items()}
    selected = select(frame, wanted)
    return {n: list(_labels(selected[n])) for n in wanted if n in model.coded or _is_text(selected[n])}


def _labels(series: Any) -> Iterator[Label]:
    for value in series.unique().to_list():
        if not is_missing(value):
            yield plain_label(value)


def _is_text(series: Any) -> bool:
    """Whether values are texts or categories; numbers that Arrow has encoded, as it does in files, are numbers."""
    import narwhals as nw

    if series.dtype == nw.Categorical and series.implementation.is_pyarrow():
        import pyarrow as pa

        values = series.to_native().type.value_type
        return any(is_one(values) for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))
    if series.dtype == nw.Object:
        return all(isinstance(v, str) or is_missing(v) for v in series.to_list())
    return series.dtype in (nw.String, nw.Categorical, nw.Enum)


def _sorted(name: str, labels: list[Label]) -> list[Label]:
    """Texts in the order of the alphabet, numbers in that of the numbers."""
    if len({isinstance(label, str) for label in labels}) > 1:
        raise DataError(f"the factor {name!r} has texts and numbers among its labels; make them one kind")
    if len(labels) < 2:
        found = repr(labels[0]) if labels else "none"
        raise DataError(f"the data have a single level of {name!r}, {found}, which tells nothing apart: leave it out")
    return sorted(labels)
