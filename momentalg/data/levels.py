"""Fixed factors meet data: the levels that a frame has, sorted, the first of them the reference."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import is_missing
from momentalg.data.frames import covariate_columns, select
from momentalg.errors import DataError
from momentalg.expr.nodes import Label
from momentalg.lower.examples import require_few_labels
from momentalg.model.fixed_factors import plain_label
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    from momentalg.model.model import Model


def with_levels(model: Model, data: Any, elsewhere: Collection[str] = ()) -> tuple[Model, Any]:
    """The model with the levels of its fixed factors in `data`, and the data to read on with.

    `data` is a frame, a list of frames, whose levels are taken together, or an iterator of frames, the first of which
    has to show all levels; sums of data know the levels that they were made with. A covariate whose values are texts or
    categories is a fixed factor. The data need not have the columns in `elsewhere`.
    """
    if hasattr(data, "estimator"):
        known = data.estimator.model.resolved.coded
        return model.with_fixed(known) if known and model.resolved.coded != known else model, data
    if hasattr(data, "__next__"):
        first = next(data, None)
        return (model, data) if first is None else (with_levels(model, first, elsewhere)[0], chain([first], data))
    found: dict[str, list[Label]] = {}
    for frame in data if isinstance(data, (list, tuple)) else [data]:
        for name, labels in _seen(frame, model.resolved, elsewhere).items():
            known = found.setdefault(name, [])
            known.extend(label for label in labels if label not in known)
    if not found:
        return model, data
    known = model.with_fixed({name: _sorted(name, labels) for name, labels in found.items()})
    require_few_labels(known.resolved)  # before equations are solved, which takes long with many
    return known, data


def _seen(frame: Any, model: ResolvedModel, elsewhere: Collection[str]) -> dict[str, list[Label]]:
    """The labels in each column that is a fixed factor without known levels, in order of appearance."""
    names = dict.fromkeys((*model.coded, *covariate_columns(model)))
    wanted = tuple(name for name in names if model.coded.get(name) is None and name not in elsewhere)
    if not wanted:
        return {}
    selected = select(frame, wanted)
    return {n: list(_labels(selected[n])) for n in wanted if n in model.coded or _is_text(selected[n])}


def _labels(series: Any) -> Iterator[Label]:
    for value in series.unique().to_list():
        if not is_missing(value):
            yield plain_label(value)


def _is_text(series: Any) -> bool:
    import narwhals as nw

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
