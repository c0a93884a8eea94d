"""Dask: its data frames, on whatever scheduler is set; the tables of a pass are computed in one graph.

The tasks are Dask's own, so that workers need not have momentalg, and one that is lost is done again elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from momentalg.data.engines.engine import Engine, Part, Task, is_from
from momentalg.errors import DataError

TITLE = "Dask"
PACKAGES = ("dask", "distributed")
WITH_NULL = {f"{sign}int{bits}": f"{sign.upper()}Int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
WITH_NULL["bool"] = "boolean"


def _takes(data: Any) -> bool:
    return is_from(data, "dask", "DataFrame")


def _accumulate(task: Task, data: Any) -> Part:
    from momentalg.data.engines.lazy import accumulate, told_by

    if not _takes(data):
        raise DataError(
            f"the engine 'dask' takes data frames of Dask, not {type(data).__name__}; dask.dataframe.from_pandas and "
            "dask.dataframe.read_parquet make one"
        )
    with told_by(TITLE, *PACKAGES):
        return accumulate(task, _masked(task, data), _collect, _first_partition)


def _masked(task: Task, data: Any) -> Any:
    """The same rows; labels that will be null in rows that are dropped get types that have null.

    Whole numbers would become floats, in which labels beyond 2**53 are not told apart.
    """
    if task.missing != "drop":
        return data
    labels = {n: str(t) for n, t in data.dtypes.items() if n in task.model.columns}
    return data.astype({name: WITH_NULL[dtype] for name, dtype in labels.items() if dtype in WITH_NULL})


def _collect(frames: Sequence[Any]) -> Sequence[Any]:
    """All at once, so that they share what reads the rows."""
    import narwhals.stable.v2 as nw
    from dask.base import compute

    found = compute(*(frame.to_native() for frame in frames))  # type: ignore[no-untyped-call]
    return [nw.from_native(frame) for frame in found]


def _first_partition(frame: Any) -> Any:
    """The rows of the first partition; `head` reads all of them, since the first may have too few."""
    import narwhals.stable.v2 as nw

    return nw.from_native(frame.to_native().partitions[0])


ENGINE = Engine("dask", "Dask, on its data frames", _takes, _accumulate, needs=("dask", "pandas", "pyarrow"))
