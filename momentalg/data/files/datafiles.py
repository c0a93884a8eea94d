"""`DataFiles`: data files that are read as one data set. All are opened, and compared, before a row is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from momentalg.data.files.formats.format import Format, Header, Piece, Reading, format_of
from momentalg.data.files.marks import Mark, mark_of
from momentalg.data.files.paths import data_paths, is_paths
from momentalg.data.frames import needed_columns, require_columns
from momentalg.errors import DataError
from momentalg.model.resolved import ResolvedModel

NUMBERS = frozenset({"whole numbers", "numbers"})


@dataclass(frozen=True)
class DataFiles:
    """Files in the order in which they are read; `separator` is that of text in columns, if its ending does not say.

    `numbers` are columns that were looked at, and hold numbers.
    """

    paths: tuple[Path, ...]
    separator: str | None = None
    numbers: frozenset[str] = frozenset()

    def formats(self) -> tuple[Format, ...]:
        """The format of each file; raises `UnsupportedError` for an ending that is not known."""
        return tuple(format_of(path, self.separator) for path in self.paths)

    def opened(self, model: ResolvedModel, names: Sequence[str]) -> tuple[Header, ...]:
        """The header of each file, all of which have the columns `names`, of the same kind.

        Raises `DataError`, naming the file, for one that cannot be opened or lacks a column, and for a column whose
        kind changes between files: labels have one kind, and numbers are whole or not.
        """
        reading = self.reading(model, names)
        headers = []
        for path, known in zip(self.paths, self.formats(), strict=True):
            found = known.header(path, reading)
            try:
                require_columns(names, found.names)
            except DataError as error:
                raise DataError(f"{path.name}: {error}") from error
            headers.append(found)
        for name in names:
            _require_one_kind(name, self.paths, [dict(h.columns)[name] for h in headers], name in reading.labels)
        return tuple(headers)

    def marks(self, headers: Sequence[Header]) -> tuple[Mark, ...]:
        """The mark of each file; raises `DataError` for two of the same content, unless it is no rows at all."""
        found = tuple(mark_of(path) for path in self.paths)
        first: dict[Mark, Path] = {}
        for path, mark, header in zip(self.paths, found, headers, strict=True):
            if header.rows != 0 and first.setdefault(mark, path) is not path:
                raise DataError(
                    f"{first[mark]} and {path} have the same content, whose rows would count twice; leave one out"
                )
        return found

    def pieces(self, file: int, model: ResolvedModel, names: Sequence[str], start: int = 0) -> Iterator[Piece]:
        """The pieces of a file from number `start` on, of the columns `names`: labels of the model, and numbers."""
        return self._pieces(file, self.reading(model, names), start)

    def frames(self, model: ResolvedModel, names: Sequence[str], labels: Sequence[str] = ()) -> Iterator[Any]:
        """All pieces of all files as frames; those without rows are passed over.

        `labels` are read as labels too; other columns may hold anything.
        """
        reading = self.reading(model, names)
        reading = replace(reading, labels=reading.labels | set(labels), numbers=frozenset())
        for file in range(len(self.paths)):
            for piece in self._pieces(file, reading):
                if len(piece.frame):
                    yield piece.frame

    def reading(self, model: ResolvedModel, names: Sequence[str]) -> Reading:
        """What is read of each file for a model: labels are its label columns, and all else is numbers."""
        labels = frozenset(names) & set(model.columns)
        return Reading(tuple(names), labels, frozenset(names) - labels, self.separator)

    def _pieces(self, file: int, reading: Reading, start: int = 0) -> Iterator[Piece]:
        path = self.paths[file]
        return format_of(path, self.separator).pieces(path, reading, start)


def is_files(data: Any) -> bool:
    """Whether data are files, or paths that name files."""
    return isinstance(data, DataFiles) or is_paths(data)


def data_files(data: Any, separator: str | None = None) -> DataFiles:
    """The files that are meant by paths, folders and patterns; see `momentalg.data.files.paths`."""
    return data if isinstance(data, DataFiles) else DataFiles(data_paths(data), separator)


def read(data: Any, model: ResolvedModel, separator: str | None = None, design_only: bool = False) -> Any:
    """The columns of a model in files as one frame: of pandas from text, else of Arrow.

    With `design_only`, those of them but the response that the files have: the others may come from elsewhere.
    """
    import narwhals as nw

    files = data_files(data, separator)
    names: Sequence[str] = needed_columns(model)
    if design_only:
        present = files.opened(model, ())[0].names
        names = [name for name in names if name != model.response and name in present]
    files.opened(model, names)
    frames = [nw.from_native(frame) for frame in files.frames(model, names)]
    if not frames:
        raise no_rows(files)
    return nw.maybe_reset_index(nw.concat(frames)).to_native()


def no_rows(files: DataFiles) -> DataError:
    """What is said of files that have columns and no rows."""
    which = files.paths[0].name if len(files.paths) == 1 else f"{files.paths[0].name} and the others"
    return DataError(f"{which}: there is a header and no rows; nothing is left to fit")


def _require_one_kind(name: str, paths: Sequence[Path], kinds: Sequence[str | None], is_label: bool) -> None:
    first: dict[str, Path] = {}
    for path, kind in zip(paths, kinds, strict=True):
        if kind is not None:
            first.setdefault(kind, path)
    if len(first) < 2 or (not is_label and set(first) <= NUMBERS):
        return
    found = " and ".join(f"{kind} in {path.name}" for kind, path in list(first.items())[:2])
    if not is_label:
        raise DataError(f"the column {name!r} holds {found}; make it one kind in all files")
    raise DataError(
        f"the labels in {name!r} are {found}: a level would be two; make them one kind in all files"
        f"{'; those of text files are texts' if 'texts' in first else ''}"
    )
