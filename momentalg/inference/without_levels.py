"""Sums without the rows of some levels, such as users who leave: ``sums.without("user", ["u7", "u9"])``.

Where every sum is of rows of one level of the factor the rows are not needed: their sums go with the level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from momentalg.data.labels import plain
from momentalg.errors import DataError, UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.inference.label_kinds import by_column, require_same_kind
from momentalg.model.resolving import known_cell

if TYPE_CHECKING:
    import numpy as np

    from momentalg.lower.ir import EstimatorIR, TableSpec
    from momentalg.model.resolved import ResolvedModel

    Array = np.ndarray[Any, Any]


def without(
    model: ResolvedModel, ir: EstimatorIR, table: Mapping[str, Any], factor: str, labels: Any
) -> dict[str, Any]:
    """The table of sums without the rows of some levels of a factor; a level of ``"a:b"`` is a pair.

    Raises `UnsupportedError` where the sums do not tell the rows of a level apart, and `DataError` for a level that
    does not occur, and when nothing is left.
    """
    columns = known_cell(model, factor, f"without({factor!r})")
    _require_told_apart(ir, factor, columns)
    wanted = _by_column(columns, labels)
    left = dict(table)
    for spec in ir.tables:
        level = by_column(table[f"level{spec.suffix}"])
        goes = _among(columns, [level[spec.columns.index(c)] for c in columns], wanted)
        if goes.all():
            raise DataError(f"nothing is left: there are no other levels of {factor!r}")
        names = [f"level{spec.suffix}", f"size{spec.suffix}"]
        names += [a.name for a in ir.accumulators if a.table == spec.columns]
        names += [s.name for s in ir.levels if s.table == spec.columns]
        left |= {name: table[name][~goes] for name in names}
    for slope in ir.unshifted_slopes:
        left |= _moments(ir, slope.name, left)
    return left


def _require_told_apart(ir: EstimatorIR, factor: str, columns: tuple[str, ...]) -> None:
    """Check that every sum is of rows of one level of the factor, or can be made from such sums."""
    told = [f"the sum of {a.formula} over all rows" for a in ir.accumulators if a.table is None]
    told += [f"the spread of {s.column!r} over all rows" for s in ir.unshifted_slopes if _squares(ir, s.name) is None]
    told += [f"sums by {join_factor(t.columns)!r}" for t in ir.tables if not set(columns) <= set(t.columns)]
    if told:
        raise UnsupportedError(
            f"there is {told[0]}, which does not tell the levels of {factor!r} apart; take away their rows: "
            f"sums - model.sums(rows)"
        )


def _among(columns: tuple[str, ...], level: list[Array], wanted: list[Any]) -> Array:
    """Which levels of a table are among the wanted ones; each of these has to occur."""
    import numpy as np

    asked = []
    for column, found, labels in zip(columns, level, wanted, strict=True):
        require_same_kind(column, found, labels)
        asked.append(labels.astype(found.dtype) if found.dtype.kind == "M" else labels)  # to one unit of time
    goes: Array = np.logical_and.reduce([np.isin(found, labels) for found, labels in zip(level, asked, strict=True)])
    gone = set(zip(*(labels.tolist() for labels in asked), strict=True))
    near = goes.nonzero()[0]  # each label is wanted, and perhaps not their combination
    present = list(zip(*(found[near].tolist() for found in level), strict=True))
    for label in gone.difference(present):
        where = " and ".join(f"{c!r} {x!r}" for c, x in zip(columns, label, strict=True))
        raise DataError(f"there is no {where} in these sums")
    goes[near] = [label in gone for label in present]
    return goes


def _by_column(columns: tuple[str, ...], labels: Any) -> list[Array]:
    """The labels of wanted levels, as sums have them, column by column."""
    import numpy as np

    if isinstance(labels, str) or not isinstance(labels, Iterable):
        labels = [labels]
    if len(columns) == 1:
        return [plain(np.asarray(labels) if hasattr(labels, "dtype") else _objects(labels))]
    levels = list(labels)
    if any(not isinstance(level, tuple) or len(level) != len(columns) for level in levels):
        raise DataError(f"a level of {join_factor(columns)!r} is a tuple of {len(columns)} labels; found {levels[0]!r}")
    return [plain(_objects(level[k] for level in levels)) for k in range(len(columns))]


def _objects(labels: Iterable[Any]) -> Array:
    import numpy as np

    listed = list(labels)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


def _squares(ir: EstimatorIR, name: str) -> tuple[TableSpec, str, str] | None:
    """A table with the sums of a row symbol and of its squares."""
    for spec in ir.tables:
        names = {a.powers: a.name for a in ir.accumulators if a.table == spec.columns}
        if ((name, 1),) in names and ((name, 2),) in names:
            return spec, names[((name, 1),)], names[((name, 2),)]
    return None


def _moments(ir: EstimatorIR, name: str, table: Mapping[str, Any]) -> dict[str, float]:
    """The mean of a row symbol that is not shifted, and the squares about it, from the sums of a table."""
    found = _squares(ir, name)
    if found is None:
        return {}
    spec, first, second = found
    rows = int(table[f"size{spec.suffix}"].sum())
    mean = float(table[first].sum()) / rows
    return {f"mean_{name}": mean, f"squares_{name}": max(0.0, float(table[second].sum()) - rows * mean**2)}
