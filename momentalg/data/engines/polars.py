"""Polars: lazy frames, by its streaming engine, which shares the scan of a file among the tables of a pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import LARGEST_EXACT
from momentalg.data.engines.engine import Engine, Part, Task, is_from
from momentalg.data.refusals import not_exact

if TYPE_CHECKING:
    from pathlib import Path

TITLE = "Polars"


def _takes(data: Any) -> bool:
    return is_from(data, "polars", "LazyFrame")


def _accumulate(task: Task, data: Any) -> Part:
    from momentalg.data.engines.lazy import accumulate, told_by

    with told_by(TITLE, "polars", "pyarrow"):
        return accumulate(task, _lazy(task, data), _collect)


def _lazy(task: Task, data: Any) -> Any:
    """A lazy frame of Polars, of which there is one of every frame in memory."""
    import polars as pl

    from momentalg.data.frames import converted, needed_columns

    if isinstance(data, (pl.LazyFrame, pl.DataFrame)):
        return data.lazy()
    return converted(data, needed_columns(task.model)).lazy(backend="polars").to_native()


def _collect(frames: Sequence[Any]) -> Sequence[Any]:
    import narwhals.stable.v2 as nw
    import polars as pl

    found = pl.collect_all([frame.to_native() for frame in frames], engine="streaming")
    return [nw.from_native(frame) for frame in found]


def _scan(paths: Sequence[Path], labels: tuple[str, ...]) -> Any:
    import polars as pl

    from momentalg.data.engines.lazy import told_by
    from momentalg.data.files.formats.format import format_of
    from momentalg.data.files.formats.text import MISSING_WORDS, separator_of

    with told_by(TITLE, "polars"):
        known = format_of(paths[0]).name
        if known == "Parquet":
            return pl.scan_parquet(list(paths), glob=False)
        (path,) = paths
        if known == "Arrow":
            return pl.scan_ipc(path)
        given: dict[str, Any] = {
            "separator": separator_of(path, None),
            "null_values": list(MISSING_WORDS),
            "glob": False,
        }
        found = pl.scan_csv(path, infer_schema_length=1000, **given)
        types = dict(found.collect_schema())
        types |= {name: pl.String() for name in labels if name in types}
        whole = [name for name, dtype in types.items() if dtype.is_integer()]
        read = pl.scan_csv(path, schema=types | dict.fromkeys(whole, pl.Float64()), **given)
        return read.with_columns(pl.col(name).map_batches(_exact, pl.Float64(), is_elementwise=True) for name in whole)


def _exact(numbers: Any) -> Any:
    """Whole numbers that were read as floats, which decimals may come after."""
    if (numbers.abs().max() or 0) > LARGEST_EXACT:
        raise not_exact(numbers.name)
    return numbers


ENGINE = Engine("polars", "Polars, on its lazy frames", _takes, _accumulate, _scan, needs=("polars",))
