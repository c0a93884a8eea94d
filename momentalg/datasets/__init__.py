"""Published data sets, each with its citation: `load("Dyestuff")`, `path("Dyestuff")`, `catalogue()`.

A data set is one CSV file and one module that defines `DATASET`; there is no list to edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from momentalg.catalogue import discover
from momentalg.datasets.dataset import Dataset
from momentalg.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "catalogue", "load", "path"]


def catalogue() -> Mapping[str, Dataset]:
    """The data sets by name, each with description, citation, columns and number of rows."""
    return discover("momentalg.datasets", "DATASET")


def path(name: str) -> Path:
    """Where the CSV file of the data set `name` is.

    Raises `DataError` when there is no such data set.
    """
    known = catalogue()
    if name not in known:
        near = get_close_matches(name.lower(), [n.lower() for n in known], n=1)
        hint = "".join(f"; did you mean {n!r}?" for n in known if n.lower() in near)
        raise DataError(f"no data set is called {name!r}{hint or '.'} The data sets are: {', '.join(known)}.")
    return Path(__file__).with_name(f"{name}.csv")


def load(name: str) -> pd.DataFrame:
    """The data set `name` as a new pandas DataFrame.

    Raises `DataError` when there is no such data set.
    """
    import pandas as pd

    return pd.read_csv(path(name))
