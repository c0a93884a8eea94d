"""How far a run has come: the sums so far, and where it goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from momentalg.inference.sums import Sums


@dataclass(frozen=True)
class State:
    """The sums of all pieces before piece number `piece` of file number `file`, in parts that add up to them.

    A part is merged with the one before once it is half as large. So a table of cells, that grows with the rows, is
    not gone through for each piece, and all parts are no more than twice as large as the largest.

    `left_out` counts the rows of pieces in which all rows have missing values, and which have no sums.
    """

    parts: tuple[Sums, ...] = ()
    left_out: int = 0
    file: int = 0
    piece: int = 0

    @property
    def rows(self) -> int:
        """The rows that were read."""
        return self.left_out + sum(part.nobs + part.dropped for part in self.parts)

    @property
    def total(self) -> Sums | None:
        """The sums of all parts; None where there are none."""
        parts = list(self.parts)
        while len(parts) > 1:
            last = parts.pop()
            parts[-1] += last
        return parts[0] if parts else None

    def after(self, part: Sums | None, left_out: int = 0) -> State:
        """After one more piece of the file, with its sums if it has any."""
        parts = list(self.parts)
        if part is not None:
            parts.append(part)
        while len(parts) > 1 and _size(parts[-2]) <= 2 * _size(parts[-1]):
            last = parts.pop()
            parts[-1] += last
        return replace(self, parts=tuple(parts), left_out=self.left_out + left_out, piece=self.piece + 1)

    def at_file(self, file: int) -> State:
        """At the beginning of a file."""
        return replace(self, file=file, piece=0)


def _size(sums: Sums) -> int:
    """The bytes of the tables."""
    return sum(getattr(values, "nbytes", 0) for values in sums.table.values())
