"""Data in memory, by a generated module: columns are read and checked, and its `accumulate` does the pass."""

from __future__ import annotations

from typing import Any

from momentalg.data.columns import read_columns
from momentalg.data.engines.engine import Part, Task
from momentalg.data.labels import in_order, labelled, plain
from momentalg.errors import DataError


def accumulate(task: Task, frame: Any) -> Part:
    """The sums of a frame of any kind, or of a mapping of columns."""
    columns = read_columns(frame, task.model, task.missing)
    arrays = columns.inputs(task.model)
    labels = {n: found for n, found in columns.labels.items() if n not in task.model.coded}
    if len(labels) > 1:
        for name in labels:
            arrays[name], labels[name] = in_order(name, arrays[name], labels[name])
    try:
        table = task.module.accumulate(arrays)
    except ValueError as error:
        raise DataError(str(error)) from error
    for name, factor in task.module.LEVELS.items():
        table[name] = labelled(table[name], [plain(labels[c]) if c in labels else None for c in factor])
    return Part(table, columns.n, columns.dropped)
