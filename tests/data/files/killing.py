"""A program that starts runs as processes of their own, kills them, fills their disk, and prints what became of it.

It has derived the model before it forks, so that each run begins at once. ``python killing.py FOLDER`` prints JSON.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from momentalg.data.files.formats import format as formats
from momentalg.errors import MomentalgError
from momentalg.inference.runs import checkpoint
from tests.data.files.samples import CROSSED

SECONDS = 0.002  # that a piece takes, beside its work: so that a run has many moments to be killed in


def run(folder: Path, out: Path, slowly: bool = True, rows_before_disk_is_full: int | None = None) -> None:
    """One run; what it gives is saved beside it."""

    def listener(now: object) -> None:
        time.sleep(SECONDS if slowly else 0)
        if now.rows == rows_before_disk_is_full:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))

    sums = CROSSED.sums(folder, checkpoint=out / "run", progress=listener)
    (out / "rows").write_text(str(sums.nobs))
    sums.save(out / "found.sums")


def started(task: Callable[[], None], out: Path) -> int:
    """A process that does a task: 0 as its exit code, 130 for an interruption, 3 for a refusal, which it writes."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        task()
        code = 0
    except KeyboardInterrupt:
        code = 130
    except MomentalgError as error:
        (out / "error").write_text(str(error))
        code = 3
    finally:
        os._exit(code)


def ended(process: int) -> int:
    """The exit code; that of a signal is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def killed_until_it_ends(folder: Path, out: Path, number: int, waits: list[float]) -> list[int]:
    """Runs that are killed after so many seconds each, until one of them ends by itself."""
    codes = []
    for wait in (*waits, None):
        process = started(lambda: run(folder, out), out)
        if wait is not None:
            time.sleep(wait)
            os.kill(process, number)
        codes.append(ended(process))
        if codes[-1] == 0:
            break
    return codes


def main(folder: Path) -> dict[str, object]:
    formats.ROWS, checkpoint.EVERY, checkpoint.WORK = 10, 0.0, 0
    data = folder / "y"
    places = {name: folder / name for name in ("whole", "kill", "term", "int", "full")}
    for place in places.values():
        place.mkdir()
    run(data, places["whole"], slowly=False)
    waits = [0.02 + 0.07 * ((7 * k) % 11) / 11 for k in range(25)]
    found: dict[str, object] = {
        "kill": killed_until_it_ends(data, places["kill"], signal.SIGKILL, waits),
        "term": killed_until_it_ends(data, places["term"], signal.SIGTERM, waits[:5]),
        "int": killed_until_it_ends(data, places["int"], signal.SIGINT, waits[:5]),
    }
    full = places["full"]
    found["full"] = ended(started(lambda: run(data, full, False, rows_before_disk_is_full=200), full))
    found["full error"] = (full / "error").read_text()
    found["left"] = sorted(path.name for path in full.iterdir())
    found["after"] = ended(started(lambda: run(data, full, False), full))
    bits = (places["whole"] / "found.sums").read_bytes()
    found["same"] = [name for name, place in places.items() if (place / "found.sums").read_bytes() == bits]
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
