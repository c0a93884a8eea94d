"""Binary files that are written whole or not at all: an interruption or a full disk leaves what was there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from momentalg.errors import MomentalgError


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Give a binary file to write, which becomes `path` in one step when the block ends, and is removed on an error.

    Raises `MomentalgError` for a folder that is missing, and for what the system refuses, such as a full disk.
    """
    target = Path(path)
    require_folder(target)
    if target.is_dir():
        raise MomentalgError(f"cannot write {str(target)!r}: it is a folder; name a file")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise _refused(target, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # some systems tell of a full disk only now
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        temporary.replace(target)
    except OSError as error:
        raise _refused(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def require_folder(target: Path) -> None:
    """Raise `MomentalgError` when the folder of a file to write is missing: better before long work than after."""
    if not target.parent.is_dir():
        raise MomentalgError(
            f"cannot write {target.name}: the folder {str(target.parent)!r} does not exist; make it first"
        )


def _refused(target: Path, error: OSError) -> MomentalgError:
    return MomentalgError(f"cannot write {target}: {error.strerror or error}; what was there is unchanged")
