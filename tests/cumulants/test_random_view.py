"""The random view against enumeration over all designs, conditional or not, with levels that may be empty or not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from random import Random

import pytest

from momentalg.check.random_cases import DEGREES, random_unit_case
from momentalg.check.random_design import law_cumulant
from momentalg.check.random_models import LEVEL_COVARIATE, OWN_COVARIATE
from momentalg.cumulants.design_moments import effect_variable
from momentalg.expr.nodes import Levels, Over, Response, Total, Variable
from momentalg.model.resolved import Independence
from tests.cumulants.support import LONG, UNIT, random_view, under_law

SIZE = Variable("size", "user")
ONE_UNIT = range(300 if LONG else 30)
SAMPLES = range(100 if LONG else 14)
HIGH = ((6,), (3, 3), (2, 4))  # six different statistics have a cumulant of tens of thousands of terms
SMALL = ((1,), (2,), (1, 1), (1, 2), (2, 2), (3,), (1, 1, 1))


def model_of(case, empty):
    return replace(case.model, may_be_empty=frozenset({"user"}) if empty else frozenset())


@pytest.mark.parametrize("empty", [False, True])
def test_statistics_of_a_unit(empty):
    different = []
    for seed in ONE_UNIT:
        degrees = HIGH[seed // 8 % len(HIGH)] if seed % 8 == 0 else DEGREES[seed % len(DEGREES)]
        case = random_unit_case(seed, degrees, empty)
        model = model_of(case, empty)
        found = under_law(random_view(case.statistics, model), case.parameters, case.law, model)
        if found != law_cumulant(case.statistics, case.law, model, case.parameters):
            different.append(seed)
    assert different == []


def of_a_sample(statistic, rng):
    """A statistic of the whole sample, or of several units, made from one of a unit."""
    form = rng.randrange(5)
    if form == 0:
        return Over(UNIT, statistic)
    if form == 1:
        return statistic + statistic.at("k")
    if form == 2:
        return Over(UNIT, statistic) - statistic.at("k") * 2
    if form == 3:
        return Over(UNIT, statistic) * Levels(UNIT)
    return statistic + Total(Response(), ())


@pytest.mark.parametrize("empty", [False, True])
def test_statistics_of_a_sample(empty):
    different = []
    for seed in SAMPLES:
        case = random_unit_case(seed, SMALL[seed % len(SMALL)], empty)
        rng = Random(seed)
        if empty:  # nobody sees how many units there are: a number of non-empty levels is no number of units
            statistics = tuple(Over(UNIT, s) if rng.random() < 0.5 else s for s in case.statistics)
        else:
            statistics = tuple(of_a_sample(s, rng) for s in case.statistics)
        model = model_of(case, empty)
        found = under_law(random_view(statistics, model), case.parameters, case.law, model, units=2)
        if found != law_cumulant(statistics, case.law, model, case.parameters, units=2):
            different.append(seed)
    assert different == []


KNOWN = [
    {SIZE},
    {LEVEL_COVARIATE},
    {SIZE, LEVEL_COVARIATE},
    {SIZE, OWN_COVARIATE},
    {SIZE, LEVEL_COVARIATE, OWN_COVARIATE},
]


def of_known(atom, known):
    """What is known of a unit with this design."""
    names = {SIZE: "size(user)", LEVEL_COVARIATE: "X", OWN_COVARIATE: "x"}
    return tuple(tuple(v) if isinstance(v := atom[names[variable]], list) else v for variable in sorted(known))


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: "+".join(v.name for v in sorted(known)))
def test_conditional_moments(known):
    """Given some design variables, the oracle is the law restricted to the atoms with these values."""
    different = []
    for seed in SAMPLES:
        case = random_unit_case(seed, DEGREES[seed % len(DEGREES)])
        first, *rest = case.law
        half = {**first, "p": first["p"] / 2}  # two atoms of one size: something is left to average over
        law = [half, {**half, "X": first["X"] + 1, "x": [x - 1 for x in first["x"]]}, *rest]
        found = random_view(case.statistics, case.model, frozenset(known))
        for value in {of_known(atom, known) for atom in law}:
            inside = [atom for atom in law if of_known(atom, known) == value]
            weight = sum(Fraction(atom["p"]) for atom in inside)
            restricted = [{**atom, "p": Fraction(atom["p"]) / weight} for atom in inside]
            expected = law_cumulant(case.statistics, restricted, case.model, case.parameters)
            if under_law(found, case.parameters, restricted, case.model) != expected:
                different.append((seed, value))
    assert different == []


def test_declared_independence_splits_what_the_law_splits():
    """Under a product law, results with the fact declared have the same value, and no joint moments of the two."""
    different, split = [], 0
    for seed in ONE_UNIT:
        case = random_unit_case(seed, SMALL[seed % len(SMALL)])
        declared = replace(case.model, independent=(Independence((SIZE, LEVEL_COVARIATE)),))
        sizes = {a["size(user)"]: a["p"] for a in case.law}
        values = {a["X"]: a["p"] for a in case.law}
        law = [
            {"p": Fraction(p) * q / sum(sizes.values()) / sum(values.values()), "size(user)": k, "X": x, "x": [x] * k}
            for k, p in sizes.items()
            for x, q in values.items()
        ]
        plain = under_law(random_view(case.statistics, case.model), case.parameters, law, case.model)
        found = random_view(case.statistics, declared)
        split += found != random_view(case.statistics, case.model)
        if plain != under_law(found, case.parameters, law, declared):
            different.append(seed)
    assert different == []
    assert split > len(ONE_UNIT) / 10


def test_every_order_of_conditioning_gives_the_same_result():
    different = []
    for seed in SAMPLES:
        case = random_unit_case(seed, SMALL[seed % len(SMALL)])
        plain = random_view(case.statistics, case.model)
        effects = effect_variable(0, 0, case.model)
        for variables in permutations((SIZE, LEVEL_COVARIATE, effects), 2):
            first, second = frozenset(variables[:1]), frozenset(variables)
            if random_view(case.statistics, case.model, frozenset(), first, second) != plain:
                different.append((seed, variables))
    assert different == []
