"""numba: data in memory by a compiled pass, one record of count and sums for each level. Chosen only by name.

The first fit of a model in a process waits for the compiler, about a second: it is for large data, or many fits.
"""

from __future__ import annotations

from typing import Any

from momentalg.data.engines.engine import Engine
from momentalg.data.engines.memory import accumulate


def _nothing(_data: Any) -> bool:
    return False


ENGINE = Engine(
    "numba",
    "a module compiled by numba, on data in memory; only by name",
    _nothing,
    accumulate,
    needs=("numba",),
    language="numba",
)
