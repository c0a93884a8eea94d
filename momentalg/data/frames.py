"""One view of any frame: the needed columns, by name, through narwhals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from os import PathLike
from typing import Any

from momentalg.data.refusals import no_rows
from momentalg.errors import DataError
from momentalg.expr.nodes import Size, Value, Variable
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel


def select(frame: Any, names: Sequence[str]) -> Any:
    """The columns `names` of a frame (pandas, Polars, Arrow, ... or a mapping of columns), as a narwhals frame.

    Raises `DataError` for what is no frame, for columns that are missing or there twice, and for a frame without rows.
    """
    import narwhals as nw
    import pandas as pd

    if isinstance(frame, Mapping):
        lengths = {name: len(frame[name]) for name in names if name in frame}
        if len(set(lengths.values())) > 1:
            raise DataError(f"the columns differ in length: {lengths}")
    if isinstance(frame, (Mapping, pd.DataFrame)):
        require_columns(names, list(frame))
        frame = pd.DataFrame({name: frame[name] for name in names}, copy=False)  # frame[[...]] copies
    found = as_narwhals(frame)
    if isinstance(found, nw.LazyFrame):
        require_columns(names, found.collect_schema().names())
        found = found.select(*names).collect()
    else:
        require_columns(names, found.columns)
        found = found if found.columns == list(names) else found.select(*names)
    if len(found) == 0:
        raise no_rows()
    return found


def converted(frame: Any, names: Sequence[str]) -> Any:
    """The columns of a frame in memory, for a library that is to convert them.

    Objects of pandas that are numbers or times become columns of these first: Arrow cuts times to microseconds.
    """
    import narwhals as nw
    import pandas as pd

    found = select(frame, names)
    native = found.to_native()
    return nw.from_native(native.infer_objects()) if isinstance(native, pd.DataFrame) else found


def as_narwhals(frame: Any) -> Any:
    """A frame of any kind as narwhals has it, lazy frames as they are; raises `DataError` for what is no frame."""
    import narwhals as nw

    if _is(frame, "pyarrow", "RecordBatch"):
        import pyarrow as pa

        frame = pa.Table.from_batches([frame])
    try:
        return nw.from_native(frame)
    except TypeError:
        raise DataError(
            "data must be a frame (pandas, Polars, Arrow, ...) or a mapping of columns; found "
            f"{type(frame).__name__}{_instead(frame)}"
        ) from None


def _is(data: Any, package: str, kind: str) -> bool:
    return type(data).__module__.split(".")[0] == package and type(data).__name__ == kind


def _instead(data: Any) -> str:
    """What to give in the place of what is no frame, for a message."""
    if isinstance(data, (str, PathLike)):
        return "; paths are taken by model.fit and model.sums, one or a list of nothing else; sums of all parts add up"
    if "Connection" in type(data).__name__:
        return (
            "; of a database give a query's result, as pandas.read_sql makes, or a relation of DuckDB; or have the "
            "sums made there: model.moment_equations().estimator('sql', dialect=..., table=...)"
        )
    if type(data).__module__.startswith("pyarrow.") and hasattr(data, "to_batches"):
        return "; give its batches, data.to_batches(), or its paths"
    if hasattr(data, "read"):
        return ", which is open; give its path"
    return " (files, sums and streams of frames are for model.fit and model.sums)"


def is_lazy(data: Any) -> bool:
    """Whether data are a lazy frame or a relation of any kind, whose rows are not in memory."""
    import narwhals as nw

    return isinstance(nw.from_native(data, pass_through=True), nw.LazyFrame)


def covariate_columns(model: ResolvedModel) -> tuple[str, ...]:
    """The data columns that the covariates of a model are read from, in order."""
    terms = model.terms
    found: dict[str, None] = {}
    for variable in (v for term in terms for v, _ in term.monomial):
        found.update(dict.fromkeys(_columns(model, variable)))
    return tuple(found)


def needed_columns(model: ResolvedModel) -> tuple[str, ...]:
    """All data columns that a fit of a model reads: labels, response, covariates."""
    return tuple(dict.fromkeys((*model.columns, model.response, *covariate_columns(model))))


def _columns(model: ResolvedModel, variable: Variable) -> list[str]:
    if variable.kind == "column":
        return [variable.name]
    if variable.kind in ("size", "fixed"):
        return []
    return [
        name
        for node in walk(model.definitions[variable])
        if isinstance(node, Value) and not isinstance(node, Size)
        for name in _columns(model, node.variable)
    ]


def require_columns(names: Sequence[str], present: Sequence[Any]) -> None:
    """Check that each of `names` is there, once; raises `DataError` with the names that are close."""
    counts = Counter(present)
    for name in names:
        if counts[name] == 1:
            continue
        listed = ", ".join(repr(c) for c in present)
        if counts[name] > 1:
            raise DataError(f"the data have {counts[name]} columns called {name!r}; rename all but one")
        close = get_close_matches(name, [str(c) for c in present], n=3)
        hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise DataError(f"the data have no column {name!r}{f'{hint} The' if hint else '; the'} columns are: {listed}")
