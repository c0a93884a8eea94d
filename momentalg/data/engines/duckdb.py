"""DuckDB: relations, on the connection that they are of; frames in memory are scanned in place."""

from __future__ import annotations

from typing import Any

from momentalg.data.engines.engine import Engine, Part, Task, is_from
from momentalg.errors import DataError


def _takes(data: Any) -> bool:
    return is_from(data, "duckdb", "DuckDBPyRelation") or is_from(data, "_duckdb", "DuckDBPyRelation")


def _accumulate(task: Task, data: Any) -> Part:
    from momentalg.data.engines.lazy import accumulate

    return accumulate(task, data if _takes(data) else _relation(task, data))


def _relation(task: Task, data: Any) -> Any:
    """A relation on a connection of its own of a frame in memory, which is scanned where it is."""
    import duckdb

    from momentalg.data.frames import needed_columns, select

    found = select(data, needed_columns(task.model))
    try:
        table = found.to_arrow()
    except Exception as error:
        raise DataError(f"these data do not become an Arrow table, which DuckDB would scan: {error}") from error
    return duckdb.connect().from_arrow(table)


ENGINE = Engine("duckdb", "DuckDB, on its relations", _takes, _accumulate, needs=("duckdb", "pyarrow"))
