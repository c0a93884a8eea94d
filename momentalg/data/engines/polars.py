"""Polars: lazy frames, by its streaming engine, which shares the scan of a file among the tables of a pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from momentalg.data.engines.engine import Engine, Part, Task, is_from


def _takes(data: Any) -> bool:
    return is_from(data, "polars", "LazyFrame")


def _accumulate(task: Task, data: Any) -> Part:
    from momentalg.data.engines.lazy import accumulate

    return accumulate(task, _lazy(data), _collect)


def _lazy(data: Any) -> Any:
    """A lazy frame of Polars, of which there is one of every frame in memory."""
    import polars as pl

    from momentalg.data.frames import as_narwhals

    if isinstance(data, (pl.LazyFrame, pl.DataFrame)):
        return data.lazy()
    return as_narwhals(data).lazy(backend="polars").to_native()


def _collect(frames: Sequence[Any]) -> Sequence[Any]:
    import narwhals.stable.v2 as nw
    import polars as pl

    found = pl.collect_all([frame.to_native() for frame in frames], engine="streaming")
    return [nw.from_native(frame) for frame in found]


ENGINE = Engine("polars", "Polars, on its lazy frames", _takes, _accumulate, needs=("polars",))
