"""The container of saved sums: a zip archive of checked arrays, and a page that says what they are.

Members are NumPy's ``.npy`` arrays, which are never pickled, and one page in JSON. All are stored as they are, without
compression, so that ``numpy.load`` and any unzip program open a file of sums. The page has a digest of every array, and
the comment of the archive a digest of the page: what is read is to the last bit what was written, or it is refused. The
same sums give the same bytes, whenever they are written.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from momentalg.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PAGE = "sums.json"
COMMENT = "momentalg sums, blake2b "
BLOCK = 2**20
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that an archive can tell: no time of writing is told

DAMAGE = (
    BadZipFile, EOFError, KeyError, MemoryError, NotImplementedError, OSError, OverflowError, RecursionError,
    RuntimeError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What a broken archive raises where it is opened and read."""


def write(file: IO[bytes], page: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write an archive to an open binary file; `page` gets the digests of the arrays, under "arrays"."""
    with ZipFile(file, "w", ZIP_STORED) as archive:
        digests = {name: _write_array(archive, name, array) for name, array in arrays.items()}
        text = json.dumps({**page, "arrays": digests}, indent=1, ensure_ascii=True, allow_nan=False).encode()
        archive.writestr(_member(PAGE), text)
        archive.comment = f"{COMMENT}{_new(text).hexdigest()}".encode()


def read(file: IO[bytes], name: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The page and the arrays of an archive, verified; raises `DataError` that names the file for anything else."""
    try:
        with ZipFile(file) as archive:
            page = _read_page(archive)
            digests = page.pop("arrays")
            _require_members(archive, [PAGE, *(f"{array}.npy" for array in digests)])
            return page, {array: _read_array(archive, array, digest) for array, digest in digests.items()}
    except DAMAGE as error:
        raise DataError(
            f"{name} is no file of sums, or is cut off or damaged ({str(error) or type(error).__name__}); "
            "sums.save(path) and `momentalg sums` write such files: take another copy, or make the sums again"
        ) from error


def is_one(path: Path) -> bool:
    """Whether a file calls itself an archive of sums; nothing of it is verified."""
    try:
        with ZipFile(path) as archive:
            return archive.comment.startswith(COMMENT.encode())
    except DAMAGE:
        return False


class _Digesting:
    """A file that is written to, and a digest of what is."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = _new()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self.file.write(content)


def _new(content: bytes = b"") -> Any:
    return blake2b(content, digest_size=16)


def _member(name: str) -> ZipInfo:
    found = ZipInfo(name, EPOCH)
    found.create_system = 3  # the same bytes on every system
    found.external_attr = 0o644 << 16
    return found


def _write_array(archive: ZipFile, name: str, array: Array) -> str:
    import numpy as np

    with archive.open(_member(f"{name}.npy"), "w", force_zip64=True) as file:
        digesting = _Digesting(file)
        np.lib.format.write_array(digesting, np.ascontiguousarray(array), allow_pickle=False)
    digest: str = digesting.digest.hexdigest()
    return digest


def _read_page(archive: ZipFile) -> dict[str, Any]:
    text = archive.read(PAGE)
    if archive.comment.decode("ascii") != f"{COMMENT}{_new(text).hexdigest()}":
        raise ValueError(f"the digest of {PAGE} is not that of what was written")
    page = json.loads(text, parse_constant=_refused_number)
    if not (isinstance(page, dict) and isinstance(page.get("arrays"), dict)):
        raise ValueError(f"{PAGE} lists no arrays")
    return page


def _refused_number(text: str) -> None:
    raise ValueError(f"{PAGE} holds {text}, which is no number")


def _require_members(archive: ZipFile, names: list[str]) -> None:
    """Check that the archive has these members, each once, stored as they are, and no others."""
    members = archive.infolist()
    if sorted(m.filename for m in members) != sorted(names):
        strange = sorted({m.filename for m in members} ^ set(names)) or ["one of them twice"]
        raise ValueError(f"the arrays that it has are not those that it lists: {', '.join(strange)}")
    if any(m.compress_type != ZIP_STORED or m.compress_size != m.file_size for m in members):
        raise ValueError("its members are compressed")


def _read_array(archive: ZipFile, name: str, digest: str) -> Array:
    """An array, read once for its digest, so that nothing is made of what was not written, and once for its values."""
    import numpy as np

    found = _new()
    with archive.open(f"{name}.npy") as file:
        while block := file.read(BLOCK):
            found.update(block)
    if found.hexdigest() != digest:
        raise ValueError(f"the digest of {name} is not that of what was written")
    with archive.open(f"{name}.npy") as file:
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise ValueError(f"{name} holds more than one array")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
