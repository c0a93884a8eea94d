"""`Sums`: what a fit needs of some data. Sums of chunks, files or sites add up exactly, whichever engine made them.

``model.fit(model.sums(first) + model.sums(second))``: tables are merged by the labels of levels, never estimates
averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from momentalg.data.engines.engine import Task, chosen
from momentalg.data.files.marks import Mark
from momentalg.errors import DataError, ModelError, NothingLeftError
from momentalg.inference.label_kinds import alike
from momentalg.inference.taking_away import difference
from momentalg.inference.without_levels import without
from momentalg.moments.system import default_statistics
from momentalg.moments.weighting import chosen_weighting

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from momentalg.emit.numpy import EstimatorModule
    from momentalg.model.model import Model
    from momentalg.moments.system import MomentSystem


@dataclass(frozen=True)
class Estimator:
    """A model with the statistics to fit it by; equal, and cached, by its text."""

    text: str
    statistics: str
    means: str | None
    weighting: str
    model: Model = field(compare=False, repr=False)
    given: Any = field(compare=False, repr=False)
    language: str = field(default="numpy", compare=False)  # of the module

    @property
    def described(self) -> str:
        """The model and the statistics, for messages."""
        means = f", means={self.means!r}" if self.means else ""
        weighting = f", weighting={self.weighting!r}" if self.weighting != "none" else ""
        return f"{self.text} with {self.statistics}{means}{weighting}"

    @property
    def system(self) -> MomentSystem:
        """The moment equations."""
        return _system(self)

    @property
    def generated(self) -> EstimatorModule:
        """The generated module as text, with the representation that it was made from."""
        return _generated(self, self.language)

    @property
    def module(self) -> ModuleType:
        """The generated module, which solves."""
        return self.generated.load()


@dataclass(frozen=True, repr=False)
class Sums:
    """What a fit needs of some data. Sums of parts of the data add; the labels of levels match them up."""

    estimator: Estimator
    table: Mapping[str, Any]
    nobs: int
    dropped: int = 0
    files: frozenset[Mark] = frozenset()  # that are in them

    @cached_property
    def prepared(self) -> dict[str, Any]:
        """The table as the functions of the module take it, with what several of them need found once."""
        module = self.estimator.module
        found: dict[str, Any] = dict(self.table)
        return module.prepared(found) if hasattr(module, "prepared") else found

    def __repr__(self) -> str:
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        return f"<Sums for {self.estimator.described}: {self.nobs} observations{dropped}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the table as a dictionary, so that sums travel between processes."""
        return _restored, (self.estimator, dict(self.table), self.nobs, self.dropped, self.files)

    def __add__(self, other: Sums) -> Sums:
        if not isinstance(other, Sums):
            return NotImplemented
        _require_same(self.estimator, other.estimator)
        if both := self.files & other.files:
            names = sorted({mark.name for mark in (*self.files, *other.files) if mark in both})
            raise DataError(f"{' and '.join(names)}: in both sums; the same rows would count twice, leave one out")
        tables = alike(self.estimator.module.LEVELS, self.table, other.table)
        try:
            table = self.estimator.module.combine(*tables)
        except (TypeError, ValueError) as error:
            raise DataError(f"these sums do not merge: {error}") from error
        return replace(
            self,
            table=MappingProxyType(table),
            nobs=self.nobs + other.nobs,
            dropped=self.dropped + other.dropped,
            files=self.files | other.files,
        )

    def __sub__(self, other: Sums) -> Sums:
        """What is left when rows that are in these sums are taken away: `momentalg.inference.taking_away`."""
        if not isinstance(other, Sums):
            return NotImplemented
        _require_same(self.estimator, other.estimator)
        for mark in sorted(other.files - self.files):
            raise DataError(
                f"{mark.name} is not one of the files in these sums; if it holds rows of theirs that are to go, take "
                "them away as rows: sums - part.unmarked"
            )
        if other.dropped > self.dropped:
            raise DataError(f"rows that were dropped: {other.dropped} to take away, and {self.dropped} in these sums")
        tables = alike(self.estimator.module.LEVELS, self.table, other.table)
        try:
            table = difference(self.estimator.generated.ir, self.estimator.module, *tables)
        except (TypeError, ValueError) as error:
            raise DataError(f"these sums are not taken away: {error}") from error
        return replace(
            self,
            table=MappingProxyType(table),
            nobs=self.nobs - other.nobs,
            dropped=self.dropped - other.dropped,
            files=self.files - other.files,
        )

    def without(self, factor: str, labels: Any) -> Sums:
        """What is left without all rows of some levels, as in ``sums.without("user", ["u7", "u9"])``.

        Raises `UnsupportedError` where the sums do not tell the rows of a level apart.
        """
        model, ir = self.estimator.model.resolved, self.estimator.generated.ir
        table = without(model, ir, self.table, factor, labels)
        return replace(self, table=MappingProxyType(table), nobs=int(table[f"size{ir.tables[0].suffix}"].sum()))

    @property
    def unmarked(self) -> Sums:
        """The same sums, of rows that may be from anywhere: they do not know the files that they were read from."""
        return replace(self, files=frozenset())

    def __radd__(self, other: object) -> Sums:
        """Let ``sum(parts)`` work, which begins with 0."""
        return self if other == 0 else NotImplemented

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write them to a file, which ``model.load_sums(path)`` reads: `momentalg.inference.saved_sums`."""
        from momentalg.inference.saved_sums import save

        return save(self, path)


def _require_same(first: Estimator, second: Estimator) -> None:
    """Check that sums are of the same model, for the same statistics."""
    if first != second:
        raise ModelError(
            f"sums of different models or statistics do not add: {first.described} and {second.described}"
            f"{_of_their_own(first.model, second.model)}"
        )


def _of_their_own(first: Model, second: Model) -> str:
    """What to do where two models differ in the levels that were seen in parts of the data."""
    known = [dict(m.resolved.coded) for m in (first, second)]
    if first.formula != second.formula or known[0] == known[1]:
        return ""
    return f"; declare the levels of all parts for {', '.join(map(repr, known[0]))}, in fixed= or residual_by="


def _restored(estimator: Estimator, table: dict[str, Any], *counted: Any) -> Sums:
    return Sums(estimator, MappingProxyType(table), *counted)


def sums_of(estimator: Estimator, data: Any, missing: str, engine: str | None = None) -> Sums:
    """The sums of an estimator: anything that has a module, a model whose levels are known, and a description."""
    if isinstance(data, (list, tuple)) or hasattr(data, "__next__"):
        return _sums_of_parts(estimator, data, missing, engine)
    return _sums_of_part(estimator, data, missing, engine)


def _sums_of_parts(estimator: Estimator, parts: Iterable[Any], missing: str, engine: str | None) -> Sums:
    """The sums of all parts; one that has no rows, or whose rows are all dropped, has none of its own."""
    total: Sums | None = None
    left_out, part = 0, None
    for part in parts:
        try:
            more = _sums_of_part(estimator, part, missing, engine)
        except NothingLeftError as error:
            left_out += error.rows
            continue
        total = more if total is None else total + more
    if total is None:
        raise DataError("there are no parts of data") if part is None else NothingLeftError(left_out)
    return replace(total, dropped=total.dropped + left_out)


def _sums_of_part(estimator: Estimator, data: Any, missing: str, engine: str | None) -> Sums:
    found = chosen(data, engine)
    if found.language != estimator.language:
        estimator = replace(estimator, language=found.language)
    generated = estimator.generated
    part = found.accumulate(Task(estimator.model.resolved, generated.ir, generated.load(), missing), data)
    return Sums(estimator, MappingProxyType(part.table), part.nobs, part.dropped)


def estimator_of(model: Model, statistics: Any, means: str | None, weighting: str | None = None) -> Estimator:
    """What a fit is by; statistics that are named are solved as they are, unless a weighting is."""
    asked = default_statistics(model.resolved) if statistics is None else statistics
    named = asked if isinstance(asked, str) else repr(asked)
    chosen = chosen_weighting(model.resolved, weighting, statistics is means is None)
    return Estimator(repr(model), named, means, chosen, model, statistics)


@lru_cache(maxsize=64)
def _system(estimator: Estimator) -> MomentSystem:
    asked = estimator.given, estimator.means, estimator.weighting
    system: MomentSystem = estimator.model.moment_equations(*asked)
    return system


@lru_cache(maxsize=64)
def _generated(estimator: Estimator, backend: str) -> EstimatorModule:
    from momentalg.emit.backend import estimator as generate

    found: EstimatorModule = generate(estimator.system, backend)
    return found
