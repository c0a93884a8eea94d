"""Design totals: connected sums over levels, with a key that makes equal totals equal.

The key of a total is found by colour refinement of its levels, then by brute force over the ties that remain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations, product
from typing import NamedTuple

from momentalg.cumulants.terms import Cell, Entry, Level, What


class DesignTotal(NamedTuple):
    """The sum over the levels 0, 1, ... (of the columns `levels`) of the product of `entries`.

    With no levels it is a single entry to the power 1, on free levels or on the whole data. With no entries it is
    the number of non-empty levels.
    """

    levels: tuple[str, ...]
    entries: tuple[Entry, ...]


def components(levels: Iterable[Level], entries: Sequence[Entry]) -> list[tuple[list[Level], list[Entry]]]:
    """Split entries into connected parts: two entries belong together when they share a bound level."""
    parts: list[tuple[set[Level], list[Entry]]] = [({level}, []) for level in levels]
    for entry in entries:
        bound = {level for level in entry.cell if not level.free}
        joined: tuple[set[Level], list[Entry]] = (bound, [entry])
        apart = []
        for part in parts:
            if bound & part[0]:
                joined[0].update(part[0])
                joined[1].extend(part[1])
            else:
                apart.append(part)
        parts = [*apart, joined]
    return [(sorted(part[0]), part[1]) for part in parts]


def canonical(levels: Sequence[Level], entries: Sequence[Entry]) -> DesignTotal:
    """Number the levels of a connected sum so that equal sums get equal keys."""
    colour = _refine(levels, entries)
    classes: dict[int, list[Level]] = {}
    for level in levels:
        classes.setdefault(colour[level], []).append(level)
    if len(classes) == len(levels):  # nothing is tied
        return _numbered([classes[c][0] for c in sorted(classes)], entries)
    orders = product(*(permutations(classes[c]) for c in sorted(classes)))
    labelled = (_numbered([level for group in order for level in group], entries) for order in orders)
    return min(labelled, key=_key)


def _numbered(order: Sequence[Level], entries: Sequence[Entry]) -> DesignTotal:
    new = {level: level._replace(number=n) for n, level in enumerate(order)}
    renamed = [Entry(tuple(new.get(level, level) for level in e.cell), e.what, e.power) for e in entries]
    return DesignTotal(tuple(level.column for level in order), tuple(sorted(renamed, key=entry_key)))


def _refine(levels: Sequence[Level], entries: Sequence[Entry]) -> dict[Level, int]:
    """Colour each level by what can be seen from it, until nothing more can be told apart."""
    colour = _ranked({level: (level.column,) for level in levels})
    while len(set(colour.values())) < len(levels):
        seen: dict[Level, tuple[object, ...]] = {}
        for level in levels:
            around = [
                (_what_key(e.what), e.power, tuple(sorted(_view(other, level, colour) for other in e.cell)))
                for e in entries
                if level in e.cell
            ]
            seen[level] = (colour[level], tuple(sorted(around)))
        finer = _ranked(seen)
        if len(set(finer.values())) == len(set(colour.values())):
            break
        colour = finer
    return colour


def _ranked(seen: dict[Level, tuple[object, ...]]) -> dict[Level, int]:
    rank = {value: n for n, value in enumerate(sorted(set(seen.values())))}
    return {level: rank[value] for level, value in seen.items()}


def _view(other: Level, level: Level, colour: dict[Level, int]) -> tuple[str, str, int]:
    return (other.column, other.name, -2 if other == level else colour.get(other, -1))


def _what_key(what: What) -> tuple[object, ...]:
    return (what.kind, what.monomial, repr(what.detail))


def entry_key(entry: Entry) -> tuple[object, ...]:
    """A sorting key: cells first, then what is said of them."""
    return (entry.cell, _what_key(entry.what), entry.power)


def _key(total: DesignTotal) -> tuple[object, ...]:
    return (total.levels, tuple(entry_key(e) for e in total.entries))


def single(cell: Cell, what: What) -> DesignTotal:
    """The design total that is one entry, on free levels or on the whole data."""
    return DesignTotal((), (Entry(cell, what, 1),))


def levels_of(total: DesignTotal) -> Iterator[Level]:
    """The levels that the entries of a design total lie in."""
    return (level for entry in total.entries for level in entry.cell)


def relabelled(total: DesignTotal, new: Mapping[Level, Level]) -> DesignTotal:
    """The total with some free levels named anew."""
    changed = [e._replace(cell=tuple(new.get(v, v) for v in e.cell)) for e in total.entries]
    return total._replace(entries=tuple(sorted(changed, key=entry_key)))
