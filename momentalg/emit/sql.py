"""The SQL backend: an `EstimatorIR` becomes queries that accumulate its sums where the data are, in a database.

Queries are built and written by sqlglot, in the dialect that is asked for. They give the sums of the generated NumPy
module, whose `solve` finishes: a database adds up, and does not invert matrices.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from momentalg.data.engines.engine import Part
from momentalg.data.queries.names import Names
from momentalg.data.queries.results import Results, part_of
from momentalg.emit.backend import Backend
from momentalg.emit.writing import write_whole
from momentalg.errors import UnsupportedError
from momentalg.lower.ir import EstimatorIR
from momentalg.model.mapping import FrozenMapping

LEFT_OUT = {"": "no dialect", "dax": "no SQL", "prql": "no SQL", "tableau": "no tables", "oracle": "decimal arithmetic"}
"""What sqlglot knows and is not offered, and why."""


@dataclass(frozen=True, repr=False)
class SqlProgram:
    """Queries that accumulate the sums of an estimator from a table: by name, in the order in which they are read."""

    dialect: str
    table: tuple[str, ...]
    queries: Mapping[str, str]
    ir: EstimatorIR

    @cached_property
    def source(self) -> str:
        """The queries as one script, with what they are about in comments."""
        from momentalg.emit.queries.script import script

        return script(self.ir, self.dialect, self.table, self.queries)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the script to `path`, whole or not at all, and return the path."""
        return write_whole(path, self.source)

    def results(self, frames: Mapping[str, Any]) -> Results:
        """What ``model.fit`` and ``model.sums`` take: the results of all queries, by the query's name.

        They may be frames of any kind, or mappings of columns.
        """
        return Results(self.ir, FrozenMapping(frames))

    def part(self, frames: Mapping[str, Any], missing: str = "refuse") -> Part:
        """The sums in the results of all queries, which the generated NumPy module solves: ``solve(part.table)``.

        Rows with a missing value are refused, or counted as dropped with ``missing="drop"``.

        Raises:
            DataError: rows that cannot be used, or results that do not belong together.

        """
        return part_of(self.ir, frames, missing, {})

    def __repr__(self) -> str:
        about = f"{len(self.queries)} queries for {self.dialect}"
        return f"<SqlProgram: {about}; .queries, .source, .write(path), .results(frames)>"


def generate(ir: EstimatorIR, dialect: str = "duckdb", table: str | tuple[str, ...] = "data") -> SqlProgram:
    """Generate the queries of an estimator from a table of a database.

    Points in `table` separate a schema from a name, as in "shop.ratings"; a tuple has names with points.
    Raises `UnsupportedError` without sqlglot, and for dialects that it does not know.
    """
    known = dialects()
    if dialect not in known:
        raise UnsupportedError(f"no SQL dialect {dialect!r}; there are {', '.join(known)}")
    parts = tuple(table.split(".")) if isinstance(table, str) else tuple(table)
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise UnsupportedError(f"the table {table!r} is not one to three names with points between them")
    from sqlglot import ErrorLevel, exp

    from momentalg.emit.queries.statements import Statements

    written = {}
    for name, statement in Statements(Names(ir), parts).all().items():
        texts = [part.name for part in statement.find_all(exp.Identifier, exp.Literal)]
        indented = all(text.splitlines() == [text] for text in texts if text)  # sqlglot 27 indents lines of names too
        written[name] = statement.sql(
            dialect=dialect, pretty=indented, identify=True, unsupported_level=ErrorLevel.RAISE
        )
    return SqlProgram(dialect, parts, FrozenMapping(written), ir)


def dialects() -> tuple[str, ...]:
    """The dialects that queries can be written in; raises `UnsupportedError` without sqlglot."""
    if find_spec("sqlglot") is None:
        raise UnsupportedError("SQL is written by sqlglot, which is not installed: pip install 'momentalg[sql]'")
    from sqlglot.dialects.dialect import Dialects

    return tuple(sorted(d.value for d in Dialects if d.value not in LEFT_OUT))


BACKEND = Backend("sql", "queries that accumulate the sums in a database, in any dialect of sqlglot", generate)
