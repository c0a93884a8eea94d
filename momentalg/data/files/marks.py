"""What tells one file from another, whatever it is called: sums remember the files that are in them.

The mark of a file is its size and a digest of its bytes: of all of them up to 4 MiB, and beyond that of 64 blocks of
64 KiB spread evenly from the first byte to the last. So it is found in milliseconds, whatever the size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

BLOCK = 2**16
BLOCKS = 64


@dataclass(frozen=True, order=True)
class Mark:
    """The mark of a file; equal for equal content. The name is for messages."""

    size: int
    digest: str
    name: str = field(compare=False)


def mark_of(path: Path) -> Mark:
    """Read the mark of a file."""
    size = path.stat().st_size
    found = blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        if size <= BLOCK * BLOCKS:
            found.update(file.read())
        else:
            for k in range(BLOCKS):
                file.seek(k * (size - BLOCK) // (BLOCKS - 1))
                found.update(file.read(BLOCK))
    return Mark(size, found.hexdigest(), path.name)
