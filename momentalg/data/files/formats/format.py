"""`Format`: how files of some ending are opened, and read in pieces.

Piece k of a file is its rows from k * ROWS to (k + 1) * ROWS, whatever else is read: so that a run that goes on from a
checkpoint adds up the same pieces as one that was never interrupted. Adding a format is adding a file to this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from momentalg.catalogue import discover
from momentalg.errors import UnsupportedError

ROWS = 2**20
"""Rows in memory at a time: merging the tables of pieces costs little beside them, and they are some 50 MB."""

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}

ELSEWHERE = {
    ".xlsx": "read_excel",
    ".xls": "read_excel",
    ".json": "read_json",
    ".dta": "read_stata",
    ".sav": "read_spss",
    ".sas7bdat": "read_sas",
}
"""Endings of files that pandas reads in one piece."""


@dataclass(frozen=True)
class Reading:
    """What is read of a file: the columns `names`, of which `labels` name levels, and `numbers` are to be numbers."""

    names: tuple[str, ...]
    labels: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    separator: str | None = None


@dataclass(frozen=True)
class Header:
    """What a file says of itself: the name and the kind of each column, and how many rows it has; None: not said.

    `types` are the columns with their types, in the words of what reads the file, where files that have the same ones
    can be opened as one.
    """

    columns: tuple[tuple[str, str | None], ...]
    rows: int | None = None
    types: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def names(self) -> list[str]:
        """The names of the columns, with those that are there twice."""
        return [name for name, _ in self.columns]


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of a file as a frame, and the share of the file that is read once they are."""

    frame: Any
    share: float


@dataclass(frozen=True)
class Format:
    """One format: `header` reads the header of a file, `pieces` its rows from piece number `start` on.

    Both raise `DataError`, naming the file, for what cannot be read.
    """

    name: str
    endings: tuple[str, ...]
    header: Callable[[Path, Reading], Header]
    pieces: Callable[[Path, Reading, int], Iterator[Piece]]
    is_text: bool = False


@lru_cache(maxsize=1)
def formats() -> Mapping[str, Format]:
    """The formats, by the ending of their files."""
    found = discover("momentalg.data.files.formats", "FORMAT").values()
    return {ending: known for known in found for ending in known.endings}


def ending_of(path: Path) -> tuple[str, str | None]:
    """The ending of a file that says its format, and how it is compressed, if it is."""
    suffixes = [s.lower() for s in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    inner = suffixes[:-1] if compression else suffixes
    return inner[-1] if inner else "", compression


def is_data(path: Path) -> bool:
    """Whether the ending of a file is one of a format."""
    return ending_of(path)[0] in formats()


def format_of(path: Path, separator: str | None = None) -> Format:
    """The format of a file, by its ending; with a separator it is text whatever the ending."""
    if separator is not None:
        return next(known for known in formats().values() if known.is_text)
    ending, compression = ending_of(path)
    known = formats().get(ending)
    if known is not None and (compression is None or known.is_text):
        return known
    if ending in ELSEWHERE:
        raise UnsupportedError(
            f"{path.name}: {ending} files are not read in pieces; what works: "
            f"model.fit(pandas.{ELSEWHERE[ending]}({path.name!r})); or save the data as CSV or Parquet"
        )
    if ending == ".sums":
        raise UnsupportedError(f"{path.name} holds sums: model.fit(model.load_sums({path.name!r})); sums add up")
    texts = [e for e, f in formats().items() if f.is_text]
    others = [e for e, f in formats().items() if not f.is_text]
    raise UnsupportedError(
        f"{path.name}: a data file ends in {', '.join(others)}, or as text in {', '.join(texts)}, perhaps with "
        f"{', '.join(COMPRESSIONS)} after it; for text in columns with another ending, give a separator: separator=','"
    )
