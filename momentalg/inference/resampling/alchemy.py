"""Software Alchemy: the data in chunks, an estimate of each, and their average (Matloff 2016, J. Stat. Softw. 71:4).

It makes any estimator parallel, at a price that is measured here, on the same data: the standard error of the average
over that of the exact merger, each by leaving out the same groups of units from all chunks at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import read_columns
from momentalg.errors import DataError, ModelError, NotIdentifiedError, UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.inference import sums as fitting
from momentalg.inference.resampling.bootstrap import estimates_of
from momentalg.inference.resampling.cells import FAILURES, Cells, Factor, combined
from momentalg.inference.resampling.equations import Asked, CellEstimator, data_of, equations
from momentalg.inference.resampling.factors import outermost, sets_of
from momentalg.inference.resampling.running import require_count, stream
from momentalg.inference.result import keys_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from momentalg.inference.result import FitResult
    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]

BY = ("units", "rows")
GROUPS = 50  # that are left out in turn to measure the price


@dataclass(frozen=True, repr=False)
class Alchemy:
    """The average of the estimates of chunks, beside those of the exact merger of their sums."""

    model: str
    by: str
    keys: tuple[str, ...]
    rows: tuple[int, ...]  # per chunk
    of_chunks: tuple[tuple[float, ...], ...]
    merged: Mapping[str, float]
    averaged_errors: Mapping[str, float]  # by leaving out units; empty where the price was not measured
    merged_errors: Mapping[str, float]
    notes: tuple[str, ...]

    @property
    def chunk_estimates(self) -> pd.DataFrame:
        """One row per chunk, one column per parameter."""
        import pandas as pd

        index = pd.RangeIndex(len(self.of_chunks), name="chunk")
        return pd.DataFrame(list(self.of_chunks), index=index, columns=pd.Index(self.keys, name="parameter"))

    @property
    def params(self) -> pd.Series[float]:
        """The averages over the chunks."""
        return self.chunk_estimates.mean().rename("estimate")

    @property
    def bse(self) -> pd.Series[float]:
        """Standard errors by the spread of the chunks, s / sqrt(chunks).

        They are right for chunks of units, which are independent. Chunks of rows share levels, and what they share
        does not show in their spread: `averaged_errors` are by leaving out units, and right for both.
        """
        found: pd.Series[float] = self.chunk_estimates.std(ddof=1) / len(self.of_chunks) ** 0.5
        return found.rename("std_error")

    @property
    def table(self) -> pd.DataFrame:
        """By parameter `averaged`, `merged`, their standard errors, and the `price`: the ratio of these."""
        import pandas as pd

        found = {"averaged": self.params, "merged": pd.Series(dict(self.merged)), "chunk_error": self.bse}
        if self.averaged_errors:
            found["averaged_error"] = pd.Series(dict(self.averaged_errors))
            found["merged_error"] = pd.Series(dict(self.merged_errors))
            found["price"] = self.price
        return pd.DataFrame(found).reindex(list(self.keys)).rename_axis(index="parameter")

    @property
    def price(self) -> pd.Series[float]:
        """The standard error of the average over that of the merger; that both are biased alike is not in it."""
        import pandas as pd

        if not self.averaged_errors:
            raise UnsupportedError("the price was not measured: alchemy(..., measure=True)")
        ratio = pd.Series(dict(self.averaged_errors)) / pd.Series(dict(self.merged_errors))
        found: pd.Series[float] = ratio.reindex(list(self.keys)).rename("price")
        return found

    def __repr__(self) -> str:
        head = f"{len(self.rows)} chunks of {self.by} of {self.model}"
        return "\n".join([head, "", self.table.to_string(float_format=lambda v: f"{v:.5g}"), *("", *self.notes)])


def alchemy(
    of: FitResult | Model,
    data: Any = None,
    chunks: int = 8,
    by: str = "units",
    *,
    seed: int = 1,
    measure: bool = True,
    groups: int = GROUPS,
    statistics: Any = None,
    means: str | None = None,
    weighting: str | None = None,
    missing: str = "refuse",
) -> Alchemy:
    """Average the estimates of random chunks of the data, and compare with the exact merger of their sums.

    `fit` merges: sums of parts of the data add up exactly, level by level, so that the answer is that of all data
    whatever the parts, and it costs no more than averaging. Averages are for what cannot be merged. Their price in
    these models: with chunks of rows the levels of a factor are broken in pieces, whose estimates are those of a design
    with smaller levels, 1.1 to 1.5 times as far off with 8 chunks (tests/benchmarks/price_of_averaging.py); chunks of
    crossed data share levels in any case, pairs of rows in different chunks are lost, and what all chunks share does
    not average out (with the same two columns in every chunk, the column component is common altogether), so that
    s / sqrt(chunks) is no standard error. And the bias of a ratio, of order 1/(units in a chunk), does not average
    out. Chunks of units cost next to nothing, and gain (0.86 to 0.88 with lognormal sizes) only where the equations
    themselves give large units too much weight, as unweighted ones do.

    Args:
        of: a `FitResult`, or a `Model` with the `statistics` and `means` that it is to be fitted by.
        data: the frame; a fit that keeps its data needs none.
        chunks: how many.
        by: "units": each unit lies in one chunk whole; "rows": rows go to chunks at random, whatever their levels.
        seed: of the chunks, and of the groups of units that are left out.
        measure: measure the price, which takes groups x chunks further solutions of the equations.
        groups: of units that are left out in turn for it; of crossed factors, levels of each, and cells.
        statistics: what the moment equations of a `Model` are made of; a fit has its own.
        means: how they treat the mean parameters, likewise.
        weighting: how they are weighted, likewise.
        missing: "refuse" or "drop" rows with missing values.

    Raises:
        UnsupportedError: chunks of units of a crossed model, which has none; data that are no single frame.
        NotIdentifiedError: a chunk whose rows do not determine the estimates.

    """
    require_count("chunks", chunks, 2)
    require_count("groups", groups, 2)
    require_count("the seed", seed, 0)
    if by not in BY:
        raise ModelError(f"by={by!r} is none of {', '.join(map(repr, BY))}")
    data, missing = data_of(of, data, missing)
    if isinstance(data, (fitting.Sums, list, tuple)) or hasattr(data, "__next__"):
        raise UnsupportedError("chunks are made of the rows of one frame; sums and parts merge exactly, as fit does")
    model, system, data = equations(of, data, Asked(statistics, means, weighting))
    estimator = CellEstimator.of(model, system)
    read = read_columns(data, model.resolved, missing)
    columns = read.inputs(model.resolved)
    factors = outermost(model.resolved)
    chunk = _chunks(columns, factors, chunks, by, seed, read.n)
    parts = [_cells(estimator, columns, chunk == c) for c in range(chunks)]
    whole = _cells(estimator, columns, chunk >= 0)
    merged = estimates_of(whole)
    keys = keys_of(model, system, merged)
    of_chunks = [_of_chunk(part, keys, c, chunks) for c, part in enumerate(parts)]
    errors: tuple[dict[str, float], dict[str, float]] = ({}, {})
    notes: tuple[str, ...] = ()
    if measure:
        errors, notes = _Price(tuple(parts), whole, keys, factors, groups, seed).errors()
    rows = tuple(int((chunk == c).sum()) for c in range(chunks))
    own = {key: merged[key] for key in keys}
    return Alchemy(repr(model), by, keys, rows, tuple(of_chunks), own, *errors, notes)


@dataclass(frozen=True)
class _Price:
    """Both estimators without each group of units."""

    parts: tuple[Cells, ...]
    whole: Cells
    keys: tuple[str, ...]
    factors: tuple[Factor, ...]
    groups: int
    seed: int

    def errors(self) -> tuple[tuple[dict[str, float], dict[str, float]], tuple[str, ...]]:
        """The standard errors of the average and of the merger, and what there is to say."""
        import numpy as np

        total, left_out = np.zeros((2, len(self.keys))), []
        lost = {"some chunk has": 0, "the data have": 0}
        for place, (columns, sign) in enumerate(sets_of(self.factors)):
            known = np.unique(self._codes(self.whole, columns))
            count = min(len(known), self.groups)
            group = stream(self.seed, 1, place).permutation(len(known)) % count
            without = [self._without(columns, known, group, g) for g in range(count)]
            for row, (which, found) in enumerate(zip(lost, zip(*without, strict=True), strict=True)):
                there = [values for values in found if values is not None]
                lost[which] += count - len(there)  # not by chance: the others do not stand for them
                total[row] += sign * (count - 1) * np.var(there, axis=0) if len(there) == count else np.nan
            left_out.append(f"{count} groups of the {len(known)} levels of {join_factor(columns)}")
        notes = [f"standard errors by leaving out {', '.join(left_out)}"]
        notes += [
            f"without {number} of these groups {which} no estimates, so that the price is not known; make fewer chunks"
            for which, number in lost.items()
            if number
        ]
        if (total <= 0).any():
            notes.append("some variances are not positive: there are too few levels to measure the price")
        roots = np.sqrt(np.where(total > 0, total, np.nan))
        averaged, merged = (dict(zip(self.keys, row, strict=True)) for row in roots.tolist())
        return (averaged, merged), tuple(notes)

    def _without(self, columns: Factor, known: Array, group: Array, g: int) -> tuple[Array | None, Array | None]:
        """The average and the merger without a group; None where there is none."""
        import numpy as np

        def estimates(cells: Cells) -> Array:
            places = np.searchsorted(known, self._codes(cells, columns))
            found = cells.without(group[places] != g).solve()
            return np.array([found[key] for key in self.keys])

        def or_none(parts: tuple[Cells, ...]) -> Array | None:
            try:
                found: Array = np.mean([estimates(part) for part in parts], axis=0)
            except FAILURES:
                return None
            return found

        return or_none(self.parts), or_none((self.whole,))

    def _codes(self, cells: Cells, columns: Factor) -> Array:
        """One number for each level, the same in all parts."""
        labels = self.whole.labels
        return combined([cells.labels[c] for c in columns], [int(labels[c].max()) + 1 for c in columns])


def _chunks(
    columns: Mapping[str, Array], factors: tuple[Factor, ...], chunks: int, by: str, seed: int, count: int
) -> Array:
    """The chunk of each row: as equal in units, or in rows, as can be."""
    import numpy as np

    rng = stream(seed, 0)
    if by == "rows":
        if count < chunks:
            raise DataError(f"{count} rows make no {chunks} chunks")
        return rng.permutation(count) % chunks
    if len(factors) > 1:
        raise UnsupportedError(
            f"{' and '.join(map(join_factor, factors))} are crossed, so that there are no units to put into chunks: "
            "by='rows' puts rows into them, at a price; model.fit merges the sums of any parts exactly"
        )
    codes = [np.unique(columns[c], return_inverse=True)[1].reshape(-1) for c in factors[0]]
    unit = np.unique(combined(codes), return_inverse=True)[1].reshape(-1)
    units = int(unit.max()) + 1
    if units < chunks:
        raise DataError(f"{units} levels of {join_factor(factors[0])} make no {chunks} chunks of units")
    found: Array = (rng.permutation(units) % chunks)[unit]
    return found


def _cells(estimator: CellEstimator, columns: Mapping[str, Array], rows: Array) -> Cells:
    """The cells of some rows, whose labels are codes that mean the same in all chunks."""
    try:
        table = estimator.module.accumulate({name: values[rows] for name, values in columns.items()})
    except ValueError as error:
        raise DataError(str(error)) from error
    return Cells(estimator.generated, MappingProxyType(table))


def _of_chunk(cells: Cells, keys: tuple[str, ...], number: int, chunks: int) -> tuple[float, ...]:
    try:
        found = cells.solve()
    except FAILURES as error:
        raise NotIdentifiedError(
            f"chunk {number} of {chunks} has no estimates: {error}. Make fewer chunks, or merge the sums, as model.fit "
            "does, which gives the estimates of all data exactly"
        ) from error
    return tuple(found[key] for key in keys)
