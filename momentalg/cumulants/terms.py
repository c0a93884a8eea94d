"""Terms: what a statistic is made of.

A statistic is a sum of terms. A term is a rational coefficient times *observations*, each summed over its cell and
carrying draws and covariates, times *entries*, the values that the design has on a cell. A *level* is free (named, the
i of S_i) or bound (numbered, summed over the non-empty levels of its column). A *cell* is a set of levels, at most one
of each column; the empty cell is the whole data. The column `OBSERVATION` labels the observations themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from momentalg.expr.indices import DEFAULT as DEFAULT
from momentalg.expr.nodes import Monomial

OBSERVATION = "\0observation"  # no column of a user's can have this name


class Level(NamedTuple):
    """A level of a label column: named when free, numbered when bound."""

    column: str
    name: str  # "" when bound
    number: int = -1  # -1 when free

    @property
    def free(self) -> bool:
        """Whether the level belongs to the context rather than being summed over."""
        return self.number < 0


Cell = tuple[Level, ...]  # sorted by column, at most one of each


class What(NamedTuple):
    """What an entry says of its cell.

    kind "total": the total of a covariate monomial over the cell (its size when the monomial is empty).
    kind "value": a covariate that is constant on the cell.
    kind "moment": a conditional design moment that is constant on the cell; `detail` holds it.
    kind "weight": a denominator of the cell's levels, of several terms; `detail` holds it.
    kind "named": a denominator that is a design constant of several terms, or a design total; `detail` holds it.
    """

    kind: str
    monomial: Monomial = ()
    detail: Any = None


SIZE = What("total")


class Draw(NamedTuple):
    """A random draw carried by an observation: the response itself, one effect of one group term, or the residual."""

    kind: str  # "response" | "effect" | "residual" | "label" | "covariate"
    block: int = -1
    coefficient: int = -1


RESPONSE = Draw("response")
RESIDUAL = Draw("residual")
COVARIATE = "covariate"  # the kind of a draw of a covariate that is a response; its block is the response's number


class Observation(NamedTuple):
    """One observation, summed over its cell, with the draws and the covariates it carries."""

    draws: tuple[Draw, ...]
    covariates: Monomial
    cell: Cell


class Entry(NamedTuple):
    """A design value on a cell, to a power."""

    cell: Cell
    what: What
    power: int


class Term(NamedTuple):
    """coefficient * product of observations * product of entries, summed over the bound levels."""

    coefficient: Fraction
    observations: tuple[Observation, ...] = ()
    entries: tuple[Entry, ...] = ()
    bound: frozenset[Level] = frozenset()

    @property
    def free_levels(self) -> frozenset[Level]:
        """The levels that belong to the context: those that the term is a statistic of."""
        cells = (*(o.cell for o in self.observations), *(e.cell for e in self.entries))
        return frozenset(level for cell in cells for level in cell if level.free)

    @property
    def next_number(self) -> int:
        """The first number that no bound level has, nor any after it."""
        return 1 + max((level.number for level in self.bound), default=-1)


def cell_of(levels: dict[str, Level]) -> Cell:
    """The cell with these levels, one a column."""
    return tuple(levels[column] for column in sorted(levels))


def relabel(term: Term, new: dict[Level, Level]) -> Term:
    """Rename levels throughout a term; a level that becomes bound joins the sum."""

    def change(cell: Cell) -> Cell:
        return tuple(new.get(level, level) for level in cell)

    return Term(
        term.coefficient,
        tuple(o._replace(cell=change(o.cell)) for o in term.observations),
        tuple(e._replace(cell=change(e.cell)) for e in term.entries),
        frozenset(new.get(level, level) for level in term.bound),
    )


def gathered(terms: Iterable[Term]) -> list[Term]:
    """Like terms put together; two terms are alike when they differ in the order of their factors only."""
    terms = list(terms)
    if len(terms) < 2:
        return [term for term in terms if term.coefficient]
    found: dict[object, Term] = {}
    for term in terms:
        key = (frozenset(Counter(term.observations).items()), frozenset(Counter(term.entries).items()), term.bound)
        like = found.get(key)
        found[key] = term if like is None else like._replace(coefficient=like.coefficient + term.coefficient)
    return [term for term in found.values() if term.coefficient]


def multiply(a: Term, b: Term) -> Term:
    """The product of two terms; the bound levels of the second are numbered apart from those of the first."""
    start = a.next_number
    low = min((level.number for level in b.bound), default=0)
    if b.bound and a.bound:
        b = relabel(b, {level: level._replace(number=level.number - low + start) for level in b.bound})
    return Term(
        a.coefficient * b.coefficient, a.observations + b.observations, a.entries + b.entries, a.bound | b.bound
    )
