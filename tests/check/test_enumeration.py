"""Enumeration against the published expectations of theory.md, sections 2, 8, 10, 13, 14 and 16."""

from __future__ import annotations

from fractions import Fraction

import pytest

from momentalg.check.enumeration import enumerate_cumulant
from momentalg.errors import AssumptionError, StatisticError
from momentalg.expr.columns import same_level
from momentalg.expr.nodes import (
    OBSERVATIONS,
    Delta,
    LevelColumns,
    Levels,
    LevelSum,
    Over,
    Parameter,
    Projected,
    Response,
    Size,
    Sum,
    Total,
    Trace,
    over,
)
from tests.check.models import BY, ONE_WAY, N, S, T, distinct_values, factors, n, one_way_rows, x, y

KEYS = ("Intercept", "var(1|user)", "var(residual)", "k3(1|user)", "k3(residual)", "k4(1|user)", "k4(residual)")
VALUES = distinct_values(*KEYS)
MU, S2A, S2E, K3A, K3E, K4A, K4E = VALUES.values()
SIZES = (1, 2, 4)
COUNT, M, N2, N3 = 7, 3, 21, 73
SSW = Total(y**2, ()) - over("user", S**2 / N)
SSA = over("user", S**2 / N) - Total(y, ()) ** 2 / n


def mean(statistic, sizes=SIZES, **kwargs):
    return enumerate_cumulant([statistic], one_way_rows(*sizes), ONE_WAY, VALUES, **kwargs)


def test_analysis_of_variance():
    assert mean(SSW) == (COUNT - M) * S2E
    assert mean(SSA) == (COUNT - Fraction(N2, COUNT)) * S2A + (M - 1) * S2E
    assert mean(Over(BY, S**2)) == N2 * (MU**2 + S2A) + COUNT * S2E
    assert mean(Over(BY, S**2 - T)) == (MU**2 + S2A) * (N2 - COUNT)
    assert mean(Total(y, ()) ** 2 - Over(BY, S**2)) == MU**2 * (COUNT**2 - N2)


def test_totals_of_a_level_and_of_another():
    rows = one_way_rows(*SIZES)
    at = {"user": "u2", "k": "u1"}

    def cumulant(*statistics):
        return enumerate_cumulant(statistics, rows, ONE_WAY, VALUES, at)

    assert cumulant(S) == 4 * MU
    assert cumulant(S, S) == 16 * S2A + 4 * S2E
    assert cumulant(S, S, S) == 64 * K3A + 4 * K3E
    assert cumulant(S, S, S, S) == 256 * K4A + 4 * K4E
    assert cumulant(S, S.at("k")) == 0
    assert cumulant(S.at("k"), S.at("k")) == 4 * S2A + 2 * S2E
    assert cumulant(S, T) == 2 * MU * (16 * S2A + 4 * S2E) + 16 * K3A + 4 * K3E


def test_third_and_fourth_moments_within_levels():
    third = over(OBSERVATIONS, (y - S / N) ** 3)
    fourth = over(OBSERVATIONS, (y - S / N) ** 4)
    sizes = (2, 3, 4)
    assert mean(third, sizes) == K3E * sum(Fraction((k - 1) * (k - 2), k) for k in sizes)
    assert mean(fourth, sizes) == sum(
        K4E * Fraction((k - 1) * (k * k - 3 * k + 3), k * k) + 3 * S2E**2 * Fraction((k - 1) ** 2, k) for k in sizes
    )


def test_the_centred_totals_are_the_projection_statistic_of_minque():
    centred = Over(BY, (S - N * Total(y, ()) / n) ** 2)
    projected = Projected(((),), same_level(BY))
    expected = S2A * (N2 - Fraction(2 * N3, COUNT) + Fraction(N2**2, COUNT**2)) + S2E * (COUNT - Fraction(N2, COUNT))
    assert mean(centred) == mean(projected) == expected
    traces = Parameter("var(1|user)") * Trace(((),), same_level(BY), same_level(BY)) + Parameter(
        "var(residual)"
    ) * Trace(((),), same_level(BY), None)
    assert mean(traces) == expected
    assert mean(Projected(((), LevelColumns(BY)))) == mean(SSW)


def test_sums_that_derivations_show():
    pairs = Sum("j", Sum("k", Response("j") * Response("k") * (1 - Delta("j", "k")), BY), BY)
    assert mean(Over(BY, pairs)) == mean(Over(BY, S**2 - T))
    assert mean(LevelSum((("user", "i"),), Size(BY, ("i",)) ** 2)) == N2
    assert mean(Levels(BY) * over("user", 1)) == M**2


def test_crossed_with_replicates():
    cells = {("a", "p"): 2, ("a", "q"): 1, ("b", "q"): 1, ("c", "p"): 1, ("c", "q"): 2}
    rows = [{"row": a, "col": b} for (a, b), count in cells.items() for _ in range(count)]
    values = distinct_values("Intercept", "var(1|row)", "var(1|col)", "var(residual)")
    _, s2a, s2b, s2e = values.values()
    within = Total(y**2, ()) - over("row", Total(y, ("row",)) ** 2 / Size(("row",)))
    overlap = LevelSum((("row", "i"), ("col", "j")), Size(("row", "col"), ("i", "j")) ** 2 / Size(("row",), ("i",)))
    model = factors(("row",), ("col",))
    count, lost = enumerate_cumulant([n], rows, model, values), enumerate_cumulant([overlap], rows, model, values)
    assert (count, lost) == (7, Fraction(5, 3) + 1 + Fraction(5, 3))
    assert enumerate_cumulant([within], rows, model, values) == s2b * (count - lost) + s2e * (count - 3)
    total_a, total_q = Total(y, ("row",), ("i",)), Total(y, ("col",), ("k",))
    at = {"i": "a", "k": "q"}
    assert enumerate_cumulant([total_a, total_q], rows, model, values, at) == 1 * (3 * s2a + 4 * s2b + s2e)
    indicator = LevelSum((("row", "i"), ("col", "j")), Size(("row", "col"), ("i", "j")) ** -1)
    assert enumerate_cumulant([indicator], rows, model, values) == sum(Fraction(1, k) for k in cells.values())


@pytest.mark.parametrize("inner", ["local", "unique"])
def test_nested_sums_of_squares(inner):
    sizes = {("a", 1): 2, ("a", 2): 1, ("b", 1): 3, ("b", 2): 1, ("b", 3): 1}
    rows = [
        {"a": a, "b": f"{a}{b}" if inner == "unique" else str(b)}
        for (a, b), count in sizes.items()
        for _ in range(count)
    ]
    values = distinct_values("Intercept", "var(1|a)", "var(1|a:b)", "var(residual)")
    _, _, s2b, s2e = values.values()
    cell = Total(y, ("a", "b")) ** 2 / Size(("a", "b"))
    between = Over(("a", "b"), cell) - Over(("a",), Total(y, ("a",)) ** 2 / Size(("a",)))
    k = Fraction(5, 3) + Fraction(11, 5)
    model = factors(("a",), ("a", "b"), local_to={"b": "a"})
    assert enumerate_cumulant([between], rows, model, values) == (8 - k) * s2b + (5 - 2) * s2e


def test_random_slopes_count_the_covariance_twice():
    rows = [{"user": "u", "x": value} for value in (1, 2, 5)]
    model = factors((BY, ("1", "x")))
    values = {"Intercept": 0, "var(1|user)": 2, "cov(1,x|user)": 3, "var(x|user)": 5, "var(residual)": 7}
    s1, s2, count = 8, 30, 3
    expected = 2 * (count**2 - count) + 2 * 3 * (count - 1) * s1 + 5 * (s1**2 - s2)
    assert enumerate_cumulant([Over(BY, S**2 - T)], rows, model, values) == expected
    pairs = Total(x * y, BY) ** 2 - Total(x**2 * y**2, BY)
    s3, s4 = 134, 642
    assert enumerate_cumulant([Over(BY, pairs)], rows, model, values) == (
        2 * (s1**2 - s2) + 2 * 3 * (s1 * s2 - s3) + 5 * (s2**2 - s4)
    )


def test_what_cannot_be_known_is_refused():
    with pytest.raises(AssumptionError, match=r"'k3\(1\|user\)' is needed"):
        enumerate_cumulant(
            [Over(BY, S**3)], one_way_rows(2), ONE_WAY, {"Intercept": 1, "var(1|user)": 1, "var(residual)": 1}
        )
    with pytest.raises(StatisticError, match="not bound"):
        mean(S)
    with pytest.raises(StatisticError, match="divide by the response"):
        mean(Over(BY, 1 / S))
