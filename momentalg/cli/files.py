"""Data files: the columns that a model needs, in chunks, with a bar on a terminal while a large file is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError, UnsupportedError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t", ".tab": "\t"}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
READERS = {
    ".parquet": "read_parquet",
    ".feather": "read_feather",
    ".arrow": "read_feather",
    ".xlsx": "read_excel",
    ".xls": "read_excel",
    ".json": "read_json",
    ".dta": "read_stata",
    ".sav": "read_spss",
    ".sas7bdat": "read_sas",
}
CHUNK = 500_000  # rows in memory at a time
LARGE = 20_000_000  # bytes from which reading takes long enough for a bar


@contextmanager
def chunks(path: Path, names: Sequence[str], labels: Sequence[str], separator: str | None = None) -> Iterator[Any]:
    """Give an iterator over frames with the columns `names` of a delimited text file.

    Labels are read as text, so that a level is called the same in every chunk. A column that is not in the file is left
    to who uses the frames; then all columns are read, so that its message can name them.

    Raises `UnsupportedError` for other kinds of files, and `DataError` for what cannot be read.
    """
    import pandas as pd

    sep, compression = _format(path, separator)
    settings: dict[str, Any] = {"sep": sep, "compression": compression, "low_memory": False}
    with _readable(path):
        header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, **settings).iloc[0].tolist()
    _check_header(header, names, sep, path)
    with path.open("rb") as plain, _bar(path, plain) as file:
        with _readable(path):
            found = pd.read_csv(
                file,
                dtype={name: str for name in labels if name in header},
                chunksize=CHUNK,
                **settings,
            )
        yield _checked(found, path, list(names) if set(names) <= set(header) else slice(None))


def read(path: Path, names: Sequence[str], labels: Sequence[str], separator: str | None = None) -> pd.DataFrame:
    """Read the columns `names` of a data file as one frame."""
    import pandas as pd

    with chunks(path, names, labels, separator) as found:
        frame: pd.DataFrame = pd.concat(list(found), ignore_index=True)
    return frame


def _format(path: Path, separator: str | None) -> tuple[str, str | None]:
    suffixes = [s.lower() for s in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    kind = suffixes[-2] if compression and len(suffixes) > 1 else suffixes[-1] if suffixes else ""
    if separator is not None:
        return separator.replace("\\t", "\t"), compression
    if kind in SEPARATORS:
        return SEPARATORS[kind], compression
    if kind in READERS:
        raise UnsupportedError(
            f"{path.name}: {kind} files are not read by the command line yet; in Python it works: "
            f"model.fit(pandas.{READERS[kind]}({path.name!r})); or save the data as CSV"
        )
    raise UnsupportedError(
        f"{path.name}: a data file ends in {', '.join(SEPARATORS)}, or in one of them and {', '.join(COMPRESSIONS)}; "
        "for a delimited file with another ending, give --separator"
    )


def _check_header(header: Sequence[str], names: Sequence[str], sep: str, path: Path) -> None:
    for name in names:
        if header.count(name) > 1:
            raise DataError(f"{path.name} has {header.count(name)} columns called {name!r}; rename all but one")
    other = next((c for c in (";", "\t", ",", "|") if c != sep and len(header) == 1 and c in header[0]), None)
    if other is not None:
        shown = "'\\t'" if other == "\t" else repr(other)
        raise DataError(f"{path.name} has one column, {header[0]!r}; if {shown} separates columns: --separator {shown}")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pandas as pd

    try:
        yield
    except pd.errors.EmptyDataError:
        raise DataError(f"{path.name} is empty; its first line must name the columns") from None
    except (pd.errors.ParserError, UnicodeDecodeError, EOFError) as error:
        raise DataError(f"{path.name} cannot be read as text in columns: {error}") from error


def _checked(found: Iterator[Any], path: Path, names: Any) -> Iterator[Any]:
    """The chunks with the columns `names`. All columns are read: pandas would pass over surplus fields otherwise."""
    import pandas as pd

    with _readable(path):
        for chunk in found:
            if not isinstance(chunk.index, pd.RangeIndex):  # pandas took the first field of each line for its name
                raise DataError(
                    f"{path.name}: its lines have more fields than the header names; are there decimal commas?"
                )
            yield chunk.loc[:, names]


@contextmanager
def _bar(path: Path, file: Any) -> Iterator[Any]:
    """The file, with a bar on standard error while it is read, when it is large and someone is watching."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    size = path.stat().st_size
    if size < LARGE or not console.is_terminal:
        yield file
        return
    with Progress(console=console, transient=True) as progress:
        yield progress.wrap_file(file, size, description=f"reading {path.name}")
