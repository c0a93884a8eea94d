"""The coefficients that the field knows, for several factors, against the derived ones on random designs."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest

import momentalg as ma
from momentalg.expr.nodes import ZERO, Variable
from momentalg.moments.constants import Constants
from momentalg.moments.expectation import expectation
from tests.cumulants.support import LONG
from tests.statistics.designs import MODELS, random_rows, table_of

SEEDS = range(10 if LONG else 3)


def counts(rows, *columns):
    """The sizes of the levels of a factor."""
    return Counter(tuple(r[c] for c in columns) for r in rows)


def squares(rows, *columns):
    return sum(k**2 for k in counts(rows, *columns).values())


def overlap(rows, outer, inner):
    """The sum of n_lh^2/n_l over the levels l of one factor and h of another."""
    sizes, cells = counts(rows, *outer), counts(rows, *outer, *(c for c in inner if c not in outer))
    return sum(Fraction(k**2, sizes[cell[: len(outer)]]) for cell, k in cells.items())


def coefficients(name, family, rows):
    """The derived coefficients on a design, by statistic and component."""
    model = MODELS[name]
    constants = Constants(table_of(rows), model.resolved)
    return {
        s.name: {k: constants.value(v) for k, v in expectation(s.node, model.resolved).items()}
        for s in ma.statistics()[family].build(model.resolved)
    }


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["crossed", "interaction", "three", "nested", "three levels", "nested and crossed"])
def test_sums_of_squares_within_levels(name, seed):
    """E U_f = sum_g s_g^2 (n - sum n_lh^2/n_l) + s_e^2 (n - L_f); U_e likewise with all pairs (Gao and Owen 2017)."""
    rows, blocks = random_rows(name, seed), MODELS[name].resolved.groups
    n, found = len(rows), coefficients(name, "gao_owen", rows)
    for block in blocks:
        expected = {f"var(1|{g.name})": n - overlap(rows, block.factor, g.factor) for g in blocks}
        expected["var(residual)"] = n - len(counts(rows, *block.factor))
        row = found[f"U[{block.name}]"]
        assert {k: row.get(k, 0) for k in expected} == expected
        nested_in = [g for g in blocks if set(g.factor) <= set(block.factor)]
        assert not any(f"var(1|{g.name})" in row for g in nested_in), "zero by nestedness, and not computed"
    expected = {f"var(1|{g.name})": n**2 - squares(rows, *g.factor) for g in blocks}
    assert found["U[e]"] == {**expected, "var(residual)": n**2 - n}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_determinant_of_gao_and_owen_without_replicates(seed):
    """|det| = (n - R)(n - C)(n^2 - sum N^2 - sum M^2 + n), the number of pairs that share neither level being last."""
    rows = random_rows("unreplicated", seed, 7)
    found = coefficients("unreplicated", "gao_owen", rows)
    keys = ("var(1|a)", "var(1|b)", "var(residual)")
    (p, q, r), (s, t, u), (v, w, x) = ([row.get(k, ZERO.value) for k in keys] for row in found.values())
    determinant = p * (t * x - u * w) - q * (s * x - u * v) + r * (s * w - t * v)
    n, sizes, others = len(rows), counts(rows, "a"), counts(rows, "b")
    pairs = n**2 - squares(rows, "a") - squares(rows, "b") + n
    assert abs(determinant) == (n - len(sizes)) * (n - len(others)) * pairs
    assert pairs == sum(i["a"] != j["a"] and i["b"] != j["b"] for i in rows for j in rows)


def test_without_replicates_the_coefficients_are_counts_of_levels():
    """N - R, of Gao and Owen, is for unreplicated cells; with replicates an overlap takes its place."""
    texts = {}
    for name in ("unreplicated", "crossed"):
        model = MODELS[name]
        first = ma.statistics()["gao_owen"].build(model.resolved)[0]
        texts[name] = str(expectation(first.node, model.resolved)["var(1|b)"])
    assert texts["unreplicated"] == "n - r"
    assert "^2/N_i" in texts["crossed"]


@pytest.mark.parametrize("seed", SEEDS)
def test_expected_mean_squares_of_nested_factors(seed):
    """Henderson I is the analysis of variance: SSE, SS_{B:A} and SSA with k = sum n_ij^2/N_i."""
    rows = random_rows("nested", seed)
    n, k = len(rows), overlap(rows, ("a",), ("b",))
    levels, cells = len(counts(rows, "a")), len(counts(rows, "a", "b"))
    found = coefficients("nested", "henderson1", rows)
    n2, nij = squares(rows, "a"), squares(rows, "a", "b")
    assert found["SS[a]"] == {
        "var(1|a)": n - Fraction(n2, n),
        "var(1|a:b)": k - Fraction(nij, n),
        "var(residual)": levels - 1,
    }
    assert found["SS[a:b]"] == {"var(1|a:b)": n - k, "var(residual)": cells - levels}
    assert found["SSE"] == {"var(residual)": n - cells}
    assert coefficients("nested", "henderson3", rows) == {
        f"R[{name[3:-1]}]" if name != "SSE" else name: row for name, row in found.items()
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_of_a_random_slope(seed):
    """Sums over ordered pairs of a level, with s_k = sum x^k: no residual variance occurs in them."""
    rows = random_rows("slope", seed)
    found = coefficients("slope", "pairs", rows)
    expected = {"WP[1|a]": [0, 0, 0], "WP[1,x|a]": [0, 0, 0], "WP[x|a]": [0, 0, 0]}
    for level in counts(rows, "a"):
        xs = [r["x"] for r in rows if r["a"] == level[0]]
        n, (s1, s2, s3, s4) = len(xs), (sum(x**k for x in xs) for k in (1, 2, 3, 4))
        sums = {
            "WP[1|a]": (n**2 - n, 2 * (n - 1) * s1, s1**2 - s2),
            "WP[1,x|a]": ((n - 1) * s1, n * s2 + s1**2 - 2 * s2, s1 * s2 - s3),
            "WP[x|a]": (s1**2 - s2, 2 * (s1 * s2 - s3), s2**2 - s4),
        }
        for name, values in sums.items():
            expected[name] = [a + b for a, b in zip(expected[name], values, strict=True)]
    keys = ("var(1|a)", "cov(1,x|a)", "var(x|a)")
    for name, values in expected.items():
        assert [found[name].get(k, 0) for k in keys] == values
        assert "var(residual)" not in found[name]


@pytest.mark.parametrize("seed", SEEDS)
def test_minque_coefficients_are_symmetric(seed):
    """E Q_f = sum_g s_g^2 tr(P V_g P V_f): the matrix of the equations is that of inner products of P V_f P."""
    rows = random_rows("crossed, covariate", seed)
    found = coefficients("crossed, covariate", "minque0", rows)
    assert found["Q[1|a]"]["var(1|b)"] == found["Q[1|b]"]["var(1|a)"] > 0
    assert found["Q[1|a]"]["var(residual)"] == found["RSS"]["var(1|a)"]
    assert found["RSS"]["var(residual)"] == len(rows) - 2


def hemmerle_and_hartley():
    """The design of the data in the SAS VARCOMP documentation, after Hemmerle and Hartley (1973)."""
    sizes = {(1, 1): 3, (1, 2): 2, (2, 1): 3, (2, 2): 3, (3, 1): 2, (3, 2): 3}
    return [{"a": f"a{i}", "b": f"b{j}", "c": 0, "f": i, "x": 0, "z": 0, "w": 1, "X": 0} for (i, j), k in sizes.items()
            for _ in range(k)]  # fmt: skip


@pytest.mark.parametrize("fixed", [["a"], {"a": ["a1", "a2", "a3"]}], ids=["levels unknown", "levels known"])
@pytest.mark.parametrize("family", ["type1", "henderson3"])
def test_expected_mean_squares_of_hemmerle_and_hartley(family, fixed):
    """SAS/STAT, The VARCOMP Procedure, a fixed: EMS(a) = Ve + 2.725 Vab + 0.1 Vb + Q(a),
    EMS(b) = Ve + 2.6308 Vab + 7.8 Vb and EMS(ab) = Ve + 2.5846 Vab."""
    model = ma.Model("y ~ 1 + a + (1 | b) + (1 | a:b)", fixed=fixed)
    table = table_of(hemmerle_and_hartley())
    for level in ("a1", "a2", "a3"):
        indicator = [Fraction(label == level) for label in table.labels["a"]]
        table.values[Variable("function", f"a[{level}]")] = indicator
    constants = Constants(table, model.resolved)
    rows = []
    for named in ma.statistics()[family].build(model.resolved):
        row = {k: constants.value(v) for k, v in expectation(named.node, model.resolved, named.form).items()}
        rows.append({k: round(float(v / row["var(residual)"]), 4) for k, v in row.items()})
    of_a = {"var(1|b)": 0.1, "var(1|a:b)": 2.725, "var(residual)": 1.0, "Q(a)": 0.5}  # divided by 2, the mean square
    assert rows == [
        *([of_a] if family == "type1" else []),
        {"var(1|b)": 7.8, "var(1|a:b)": 2.6308, "var(residual)": 1.0},
        {"var(1|a:b)": 2.5846, "var(residual)": 1.0},
        {"var(residual)": 1.0},
    ]
