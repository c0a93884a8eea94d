"""Design totals by elimination with NumPy, against the enumeration of index tuples, exactly and in floats."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import momentalg.data.joins as joins_module
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.random_cases import random_case
from momentalg.check.random_models import COVARIATES, FACTORS
from momentalg.cumulants.identity import joint_cumulant
from momentalg.cumulants.terms import Level
from momentalg.cumulants.translate import translate
from momentalg.data.design import DesignData, tables_of
from momentalg.data.joins import Table
from momentalg.data.tables import CellTables, polynomial_value
from momentalg.errors import UnsupportedError

CASES = [*((seed, 1) for seed in range(30)), *((seed, 2) for seed in range(40)), *((seed, 3) for seed in range(30))]
DEGREES = ((1,), (2,), (3,), (1, 1), (1, 2), (2, 2))


def design(case):
    labels = {column: [row[column] for row in case.rows] for column in FACTORS if column in case.rows[0]}
    covariates = {v: [Fraction(row[v.name]) for row in case.rows] for v in COVARIATES if v.name in case.rows[0]}
    return DesignData(labels, covariates)


def free_codes(case, tables, known):
    """The codes of the free levels; nested labels that repeat are those within the level of the other column."""
    found = {}
    for column, name in case.free:
        if column not in known:  # of a column that the model does not have
            continue
        inside = [c for c in (*case.model.closure((column,)),) if (c, name) in case.free]
        codes = {
            int(code)
            for code, row in zip(tables.codes[column], case.rows, strict=True)
            if all(row[c] == case.free[c, name] for c in inside)
        }
        found[Level(column, name)] = np.array([codes.pop()])
        assert not codes
    return found


@pytest.mark.parametrize("exact", [True, False])
def test_results_have_the_values_that_enumeration_finds(exact):
    for seed, factors in CASES:
        case = random_case(seed, factors, DEGREES[seed % len(DEGREES)], slopes=factors > 1 and seed % 3 == 0)
        polynomial = joint_cumulant([translate(s, case.model) for s in case.statistics], case.model)
        tables, labels = tables_of(design(case), case.model, exact)
        numbers = case.parameters if exact else {k: float(v) for k, v in case.parameters.items()}
        (found,) = polynomial_value(polynomial, tables, numbers, free_codes(case, tables, labels), 1)
        expected = enumerate_cumulant(case.statistics, case.rows, case.model, case.parameters, case.at)
        if exact:
            assert found == expected, (seed, factors)
        else:
            assert found == pytest.approx(float(expected), rel=1e-9, abs=1e-7), (seed, factors)


def table(frame: pd.DataFrame, *levels: Level) -> Table:
    return Table(levels, tuple(frame[v.column].to_numpy() for v in levels), frame["value"].to_numpy())


def test_a_join_is_a_merge_and_a_sum_a_group_by():
    rng = np.random.default_rng(1)
    a, b, c = (Level(name, "", n) for n, name in enumerate("abc"))
    left = pd.DataFrame({"a": rng.integers(0, 5, 30), "b": rng.integers(0, 9, 30), "value": rng.random(30)})
    right = pd.DataFrame({"b": rng.integers(4, 12, 20), "c": rng.integers(0, 3, 20), "value": rng.random(20)})
    left, right = left.drop_duplicates(["a", "b"]), right.drop_duplicates(["b", "c"])
    found = table(left, a, b).join(table(right, b, c)).sum_out(b)
    merged = left.merge(right, on="b")
    expected = (merged["value_x"] * merged["value_y"]).groupby([merged["a"], merged["c"]]).sum()
    assert dict(zip(zip(*(x.tolist() for x in found.codes), strict=True), found.values, strict=True)) == pytest.approx(
        expected.to_dict()
    )


def test_many_columns_do_not_overflow():
    rng = np.random.default_rng(2)
    codes = {name: np.arange(50) * 10**6 + rng.integers(0, 10**6, 50) for name in "abcdef"}
    first, cell = CellTables(codes, {}, 50).cells(tuple("abcdef"))
    assert len(first) == len(set(cell)) == 50


def test_a_table_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(joins_module, "LARGEST_TABLE", 10)
    a, b, c = (Level(name, "", n) for n, name in enumerate("abc"))
    wide = pd.DataFrame({"a": range(4), "b": 0, "c": range(4), "value": 1.0})
    with pytest.raises(UnsupportedError, match="a table of 16 rows"):
        table(wide, a, b).join(table(wide, b, c))
