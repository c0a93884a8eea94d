"""Traces on data, by absorption, against matrices that are written down and multiplied."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from momentalg.data.tables import CellTables
from momentalg.data.traces import trace
from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import LevelColumns, Trace, Variable

X = ((Variable("column", "x"), 1),)
XX = ((Variable("column", "x"), 2),)
SIZE = ((Variable("size", "a"), 1),)
A, B, AB, C = ("a",), ("b",), ("a", "b"), ("c",)
COLUMNS = {
    "nothing": (),
    "intercept": ((),),
    "covariates": ((), X, XX, SIZE),
    "one factor": ((), X, LevelColumns(A)),
    "a slope by level": ((), X, LevelColumns(A), LevelColumns(A, X)),
    "two factors": ((), LevelColumns(A), LevelColumns(B)),
    "an interaction and what it contains": ((), X, LevelColumns(A), LevelColumns(B), LevelColumns(AB)),
    "three factors": (LevelColumns(A), LevelColumns(B), LevelColumns(C)),
    "slopes of two factors": ((), LevelColumns(A), LevelColumns(B, X)),
}
KERNELS = {"identity": None, "a": (A, (), ()), "b by x": (B, X, X), "1 and x": (A, (), X), "cells": (AB, (), ())}


def random_tables(seed: int, rows: int = 40) -> CellTables:
    rng = np.random.default_rng(seed)
    codes = {"a": rng.integers(0, 4, rows), "b": rng.integers(0, 6, rows), "c": rng.integers(0, 3, rows)}
    codes = {name: np.unique(found, return_inverse=True)[1] for name, found in codes.items()}
    return CellTables(codes, {Variable("column", "x"): rng.normal(50, 2, rows)}, rows)


def values(monomial, tables):
    found = np.ones(tables.rows)
    for variable, power in monomial:
        sizes = np.bincount(tables.codes["a"])[tables.codes["a"]]
        found = found * (sizes if variable.kind == "size" else tables.values[variable]) ** power
    return found


def matrix(column, tables):
    """The columns that a column of a projection stands for."""
    if not isinstance(column, LevelColumns):
        return values(column, tables)[:, None]
    cells = list(zip(*(tables.codes[c] for c in column.factor), strict=True))
    indicators = np.array([[cell == level for level in sorted(set(cells))] for cell in cells], dtype=float)
    return indicators * values(column.monomial, tables)[:, None]


def product(of, tables):
    if of is None:
        return np.eye(tables.rows)
    if of and isinstance(of[0], LevelColumns):
        return matrix(of[0], tables) @ matrix(of[1], tables).T
    return np.diag(values(of, tables))


def pair(kernel):
    return None if kernel is None else (LevelColumns(kernel[0], kernel[1]), LevelColumns(kernel[0], kernel[2]))


def dense(node, tables):
    spanned = [matrix(c, tables) for c in node.columns]
    projection = np.eye(tables.rows)
    if spanned:
        whole = np.concatenate(spanned, axis=1)
        scaled = whole / np.maximum(np.linalg.norm(whole, axis=0), 1e-300)
        left, found, _ = np.linalg.svd(scaled, full_matrices=False)
        projection -= left[:, found > 1e-9] @ left[:, found > 1e-9].T
    kernel = product(node.kernel, tables)
    return np.trace(projection @ (kernel + kernel.T) / 2 @ projection @ product(node.of, tables))


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_they_equal_products_of_matrices(columns, kernel):
    ofs = [pair(k) for k in KERNELS.values()] + [X]
    for seed, of in itertools.product((1, 2), ofs):
        tables = random_tables(seed)
        node = Trace(columns, pair(kernel), of)
        assert trace(node, tables) == pytest.approx(dense(node, tables), rel=1e-7, abs=1e-6), (seed, of)


def test_confounded_columns_are_counted_once():
    tables = random_tables(3)
    twice = CellTables({**tables.codes, "d": tables.codes["a"]}, tables.values, tables.rows)
    both = trace(Trace((LevelColumns(A), LevelColumns(("d",))), None, None), twice)
    assert both == trace(Trace((LevelColumns(A),), None, None), twice) == 36


def test_a_far_away_covariate_keeps_its_degree_of_freedom():
    tables = random_tables(4)
    far = CellTables(tables.codes, {v: x + 1e7 for v, x in tables.values.items()}, tables.rows)
    assert trace(Trace(((), X), None, None), far) == 38
    slopes = Trace((LevelColumns(A), LevelColumns(A, X)), None, None)
    assert trace(slopes, far) == trace(slopes, tables) == 40 - 8


def test_what_needs_too_much_memory_is_refused_by_name():
    rows = 30_000
    codes = {"a": np.arange(rows), "b": np.arange(rows) % 20_000, "c": np.arange(rows) % 10_000}
    tables = CellTables(codes, {}, rows)
    node = Trace((LevelColumns(A), LevelColumns(B)), None, None)
    with pytest.raises(UnsupportedError, match="matrix of 30,000 x 30,000"):
        trace(Trace((LevelColumns(A), LevelColumns(B), LevelColumns(C)), None, None), tables)
    with pytest.raises(UnsupportedError, match="project off fewer levels"):
        trace(node, tables)


@pytest.mark.parametrize("name", ["nothing", "intercept", "covariates"])
def test_diagonal_kernels_weigh_the_squares_of_residuals(name):
    for seed, of in itertools.product((1, 2), [*(pair(k) for k in KERNELS.values()), X, SIZE]):
        tables = random_tables(seed)
        node = Trace(COLUMNS[name], X, of)
        assert trace(node, tables) == pytest.approx(dense(node, tables), rel=1e-7, abs=1e-6), (seed, of)
