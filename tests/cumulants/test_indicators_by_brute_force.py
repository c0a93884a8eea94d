"""Rules of indicators and of roots of weights, beside their values for every label and the sums level by level."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import pytest

import momentalg as ma
from momentalg.cumulants.indicators import indicate, once
from momentalg.cumulants.terms import SIZE, Level, What, cell_of
from momentalg.expr.nodes import Variable
from momentalg.model.resolved import root_of
from tests.check.models import factors

MODEL = ma.Model("y ~ drug + site + x + (1 | user)", fixed={"drug": ["a", "b", "c"], "site": [1, 2, 3]}).resolved
DRUG_B, DRUG_C, SITE_2, SITE_3, X = (column.monomial[0][0] for column in MODEL.mean[1:])
INDICATORS = {DRUG_B: ("drug", "b"), DRUG_C: ("drug", "c"), SITE_2: ("site", 2), SITE_3: ("site", 3)}
WEIGHTED = ma.Model("y ~ 1 + (1 | user)", weights="w").resolved
W, ROOT = Variable("column", "w"), root_of("w")
ROWS = [
    {"user": user, "drug": drug, "site": site, X: x}
    for user, drug, site, x in zip("aaabbbcc", "abbabcca", (1, 2, 3, 1, 2, 2, 3, 1), range(1, 9), strict=True)
]
U0, D0, D1, S0 = (Level(c, "", n) for n, c in enumerate(("user", "drug", "drug", "site")))
DRUG_I = Level("drug", "i")
HERE = {DRUG_I: "b"}


def at(monomial, row):
    found = Fraction(1)
    for variable, power in monomial:
        known = INDICATORS.get(variable)
        found *= Fraction(row[variable] if known is None else row[known[0]] == known[1]) ** power
    return found


def value(entries, levels):
    """The sum over the levels that occur of the product of the entries."""
    ranges = [sorted({row[level.column] for row in ROWS}) for level in levels]
    whole = Fraction(0)
    for labels in product(*ranges):
        place = {**HERE, **dict(zip(levels, labels, strict=True))}
        term = Fraction(1)
        for (cell, what), power in entries.items():
            inside = [row for row in ROWS if all(row[level.column] == place[level] for level in cell)]
            if what.kind == "value":
                term *= at(what.monomial, {level.column: place[level] for level in cell}) ** power
            else:
                term *= sum((at(what.monomial, row) for row in inside), Fraction(0)) ** power
        whole += term
    return whole


def test_products_of_indicators_have_the_value_of_one_indicator():
    rng, zero = Random(3), 0
    for _ in range(200):
        monomial = tuple((v, rng.randint(1, 3)) for v in sorted(rng.sample([*INDICATORS, X], rng.randint(0, 4))))
        found = once(monomial, MODEL)
        values = [at(monomial, {"drug": d, "site": s, X: 3}) for d in "abc" for s in (1, 2, 3)]
        if found is None:
            zero += 1
            assert not any(values)
        else:
            assert [at(found, {"drug": d, "site": s, X: 3}) for d in "abc" for s in (1, 2, 3)] == values
            assert any(values)
            assert found == tuple((v, p if v == X else 1) for v, p in monomial)
    assert 20 < zero < 180


@pytest.mark.parametrize("power", range(1, 7))
def test_a_root_of_weights_is_left_to_the_power_one_at_most(power):
    found = dict(once(((W, -3), (ROOT, power)), WEIGHTED))
    assert found.get(ROOT, 0) == power % 2
    assert 2 * found.get(W, 0) + found.get(ROOT, 0) == power - 6


def random_entries(rng):
    """Totals over cells of a user, of a drug and of a site, values of drugs, and sizes; most to the power 1."""
    entries = {}
    for _ in range(rng.randint(1, 3)):
        chosen = {v.column: v for v in rng.sample((U0, D0, D1, S0, DRUG_I), rng.randint(0, 3))}
        monomial = ((X, 1),) if rng.random() < 0.5 else ()
        entries[cell_of(chosen), What("total", monomial)] = rng.choice((1, 1, 1, 2))
    for _ in range(rng.randint(1, 3)):
        level = rng.choice((D0, D0, D1, S0, DRUG_I))
        variable = rng.choice((SITE_2, SITE_3) if level == S0 else (DRUG_B, DRUG_B, DRUG_C))
        entries[(level,), What("value", ((variable, 1),))] = rng.choice((1, 1, 2))
    return entries


@pytest.mark.parametrize("seed", range(20))
def test_sums_with_indicators_keep_their_value(seed):
    rng = Random(seed)
    for _ in range(15):
        entries = random_entries(rng)
        levels = [level for level in (U0, D0, D1, S0) if any(level in cell for cell, _ in entries)]
        values = [(cell[0], what.monomial) for cell, what in entries if what.kind == "value"]
        touched = {v for cell, what in entries if what.kind == "total" for v in cell}
        wanted = value(entries, levels)
        gone = indicate(entries, MODEL)
        if len({level for level, _ in values}) < len(set(values)):  # two indicators of one level
            assert gone is None
            assert wanted == 0
            continue
        assert gone == {level for level, _ in values if not level.free and level in touched}
        assert value(entries, [level for level in levels if level not in gone]) == wanted
        assert all(power == 1 for (_, what), power in entries.items() if what.kind == "value")


B_HERE = ((D0,), What("value", ((DRUG_B, 1),)))
B_IN_USER = ((U0,), What("total", ((DRUG_B, 1),)))


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ({B_HERE: 3, ((D0, U0), SIZE): 1}, {B_IN_USER: 1}),
        ({B_HERE: 1, ((D0, U0), SIZE): 1, B_IN_USER: 2}, {B_IN_USER: 3}),
        ({B_HERE: 1, ((D0, U0), What("total", ((DRUG_B, 1),))): 2}, {B_IN_USER: 2}),
        ({B_HERE: 1, ((D0, U0), SIZE): 2, ((U0,), SIZE): -1}, {B_IN_USER: 2, ((U0,), SIZE): -1}),
    ],
)
def test_a_sum_over_the_levels_of_a_factor_is_its_one_term(entries, wanted):
    assert indicate(entries, MODEL) == {D0}
    assert entries == wanted


@pytest.mark.parametrize(
    "others",
    [
        {},
        {((D0, U0), SIZE): -1},
        {((D0, U0), SIZE): 1, ((D0,), SIZE): -1},
        {((D0,), SIZE): 0, ((D0, U0), SIZE): 1},
        {((D0,), What("moment", (), "E(X)")): 1},
        {((D0, U0), SIZE): 1, ((D0,), What("weight", (), "W")): 1},
    ],
)
def test_what_is_no_total_to_a_positive_power_stays_with_the_level(others):
    entries = {B_HERE: 2, **others}
    assert indicate(entries, MODEL) == set()
    assert entries == {B_HERE: 1, **others}


def test_the_total_of_one_levels_indicator_over_another_level_is_zero():
    entries = {B_HERE: 1, ((D0, U0), SIZE): 1, ((D0,), What("total", ((DRUG_C, 1),))): 1}
    assert value(entries, [U0, D0]) == 0
    assert indicate(entries, MODEL) is None


def test_a_level_stays_while_a_level_local_to_it_is_there():
    nested = factors(
        ("user",), ("drug", "user"), local_to={"user": "drug"}, fixed=MODEL.fixed, definitions=MODEL.definitions
    )
    entries = {B_HERE: 1, ((D0, U0), SIZE): 2}
    assert indicate(entries, nested) == set()
    assert entries == {B_HERE: 1, ((D0, U0), SIZE): 2}
    assert indicate({B_HERE: 1, ((D0,), SIZE): 2}, nested) == {D0}
