"""b nested in a: theory.md, section 13 (Searle, Casella, McCulloch 1992; Henderson I is the analysis of variance)."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import momentalg as ma
from tests.theory.designs import counts, moment, nested, squares, values

SEEDS = range(12)
SLASHED = ma.Model("y ~ 1 + (1 | a/b)")
DECLARED = ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.nested("b", "a")])


def with_unique_labels(rows):
    return [{**row, "b": row["a"] + row["b"]} for row in rows]


def expectations(model, inner, rows, par):
    """Of the sums of squares within b, of b within a, and of a."""
    y = model.y
    cells = ma.over(inner, model.total(y, by=inner) ** 2 / model.size(inner))
    groups = ma.over("a", model.total(y, by="a") ** 2 / model.size("a"))
    statistics = (model.total(y**2) - cells, cells - groups, groups - model.total(y) ** 2 / model.size())
    return [moment(model, rows, par, statistic) for statistic in statistics]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("written", ["a/b", "unique labels", "unique labels as cells"])
def test_analysis_of_variance(seed, written):
    rng = Random(seed)
    rows = nested(rng)
    par = values(rng, SLASHED)
    _, s2a, s2b, s2e = par.values()
    n, n_a, n_ab = len(rows), counts(rows, "a"), counts(rows, "a", "b")
    k = sum(Fraction(size**2, n_a[a]) for (a, _), size in n_ab.items())
    expected = [
        (n - len(n_ab)) * s2e,
        (n - k) * s2b + (len(n_ab) - len(n_a)) * s2e,
        (n - Fraction(squares(n_a), n)) * s2a + (k - Fraction(squares(n_ab), n)) * s2b + (len(n_a) - 1) * s2e,
    ]
    if written == "a/b":
        assert expectations(SLASHED, "a:b", rows, par) == expected
    elif written == "unique labels":
        renamed = dict(zip(DECLARED.parameters, par.values(), strict=True))
        assert expectations(DECLARED, "b", with_unique_labels(rows), renamed) == expected
    else:
        assert expectations(SLASHED, "a:b", with_unique_labels(rows), par) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_nesting_comes_out_of_crossing(seed):
    """Where no level of b meets two levels of a, the formulas of crossed factors are those of nested ones."""
    rng = Random(seed)
    rows = with_unique_labels(nested(rng))
    crossed = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
    par = values(rng, crossed)
    slashed = dict(zip(SLASHED.parameters, par.values(), strict=True))
    assert expectations(crossed, "b", rows, par) == expectations(SLASHED, "a:b", rows, slashed)
    total, other = (m.total(m.y, by="a") for m in (crossed, SLASHED))
    at = {("a", "i"): rows[0]["a"]}
    assert moment(crossed, rows, par, total, total, at=at) == moment(SLASHED, rows, slashed, other, other, at=at)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_variance_of_a_total(seed):
    """Given the design: n_i^2 s_a^2 + sum_j n_ij^2 s_b^2 + n_i s_e^2."""
    rng = Random(seed)
    rows, par = nested(rng), values(rng, SLASHED)
    _, s2a, s2b, s2e = par.values()
    total = SLASHED.total(SLASHED.y, by="a")
    level = rng.choice(rows)["a"]
    cells = [size for (a, _), size in counts(rows, "a", "b").items() if a == level]
    assert moment(SLASHED, rows, par, total, total, at={("a", "i"): level}) == (
        sum(cells) ** 2 * s2a + sum(k**2 for k in cells) * s2b + sum(cells) * s2e
    )
