"""What is said of data that are refused is said once, for all engines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import DataError

MODEL = ma.Model("y ~ 1 + (1 | user)")
FRAME = pd.DataFrame({"user": [1, 1, 2, 2, 3], "y": [1.0, np.nan, 2.5, 4.0, 3.0]})


@pytest.mark.parametrize(
    "engine", [None, *(pytest.param(name, marks=pytest.mark.engine(name)) for name in ("polars", "duckdb", "numba"))]
)
def test_another_word_for_missing_values_is_refused_by_every_engine(engine):
    """No engine takes it for one of the two that there are, and sums what is there."""
    with pytest.raises(DataError, match="missing= is 'refuse' or 'drop', not 'ignore'"):
        MODEL.sums(FRAME, missing="ignore", engine=engine)
