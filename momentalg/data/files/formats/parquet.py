"""Parquet, by its footer and its row groups: only the needed columns are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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

BATCH = 2**18
"""Rows that are decoded at a time."""


def header(path: Path, _reading: Reading) -> Header:
    """The footer."""
    with readable(path):
        if reader(path) == "pyarrow":
            import pyarrow.parquet as pq

            with pq.ParquetFile(path) as file:
                known = arrow_header(file.schema_arrow, file.metadata.num_rows)
                return replace(known, types=tuple(map(str, file.schema_arrow)))
        import polars as pl

        lazy = pl.scan_parquet(path)
        return replace(polars_header(lazy), types=tuple(map(str, lazy.collect_schema().items())))


def pieces(path: Path, reading: Reading, start: int = 0) -> Iterator[Piece]:
    """Arrow tables, whose labels are encoded where they are texts; or frames of Polars."""
    with readable(path):
        if reader(path) == "pyarrow":
            yield from _by_pyarrow(path, reading, start)
        else:
            import polars as pl

            yield from polars_pieces(pl.scan_parquet(path).select(reading.names), start)


def _by_pyarrow(path: Path, reading: Reading, start: int) -> Iterator[Piece]:
    """Row groups before the first row are not read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        texts = [f.name for f in file.schema_arrow if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    with pq.ParquetFile(path, read_dictionary=[name for name in texts if name in reading.labels]) as file:
        skip, group, groups = start * formats.ROWS, 0, file.num_row_groups
        while group < groups and skip >= file.metadata.row_group(group).num_rows:
            skip -= file.metadata.row_group(group).num_rows
            group += 1
        left = sum(file.metadata.row_group(k).num_rows for k in range(group, groups)) - skip
        batches = file.iter_batches(
            batch_size=min(formats.ROWS, BATCH), row_groups=list(range(group, groups)), columns=list(reading.names)
        )
        yield from cut(batches, skip, left)


FORMAT = Format("Parquet", (".parquet", ".pq"), header, pieces)
