"""What is known about a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Dataset:
    """A published data set; its rows are in `<name>.csv` beside its module."""

    name: str
    description: str
    citation: str
    columns: Mapping[str, str]  # what each column means, with its unit, in the order of the file
    rows: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))  # one object serves all callers
