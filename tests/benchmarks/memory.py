"""Peak memory of a call beyond what is there before it, in an interpreter of its own.

The kernel keeps the greatest resident size of a process, and forgets it on request (`/proc/self/clear_refs`), so that
nothing is missed between samples and no allocator escapes. Where there is no such file, on other systems than Linux,
nothing is measured, and it says so.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
ARRAYS_OF_THEIR_OWN = {"MALLOC_MMAP_THRESHOLD_": "131072"}  # freed arrays go back to the system: none is used again
CHILD = "from tests.benchmarks.memory import child; child()"


class TookTooLongError(Exception):
    """A call took longer than it may."""


def measurable() -> bool:
    """Whether this system tells the greatest resident size, and lets it be forgotten."""
    return STATUS.exists() and FORGET.exists()


def peak_of(call: Callable[[], Any]) -> tuple[int, Any]:
    """The bytes beyond those before the call, at most, while it ran, and what it gives. Warm up before; 0 elsewhere."""
    if not measurable():
        return 0, call()
    gc.collect()
    FORGET.write_text("5")
    before = _status("VmRSS")
    found = call()
    return max(_status("VmHWM") - before, 0), found


def in_own_process(
    function: Callable[..., Any], *arguments: Any, at_most: float | None = None, for_memory: bool = True
) -> Any:
    """What a function of a module gives in an interpreter of its own; arguments and results are JSON.

    Memory that is freed goes back to the system there, so that peaks are peaks; which costs time, and is left out where
    time is measured and not memory.

    Raises `TookTooLongError`, or RuntimeError with the last line of what a program that fails says.
    """
    call = json.dumps([_module_of(function), function.__name__, arguments])
    try:
        run = subprocess.run(
            [sys.executable, "-c", CHILD],
            input=call,
            capture_output=True,
            text=True,
            check=False,
            timeout=at_most,
            env={**os.environ, **(ARRAYS_OF_THEIR_OWN if for_memory else {})},
        )
    except subprocess.TimeoutExpired:
        raise TookTooLongError(f"{function.__name__} took more than {at_most} seconds") from None
    if run.returncode:
        last = (run.stderr.strip().splitlines() or [""])[-1]
        raise RuntimeError(last or f"{function.__name__} ended with code {run.returncode}")
    return json.loads(run.stdout.splitlines()[-1])


def child() -> None:
    """The other side of `in_own_process`."""
    module, function, arguments = json.load(sys.stdin)
    print(json.dumps(getattr(importlib.import_module(module), function)(*arguments)))


@contextmanager
def on_disk(columns: Mapping[str, np.ndarray[Any, Any]]) -> Iterator[str]:
    """A folder that holds columns for other processes, while it is needed: see `loaded`."""
    with tempfile.TemporaryDirectory() as folder:
        for name, values in columns.items():
            np.save(Path(folder) / f"{name}.npy", values)
        yield folder


def loaded(folder: str) -> dict[str, np.ndarray[Any, Any]]:
    """The columns in a folder, and nothing else in memory."""
    return {path.stem: np.load(path) for path in sorted(Path(folder).glob("*.npy"))}


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    assert found is not None
    return 1024 * int(found[1])


def _module_of(function: Callable[..., Any]) -> str:
    """The name to import a function's module by, also where it is the program that runs."""
    module = sys.modules[function.__module__]
    return module.__spec__.name if module.__spec__ is not None else module.__name__
