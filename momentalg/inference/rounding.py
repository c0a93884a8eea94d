"""How much rounding may take where sums are taken from sums, so that it is told from rows that were never in them."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

from momentalg.lower.arrays import HasLabel

if TYPE_CHECKING:
    import numpy as np

    from momentalg.lower.ir import Accumulator, EstimatorIR

    Array = np.ndarray[Any, Any]

RATIO = 1e-11  # of the largest that the terms of a sum can be; rounding is some 1e-16 of it for each merge


def moved(module: Any, part: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The part about the shifts of the whole, and the sizes of the terms that make each of its sums."""
    about: dict[str, Any] = module._recentred(dict(part), dict(whole))  # noqa: SLF001, of a module that we generate
    shifts = [name for name in whole if name.startswith("shift_")]
    sizes = {name: values if name in module.LEVELS else abs(values) for name, values in part.items()}
    sizes |= {name: abs(part[name] - whole[name]) for name in shifts}
    terms: dict[str, Any] = module._recentred(sizes, dict.fromkeys(shifts, 0.0))  # noqa: SLF001
    return about, terms


def noise(ir: EstimatorIR, accumulator: Accumulator, whole: Mapping[str, Any], rows: Any) -> Any:
    """What rounding may have left in a sum of the whole over so many rows.

    No row has a larger value than the root of the sum of squares, where squares are kept, and than 1 where labels are
    marked; otherwise the largest of the sums stands for what their terms can be.
    """
    import numpy as np

    largest = {row.name: 1.0 for row in ir.rows if isinstance(row.value, HasLabel)}
    for a in ir.accumulators:
        match a.powers:
            case ((name, 2),):
                largest[name] = sqrt(max(0.0, float(np.sum(whole[a.name]))))
    if all(name in largest and exponent > 0 for name, exponent in accumulator.powers):
        return RATIO * rows * prod(largest[name] ** exponent for name, exponent in accumulator.powers)
    return RATIO * np.max(np.abs(whole[accumulator.name])) * np.ones_like(rows)


def is_positive(ir: EstimatorIR, accumulator: Accumulator) -> bool:
    """Whether no rows can make a sum negative: that of squares, and of marks of labels."""
    marks = {row.name for row in ir.rows if isinstance(row.value, HasLabel)}
    return all(exponent % 2 == 0 or name in marks for name, exponent in accumulator.powers)
