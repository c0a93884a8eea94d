"""SQL: the results of queries that a database has run; the queries are those of ``estimator("sql")``."""

from __future__ import annotations

from typing import Any

from momentalg.data.engines.engine import Engine, Part, Task
from momentalg.data.queries.results import Results, part_of
from momentalg.errors import DataError


def _takes(data: Any) -> bool:
    return isinstance(data, Results)


def _accumulate(task: Task, data: Any) -> Part:
    if not isinstance(data, Results):
        raise DataError(
            f"the engine 'sql' takes the results of queries, program.results(frames); found {type(data).__name__}"
        )
    data.require(task.ir)
    return part_of(task.ir, data.frames, task.missing, task.model.local_to)


ENGINE = Engine("sql", "a database, by the results of its queries", _takes, _accumulate)
