"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from momentalg.errors import MomentalgError


def require_folder(target: Path) -> None:
    """Raise `MomentalgError` when the folder of a file to write is missing: better before long work than after."""
    if not target.parent.is_dir():
        raise MomentalgError(
            f"cannot write {target.name}: the folder {str(target.parent)!r} does not exist; make it first"
        )


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a file through a temporary one beside it, so that an interruption leaves no half-written file.

    Text is written as UTF-8 with plain newlines. Raises `MomentalgError` when the folder is missing.
    """
    target = Path(path)
    require_folder(target)
    if target.is_dir():
        raise MomentalgError(f"cannot write {str(target)!r}: it is a folder; name a file")
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target
