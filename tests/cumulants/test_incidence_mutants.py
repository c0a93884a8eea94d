"""Mistakes planted in the moments of random designs are caught by enumeration over all tables of counts."""

from __future__ import annotations

from fractions import Fraction
from itertools import count

import pytest

import momentalg as ma
from momentalg.check.random_incidence import cell_tables, draw_tables, incidence_cumulant, label_tables
from momentalg.cumulants import incidence
from momentalg.cumulants.polynomial import ONE, Polynomial
from momentalg.cumulants.terms import Level

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
COUNTS = {0: THIRD, 1: THIRD, 2: THIRD}
Q = [THIRD, 1 - THIRD]
DESIGNS = {
    "independent_cells": (ma.designs.independent_cells("a", "b", COUNTS), cell_tables(COUNTS, 2, 2)),
    "draws": (ma.designs.draws("a", "b", COUNTS, Q), draw_tables(COUNTS, Q, 2)),
    "labels": (ma.designs.multinomial_labels("a", "b", 3, [Q, Q]), label_tables(3, [[p * q for q in Q] for p in Q])),
}
PARAMETERS = {"Intercept": 2, "var(1|a)": HALF, "var(1|b)": THIRD, "var(residual)": 1}
AT = {"a": 0, "k": 1}
FRESH = count()


def agree(kind):
    """Whether second moments of rows, and of the whole sample, are those of all tables."""
    law, tables = DESIGNS[kind]
    model = ma.Model(f"y{next(FRESH)} ~ 1 + (1 | a) + (1 | b)", incidence=law)  # a new model: results are remembered
    row, total = model.total(model.y, by="a"), model.total(model.y)
    units = {c: 2 for c in law.columns if c in law.strata}
    incidence.expectation.cache_clear()
    for statistics in ((row, row), (row, row.at("k")), (total, total)):
        found = model.cumulant(*statistics).evaluate(parameters=PARAMETERS, units=units, at=AT)
        if found != incidence_cumulant(statistics, tables, model.resolved, PARAMETERS, ("a", "b"), AT):
            return False
    return True


def all_distinct(kinds, *_):
    """No two slots hold the same observation, and no two levels coincide."""
    return iter([(1, tuple((n,) for n in range(len(kinds))))])


def with_replacement(column, free, named, nested, empty):  # noqa: ARG001 - the signature is that of the sound one
    """Distinct levels counted as if they could be the same: L^k for L (L - 1) ..."""
    return Polynomial.symbol(incidence.levels_symbol(column, empty), free) if free else ONE


def powers_for_falling_factorials(free, taken, power):  # noqa: ARG001
    """E[n^m] for E[n (n - 1) ...]: the same observation drawn again."""
    return power(free) if free else ONE


def no_overlap(observations, law):
    """Rows taken as i.i.d.: two observations never draw the same column by chance."""
    drawn = [{c: Level(c, "", 100 + n) for slot in inside for c in slot} for n, inside in enumerate(observations)]
    return SOUND["_labelled"]([[slot] for slot in drawn if slot], law)


SOUND = {"_labelled": incidence._labelled}
MUTANTS = [
    ("independent_cells", "_ways", with_replacement),
    ("draws", "_ways", with_replacement),
    ("draws", "_falling", powers_for_falling_factorials),
    ("labels", "_falling", powers_for_falling_factorials),
    ("draws", "_labelled", no_overlap),
    ("labels", "_labelled", no_overlap),
    ("independent_cells", "counted_partitions", all_distinct),
    ("draws", "counted_partitions", all_distinct),
    ("labels", "counted_partitions", all_distinct),
]


@pytest.mark.parametrize("kind", DESIGNS)
def test_the_sound_engine_agrees(kind):
    assert agree(kind)


@pytest.mark.parametrize(("kind", "name", "mutant"), MUTANTS, ids=lambda value: getattr(value, "__name__", value))
def test_mistakes_are_caught(monkeypatch, kind, name, mutant):
    with monkeypatch.context() as planted:
        planted.setattr(incidence, name, mutant)
        assert not agree(kind)
    incidence.expectation.cache_clear()
