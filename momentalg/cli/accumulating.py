"""DATA of a command: files of rows, and saved sums, which add up."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from momentalg.data.files.datafiles import DataFiles
    from momentalg.inference.runs.progress import Listener, Progress
    from momentalg.inference.sums import Sums
    from momentalg.model.model import Model

LARGE = 20_000_000  # bytes from which reading takes long enough for a bar


def require_data_first(command: str, data: Sequence[str], formula: str) -> None:
    """Refuse a formula among the data, for it comes last, and data or formula that are missing."""
    early = next((one for one in data if "~" in one.lstrip("~") and not Path(one).exists()), None)
    if early is not None:
        others = " ".join([formula, *(repr(one) for one in data if one != early)])
        raise click.UsageError(f"DATA comes before FORMULA: momentalg {command} {others} {early!r}")
    if "~" not in formula.lstrip("~") and Path(formula).expanduser().exists():
        given = shlex.join([*data, formula])
        raise click.UsageError(f"FORMULA is missing; it comes last: momentalg {command} {given} 'y ~ 1 + (1 | user)'")
    if not data:
        raise click.UsageError(f"DATA is missing; it comes first: momentalg {command} data.csv {shlex.quote(formula)}")


def has_sums(data: Sequence[str]) -> bool:
    """Whether saved sums are among the data."""
    from momentalg.inference.saved_sums import SUFFIX

    return any(path.endswith(SUFFIX) for path in data)


def require_rows_for(how: Mapping[str, Any], data: Sequence[str]) -> None:
    """Refuse options of reading rows where all data are saved sums, rather than pass over them."""
    idle = [f"--{name}" for name in ("checkpoint", "engine") if how.get(name) is not None]
    if idle and data and all(has_sums([path]) for path in data):
        raise click.UsageError(f"{' and '.join(idle)}: for files of rows, and these are all saved sums; leave it out")


def total(
    model: Model, data: Sequence[str], separator: str | None, equations: Mapping[str, Any], how: Mapping[str, Any]
) -> Sums:
    """The sums of all data together; those that are saved say what the others are summed for, if nothing else does."""
    from momentalg.data.files.datafiles import data_files

    saved = [model.load_sums(path, **equations) for path in data if has_sums([path])]
    rows = [path for path in data if not has_sums([path])]
    known = sum(saved[1:], saved[0]) if saved else None
    if known is not None:
        model, found = known.estimator.model, known.estimator
        equations = {"statistics": found.given, "means": found.means, "weighting": found.weighting}
    if not rows and known is not None:
        return known
    files = data_files(rows, separator)
    with watched(files, how.get("checkpoint")) as progress:
        more = model.sums(files, **equations, **how, progress=progress)
    return more if known is None else known + more


@contextmanager
def watched(files: DataFiles, checkpoint: Path | None) -> Iterator[Listener]:
    """Give a function to tell of progress: a bar, when someone watches and the files are large."""
    from rich.console import Console

    from momentalg.inference.runs.progress import listening

    is_watched = Console(stderr=True).is_terminal and sum(path.stat().st_size for path in files.paths) >= LARGE
    with listening(is_watched) as bar:
        yield _telling(bar, checkpoint)


def _telling(bar: Listener, checkpoint: Path | None) -> Listener:
    """Tell the bar, and first that a run goes on from its checkpoint."""
    told = False

    def listener(now: Progress) -> None:
        nonlocal told
        if now.resumed and not told:
            click.echo(f"going on from {checkpoint}, which has {now.resumed:,} rows", err=True)
            told = True
        bar(now)

    return listener
