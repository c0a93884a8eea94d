"""Which files are meant: paths, folders, patterns such as ``"ratings/*.parquet"``, and lists of these."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from momentalg.data.files.formats.format import ending_of, format_of, formats, is_data
from momentalg.errors import DataError


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
    path = Path(asked).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return [path]
    if not glob.has_magic(asked):
        hint = "; remote files are not read: copy them here first" if "://" in asked else ""
        raise DataError(f"{asked}: No such file or folder{hint}")
    found = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - absolute patterns too
    files = [f for one in sorted(found) for f in (_in_folder(one) if one.is_dir() and "**" not in asked else [one])]
    files = [file for file in files if file.is_file()]
    if not files:
        raise DataError(f"no file matches {asked!r}{_beside(path)}")
    return files


def _in_folder(folder: Path) -> list[Path]:
    """The files of a folder, all of which are to be data of one format."""
    inside = sorted(p for p in folder.rglob("*") if p.is_file() and not _is_hidden(p.relative_to(folder)))
    if not inside:
        raise DataError(f"the folder {folder} holds no files; data files end in {', '.join(formats())}")
    strange = next((path for path in inside if not is_data(path)), None)
    if strange is not None:
        raise DataError(
            f"the folder {folder} holds {strange.name}, which is no data file that can be read; "
            f"say which files are meant, as in '{folder}/*.parquet'"
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
