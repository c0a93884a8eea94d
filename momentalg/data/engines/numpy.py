"""NumPy, the built-in engine: the generated module itself, on any frame in memory."""

from __future__ import annotations

from typing import Any

from momentalg.data.engines.engine import BUILT_IN, Engine
from momentalg.data.engines.memory import accumulate


def _anything(_data: Any) -> bool:
    return True


ENGINE = Engine(BUILT_IN, "the generated NumPy module, on data in memory", _anything, accumulate)
