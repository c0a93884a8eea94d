"""Which files are meant: paths, folders, patterns such as ``"ratings/*.parquet"``, and lists of these."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from momentalg.data.files.formats.format import ending_of, format_of, formats, is_data
from momentalg.errors import DataError

_NO_PATH = {
    "": "; give that of a file or folder, '.' for all files here",
    "-": ": standard input can be read only once, and files are looked at before; write it to a file first",
}


def is_paths(data: Any) -> bool:
    """Whether data are named by paths: one, or a list of nothing else."""
    if isinstance(data, (list, tuple)):
        return bool(data) and all(isinstance(one, (str, PathLike)) for one in data)
    return isinstance(data, (str, PathLike))


def data_paths(asked: Any) -> tuple[Path, ...]:
    """The files that are meant, in the order of the list; within a folder or pattern, sorted by their paths.

    A folder stands for all files in it, and in its folders; as Spark and Hive have it, those whose names begin with an
    underscore or a dot are no data. In a pattern ``**`` is any folders.

    Raises `DataError` where nothing is found, and for a folder that holds other things than data files of one format.
    """
    parts = asked if isinstance(asked, (list, tuple)) else [asked]
    return tuple(path for one in parts for path in _of_one(fspath(one)))


def _of_one(asked: str) -> list[Path]:
    if asked in _NO_PATH:
        raise DataError(f"{asked!r} is no path{_NO_PATH[asked]}")
    path = Path(asked).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return [path]
    if "://" in asked:
        raise DataError(
            f"{asked}: files are read by their paths, and not from elsewhere; copy them here first, or give a lazy "
            "frame of them, as polars.scan_parquet makes"
        )
    if not glob.has_magic(asked):
        raise DataError(f"{asked}: No such file or folder{_near(path)}")
    found = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - absolute patterns too
    files = [f for one in sorted(found) for f in (_in_folder(one) if one.is_dir() and "**" not in asked else [one])]
    files = [file for file in files if file.is_file()]
    if not files:
        raise DataError(f"no file matches {asked!r}{_meant_as_it_is(path) or _beside(path)}")
    return files


def _in_folder(folder: Path) -> list[Path]:
    """The files of a folder, all of which are to be data of one format."""
    inside = sorted(p for p in folder.rglob("*") if p.is_file() and not _is_hidden(p.relative_to(folder)))
    if not inside:
        raise DataError(f"the folder {folder} holds no files; data files end in {', '.join(formats())}")
    strange = next((path for path in inside if not is_data(path)), None)
    if strange is not None:
        ending = next((ending_of(path)[0] for path in inside if is_data(path)), ".parquet")
        raise DataError(
            f"the folder {folder} holds {strange.name}, which is no data file that can be read; "
            f"say which files are meant, as in '{folder}/*{ending}'"
        )
    kinds = {format_of(path).name: path for path in reversed(inside)}  # the first of each
    if len(kinds) > 1:
        (one, first), (other, second), *_ = sorted(kinds.items(), key=lambda found: found[1])
        raise DataError(
            f"the folder {folder} holds files of several formats, such as {first.name} ({one}) and {second.name} "
            f"({other}); say which are meant, as in '{folder}/*{ending_of(first)[0]}'"
        )
    return inside


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)


def _near(path: Path) -> str:
    """Names in the same folder that are close, for a message."""
    if not path.parent.is_dir():
        return f"; there is no folder {path.parent}"
    close = get_close_matches(path.name, [beside.name for beside in path.parent.iterdir()], n=2)
    return f"; did you mean {' or '.join(repr(str(path.with_name(name))) for name in close)}?" if close else ""


def _meant_as_it_is(pattern: Path) -> str:
    """What to write where a folder on the way has the signs of patterns in its name."""
    for folder in pattern.parents:
        if glob.has_magic(folder.name) and folder.is_dir():
            return (
                f": {folder} is there, but signs such as [ ] stand for others in a pattern; name the folder itself, "
                f"or write {glob.escape(str(folder))!r} for it"
            )
    return ""


def _beside(pattern: Path) -> str:
    """What the folder of a pattern holds, for a message."""
    folder = pattern.parent
    if glob.has_magic(str(folder)):
        return ""
    if not folder.is_dir():
        return f": there is no folder {folder}"
    return f"; {folder} holds {_listed(p.name for p in sorted(folder.iterdir()))}"


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "") or "nothing"
