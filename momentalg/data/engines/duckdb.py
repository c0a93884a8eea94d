"""DuckDB: relations, on the connection that they are of, with its limits; frames in memory are scanned in place."""

from __future__ import annotations

import tempfile
from glob import escape
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import LARGEST_EXACT
from momentalg.data.engines.engine import Engine, Part, Task, is_from
from momentalg.data.refusals import not_exact
from momentalg.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TITLE = "DuckDB"
PACKAGES = ("duckdb", "_duckdb", "pyarrow")


def _takes(data: Any) -> bool:
    return any(is_from(data, package, "DuckDBPyRelation") for package in PACKAGES[:2])


def _accumulate(task: Task, data: Any) -> Part:
    from momentalg.data.engines.lazy import accumulate, told_by

    with told_by(TITLE, *PACKAGES):
        return accumulate(task, data if _takes(data) else _relation(task, data))


def _connection() -> Any:
    """A connection of its own; what does not fit into its memory goes to where temporary files go.

    Parquet files have statistics that pass over NaN, by which DuckDB would conclude that there is none.
    """
    import duckdb

    found = duckdb.connect(config={"temp_directory": tempfile.gettempdir()})
    found.execute("SET disabled_optimizers = 'statistics_propagation'")
    return found


def _relation(task: Task, data: Any) -> Any:
    """A relation of a frame in memory, which is scanned where it is."""
    from momentalg.data.frames import converted, needed_columns

    names = needed_columns(task.model)
    alike = [name for name in names if [n.casefold() for n in names].count(name.casefold()) > 1]
    if alike:
        raise DataError(f"DuckDB does not tell {' from '.join(map(repr, alike))}, by case alone: rename one of them")
    return _connection().from_arrow(converted(data, names).to_arrow())


def _scan(paths: Sequence[Path], labels: tuple[str, ...]) -> Any:
    import duckdb

    from momentalg.data.engines.lazy import told_by
    from momentalg.data.files.formats.format import format_of
    from momentalg.data.files.formats.text import MISSING_WORDS, separator_of

    with told_by(TITLE, *PACKAGES):
        connection, names = _connection(), [escape(str(path)) for path in paths]
        known = format_of(paths[0]).name
        if known == "Parquet":
            return connection.read_parquet(names)
        (path,), (name,) = paths, names
        if known == "Arrow":
            from pyarrow import dataset

            return connection.from_arrow(dataset.dataset(path, format="ipc"))
        given: dict[str, Any] = {
            "sep": separator_of(path, None),
            "header": True,
            "na_values": list(MISSING_WORDS),
            "comment": "",
        }
        found = connection.read_csv(name, **given)
        types = {n: str(t) for n, t in zip(found.columns, found.types, strict=True)}
        types |= {name: "VARCHAR" for name in labels if name in types}
        whole = [name for name, dtype in types.items() if dtype == "BIGINT"]
        read = connection.read_csv(name, dtype=types | dict.fromkeys(whole, "DOUBLE"), **given)
        return read.select(*(_exact(name) if name in whole else duckdb.ColumnExpression(name) for name in types))


def _exact(name: str) -> Any:
    """Whole numbers that were read as floats, which decimals may come after; DuckDB raises what it is told."""
    import duckdb

    column = duckdb.ColumnExpression(name)
    large = duckdb.FunctionExpression("abs", column) > duckdb.ConstantExpression(LARGEST_EXACT)
    refused = duckdb.FunctionExpression("error", duckdb.ConstantExpression(str(not_exact(name))))
    return duckdb.CaseExpression(large, refused).otherwise(column).alias(name)


ENGINE = Engine("duckdb", "DuckDB, on its relations", _takes, _accumulate, _scan, needs=("duckdb", "pyarrow"))
