"""Exact linear algebra: projections are symmetric, idempotent, and annihilate their columns."""

from __future__ import annotations

from fractions import Fraction

from momentalg.check.linear import matmul, matvec, residual_maker, same_level, trace, trace_of_product, transpose


def test_residual_maker_with_dependent_columns():
    columns = [[Fraction(v) for v in c] for c in ((1, 1, 1, 1), (0, 1, 2, 5), (1, 2, 3, 6), (0, 0, 0, 0))]
    p = residual_maker(columns, 4)
    assert matmul(p, p) == p == transpose(p)
    assert all(matvec(p, c) == [0, 0, 0, 0] for c in columns)
    assert trace(p) == 4 - 2


def test_trace_of_product():
    a = [[Fraction(i + 2 * j) for j in range(3)] for i in range(3)]
    b = same_level("aab")
    assert b == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert trace_of_product(a, b) == trace(matmul(a, b))
