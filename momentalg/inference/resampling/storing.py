"""Files of resamples: an .npz archive of arrays and one text of settings, without pickles, with a version."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from momentalg.emit.writing import write_whole
from momentalg.errors import DataError, ModelError
from momentalg.inference.resampling.resamples import Question, Resamples
from momentalg.inference.resampling.running import Outcome
from momentalg.model.mapping import FrozenMapping

FORMAT, VERSION = "momentalg resamples", 1
EVERY = 5.0  # seconds between two writings of a run that goes on


@dataclass
class Run:
    """The outcomes of a bootstrap while it runs, written to its file now and then."""

    question: Question
    observed: dict[str, float]
    centre: dict[str, float]
    observed_errors: dict[str, float]
    path: Path | None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    written: float = field(default_factory=time.monotonic)

    def take_up(self) -> None:
        """Read the outcomes that the file holds already, if there is one."""
        if self.path is None or not self.path.exists():
            return
        found = read(self.path)
        differ = [f.name for f in fields(Question) if getattr(found.question, f.name) != getattr(self.question, f.name)]
        if differ:
            ours, theirs = getattr(self.question, differ[0]), getattr(found.question, differ[0])
            what = (
                "the data or the estimator" if differ[0] == "fingerprint" else f"{differ[0]}, {theirs!r} and {ours!r}"
            )
            raise ModelError(
                f"{str(self.path)!r} holds another bootstrap: they differ in {what}. Name another file to begin anew"
            )
        self.outcomes.update({o.number: o for o in found.outcomes})

    def keep(self, outcome: Outcome) -> None:
        """Take an outcome in."""
        self.outcomes[outcome.number] = outcome
        if self.path is not None and time.monotonic() - self.written > EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, if there is one."""
        if self.path is not None:
            write(self.path, self.result())
        self.written = time.monotonic()

    def result(self) -> Resamples:
        """What there is so far."""
        outcomes = tuple(self.outcomes[number] for number in sorted(self.outcomes))
        observed, centre, errors = map(FrozenMapping, (self.observed, self.centre, self.observed_errors))
        return Resamples(self.question, observed, centre, errors, outcomes)


def write(path: str | os.PathLike[str], resamples: Resamples) -> Path:
    """Write resamples, whole or not at all."""
    import numpy as np

    settings = {
        "format": FORMAT,
        "version": VERSION,
        "question": asdict(resamples.question),
        "observed": dict(resamples.observed),
        "centre": dict(resamples.centre),
        "observed_errors": dict(resamples.observed_errors),
        "failures": {str(number): reason for number, reason in resamples.failures.items()},
    }
    arrays = {
        "settings": np.array(json.dumps(settings)),
        "replicates": resamples.estimates.index.to_numpy(dtype=np.int64),
        "estimates": resamples.estimates.to_numpy(),
        "with_errors": resamples.errors.index.to_numpy(dtype=np.int64),
        "errors": resamples.errors.to_numpy(),
    }
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # its stubs know no mapping of names to arrays
    return write_whole(path, file.getvalue())


def read(path: str | os.PathLike[str]) -> Resamples:
    """Read resamples. Raises `DataError` for what is no file of resamples, or of another version."""
    import numpy as np

    try:
        with np.load(Path(path), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        settings: dict[str, Any] = json.loads(str(arrays["settings"]))
        if settings["format"] != FORMAT:
            raise KeyError("format")
    except FileNotFoundError as error:
        raise DataError(f"there is no file {str(path)!r}") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{str(path)!r} is no file of resamples, or is damaged; Resamples.save writes such") from error
    if settings["version"] != VERSION:
        raise DataError(
            f"{str(path)!r} is of version {settings['version']} of the format, and this momentalg reads {VERSION}: "
            "run the bootstrap again into another file"
        )
    try:
        return _resamples(settings, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{str(path)!r} is damaged: {error!r}; run the bootstrap again into another file") from error


def _resamples(settings: dict[str, Any], arrays: dict[str, Any]) -> Resamples:
    question = Question(**{**settings["question"], "keys": tuple(settings["question"]["keys"])})
    errors = dict(zip(arrays["with_errors"].tolist(), map(tuple, arrays["errors"].tolist()), strict=True))
    numbers, values = arrays["replicates"].tolist(), arrays["estimates"].tolist()
    if any(len(row) != len(question.keys) for row in (*values, *errors.values())):
        raise ValueError("estimates and keys do not go together")
    outcomes = [Outcome(n, tuple(row), errors.get(n)) for n, row in zip(numbers, values, strict=True)]
    outcomes += [Outcome(int(number), failure=reason) for number, reason in settings["failures"].items()]
    return Resamples(
        question=question,
        observed=FrozenMapping(settings["observed"]),
        centre=FrozenMapping(settings["centre"]),
        observed_errors=FrozenMapping(settings["observed_errors"]),
        outcomes=tuple(sorted(outcomes, key=lambda o: o.number)),
    )
