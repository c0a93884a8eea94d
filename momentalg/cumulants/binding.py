"""Sums over observations and levels, as operations on terms: what a body becomes when its index is bound."""

from __future__ import annotations

from momentalg.cumulants.terms import (
    DEFAULT,
    OBSERVATION,
    SIZE,
    Cell,
    Entry,
    Level,
    Observation,
    Term,
    cell_of,
    relabel,
)
from momentalg.expr.monomials import multiply_monomials

CURRENT = Level(OBSERVATION, "\0current")  # the observation that the enclosing total runs over


def join_current(term: Term) -> Term:
    """Factors at the current observation are one observation."""
    here = [o for o in term.observations if CURRENT in o.cell]
    if len(here) < 2:
        return term
    draws = tuple(d for o in here for d in o.draws)
    covariates = here[0].covariates
    for o in here[1:]:
        covariates = multiply_monomials(covariates, o.covariates)
    rest = tuple(o for o in term.observations if CURRENT not in o.cell)
    return term._replace(observations=(*rest, Observation(draws, covariates, (CURRENT,))))


def total_over(term: Term, cell: Cell) -> Term:
    """Sum the current observation over a cell; a body without one is counted once for each observation."""
    here = [o for o in term.observations if CURRENT in o.cell]
    observed = here[0]._replace(cell=cell) if here else Observation((), (), cell)
    rest = tuple(o for o in term.observations if CURRENT not in o.cell)
    return term._replace(observations=(*rest, observed))


def sum_over_named(term: Term, index: str, cell: Cell) -> Term:
    """Sum a named observation over a cell."""
    named = Level(OBSERVATION, index)
    number = term.next_number
    bound = Level(OBSERVATION, "", number)
    carried = any(named in o.cell for o in term.observations)
    term = relabel(term, {named: bound})
    if not carried:
        term = term._replace(
            observations=(*term.observations, Observation((), (), cell_of({v.column: v for v in (*cell, bound)})))
        )
    return term._replace(bound=term.bound | {bound})


def not_empty(levels: dict[str, Level]) -> Entry:
    """The indicator that a cell is not empty: a sum over a factor of several columns runs over its cells."""
    return Entry(cell_of(levels), SIZE, 0)


def default_columns(term: Term) -> set[str]:
    """The columns of which a term is at the default level."""
    cells = [o.cell for o in term.observations] + [e.cell for e in term.entries]
    return {v.column for cell in cells for v in cell if v.name == DEFAULT and v.column != OBSERVATION}


def over_observations(term: Term) -> Term:
    """Sum over all observations; the totals in the body are those of the levels that contain the observation."""
    columns = default_columns(term)
    term = total_over(term, cell_of({c: Level(c, DEFAULT) for c in columns}))
    start = term.next_number
    return bind_levels(term, {Level(c, DEFAULT): Level(c, "", start + n) for n, c in enumerate(sorted(columns))})


def bind_levels(term: Term, bind: dict[Level, Level]) -> Term:
    """Turn free levels into bound ones; a level that the term does not mention is summed over all the same."""
    start = term.next_number
    apart = {old: new._replace(number=start + n) for n, (old, new) in enumerate(bind.items())}
    term = relabel(term, apart)
    return term._replace(bound=term.bound | frozenset(apart.values()))
