"""The levels that a result is of: found in its statistics, chosen by `at=`, or all that occur in the data."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from momentalg.cumulants.terms import DEFAULT, OBSERVATION, Cell, Level, Term
from momentalg.data.tables import CellTables
from momentalg.errors import DataError
from momentalg.expr.names import join_factor, split_factor
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

MOST_LEVELS = 1_000_000
"""The most combinations of levels that are evaluated at once."""


class Place(NamedTuple):
    """Levels of one name that occur in one cell: a level of a factor, ``i`` or ``k``."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Labelled:
    """The design of some data, with the labels of its codes."""

    tables: CellTables
    labels: Mapping[str, list[Hashable]]
    model: ResolvedModel

    def chain(self, column: str) -> tuple[str, ...]:
        """A column after those that it is local to."""
        found = [column]
        while found[0] in self.model.local_to:
            found.insert(0, self.model.local_to[found[0]])
        return tuple(found)

    def shown(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The columns that tell a level: those it is local to come first."""
        return tuple(dict.fromkeys(c for column in columns for c in self.chain(column)))

    def codes(self, column: str) -> dict[tuple[Hashable, ...], int]:
        """The code of a level by its labels, those of the columns that it is local to included."""
        first, _ = self.tables.cells((column,))
        labels = zip(*(self.at_rows(c, first) for c in self.chain(column)), strict=True)
        return dict(zip(labels, self.tables.codes[column][first].tolist(), strict=True))

    def at_rows(self, column: str, rows: Array) -> list[Hashable]:
        """The labels of a column in some rows."""
        return [self.labels[column][code] for code in self.tables.codes[column][rows].tolist()]


def places(terms: Iterable[Term], model: ResolvedModel) -> list[Place]:
    """The levels that statistics are of, the default ones first; columns that share a cell are one level."""
    cells: list[Cell] = []
    for term in terms:
        cells += [o.cell for o in term.observations] + [e.cell for e in term.entries]
    groups: list[set[Level]] = []
    for cell in cells:
        for name in {v.name for v in cell if v.free}:
            found = {v for v in cell if v.name == name and v.free and v.column != OBSERVATION}
            if found:
                touching = [g for g in groups if g & found]
                groups = [*(g for g in groups if not g & found), found.union(*touching)]
    order = {c: n for n, c in enumerate(model.columns)}
    made = [Place(next(iter(g)).name, tuple(sorted((v.column for v in g), key=order.__getitem__))) for g in groups]
    return sorted(made, key=lambda p: (p.name != DEFAULT, p.name, [order[c] for c in p.columns]))


def chosen(at: Any, found: Sequence[Place], data: Labelled) -> dict[Level, Array]:
    """The codes of the levels that `at` names: by factor or column for the default ones, else by their names.

    Raises `DataError` for labels that are not in the data, and for levels that are named twice or not at all.
    """
    if not hasattr(at, "items"):
        factor = join_factor(found[0].columns)
        raise DataError(f"at= gives labels by factor or name, as in at={{{factor!r}: ...}}; found {at!r}")
    given: dict[tuple[str, str], Hashable] = {}
    for key, label in at.items():
        name, columns = _named(key, found, data)
        labels = (label,) if len(columns) == 1 else tuple(label) if isinstance(label, (tuple, list)) else ()
        if len(labels) != len(columns):
            raise DataError(f"at={{{key!r}: ...}} is a label for each of {', '.join(columns)}; found {label!r}")
        given |= {(column, name): one for column, one in zip(columns, labels, strict=True)}
    codes: dict[Level, int] = {}
    for place in found:
        for column in place.columns:
            label = tuple(_given(given, c, place, column) for c in data.chain(column))
            known = data.codes(column)
            if label not in known:
                shown = repr(label[0]) if len(label) == 1 else repr(label)
                raise DataError(f"{shown} is no level of {column} in the data")
            codes[Level(column, place.name)] = known[label]
    for one, other in combinations(codes, 2):
        if one.column == other.column and codes[one] == codes[other]:
            raise DataError("two names of levels in at= are the same level; different names stand for different levels")
    return {level: _array([code]) for level, code in codes.items()}


def occurring(found: Sequence[Place], data: Labelled) -> tuple[dict[Level, Array], pd.Index[Any]]:
    """The codes of all levels that occur, or of all combinations of them, and their labels as an index."""
    import numpy as np
    import pandas as pd

    keys = ", ".join(f"{join_factor(place.columns)!r}: ..." for place in found if place.name == DEFAULT)
    if any(place.name != DEFAULT for place in found):
        names = ", ".join(dict.fromkeys(place.name for place in found))
        other = next(place.name for place in found if place.name != DEFAULT)
        example = ", ".join(part for part in (keys, f"{other!r}: ...") if part)
        raise DataError(f"the statistic is of the levels {names}: say which, as in at={{{example}}}")
    firsts = [data.tables.cells(place.columns)[0] for place in found]
    size = int(np.prod([len(first) for first in firsts]))
    if size > MOST_LEVELS:
        raise DataError(f"there are {size:,} combinations of levels in the data: name one, as in at={{{keys}}}")
    grid = [part.reshape(-1) for part in np.meshgrid(*firsts, indexing="ij")]
    codes: dict[Level, Array] = {}
    labels: dict[str, list[Hashable]] = {}
    for place, rows in zip(found, grid, strict=True):
        codes |= {Level(c, place.name): data.tables.codes[c][rows] for c in place.columns}
        labels |= {c: data.at_rows(c, rows) for c in data.shown(place.columns)}
    if len(labels) == 1:
        ((name, only),) = labels.items()
        return codes, pd.Index(only, name=join_factor((name,)))
    return codes, pd.MultiIndex.from_arrays(list(labels.values()), names=list(labels))


def _named(key: Any, found: Sequence[Place], data: Labelled) -> tuple[str, tuple[str, ...]]:
    """The name and the columns that a key of `at` is about."""
    mine = [place for place in found if place.name == key]
    if mine:
        return str(key), data.shown(c for c in data.model.columns if any(c in place.columns for place in mine))
    columns = (key,) if key in data.model.columns else split_factor(key) if isinstance(key, str) and key else ()
    default = {c for place in found if place.name == DEFAULT for c in data.shown(place.columns)}
    if not columns or not set(columns) <= default:
        raise DataError(f"at= names the level {key!r}, which the statistic does not have")
    return DEFAULT, columns


def _given(given: Mapping[tuple[str, str], Hashable], column: str, place: Place, wanted: str) -> Hashable:
    """The label of a column at a place."""
    if (column, place.name) in given:
        return given[column, place.name]
    missing = place.name if place.name != DEFAULT else wanted
    raise DataError(f"at= does not say which level {missing} is: it needs a label for {column}")


def _array(values: list[int]) -> Array:
    import numpy as np

    return np.array(values, dtype=np.int64)
