"""SIGTERM as an exception: a run that a scheduler ends writes its checkpoint, as one that is interrupted by hand."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Terminated(KeyboardInterrupt):
    """The process was told to end, by SIGTERM."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM inside the block, in the main thread, unless someone else handles it."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def ended(_number: int, _frame: Any) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, ended)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
