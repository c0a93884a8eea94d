"""Normal forms of single terms: the value is that of the sum, level by level, and equal sums are equal forms."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import pytest

import momentalg as ma
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.normal_form import Unifier, close_nesting, normal_form
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import OBSERVATION, SIZE, Entry, Level, Observation, Term, What, cell_of
from momentalg.cumulants.totals import single
from momentalg.expr.nodes import Variable
from tests.check.models import factors

X, V, x, w = (Variable("column", name) for name in "XVxw")
FACTS = {"constant_on": {X: ("user",), V: ("item",)}}
CROSSED = factors(("user",), ("item",), ("day",), **FACTS)
NESTED = factors(
    ("user",),
    ("user", "item"),
    ("user", "item", "day"),
    local_to={"item": "user", "day": "item"},
    constant_on={X: ("user",)},
)
UNREPLICATED = factors(("user",), ("item",), ("day",), unreplicated=(("user", "item"), ("item", "day")), **FACTS)
NESTED_SINGLE = factors(
    ("user",),
    ("user", "item"),
    ("user", "item", "day"),
    local_to={"item": "user", "day": "item"},
    unreplicated=(("user", "item"), ("user", "item", "day")),
)
CELLS = ["aps", "apt", "aqs", "bps", "bps", "brt", "crs", "crs"]
SINGLE = ["aps", "aqt", "bpt", "bqu", "crs"]
COLUMNS = ("user", "item", "day")


def rows_of(cells, local):
    """Rows with labels and covariates; the labels of nested columns are used again in every level of their home."""
    value = {"a": 2, "b": -1, "c": 5, "p": 3, "q": -2, "r": 7}
    rows = []
    for number, labels in enumerate(cells):
        row = dict(zip(COLUMNS, labels, strict=True))
        rows.append(
            row | {X: value[row["user"]], V: value[row["item"]], x: number + 1, w: 3 - number % 4, OBSERVATION: number}
        )
    if local:
        assert len({row["item"] for row in rows}) < len({(row["user"], row["item"]) for row in rows})
    return rows


def places(column, model):
    """The columns that tell the levels of one column apart."""
    found = [column]
    while (parent := model.local_to.get(found[-1])) is not None:
        found.append(parent)
    return found


def brute_force(term, rows, model):
    """The value of a term without draws: a sum over the levels that occur, of sums over the rows of each cell."""

    known = {
        (row[OBSERVATION], c): tuple(row[p] for p in places(c, model)) for row in rows for c in (*COLUMNS, OBSERVATION)
    }

    def label(row, column):
        return known[row[OBSERVATION], column]

    levels = sorted(term.bound)
    ranges = [sorted({label(row, level.column) for row in rows}) for level in levels]
    whole = Fraction(0)
    for labels in product(*ranges):
        at = dict(zip(levels, labels, strict=True))

        def inside(cell, at=at):
            return [row for row in rows if all(label(row, level.column) == at[level] for level in cell)]

        value = Fraction(term.coefficient)
        for observation in term.observations:
            value *= sum((at_row(row, observation.covariates) for row in inside(observation.cell)), Fraction(0))
        for entry in term.entries:
            found = inside(entry.cell)
            total = sum((at_row(row, entry.what.monomial) for row in found), Fraction(0))
            if entry.what.kind == "value":
                (total,) = {at_row(row, entry.what.monomial) for row in found}
            value *= Fraction(int(bool(found))) if entry.power == 0 else total**entry.power
        whole += value
    return whole


def at_row(row, monomial):
    found = Fraction(1)
    for variable, power in monomial:
        found *= Fraction(row[variable]) ** power
    return found


def form(term, model):
    return normal_form(term, model, Unifier(term.next_number))


def value_of_form(term, rows, model):
    labels = {column: [row[column] for row in rows] for column in COLUMNS}
    table = DesignTable(labels, {v: [Fraction(row[v]) for row in rows] for v in (X, V, x, w)}, len(rows))
    found = form(term, model)
    return Fraction(0) if found is None else evaluate(Polynomial({found: term.coefficient}), {}, table)


def random_term(rng):
    """Sums over up to three levels and one observation, of totals over cells of them, and of sizes to powers."""
    columns = [rng.choice(COLUMNS) for _ in range(rng.randint(1, 3))]
    levels = [Level(column, "", number) for number, column in enumerate(columns)]
    named = Level(OBSERVATION, "", len(levels))
    bound = {*levels}

    def cell():
        return cell_of({level.column: level for level in rng.sample(levels, rng.randint(0, len(levels)))})

    observations, entries = [], [Entry((level,), SIZE, 0) for level in levels]  # a level is one that occurs
    for _ in range(rng.randint(0, 2)):
        covariates = tuple(
            (v, rng.randint(1, 2)) for v in sorted({rng.choice((X, x, w)) for _ in range(rng.randint(0, 2))})
        )
        observations.append(Observation((), covariates, cell()))
    if rng.random() < 0.5:  # several draws at one observation, that is found to lie in several cells
        bound.add(named)
        for _ in range(rng.randint(1, 3)):
            covariates = ((rng.choice((X, x, w)), 1),) if rng.random() < 0.8 else ()
            observations.append(
                Observation((), covariates, cell_of({level.column: level for level in (*cell(), named)}))
            )
    for _ in range(rng.randint(0, 3)):
        place = cell()
        entries.append(Entry(place, SIZE, rng.choice((0, 1, 1, 2))))
    return Term(Fraction(1), tuple(observations), tuple(entries), frozenset(bound))


@pytest.mark.parametrize(
    ("model", "cells"), [(CROSSED, CELLS), (NESTED, CELLS), (UNREPLICATED, SINGLE)], ids=["crossed", "nested", "single"]
)
def test_values_are_those_of_the_sums(model, cells):
    rng, rows, wrong, zero = Random(7), rows_of(cells, bool(model.local_to)), [], 0
    for number in range(60):
        term = random_term(rng)
        wanted = brute_force(term, rows, model)
        zero += wanted == 0
        if value_of_form(term, rows, model) != wanted:
            wrong.append((number, term))
    assert wrong == []
    assert zero < 30


def term(observations=(), entries=(), bound=()):
    """A term of observations (covariates, cell) and entries (cell, what, power); cells are lists of levels."""

    def cell(levels):
        return cell_of({level.column: level for level in levels})

    return Term(
        Fraction(1),
        tuple(
            Observation((), tuple((v, covariates.count(v)) for v in sorted({*covariates})), cell(levels))
            for covariates, levels in observations
        ),
        tuple(Entry(cell(levels), what, power) for levels, what, power in entries),
        frozenset(bound),
    )


J, T = Level(OBSERVATION, "j"), Level(OBSERVATION, "", 9)
U0, U1, I0, I1, D0 = (Level(c, "", n) for c, n in (("user", 0), ("user", 1), ("item", 2), ("item", 3), ("day", 4)))
HERE, THERE, PART = Level("user", "i"), Level("user", "k"), Level("item", "i")
X_0, X_1, V_0 = (
    ([U0], What("value", ((X, 1),)), 1),
    ([U1], What("value", ((X, 1),)), 1),
    ([I0], What("value", ((V, 1),)), 1),
)


@pytest.mark.parametrize(
    ("one", "other", "model"),
    [
        (  # an observation is found to lie in a user, whose value it has wherever it occurs
            term([([x], [J, U0]), ([X], [J])], [X_0], [U0]),
            term([([x], [J, U0]), ([], [J])], [([U0], What("value", ((X, 1),)), 2)], [U0]),
            CROSSED,
        ),
        (  # and its own value is a value of the observation, not of the user
            term([([x], [J, U0])], [X_0], [U0]),
            term([([], [J, U0]), ([x], [J])], [X_0], [U0]),
            CROSSED,
        ),
        (  # two users of one observation are one
            term([([x], [J, U0]), ([], [J, U1])], [X_0, X_1, ([], SIZE, 1)], [U0, U1]),
            term([([x], [J, U0])], [([U0], What("value", ((X, 1),)), 2), ([], SIZE, 1)], [U0]),
            CROSSED,
        ),
        (
            term([([x], [T, U0]), ([w], [T, U1])], [X_0, X_1, ([], SIZE, 1)], [T, U0, U1]),
            term([([x, w], [U0])], [([U0], What("value", ((X, 1),)), 2), ([], SIZE, 1)], [U0]),
            CROSSED,
        ),
        (  # a sum over an observation of what it has in each of its cells is a total over what contains it
            term([([x], [T, U0]), ([w], [T, I0])], [X_0, V_0], [T, U0, I0]),
            term([([x, w], [U0, I0])], [X_0, V_0], [U0, I0]),
            CROSSED,
        ),
        (  # the size of a cell to the power 0 is known to be 1 in a finer one that is not empty
            term([], [([U0, I0], SIZE, 0), ([U0, I0, D0], SIZE, 1)], [U0, I0, D0]),
            term([], [([], SIZE, 1)]),
            CROSSED,
        ),
        (  # a named denominator cancels
            term([], [([], What("named", (), single((), SIZE)), -1), ([], SIZE, 1)]),
            term(),
            CROSSED,
        ),
        (  # a named level of a nested column is not empty; its home is one
            term([], [([HERE, PART], SIZE, 0)]),
            term(),
            NESTED_SINGLE,
        ),
    ],
)
def test_equal_sums_are_equal_forms(one, other, model):
    assert form(one, model) == form(other, model) is not None


@pytest.mark.parametrize(
    ("one", "other", "model"),
    [
        (
            term([], [([HERE, PART], SIZE, 0)]),
            term(),
            UNREPLICATED,
        ),  # two named levels may have no observation in common
        (term([], [([HERE, I0], SIZE, 0)], [I0]), term([], [([I0], SIZE, 0)], [I0]), NESTED),
        (  # the indicator is of the cell, not of a day in it
            term([], [([U0, I0], SIZE, 0), ([U0, I0, D0], What("total", ((x, 1),)), 0)], [U0, I0, D0]),
            term([], [([U0], SIZE, 0), ([I0], SIZE, 0), ([D0], SIZE, 0)], [U0, I0, D0]),
            CROSSED,
        ),
        (  # a sum of quotients is not the quotient of sums, at one observation or not
            term([], [([U0, I0], What("total", ((x, 1),)), 2), ([U0, I0], What("total", ((w, 1),)), -1)], [U0, I0]),
            term([([x, x], [])], [([], What("total", ((w, 1),)), -1)]),
            UNREPLICATED,
        ),
    ],
)
def test_unequal_sums_are_unequal_forms(one, other, model):
    assert form(one, model) != form(other, model)


def test_a_level_brings_all_that_it_is_nested_in():
    (cell,) = close_nesting([(D0,)], NESTED, Unifier(5))
    assert [level.column for level in cell] == ["day", "item", "user"]
    day, both = close_nesting([(D0,), cell_of({"day": D0, "user": U0})], NESTED, Unifier(5))
    assert day == both
    assert U0 in day


def test_what_is_nested_twice_is_closed_after_all_else_is():
    home = cell_of({"item": I1, "user": U1})
    day, *others = close_nesting([(D0,), home, home], NESTED, Unifier(5))
    assert [level.column for level in day] == ["day", "item", "user"]
    assert others == [home, home]


def test_observations_of_two_named_levels_are_none():
    assert form(term([([x], [J, HERE]), ([], [J, THERE])]), CROSSED) is None


@pytest.mark.parametrize("columns", [("user", "item"), ("item", "day")])
def test_each_declared_cell_has_one_observation_at_most(columns):
    levels = [{"user": U0, "item": I0, "day": D0}[c] for c in columns]
    squared = term([], [(levels, What("total", ((x, 1),)), 2)], levels)
    assert form(squared, UNREPLICATED) == form(term([([x, x], [])]), UNREPLICATED)
    assert form(squared, CROSSED) != form(term([([x, x], [])]), CROSSED)


FIXED = ma.Model("y ~ drug + (1 | user) + (1 | user:drug)", fixed={"drug": ["a", "b", "c"]}).resolved
(DRUG_B, DRUG_C) = (column.monomial[0][0] for column in FIXED.mean[1:])
DRUG = Level("drug", "", 5)


@pytest.mark.parametrize("other", [DRUG_B, DRUG_C, None])
def test_an_indicator_in_a_cell_of_its_factor_is_of_the_one_level(other):
    """The totals S_b(ud) and S_c(ud) of two indicators have no product; squares of S_b(ud) sum to that of S_b(u)."""
    second = () if other is None else (other,)
    by_level = form(term([([DRUG_B], [U0, DRUG]), (second, [U0, DRUG])], [X_0], [U0, DRUG]), FIXED)
    if other == DRUG_C:
        assert by_level is None
    else:
        assert by_level == form(term([([DRUG_B], [U0]), ([DRUG_B], [U0])], [X_0], [U0]), FIXED) is not None


def test_a_named_level_nested_twice_is_not_empty():
    named = [HERE, PART, Level("day", "i")]
    assert form(term([], [(named, SIZE, 0)]), NESTED_SINGLE) == form(term(), NESTED_SINGLE)


def test_the_levels_in_a_named_one_are_counted():
    found = form(term([], [([HERE, I0], SIZE, 0)], [I0]), NESTED)
    ((counted, power),) = found
    assert power == 1
    assert [(entry.cell[-1], entry.power) for entry in counted.entries] == [(HERE, 0)]


def test_the_size_of_a_named_observation_says_where_it_is():
    found = form(term([([x], [J, U0])], [X_0], [U0]), CROSSED)
    sizes = [entry for total, _ in found for entry in total.entries if entry.what == SIZE]
    assert [(entry.cell[0], entry.power) for entry in sizes] == [(J, 1)]


def test_a_total_in_a_denominator_of_a_single_cell_stays_a_total():
    quotient = term([], [([U0, I0], What("total", ((x, 1),)), 2), ([U0, I0], What("total", ((w, 1),)), -1)], [U0, I0])
    assert form(quotient, UNREPLICATED) == form(quotient, CROSSED)


def test_a_total_to_the_power_zero_is_one():
    assert form(term([], [([U0, I0], What("total", ((x, 1),)), 0)], [U0, I0]), CROSSED) == form(
        term([], [], [U0, I0]), CROSSED
    )


def test_an_indicator_at_an_observation_is_its_own():
    within = form(term([([DRUG_B], [J, DRUG])], [], [DRUG]), FIXED)
    assert within == form(term([([DRUG_B], [J])]), FIXED) is not None


VALUE, OF_DAY = What("value", ((x, 1),)), What("value", ((w, 1),))


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_single_cell_has_size_one_beside_what_it_holds(size):
    """Where a cell has one observation at most, its size is 1 beside an entry of the cell, or of a part of it."""
    beside = term([], [([U0, I0], SIZE, size), ([U0, I0], VALUE, 1)], [U0, I0])
    assert form(beside, UNREPLICATED) == form(term([], [([U0, I0], VALUE, 1)], [U0, I0]), UNREPLICATED)
    assert (form(beside, CROSSED) == form(term([], [([U0, I0], VALUE, 1)], [U0, I0]), CROSSED)) == (size == 0)
    rows = rows_of(SINGLE, local=False)
    assert value_of_form(beside, rows, UNREPLICATED) == sum(row[x] for row in rows)
    part = term([], [([U0, I0], SIZE, size), ([U0, I0, D0], SIZE, 1), ([D0], OF_DAY, 1)], [U0, I0, D0])
    assert form(part, UNREPLICATED) == form(term([], [([D0], SIZE, 1), ([D0], OF_DAY, 1)], [D0]), UNREPLICATED)


@pytest.mark.parametrize("model", [UNREPLICATED, CROSSED])
def test_the_size_of_a_level_is_counted_beside_its_value(model):
    """sum_i N_i X_i is the total of X: N_i is 1 in no model that has several observations of a user."""
    counted = term([], [([U0], SIZE, 1), X_0], [U0])
    assert form(counted, model) == form(term([([X], [])]), model)
    assert form(counted, model) != form(term([], [X_0], [U0]), model)


@pytest.mark.parametrize("power", [1, 2, 3])
def test_levels_of_one_observation_each_are_as_many_as_these(power):
    """Sums of N_i^k over users who have one observation each are the number of observations."""
    single_users = factors(("user",), ("item",), unreplicated=(("user",),))
    assert form(term([], [([U0], SIZE, power)], [U0]), single_users) == form(term([([], [])]), single_users)


def test_what_a_named_observation_carries_is_its_value():
    assert form(term([([x], [J])]), CROSSED) == form(term([], [([J], VALUE, 1)]), CROSSED)


def test_an_indicator_in_a_named_level_of_its_factor_is_a_value_of_that_level_alone():
    named, value = Level("drug", "i"), What("value", ((DRUG_B, 1),))
    within = term([([DRUG_B], [U0, named])], [X_0], [U0])
    assert form(within, FIXED) == form(term([([], [U0, named])], [X_0, ([named], value, 1)], [U0]), FIXED)


def test_the_sum_of_the_size_of_a_user_over_its_observations_is_the_square():
    model = ma.Model("y ~ size(user) + (1 | user)").resolved
    (size,) = model.constant_on
    assert form(term([([size], [HERE])]), model) == form(term([], [([HERE], SIZE, 2)]), model)


def test_a_named_level_keeps_the_level_that_it_is_nested_in():
    """Labels of nested levels are used again elsewhere: without its home a level is not known."""
    ((total, power),) = form(term([], [([PART], SIZE, 1)]), NESTED)
    assert power == 1
    assert [[level.column for level in entry.cell] for entry in total.entries] == [["item", "user"]]


def test_an_indicator_that_is_constant_on_a_user_is_a_value_of_the_user():
    model = ma.Model("y ~ drug + (1 | user) + (1 | user:drug)", fixed=FIXED.fixed, levels={"drug": "user"}).resolved
    named, value = Level("drug", "i"), What("value", ((DRUG_B, 1),))
    within = term([([DRUG_B], [U0, named])], [X_0], [U0])
    assert form(within, model) == form(term([([], [U0, named])], [X_0, ([U0], value, 1)], [U0]), model)


@pytest.mark.parametrize(("at", "wanted"), [(("a", "p"), 1), (("a", "r"), 0)])
def test_two_named_levels_may_have_nothing_in_common(at, wanted):
    """The indicator that the cell of two named levels is not empty is no 1; its power and its products are itself."""
    rows = rows_of(CELLS, local=False)
    table = DesignTable({column: [row[column] for row in rows] for column in COLUMNS}, {}, len(rows))
    free = {("user", "i"): at[0], ("item", "i"): at[1]}
    indicator = term([], [([HERE, PART], SIZE, 0)])
    found = form(indicator, CROSSED)
    assert found == form(term([], [([HERE, PART], SIZE, 2), ([HERE, PART], SIZE, -2)]), CROSSED)
    assert evaluate(Polynomial({found: Fraction(3)}), {}, table, free) == 3 * wanted
    assert form(term([], [([HERE, PART], SIZE, 0), ([HERE, PART], SIZE, 1)]), CROSSED) == form(
        term([], [([HERE, PART], SIZE, 1)]), CROSSED
    )
