"""Files of columns, Parquet and Arrow: by pyarrow, else by Polars, whose extras they are.

DuckDB needs no word of its own: its extra brings pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentalg.data.files.formats import format as formats
from momentalg.data.files.formats.format import Header, Piece
from momentalg.errors import DataError, UnsupportedError

if TYPE_CHECKING:
    import pyarrow as pa


def reader(path: Path) -> str:
    """The package that reads a file: pyarrow, else polars; raises `UnsupportedError` where neither is there."""
    for package in ("pyarrow", "polars"):
        if find_spec(package) is not None:
            return package
    raise UnsupportedError(
        f"{path.name}: {path.suffix} files are read by pyarrow or Polars, and neither is installed: "
        "pip install 'momentalg[arrow]'; or save the data as CSV"
    )


def arrow_header(schema: pa.Schema, rows: int | None) -> Header:
    """The header of an Arrow schema; an encoded column is of the kind of its values."""
    import narwhals as nw
    import pyarrow as pa

    types = [f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in schema]
    empty = [nw.from_native(pa.table({"x": pa.array([], t)}))["x"].dtype for t in types]
    kinds = [None if pa.types.is_null(t) else kind(dtype) for t, dtype in zip(types, empty, strict=True)]
    return Header(tuple(zip(schema.names, kinds, strict=True)), rows)


def polars_header(frame: Any) -> Header:
    """The header of a lazy frame of Polars."""
    import narwhals as nw
    import polars as pl

    schema = frame.collect_schema()
    known = nw.from_native(pl.DataFrame(schema=schema)).schema
    kinds = ((n, None if schema[n] == pl.Null else kind(dtype)) for n, dtype in known.items())
    return Header(tuple(kinds), _rows(frame))


def polars_pieces(frame: Any, start: int) -> Iterator[Piece]:
    """The rows of a lazy frame of Polars in pieces."""
    rows = _rows(frame)
    for first in range(start * formats.ROWS, rows, formats.ROWS):
        yield Piece(frame.slice(first, formats.ROWS).collect(), min((first + formats.ROWS) / rows, 1.0))


def _rows(frame: Any) -> int:
    import polars as pl

    return int(frame.select(pl.len()).collect().item())


def kind(dtype: Any) -> str:
    """What a column holds, in words."""
    import narwhals as nw

    if dtype.is_integer():
        return "whole numbers"
    if dtype.is_numeric():
        return "numbers"
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        return "texts"
    if dtype == nw.Boolean:
        return "truth values"
    return "dates or times" if dtype in (nw.Date, nw.Datetime) else str(dtype)


def cut(batches: Iterable[pa.RecordBatch], skip: int, left: int) -> Iterator[Piece]:
    """The rows of batches in pieces, after the first `skip` rows; `left` rows are in all of them."""
    held: list[pa.RecordBatch] = []
    rows, total = 0, max(left, 1)
    for whole in batches:
        batch, skip = whole.slice(skip), max(skip - whole.num_rows, 0)
        while rows + batch.num_rows >= formats.ROWS:
            needed = formats.ROWS - rows
            left -= formats.ROWS
            yield Piece(_table([*held, batch.slice(0, needed)]), 1 - max(left, 0) / total)
            held, rows, batch = [], 0, batch.slice(needed)
        if batch.num_rows:
            held.append(batch)
            rows += batch.num_rows
    if rows:
        yield Piece(_table(held), 1.0)


def _table(batches: list[pa.RecordBatch]) -> pa.Table:
    """One chunk for each column, an encoded one with one dictionary."""
    import pyarrow as pa

    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a library says of a damaged file into `DataError`, with the file's name and what to do."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, FileNotFoundError | PermissionError | InterruptedError):
            raise
        raise DataError(_damaged(path, error)) from error
    except Exception as error:
        if type(error).__module__.startswith("polars"):
            raise DataError(_damaged(path, error)) from error
        raise


def _damaged(path: Path, error: Exception) -> str:
    what = "is empty" if path.stat().st_size == 0 else "cannot be read: it is damaged, cut short or still being written"
    return f"{path.name} {what} ({str(error).splitlines()[0]}); write or copy it again, or leave it out"
