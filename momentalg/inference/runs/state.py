"""How far a run has come: the sums so far, and where it goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from momentalg.inference.sums import Sums


@dataclass(frozen=True)
class State:
    """The sums of all pieces before piece number `piece` of file number `file`; None before the first.

    `left_out` counts the rows of pieces in which all rows have missing values, and which have no sums.
    """

    total: Sums | None = None
    left_out: int = 0
    file: int = 0
    piece: int = 0

    @property
    def rows(self) -> int:
        """The rows that were read."""
        return self.left_out + (self.total.nobs + self.total.dropped if self.total is not None else 0)

    def after(self, part: Sums | None, left_out: int = 0) -> State:
        """After one more piece of the file, with its sums if it has any."""
        total = part if self.total is None else self.total if part is None else self.total + part
        return replace(self, total=total, left_out=self.left_out + left_out, piece=self.piece + 1)

    def next_file(self) -> State:
        """At the beginning of the next file."""
        return replace(self, file=self.file + 1, piece=0)
