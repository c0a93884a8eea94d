"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from momentalg.data.files.whole import whole


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a file through a temporary one beside it, so that an interruption leaves no half-written file.

    Text is written as UTF-8 with plain newlines. Raises `MomentalgError` when the folder is missing.
    """
    target = Path(path)
    with whole(target) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return target
