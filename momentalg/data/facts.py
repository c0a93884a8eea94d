"""`require_facts`: what a model declares of the design, checked on the rows; the usual answer costs little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.data.joins import packed
from momentalg.data.refusals import called, not_constant, replicated
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    from momentalg.data.tables import CellTables

    Array = np.ndarray[Any, Any]

BLOCK = 2**16  # rows that are compared at a time


def require_facts(tables: CellTables, model: ResolvedModel, label: Callable[[str, int], Any]) -> None:
    """Check what the model declares of the design: covariates constant within levels, cells without replicates.

    Raises `DataError`, naming the first level that contradicts it.
    """

    def named(factor: Sequence[str], row: int) -> str:
        return called(factor, [label(c, int(tables.codes[c][row])) for c in factor])

    for variable, factor in model.constant_on.items():
        if variable in tables.values and variable.kind == "column":
            values = tables.values[variable]
            if len(factor) == 1 and _is_constant(values, tables.codes[factor[0]]):
                continue
            first, cell = tables.cells(factor)
            differ = values[first][cell] != values
            if differ.any():
                row = int(differ.argmax())
                both = f"{_shown(values[first[cell[row]]])} and {_shown(values[row])}"
                raise not_constant(variable.name, factor, f"at {named(factor, row)} it is both {both} (row {row})")
    for factor in sorted(model.unreplicated):
        if is_distinct([tables.codes[c] for c in factor]):
            continue
        first, _ = tables.cells(factor)
        sizes = tables.sizes(factor)
        if (sizes > 1).any():
            at = int((sizes > 1).argmax())
            one = f"{named(factor, first[at])} has {int(sizes[at])}"
            raise replicated(factor, f"{one}; {int((sizes > 1).sum())} cells have more than one")


def is_distinct(codes: Sequence[Array]) -> bool:
    """Whether no two rows have the same codes."""
    import numpy as np

    key = packed(codes)
    key.sort()
    return not bool(np.any(key[1:] == key[:-1]))


def _is_constant(values: Array, codes: Array) -> bool:
    """Whether rows with the same code have the same value."""
    import numpy as np

    found = np.empty(int(codes.max()) + 1, dtype=values.dtype)
    found[codes] = values
    blocks = (slice(k, k + BLOCK) for k in range(0, len(codes), BLOCK))
    return all(bool((found[codes[rows]] == values[rows]).all()) for rows in blocks)


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Fraction) else f"{value:g}"
