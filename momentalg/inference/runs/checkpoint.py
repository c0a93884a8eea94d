"""Checkpoints of runs: a file that holds the sums so far, what they are of, and where the run goes on.

It is a zip archive of ``run.json`` and files of sums (`momentalg.inference.saved_sums`), one a part. It is written
whole or not at all, every `EVERY` seconds of work, when a run is interrupted, and at its end; it is removed once what
was asked for is there: the sums, or the fit. So a fit whose equations fail has its sums still.

A run goes on from a checkpoint where all of this agrees: the model and its statistics, what is done with missing
values, the engine, the size of pieces, and the files: their content, their order, and when they were last written.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import escape
from pathlib import Path
from typing import Any

from momentalg.data.files.datafiles import DataFiles
from momentalg.data.files.formats import format as formats
from momentalg.data.files.marks import Mark
from momentalg.data.files.whole import require_folder, whole
from momentalg.errors import DataError, MomentalgError
from momentalg.inference.runs.state import State
from momentalg.inference.saved_sums import read as read_sums
from momentalg.inference.saved_sums import write as write_sums
from momentalg.inference.sums import Estimator, Sums

EVERY = 30.0
"""Seconds of work between checkpoints, at least."""

WORK = 20
"""Times as long as a checkpoint takes to write there is work before the next: tables may be large, and disks slow."""

FORMAT = "momentalg checkpoint"
VERSION = 1
PAGE, MEMBER = "run.json", "{}.sums"


@dataclass
class Checkpoint:
    """The checkpoint of one run: `facts` are what a run that goes on from it has to agree with."""

    path: Path
    estimator: Estimator
    facts: Mapping[str, Any]
    rows: int = 0  # in the file
    due: float = field(default_factory=lambda: time.monotonic() + EVERY)

    def found(self) -> State:
        """Where the run goes on: the state in the file, or the beginning where there is none.

        Raises `DataError` for a file that is no checkpoint, and for one of another run, naming what differs.
        """
        require_folder(self.path)
        if self.path.is_dir():
            raise DataError(f"the checkpoint {str(self.path)!r} is a folder; name a file, such as {self.path / 'run'}")
        for torn in self.path.parent.glob(f".{escape(self.path.name)}.*.part"):  # of a process that was killed
            torn.unlink(missing_ok=True)
        if not self.path.exists():
            return State()
        try:
            with zipfile.ZipFile(self.path) as archive:
                page = json.loads(archive.read(PAGE))
                self._require_own(page)
                parts = tuple(self._part(archive, number) for number in range(page["parts"]))
                state = State(parts, page["left_out"], page["file"], page["piece"])
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
            raise DataError(
                f"{self.path} is no checkpoint, or is damaged ({error}); name another file, or remove it to begin anew"
            ) from error
        self.rows = state.rows
        return state

    def save_if_due(self, state: State) -> None:
        """Write the state, if it is time."""
        if time.monotonic() >= self.due:
            self.save(state)

    def save(self, state: State) -> None:
        """Write the state; raises `MomentalgError` where it cannot be, and the checkpoint before stays as it was."""
        began = time.monotonic()
        page = {
            **self.facts,
            "left_out": state.left_out,
            "file": state.file,
            "piece": state.piece,
            "rows": state.rows,
            "parts": len(state.parts),
        }
        try:
            with whole(self.path) as file, zipfile.ZipFile(file, "w") as archive:
                archive.writestr(PAGE, json.dumps(page, ensure_ascii=False, indent=1))
                for number, part in enumerate(state.parts):
                    with archive.open(MEMBER.format(number), "w", force_zip64=True) as inner:
                        write_sums(part, inner)
        except MomentalgError as error:
            before = f"the checkpoint of {self.rows:,} rows is as it was" if self.rows else "there is no checkpoint yet"
            raise type(error)(
                f"the checkpoint of {state.rows:,} rows cannot be written: {error}. The run has stopped; {before}: "
                "make room and run the same again"
            ) from error
        self.rows = state.rows
        now = time.monotonic()
        self.due = now + max(EVERY, WORK * (now - began))

    def remove(self) -> None:
        """Remove the file: what it was for is there."""
        self.path.unlink(missing_ok=True)

    def _part(self, archive: zipfile.ZipFile, number: int) -> Sums:
        e = self.estimator
        with archive.open(MEMBER.format(number)) as file:
            return replace(read_sums(file, str(self.path), e.model, e.given, e.means, e.weighting), estimator=e)

    def _require_own(self, page: Mapping[str, Any]) -> None:
        if page.get("format") != FORMAT or page.get("version") != VERSION:
            raise DataError(
                f"{self.path} is no checkpoint that this momentalg reads: it is {page.get('format')!r} of version "
                f"{page.get('version')}; name another file, or remove it to begin anew"
            )
        for what in self.facts:
            if page[what] != self.facts[what]:
                differs = (
                    _files_differ(page[what], self.facts[what])
                    if what == "files"
                    else f"its {what} is {page[what]!r}, and this run's {self.facts[what]!r}"
                )
                raise DataError(
                    f"{self.path} is the checkpoint of another run: {differs}; make it the same again, name another "
                    "file, or remove it to begin anew"
                )


def facts(estimator: Estimator, files: DataFiles, marks: Sequence[Mark], missing: str, engine: str) -> dict[str, Any]:
    """What a run is of, in the words and the order in which differences are told."""
    times = [int(path.stat().st_mtime) for path in files.paths]
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": estimator.text,
        "statistics": estimator.statistics,
        "means": estimator.means,
        "weighting": estimator.weighting,
        "missing": missing,
        "engine": engine,
        "rows of a piece": formats.ROWS,
        "separator": files.separator,
        "files": [
            {"name": m.name, "size": m.size, "digest": m.digest, "written": at}
            for m, at in zip(marks, times, strict=True)
        ],
    }


def _files_differ(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> str:
    """The first file that differs; files are told apart by their content."""
    known = {f["digest"]: f for f in now}
    for file in before:
        same = known.get(file["digest"])
        if same is not None and same["written"] != file["written"]:
            return f"{same['name']} was written again since"
        if same is None:
            named = any(f["name"] == file["name"] for f in now)
            return f"{file['name']} has changed since" if named else f"{file['name']} is not among the files any more"
    read = {f["digest"] for f in before}
    new = next((f["name"] for f in now if f["digest"] not in read), None)
    return f"{new} was not among its files" if new else "the files are in another order"
