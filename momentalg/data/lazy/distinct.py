"""The labels that occur in columns of a lazy frame, which are all that is collected of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import narwhals.stable.v2 as nw

from momentalg.data.frames import require_columns
from momentalg.data.lazy.columns import lazy

_PACKAGES = ("polars", "duckdb", "_duckdb", "pyarrow", "dask", "distributed", "pyspark", "py4j")
_TEXTS = (nw.String, nw.Categorical, nw.Enum)


def distinct(data: Any, names: Sequence[str], factors: Collection[str]) -> dict[str, Any]:
    """Each label once of those of the columns that are factors or texts, by column, as series in memory."""
    from momentalg.data.engines.lazy import told_by

    frame = lazy(data)
    with told_by("the engine of the data", *_PACKAGES):
        types = frame.collect_schema()
        require_columns(names, types.names())
        wanted = [name for name in names if name in factors or isinstance(types[name], _TEXTS)]
        return {name: frame.select(name).unique().collect()[name] for name in wanted}
