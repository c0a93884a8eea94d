"""Unconditional cumulants of random crossed and nested designs by brute force: over every table of counts.

A design is a table: how many observations each cell has. Each law is gone through by its own definition, cell by cell,
draw by draw; tables that are reached in several ways are added up. Raw moments are averaged over the tables, each from
`enumeration`, and the cumulants come from the averages. Factorial moments and power sums do not occur here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from momentalg.check.enumeration import Enumeration
from momentalg.check.parameters import ParameterValues
from momentalg.check.partitions import CumulantsFromMoments, Multiset
from momentalg.check.sample import Sample, design_scope
from momentalg.expr import nodes as n
from momentalg.model.resolved import ResolvedModel

Weights = Mapping[int, Fraction]
Cell = tuple[int, ...]
Table = tuple[tuple[Cell, int], ...]
"""The cells that have observations, with how many, in order."""
Tables = dict[Table, Fraction]


def cell_tables(counts: Weights, rows: int, columns: int) -> Tables:
    """All tables of independent counts of the cells."""
    found: Tables = {(): Fraction(1)}
    for cell in product(range(rows), range(columns)):
        found = _added(found, {((cell, count),) if count else (): p for count, p in counts.items()})
    return found


def draw_tables(sizes: Weights, chances: Sequence[Fraction], rows: int) -> Tables:
    """All tables in which each row makes a random number of draws of a column."""
    found: Tables = {(): Fraction(1)}
    for row in range(rows):
        draw: Tables = {(((row, column), 1),): p for column, p in enumerate(chances)}
        own: Tables = {}
        for size, weight in sizes.items():
            for table, p in _repeated(draw, size).items():
                own[table] = own.get(table, Fraction(0)) + weight * p
        found = _added(found, own)
    return found


def label_tables(observations: int, chances: Sequence[Sequence[Fraction]]) -> Tables:
    """All tables of so many observations, each in cell (i, j) with probability ``chances[i][j]``."""
    one: Tables = {(((i, j), 1),): p for i, row in enumerate(chances) for j, p in enumerate(row)}
    return _repeated(one, observations)


def nested_tables(groups: Weights, sizes: Weights, units: int) -> Tables:
    """All tables of units with a random number of subgroups of random sizes; subgroups are numbered within units."""
    found: Tables = {(): Fraction(1)}
    for unit in range(units):
        own: Tables = {}
        for number, weight in groups.items():
            inside: Tables = {(): weight}
            for subgroup in range(number):
                inside = _added(inside, {(((unit, subgroup), s),) if s else (): p for s, p in sizes.items()})
            for table, p in inside.items():
                own[table] = own.get(table, Fraction(0)) + p
        found = _added(found, own)
    return found


def _repeated(one: Tables, times: int) -> Tables:
    found: Tables = {(): Fraction(1)}
    for _ in range(times):
        found = _added(found, one)
    return found


def _added(first: Tables, second: Tables) -> Tables:
    """The law of the sum of two independent tables."""
    found: Tables = {}
    for (a, p), (b, q) in product(first.items(), second.items()):
        counts = dict(a)
        for cell, count in b:
            counts[cell] = counts.get(cell, 0) + count
        table = tuple(sorted(counts.items()))
        found[table] = found.get(table, Fraction(0)) + p * q
    return {table: p for table, p in found.items() if p}


def incidence_cumulant(
    statistics: Sequence[n.Node],
    tables: Tables,
    resolved: ResolvedModel,
    parameters: Mapping[str, Fraction | int | str],
    columns: Sequence[str],
    at: Mapping[str, Any] | None = None,
) -> Fraction:
    """The exact joint cumulant of statistics over all tables; `columns` are what rows and columns of a table label.

    `at` gives the place of each level, as ``{"a": 0, "b": 1, "k": 2}``; an empty one has the total 0.
    """
    values = ParameterValues(resolved, parameters)
    distinct = list(dict.fromkeys(statistics))
    parts = []
    for table, probability in tables.items():
        sample = Sample(dict(enumerate(rows_of(table, columns))))
        enumeration = Enumeration(sample, resolved, values)
        scope = design_scope(sample, resolved, at)
        parts.append((probability, enumeration, [enumeration.polynomial(s, scope) for s in distinct]))

    def moment(items: Multiset) -> Fraction:
        return sum((p * e.moment(polynomials[i] for i in items) for p, e, polynomials in parts), Fraction(0))

    return CumulantsFromMoments(moment)(tuple(sorted(distinct.index(s) for s in statistics)))


def rows_of(table: Table, columns: Sequence[str]) -> Iterable[dict[str, int]]:
    """The observations of a table, as rows of labels."""
    return (dict(zip(columns, cell, strict=True)) for cell, count in table for _ in range(count))
