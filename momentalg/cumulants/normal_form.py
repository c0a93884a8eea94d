"""The normal form of a sum over the design: equal sums come out equal.

Applied to a term whose draws are gone, to a fixpoint:

1. a level of a nested column brings its parent along, and one level has one parent;
2. a covariate that is constant on a factor becomes the value of that factor's level; what remains of an observation is
   the total of its covariates over its cell, the size when there are none;
3. equal entries are one entry with the powers added; indicators of a fixed factor are their own squares (`indicators`);
4. a bound level in exactly one entry, a total to the power 1, is summed out, finer levels first;
5. the power 0 leaves the indicator that the cell is not empty, dropped only where another entry implies it; of a cell
   of named levels it is a design total of its own;
6. a cell declared to have at most one observation has size 0 or 1, which is its own square, and its totals multiply.

What remains falls apart into connected sums, the design totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from momentalg.cumulants.indicators import indicate, once
from momentalg.cumulants.polynomial import Powers
from momentalg.cumulants.terms import OBSERVATION, SIZE, Cell, Entry, Level, Term, What, cell_of
from momentalg.cumulants.totals import DesignTotal, canonical, components, single
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import Monomial
from momentalg.model.resolved import ResolvedModel

Entries = dict[tuple[Cell, What], int]


class Contradiction(Exception):  # noqa: N818 - a finding, not a failure
    """Two free levels of one column were found equal: the term is zero."""


class Unifier:
    """Levels found to be the same level; a bound level gives way to a free one."""

    def __init__(self, taken: int) -> None:
        self.alias: dict[Level, Level] = {}
        self.next = taken

    def find(self, level: Level) -> Level:
        """The level that stands for `level`."""
        while level in self.alias:
            level = self.alias[level]
        return level

    def unify(self, a: Level, b: Level) -> bool:
        """Make two levels one; return whether that was news."""
        a, b = self.find(a), self.find(b)
        if a == b:
            return False
        if a.free and b.free:
            raise Contradiction
        if a.free or (not b.free and a.number < b.number):
            a, b = b, a
        self.alias[a] = b
        return True

    def fresh(self, column: str) -> Level:
        """A new bound level."""
        self.next += 1
        return Level(column, "", self.next - 1)

    def resolve(self, cell: Cell) -> Cell:
        """The cell with every level replaced by its representative."""
        return tuple(self.find(level) for level in cell) if self.alias else cell


def normal_form(term: Term, model: ResolvedModel, unifier: Unifier) -> Powers | None:
    """The monomial in design totals that a term without draws equals, its coefficient aside; None for zero."""
    try:
        cells = [o.cell for o in term.observations] + [e.cell for e in term.entries]
        cells = close_nesting(cells, model, unifier)
    except Contradiction:
        return None
    entries: Entries = {}
    homes = {(cell[0], level.column): level for cell in cells if is_observation(cell) for level in cell[1:]}
    observed = len(term.observations)
    for observation, cell in zip(term.observations, cells[:observed], strict=True):
        covariates = once(observation.covariates, model)
        if covariates is None:
            return None
        _absorb(entries, covariates, cell, model, unifier, homes)
    for entry, cell in zip(term.entries, cells[observed:], strict=True):
        _put(entries, cell, entry.what, entry.power)
    bound = {unifier.find(level) for level in term.bound}
    if model.coded:
        gone = indicate(entries, model)
        if gone is None:
            return None
        bound -= gone
    bound |= {level for cell, _ in entries for level in cell}
    levels = sorted((level for level in bound if not level.free), key=lambda v: _depth(v.column, model), reverse=True)
    _sum_out(entries, levels, model)
    return _collect(entries, levels)


def close_nesting(cells: list[Cell], model: ResolvedModel, unifier: Unifier) -> list[Cell]:
    """Give each nested level its parent, the same in every cell; an observation has one level of every column."""
    if not model.local_to and not any(is_observation(cell) for cell in cells):
        return [unifier.resolve(cell) for cell in cells]
    parents: dict[tuple[Level, str], Level] = {}
    changed = True
    while changed:
        changed = False
        for n, raw in enumerate(cells):
            cell = {level.column: level for level in unifier.resolve(raw)}
            for level in tuple(cell.values()):
                for parent in _parents(level.column, cell, model):
                    known = parents.get((level, parent))
                    if parent in cell and known is not None:
                        changed |= unifier.unify(cell[parent], known)
                    elif parent not in cell:
                        cell[parent] = known if known is not None else unifier.fresh(parent)
                        changed = True
                    parents[level, parent] = unifier.find(cell[parent])
            cells[n] = cell_of(cell)
    return [unifier.resolve(cell) for cell in cells]


def is_observation(cell: Cell) -> bool:
    """Whether a cell is one observation; the levels of a cell are sorted by column, and `OBSERVATION` is the first."""
    return bool(cell) and cell[0].column == OBSERVATION


def _parents(column: str, cell: Mapping[str, Level], model: ResolvedModel) -> tuple[str, ...]:
    if column == OBSERVATION:
        return tuple(c for c in cell if c != OBSERVATION)
    parent = model.local_to.get(column)
    return () if parent is None else (parent,)


def _depth(column: str, model: ResolvedModel) -> int:
    """How fine a column is: nested columns are finer than what they are local to, observations finest."""
    if column == OBSERVATION:
        return len(model.local_to) + 2
    parent = model.local_to.get(column)
    return 0 if parent is None else 1 + _depth(parent, model)


def _put(entries: Entries, cell: Cell, what: What, power: int) -> None:
    if what.kind == "total" and is_observation(cell):
        named = all(level.free for level in cell if level.column == OBSERVATION)
        place = tuple(level for level in cell if level.free) if named else cell
        for variable, exponent in what.monomial:  # one observation: the total is the product of the values
            _put(entries, place, What("value", ((variable, 1),)), exponent * power)
        if not named or place != cell:  # the size of a named observation is 1, and tells which levels it lies in
            entries[cell, SIZE] = 1
        return
    entries[cell, what] = entries.get((cell, what), 0) + power


def _absorb(
    entries: Entries,
    covariates: Monomial,
    cell: Cell,
    model: ResolvedModel,
    unifier: Unifier,
    homes: dict[tuple[Level, str], Level],
) -> None:
    """Rule 2; `homes` has the levels that a named observation was found to lie in, the same for all that it carries."""
    if not covariates:
        _put(entries, cell, SIZE, 1)
        return
    levels = {level.column: level for level in cell}
    varying: Monomial = ()
    for variable, power in covariates:
        columns = model.constant_on.get(variable)
        if columns is None and (factor := model.indicated(variable)) is not None and OBSERVATION not in levels:
            columns = tuple(c for c in levels if c in model.closure((factor,))) if factor in levels else None
        if columns is None:
            varying = multiply_monomials(varying, ((variable, power),))
            continue
        place = model.closure(columns)
        for column in sorted(place - set(levels)):
            fresh = unifier.fresh(column)
            levels[column] = homes.setdefault((cell[0], column), fresh) if is_observation(cell) else fresh
        home = cell_of({column: levels[column] for column in place})
        _put(entries, home, SIZE if variable.kind == "size" else What("value", ((variable, 1),)), power)
    _put(entries, cell_of(levels), What("total", varying), 1)


def _sum_out(entries: Entries, levels: list[Level], model: ResolvedModel) -> None:
    """Rules 4 and 5, to a fixpoint; `levels` loses what is summed out."""
    progress = True
    while progress:
        progress = _drop_powers_of_zero(entries, model)
        if model.unreplicated:  # after what is implied is gone: elsewhere the indicator of a cell is its size
            _of_one_observation(entries, model)
        for level in levels:
            touching = [key for key in entries if level in key[0]]
            if level.column == OBSERVATION:
                _observe(entries, level, touching)
            elif (
                len(touching) != 1
                or entries[touching[0]] != 1
                or touching[0][1].kind != "total"
                or any(model.local_to.get(other.column) == level.column for other in touching[0][0])
            ):
                continue
            else:
                cell, what = touching[0]
                del entries[cell, what]
                _put(entries, tuple(other for other in cell if other != level), what, 1)
            levels.remove(level)
            progress = True
            break


def _observe(entries: Entries, level: Level, touching: list[tuple[Cell, What]]) -> None:
    """Sum over a bound observation: the product of its values becomes a total over what contains it."""
    monomial: Monomial = ()
    levels: dict[str, Level] = {}
    for cell, what in touching:
        power = entries.pop((cell, what))
        levels |= {other.column: other for other in cell if other != level}
        for variable, exponent in what.monomial:
            monomial = multiply_monomials(monomial, ((variable, exponent * power),))
    _put(entries, cell_of(levels), What("total", monomial), 1)


def _of_one_observation(entries: Entries, model: ResolvedModel) -> None:
    """Rule 6: the totals over such a cell become one total, of the product of what they total."""
    factors = [set(factor) for factor in model.unreplicated]
    cells = dict.fromkeys(cell for cell, what in entries if what.kind == "total")
    for cell in cells:
        columns = model.closure(level.column for level in cell)
        keys = [key for key in entries if key[0] == cell and key[1].kind == "total"]
        if not any(factor <= columns for factor in factors) or any(w.monomial and entries[c, w] < 0 for c, w in keys):
            continue
        monomial: Monomial = ()
        for key in keys:
            power = entries.pop(key)
            for variable, exponent in key[1].monomial:
                monomial = multiply_monomials(monomial, ((variable, exponent * power),))
        if monomial or len(cell) < 2 or not _implied((cell, SIZE), entries, model):
            entries[cell, What("total", monomial)] = 1


def _drop_powers_of_zero(entries: Entries, model: ResolvedModel) -> bool:
    spent = [key for key, power in entries.items() if power == 0 and _implied(key, entries, model)]
    for key in spent:
        del entries[key]
    return bool(spent)


def _implied(key: tuple[Cell, What], entries: Entries, model: ResolvedModel) -> bool:
    cell, what = key
    if what != SIZE or len(cell) < 2:
        return True  # sums run over non-empty levels
    parents = {model.local_to.get(level.column) for level in cell}
    if all(level.free for level in cell) and sum(level.column not in parents for level in cell) == 1:
        return True  # a named level is not empty
    return any(
        set(cell) <= set(other) and (power or (seen == SIZE and len(cell) < len(other)))
        for (other, seen), power in entries.items()
        if (other, seen) != key
    )


def _collect(entries: Entries, levels: list[Level]) -> Powers:
    result: Counter[DesignTotal] = Counter()
    rest: list[Entry] = []
    for (cell, what), power in entries.items():
        if any(not level.free for level in cell):
            rest.append(Entry(cell, what, power))
        elif power == 0:  # two named levels may have no observation in common
            result[DesignTotal((), (Entry(cell, what, 0),))] = 1
        else:
            named = what.kind == "named" and isinstance(what.detail, DesignTotal)
            result[what.detail if named else single(cell, what)] += power
    for part_levels, part_entries in components(levels, rest):
        result[canonical(part_levels, part_entries)] += 1
    return frozenset((total, power) for total, power in result.items() if power)
