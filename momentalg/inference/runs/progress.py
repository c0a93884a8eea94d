"""What a run tells of its progress: to a function, or as a bar on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True)
class Progress:
    """How far a run has come: rows, of all files and of those in a checkpoint; bytes of files read, of all of them."""

    file: Path
    files_done: int
    files: int
    rows: int
    resumed: int  # rows that were in the checkpoint
    read: int
    size: int


Listener: TypeAlias = Callable[[Progress], object]


@contextmanager
def listening(asked: bool | Listener | None) -> Iterator[Listener]:
    """Give a function to tell of progress: the one asked for, that of a bar on standard error for True, or none."""
    if callable(asked):
        yield asked
    elif asked:
        with _bar() as listener:
            yield listener
    else:
        yield lambda _: None


@contextmanager
def _bar() -> Iterator[Listener]:
    """Bytes, the time left and rows, on one line; what a checkpoint had is not counted into the rate."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar
    from rich.table import Column

    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True, ratio=1, overflow="ellipsis")),
        BarColumn(bar_width=12),
        DownloadColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[rows]:,} rows", table_column=Column(no_wrap=True)),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        task = bar.add_task("reading", total=None, rows=0)

        def listener(now: Progress) -> None:
            which = f"file {min(now.files_done + 1, now.files)} of {now.files}: " if now.files > 1 else ""
            name = escape(f"{which}{now.file.name}")
            bar.update(task, description=name, completed=now.read, total=now.size, rows=now.rows)

        yield listener
