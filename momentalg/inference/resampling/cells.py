"""Cells: the finest table of sums, from which every resample of whole levels is estimated without reading rows.

A level of a resampled factor that is drawn w times stands in the resample as w levels, each with all that lies in it
under a label of its own. A cell of two resampled factors, drawn v and w times, so occurs v*w times (the pigeonhole
bootstrap of Owen, 2007, "The pigeonhole bootstrap", Ann. Appl. Stat. 1). Leaving a level out is drawing it 0 times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from momentalg.data.labels import together
from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor

if TYPE_CHECKING:
    import numpy as np

    from momentalg.emit.numpy import EstimatorModule
    from momentalg.lower.ir import EstimatorIR, TableSpec

    Array = np.ndarray[Any, Any]

Factor = tuple[str, ...]
"""The label columns of a resampled factor."""

Counts = Mapping[Factor, "Array"]
"""How often each level of a factor is drawn."""

FAILURES = (ValueError, FloatingPointError, MemoryError)
"""What a generated `solve` raises for sums that it cannot estimate from."""


@dataclass(frozen=True)
class Cells:
    """The sums of a generated estimator, kept by cells."""

    estimator: EstimatorModule
    sums: Mapping[str, Any]

    def __post_init__(self) -> None:
        finest = set(self.finest.columns)
        if not all(set(t.columns) <= finest for t in self.estimator.ir.tables) or any(
            a.table is None for a in self.estimator.ir.accumulators
        ):
            raise UnsupportedError("these sums are not kept by cells; cell_sums(model, data) gives such")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the text of the module, which another process imports."""
        return _restored, (self.estimator.source, self.estimator.ir, dict(self.sums))

    @property
    def module(self) -> ModuleType:
        """The generated module."""
        return self.estimator.load()

    @cached_property
    def finest(self) -> TableSpec:
        """The table of the cells."""
        return max(self.estimator.ir.tables, key=lambda t: len(t.columns))

    @cached_property
    def count(self) -> int:
        """The number of cells."""
        return len(self.sums[f"size{self.finest.suffix}"])

    @cached_property
    def labels(self) -> Mapping[str, Array]:
        """For each label column the label of each cell."""
        level = self.sums[f"level{self.finest.suffix}"]
        names = level.dtype.names
        parts = [level] if names is None else [level[name] for name in names]
        return dict(zip(self.finest.columns, parts, strict=True))

    @cached_property
    def codes(self) -> Mapping[str, Array]:
        """The same as 0, 1, ... in the order of the labels."""
        return {column: ordered(labels) for column, labels in self.labels.items()}

    def levels(self, factor: Factor) -> Array:
        """For each cell the level of a factor, as 0, 1, ... in the order of the labels."""
        if factor not in self._levels:
            self._levels[factor] = ordered(combined([self.codes[column] for column in factor]))
        return self._levels[factor]

    def level_count(self, factor: Factor) -> int:
        """The number of levels of a factor."""
        return int(self.levels(factor).max(initial=-1)) + 1

    def solve(self) -> dict[str, float]:
        """The estimates. Raises one of FAILURES for cells that do not determine them."""
        if not self.count:
            raise ValueError("no cell is left: the levels drawn never meet")
        found: dict[str, float] = self.module.solve(dict(self.sums))
        return found

    def resampled(self, counts: Counts) -> Cells:
        """The cells of a resample in which the levels of the factors in `counts` occur that often."""
        import numpy as np

        drawn = {f: np.asarray(c)[self.levels(f)] for f, c in counts.items()}
        times = np.prod(list(drawn.values()), axis=0, dtype=np.int64)
        rows = np.repeat(np.arange(self.count), times)
        left = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
        labels = {column: codes[rows] for column, codes in self.codes.items()}
        for factor, of_cell in drawn.items():  # which of the copies of its levels a copy of the cell lies in
            first = np.cumsum(counts[factor]) - counts[factor]
            left, copy = np.divmod(left, of_cell[rows])
            labels[factor[0]] = first[self.levels(factor)[rows]] + copy
        return self._with(rows, labels)

    def without(self, keep: Array) -> Cells:
        """The cells where `keep` is true, under their own labels."""
        import numpy as np

        rows = np.flatnonzero(keep)
        return self._with(rows, {column: codes[rows] for column, codes in self.codes.items()})

    # -- parts ---------------------------------------------------------------------------------------------------

    @cached_property
    def _levels(self) -> dict[Factor, Array]:
        return {}

    def _with(self, rows: Array, labels: Mapping[str, Array]) -> Cells:
        """Cells taken from these with new labels; what other tables hold is that of the levels they come from."""
        sums = {name: value for name, value in self.sums.items() if name not in self._tabled}
        finest = self.finest
        sums[f"level{finest.suffix}"] = together([labels[column].astype("int64") for column in finest.columns])
        for name in self._names(finest):
            sums[name] = self.sums[name][rows]
        for table in self.estimator.ir.tables:
            if table != finest:
                sums.update(self._coarser(table, rows, labels, sums))
        return Cells(self.estimator, MappingProxyType(sums))

    def _coarser(
        self, table: TableSpec, rows: Array, labels: Mapping[str, Array], sums: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A table that holds the values of covariates on its levels: sums of its cells, and values of its levels."""
        import numpy as np

        parts = [labels[column] for column in table.columns]
        _, first, position = np.unique(combined(parts), return_index=True, return_inverse=True)
        position = position.reshape(-1)
        found: dict[str, Any] = {f"level{table.suffix}": together([part[first].astype("int64") for part in parts])}
        cells_in = {a.powers: a.name for a in self.estimator.ir.accumulators if a.table == self.finest.columns}
        sizes = np.bincount(position, weights=sums[f"size{self.finest.suffix}"], minlength=len(first))
        found[f"size{table.suffix}"] = np.rint(sizes).astype(np.int64)
        for sum_of in self.estimator.ir.accumulators:
            if sum_of.table == table.columns:
                of_cells = sums[cells_in[sum_of.powers]]
                found[sum_of.name] = np.bincount(position, weights=of_cells, minlength=len(first))
        was = self.levels(table.columns)[rows[first]]
        for symbol in self.estimator.ir.levels:
            if symbol.table == table.columns:
                found[symbol.name] = self.sums[symbol.name][was]
        return found

    def _names(self, table: TableSpec) -> list[str]:
        return names_in(self.estimator.ir, table)

    @cached_property
    def _tabled(self) -> frozenset[str]:
        return frozenset(names_by_cells(self.estimator.ir))


def names_in(ir: EstimatorIR, table: TableSpec) -> list[str]:
    """What sums hold per level of a table, its labels apart."""
    kept = [a.name for a in ir.accumulators if a.table == table.columns]
    values = [s.name for s in ir.levels if s.table == table.columns]
    return [f"size{table.suffix}", *kept, *values]


def names_by_cells(ir: EstimatorIR) -> list[str]:
    """What sums hold per level of any table."""
    return [name for t in ir.tables for name in (f"level{t.suffix}", *names_in(ir, t))]


def ordered(labels: Array) -> Array:
    """Labels as 0, 1, ... in their order."""
    import numpy as np

    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def combined(parts: Sequence[Array], sizes: Sequence[int] | None = None) -> Array:
    """One number for each combination of codes, in lexicographic order.

    With `sizes`, which bound the codes, a combination has the same number wherever it occurs.
    """
    found = parts[0].astype("int64")  # codes may be narrow
    for k, part in enumerate(parts[1:], start=1):
        size = int(part.max(initial=-1)) + 1 if sizes is None else sizes[k]
        found = (ordered(found) if sizes is None else found) * size + part
    if sizes is not None and prod(sizes) >= 2**63:
        raise UnsupportedError("there are more than 2**63 combinations of labels")
    return found


def _restored(source: str, ir: Any, sums: dict[str, Any]) -> Cells:
    from momentalg.emit.numpy import EstimatorModule

    return Cells(EstimatorModule(source, ir), MappingProxyType(sums))


def named(factors: Sequence[Factor]) -> str:
    """Factors in words."""
    return " and ".join(join_factor(f) for f in factors)
