"""Arrow files, also called Feather: record batches, mapped into memory and not read before they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from momentalg.data.files.formats import format as formats
from momentalg.data.files.formats.columnar import (
    arrow_header,
    cut,
    polars_header,
    polars_pieces,
    readable,
    reader,
)
from momentalg.data.files.formats.format import Format, Header, Piece, Reading

if TYPE_CHECKING:
    import pyarrow as pa


def header(path: Path, _reading: Reading) -> Header:
    """The schema, and the rows of the batches."""
    with readable(path):
        if reader(path) == "pyarrow":
            import pyarrow as pa

            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
                return arrow_header(file.schema, _rows(file))
        import polars as pl

        return polars_header(pl.scan_ipc(path))


def pieces(path: Path, reading: Reading, start: int = 0) -> Iterator[Piece]:
    """Arrow tables, or frames of Polars."""
    with readable(path):
        if reader(path) == "pyarrow":
            import pyarrow as pa

            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
                skip = start * formats.ROWS
                yield from cut(_batches(file, reading), skip, max(_rows(file) - skip, 0))
        else:
            import polars as pl

            yield from polars_pieces(pl.scan_ipc(path).select(reading.names), start)


def _rows(file: pa.ipc.RecordBatchFileReader) -> int:
    return sum(file.get_batch(k).num_rows for k in range(file.num_record_batches))


def _batches(file: pa.ipc.RecordBatchFileReader, reading: Reading) -> Iterator[pa.RecordBatch]:
    for k in range(file.num_record_batches):
        yield file.get_batch(k).select(list(reading.names))


FORMAT = Format("Arrow", (".arrow", ".feather", ".ipc"), header, pieces)
