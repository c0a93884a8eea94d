"""Text in columns, perhaps compressed: the first line names them, a comma or a tab separates them.

Labels are read as text, whatever they look like, so that a level is called the same in every piece, in every file and
by every engine: 1 and 01 are two levels. Files whose labels are numbers are Parquet files.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentalg.data.files.formats import format as formats
from momentalg.data.files.formats.format import Format, Header, Piece, Reading, ending_of
from momentalg.errors import DataError, UnsupportedError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t", ".tab": "\t"}

MISSING_WORDS = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""Fields that are missing values, in every engine: those of pandas."""


def header(path: Path, reading: Reading) -> Header:
    """The first line. Labels are texts; of other columns nothing is known before they are read."""
    import pandas as pd

    settings = _settings(path, reading.separator)
    with _readable(path):
        first = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, **settings)
    names = first.iloc[0].tolist()
    _require_separated(names, settings["sep"], path)
    return Header(tuple((name, "texts" if name in reading.labels else None) for name in names))


def pieces(path: Path, reading: Reading, start: int = 0) -> Iterator[Piece]:
    """Frames of pandas. Those before piece number `start` are read and left: where a row begins, only reading tells.

    All columns are read: pandas would pass over surplus fields otherwise.
    """
    import pandas as pd

    size = path.stat().st_size
    with path.open("rb") as file, _readable(path):
        found = pd.read_csv(
            file,
            dtype=dict.fromkeys(reading.labels, str),
            chunksize=formats.ROWS,
            na_values=list(MISSING_WORDS),
            keep_default_na=False,
            **_settings(path, reading.separator),
        )
        for number, chunk in enumerate(found):
            if not isinstance(chunk.index, pd.RangeIndex):  # pandas took the first field of each line for its name
                raise DataError(
                    f"{path.name}: its lines have more fields than the header names; are there decimal commas?"
                )
            if number >= start:
                _require_numbers(chunk, reading, path)
                yield Piece(chunk.loc[:, list(reading.names)], min(file.tell() / size, 1.0))


def _require_numbers(chunk: pd.DataFrame, reading: Reading, path: Path) -> None:
    """Refuse a column of numbers for the fields in it that are none; a column without numbers is not meant as one."""
    import pandas as pd

    for name in reading.numbers:
        if pd.api.types.is_string_dtype(chunk[name]) or chunk[name].dtype == object:
            given = chunk[name].notna()
            strange = given & pd.to_numeric(chunk[name], errors="coerce").isna()
            if 0 < strange.sum() < given.sum():
                at = int(strange.to_numpy().argmax())
                value, row = chunk[name].iloc[at], chunk.index[at]
                raise DataError(
                    f"{path.name}: {name!r} is not numeric: it holds {value!r} in row {row}, where the first is row 0, "
                    f"and what is no number in {int(strange.sum())} of the {len(chunk)} rows read with it; correct "
                    "them, or leave them empty for missing values"
                )


def separator_of(path: Path, separator: str | None) -> str:
    """What separates the columns of a file."""
    return SEPARATORS[ending_of(path)[0]] if separator is None else separator.replace("\\t", "\t")


def _settings(path: Path, separator: str | None) -> dict[str, Any]:
    return {"sep": separator_of(path, separator), "compression": ending_of(path)[1], "low_memory": False}


def _require_separated(names: Sequence[str], separator: str, path: Path) -> None:
    other = next((c for c in (";", "\t", ",", "|") if c != separator and len(names) == 1 and c in names[0]), None)
    if other is not None:
        shown = "'\\t'" if other == "\t" else repr(other)
        raise DataError(f"{path.name} has one column, {names[0]!r}; if {shown} separates columns: separator={shown}")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import gzip

    import pandas as pd

    try:
        yield
    except pd.errors.EmptyDataError:
        raise DataError(f"{path.name} is empty; its first line must name the columns") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as text in columns: {error}") from error
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path.name} is damaged, or was cut short: {error}; compress or copy it again") from error
    except ImportError as error:
        raise UnsupportedError(f"{path.name}: {error}; or decompress it first") from error


FORMAT = Format("text in columns", tuple(SEPARATORS), header, pieces, is_text=True)
