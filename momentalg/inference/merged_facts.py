"""What a model declares of the design, seen in sums: parts of data that each agree with it may not do so together.

Each part is checked by its engine, on its rows. Covariates that are constant on levels are compared when parts are
added. Cells that have rows in several parts show where the sums have a table of the cells; where they have none, as
with ``weighting="none"`` and crossed factors, nothing tells, and the declaration is believed: `unseen`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentalg.data.refusals import replicated
from momentalg.inference.label_kinds import by_column, called

if TYPE_CHECKING:
    from momentalg.lower.ir import EstimatorIR, TableSpec
    from momentalg.model.resolved import ResolvedModel


def require_unreplicated(model: ResolvedModel, ir: EstimatorIR, table: Mapping[str, Any]) -> None:
    """Raise `DataError` for a factor that is declared unreplicated, and has a level with several rows in the sums."""
    import numpy as np

    for factor in sorted(model.unreplicated):
        spec = _covering(model, ir, factor)
        if spec is None:
            continue
        level, size = table[f"level{spec.suffix}"], table[f"size{spec.suffix}"]
        columns = dict(zip(spec.columns, by_column(level), strict=True))
        code = np.arange(len(size))
        if len(model.closure(factor)) < len(columns):
            code[:] = 0
            for column in model.closure(factor):
                _, more = np.unique(columns[column], return_inverse=True)
                _, code = np.unique(code * (int(more.max()) + 1) + more, return_inverse=True)
        rows = np.bincount(code, weights=size)
        if (rows > 1).any():
            at = int((code == rows.argmax()).argmax())
            named = called(spec.columns, level, at)
            count = int((rows > 1).sum())
            raise replicated(factor, f"{named} has {int(rows.max())}; {count} cells have more than one in all parts")


def unseen(model: ResolvedModel, ir: EstimatorIR) -> list[str]:
    """The factors that are declared unreplicated, and of which sums of several parts do not tell."""
    return [":".join(factor) for factor in sorted(model.unreplicated) if _covering(model, ir, factor) is None]


def _covering(model: ResolvedModel, ir: EstimatorIR, factor: tuple[str, ...]) -> TableSpec | None:
    """The coarsest table whose levels tell those of a factor."""
    closure = model.closure(factor)
    return min((t for t in ir.tables if set(closure) <= set(t.columns)), key=lambda t: len(t.columns), default=None)
