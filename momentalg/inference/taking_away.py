"""Sums of what is left when rows are taken away: ``sums - part``.

Sums of rows subtract as they add: the part's are moved to the shifts of the whole, level by level; sizes are exact, and
levels without a row vanish, with whatever rounding would have left in their sums. Elsewhere rounding stays. What is
left of a sum has the absolute rounding error of the whole, so that where a thousandth of it remains, three digits of
sixteen are gone; where most rows are to go it is better to accumulate those that stay. Sums of squares that rounding
makes negative are 0.

A part that shows that it is not there is refused: a level that does not occur, a size that would be negative, sums
that are left at a level without rows, squares that no rows can have. Sums cannot show all: where a level has more rows,
others that were never in may pass for some of them, so take away what is known to be in, as files are by their marks.
Where values far larger than those that are left were taken away before, their rounding may be refused as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from momentalg.errors import DataError
from momentalg.inference.label_kinds import called
from momentalg.inference.rounding import RATIO, is_positive, moved, noise

if TYPE_CHECKING:
    import numpy as np

    from momentalg.lower.ir import Accumulator, EstimatorIR, TableSpec

    Array = np.ndarray[Any, Any]
    Table = Mapping[str, Any]

NOT_IN = "rows to take away are not in these sums"


def difference(ir: EstimatorIR, module: Any, whole: Table, part: Table) -> dict[str, Any]:
    """The table of sums of the rows in `whole` that are not in `part`, about the shifts of `whole`.

    Raises `DataError` for a part that is not there, and when nothing is left.
    """
    about, terms = moved(module, part, whole)
    size = f"size{ir.tables[0].suffix}"
    rows, gone = int(whole[size].sum()), int(part[size].sum())
    left = dict(whole)
    for spec in ir.tables:
        left |= _in_table(ir, module, spec, whole, about, terms)
    for a in (a for a in ir.accumulators if a.table is None):
        allowed = noise(ir, a, whole, rows) + RATIO * terms[a.name]
        left[a.name] = float(_possible(ir, a, whole[a.name] - about[a.name], allowed, lambda _: "all rows together"))
    for slope in ir.unshifted_slopes:
        mean, squares = f"mean_{slope.name}", f"squares_{slope.name}"
        rest = whole[mean] + (whole[mean] - part[mean]) * gone / (rows - gone)
        spread = whole[squares] - part[squares] - (part[mean] - rest) ** 2 * (rows - gone) * gone / rows
        if spread < -RATIO * (whole[squares] + rows * whole[mean] ** 2):
            raise DataError(f"{NOT_IN}: the spread of {slope.column!r} that is left would be negative")
        left |= {mean: rest, squares: max(0.0, spread)}
    return left


def _in_table(ir: EstimatorIR, module: Any, spec: TableSpec, whole: Table, part: Table, terms: Table) -> dict[str, Any]:
    """The sums of one table that are left; `part` is about the shifts of the whole, of terms so large."""
    level, size = f"level{spec.suffix}", f"size{spec.suffix}"
    place = _places(module, spec, whole[level], part[level])
    sizes = whole[size].copy()
    sizes[place] -= part[size]
    for at in (sizes < 0).nonzero()[0][:1]:
        counted = (
            f"{whole[size][at]} rows of {called(spec.columns, whole[level], at)}, and {part[size][place == at][0]}"
        )
        raise DataError(f"{NOT_IN}: they have {counted} are to be taken away")
    stay = sizes > 0
    if not stay.any():
        raise DataError("nothing is left: all rows are taken away")
    left: dict[str, Any] = {level: whole[level][stay], size: sizes[stay]}
    allowed: dict[str, Array] = {}
    for a in (a for a in ir.accumulators if a.table == spec.columns):
        rest, bound = whole[a.name].copy(), noise(ir, a, whole, whole[size])
        rest[place] -= part[a.name]
        bound[place] += RATIO * terms[a.name]
        for at in (~stay & (abs(rest) > bound)).nonzero()[0][:1]:
            where = called(spec.columns, whole[level], at)
            raise DataError(f"{NOT_IN}: of {where} there are as many, but the sum of {a.formula} is {rest[at]:g} off")
        allowed[a.name] = bound[stay]
        left[a.name] = _possible(ir, a, rest[stay], bound[stay], lambda at: called(spec.columns, left[level], at))
    _require_spread(ir, spec, left, allowed)
    for value in (s for s in ir.levels if s.table == spec.columns):
        for at in place[whole[value.name][place] != part[value.name]][:1]:
            where = called(spec.columns, whole[level], at)
            raise DataError(f"{NOT_IN}: {value.column!r} has another value at {where}")
        left[value.name] = whole[value.name][stay]
    return left


def _places(module: Any, spec: TableSpec, whole: Array, part: Array) -> Array:
    """Where the levels of the part stand among those of the whole."""
    import numpy as np

    level, first, second = module._aligned(whole, part)  # noqa: SLF001, of a module that we generate
    place = np.full(len(level), -1)
    place[first] = np.arange(len(whole))
    found: Array = place[second]
    if (found < 0).any():
        raise DataError(f"{NOT_IN}: they have no {called(spec.columns, part, int((found < 0).argmax()))}")
    return found


def _possible(ir: EstimatorIR, a: Accumulator, rest: Any, allowed: Any, where: Callable[[int], str]) -> Any:
    """What is left of sums; where they cannot be negative, and rounding makes them so, 0."""
    import numpy as np

    if not is_positive(ir, a):
        return rest
    for at in np.atleast_1d(rest < -allowed).nonzero()[0][:1]:
        raise DataError(f"{NOT_IN}: the sum of {a.formula} that is left for {where(at)} would be negative")
    return np.maximum(rest, 0.0)


def _require_spread(ir: EstimatorIR, spec: TableSpec, left: Table, allowed: Mapping[str, Array]) -> None:
    """Check that rows can have the squares that are left: at least the square of their sum over their number."""
    names = {a.powers: a.name for a in ir.accumulators if a.table == spec.columns}
    size = left[f"size{spec.suffix}"]
    for row in ir.rows:
        first, second = names.get(((row.name, 1),)), names.get(((row.name, 2),))
        if first is not None and second is not None:
            spread = left[second] - left[first] ** 2 / size
            bound = allowed[second] + 2 * abs(left[first]) / size * allowed[first]
            for at in (spread < -bound).nonzero()[0][:1]:
                where = called(spec.columns, left[f"level{spec.suffix}"], at)
                raise DataError(f"{NOT_IN}: the spread of {row.label} that is left for {where} would be negative")
