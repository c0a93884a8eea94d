"""The normal form: equal sums get equal keys, indicators stay where cells may be empty, and levels unify."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product
from random import Random

import pytest

from momentalg.check.random_cases import random_case
from momentalg.cumulants.display import to_node
from momentalg.cumulants.evaluate import evaluate
from momentalg.cumulants.normal_form import Contradiction, Unifier, normal_form
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import SIZE, Entry, Level, Observation, Term, cell_of, gathered
from momentalg.cumulants.totals import canonical
from momentalg.cumulants.translate import translate
from momentalg.errors import StatisticError, UnsupportedError
from momentalg.expr.nodes import Levels, LevelSum, Over, Response, Size, Total, Value, Variable
from momentalg.model.resolved import ResolvedModel
from tests.check.models import factors
from tests.cumulants.support import given_design, table_of

X, x = Variable("column", "X"), Variable("column", "x")
CROSSED = factors(("user",), ("item",))
THREE = factors(("user",), ("item",), ("day",))
NESTED = factors(("user",), ("user", "item"), local_to={"item": "user"})
UI = ("user", "item")
N_UI = Size(UI)


def design(statistic, model: ResolvedModel) -> Polynomial:
    """A statistic without the response, in normal form."""
    return given_design([statistic], model)


def total(column, number):
    return Level(column, "", number)


def levels_and_entries(edges, power=2):
    """A sum over users and items with n_ui to a power for each edge (user number, item number)."""
    users = sorted({u for u, _ in edges})
    items = sorted({i for _, i in edges})
    levels = [total("user", u) for u in users] + [total("item", 10 + i) for i in items]
    cells = [cell_of({"user": total("user", u), "item": total("item", 10 + i)}) for u, i in edges]
    return levels, [Entry(cell, SIZE, power) for cell in cells]


@pytest.mark.parametrize(
    "edges",
    [
        [(0, 0), (0, 1), (1, 0), (1, 1)],  # the four-cycle of Var(U_a): everything is tied
        [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 0)],
        [(0, 0), (0, 1), (0, 2)],
        [(0, 0), (1, 0), (1, 1), (2, 1)],
    ],
)
def test_equal_totals_have_equal_keys_however_they_are_numbered(edges):
    rng = Random(1)
    keys = set()
    for users in permutations(range(3)):
        items = list(range(3))
        rng.shuffle(items)
        renamed = [(users[u], items[i]) for u, i in edges]
        rng.shuffle(renamed)
        keys.add(canonical(*levels_and_entries(renamed)))
    assert len(keys) == 1


def test_unequal_totals_have_unequal_keys():
    shapes = [[(0, 0), (0, 1), (1, 0), (1, 1)], [(0, 0), (0, 1), (1, 1), (1, 2)], [(0, 0), (0, 1), (0, 2), (0, 3)]]
    keys = {canonical(*levels_and_entries(edges, power)) for edges, power in product(shapes, (1, 2))}
    assert len(keys) == 6


def test_random_relabelling_of_terms_changes_nothing():
    """Renumbering bound levels and reordering factors leaves the normal form as it was."""
    compared = 0
    for seed in range(80):
        case = random_case(seed, 2, (2,))
        rng = Random(seed)
        for term in translate(case.statistics[0], case.model):
            bare = term._replace(observations=tuple(Observation((), o.covariates, o.cell) for o in term.observations))
            new = {v: v._replace(number=100 - 7 * v.number) for v in bare.bound}
            observations = [o._replace(cell=tuple(new.get(v, v) for v in o.cell)) for o in bare.observations]
            entries = [e._replace(cell=tuple(new.get(v, v) for v in e.cell)) for e in bare.entries]
            rng.shuffle(observations)
            rng.shuffle(entries)
            other = Term(bare.coefficient, tuple(observations), tuple(entries), frozenset(new.values()))
            assert normal_form(bare, case.model, Unifier(50)) == normal_form(other, case.model, Unifier(200))
            compared += 1
    assert compared > 60


def test_a_ratio_that_cancels_leaves_the_indicator_of_its_cell():
    cells = design(Over(UI, N_UI / N_UI), CROSSED)
    assert cells == design(Over(UI, 1 + 0 * N_UI), CROSSED) == design(Levels(UI), CROSSED)
    assert cells != design(Levels(("user",)) * Levels(("item",)), CROSSED)
    rows = [{"user": u, "item": i} for u, i in ("ab", "ab", "ac", "db")]
    assert evaluate(cells, {}, table_of(rows)) == 3


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        (Levels(UI), 4),
        (Over(UI, N_UI / N_UI), 4),
        (Over(UI, Size(("user",)) / Size(("user",))), 4),
        (Over(UI, Size(("user",))), 3 * 2 + 4 * 2),
        (Over(UI, N_UI), 7),
        (Over(UI, Size(("item",)) ** 2 / N_UI), 16 + Fraction(9, 2) + 8 + 9),
    ],
)
def test_sums_over_cells_count_those_that_are_there(statistic, value):
    rows = [{"user": u, "item": i} for u, i in ("ab", "ac", "ac", "db", "db", "db", "dc")]
    rows[-1] = {"user": "d", "item": "c"}
    counts = {k: sum((r["user"], r["item"]) == k for r in rows) for k in {(r["user"], r["item"]) for r in rows}}
    if statistic == Over(UI, Size(("item",)) ** 2 / N_UI):
        items = {i: sum(r["item"] == i for r in rows) for i in "bc"}
        value = sum(Fraction(items[i] ** 2, n) for (_, i), n in counts.items())
    assert evaluate(design(statistic, CROSSED), {}, table_of(rows)) == value


def test_a_sum_over_cells_of_nested_columns_counts_cells():
    rows = [{"user": u, "item": i} for u, i in (("a", 1), ("a", 1), ("a", 2), ("b", 1), ("b", 2), ("b", 3))]
    for statistic in (Levels(UI), Over(UI, N_UI / N_UI), LevelSum((("item", "j"),), 1 + 0 * N_UI)):
        assert evaluate(design(statistic, NESTED), {}, table_of(rows)) == 5
    nested = design(Over(UI, N_UI**2 / Size(("user",))), NESTED)
    assert evaluate(nested, {}, table_of(rows)) == Fraction(5, 3) + Fraction(3, 3)


@pytest.mark.parametrize("model", [CROSSED, NESTED])
@pytest.mark.parametrize("statistic", [Levels(UI), Over(UI, Size(("user",))), Over(UI, Size(("user",)) ** 2 + N_UI)])
def test_indicators_survive_being_displayed(statistic, model):
    found = design(statistic, model)
    assert design(to_node(found, model), model) == found
    assert to_node(design(Levels(UI), model), model) == Levels(UI)


def test_a_finer_indicator_implies_a_coarser_one():
    uid = ("user", "item", "day")
    both = Over(uid, N_UI / N_UI * (Size(uid) / Size(uid)))
    assert design(both, THREE) == design(Levels(uid), THREE)
    assert design(Over(uid, Size(uid) * N_UI / N_UI), THREE) == design(Size(()), THREE)


def test_two_levels_of_one_column_in_a_cell_are_one():
    """n_ab summed over a and b is n, whichever way it is written."""
    i, j = ("user", "i2"), ("item", "j2")
    n_ij = Size(UI, ("i2", "j2"))
    assert design(LevelSum((i, j), n_ij), CROSSED) == design(LevelSum((i,), Size(("user",), ("i2",))), CROSSED)
    assert design(LevelSum((i,), Size(("user",), ("i2",))), CROSSED) == design(Size(()), CROSSED)


def test_an_inverse_is_not_summed_before_it_is_inverted():
    """1/(the sum over a of 1), inverted inside the sum, gives wrong numbers."""
    ratio = design(Over(UI, N_UI**2 / Size(("user",))), CROSSED)
    rows = [{"user": u, "item": i} for u, i in ("ab", "ab", "ac", "db")]
    assert evaluate(ratio, {}, table_of(rows)) == Fraction(5, 3) + 1
    levels = design(1 / Levels(("user",)) * Over(("user",), Size(("user",)) ** 2), CROSSED)
    assert evaluate(levels, {}, table_of(rows)) == Fraction(9 + 1, 2)


def test_a_constant_covariate_comes_out_of_totals_with_one_key():
    model = factors(("user",), ("item",), constant_on={X: ("user",)})
    inside = design(Over(("user",), Total(Value(X) * Value(X), ("user",))), model)
    outside = design(Over(("user",), Size(("user",)) * Value(X) ** 2), model)
    everywhere = design(Total(Value(X) ** 2, ()), model)
    assert inside == outside == everywhere


def test_like_terms_are_put_together_whatever_their_order():
    size, response = Size(("user",)), Total(Response(), ("user",))
    left = translate(response * size + size * response, CROSSED)
    assert len(gathered(left)) == 1
    assert gathered(left)[0].coefficient == 2
    assert gathered([left[0], left[0]._replace(coefficient=-left[0].coefficient)]) == []


def test_unifier():
    unifier = Unifier(3)
    a, b, c, free = total("user", 0), total("user", 1), total("user", 2), Level("user", "i")
    assert unifier.unify(a, b)
    assert not unifier.unify(b, a)
    assert unifier.unify(c, free)
    assert unifier.unify(a, c)
    assert {unifier.find(level) for level in (a, b, c, free)} == {free}
    assert unifier.fresh("item") == Level("item", "", 3)
    assert unifier.fresh("item") == Level("item", "", 4)
    with pytest.raises(Contradiction):
        unifier.unify(a, Level("user", "k"))


def test_names_of_different_levels_never_meet():
    other = Total(Response(), ("user",), ("k",))
    assert given_design([Total(Response(), ("user",)), other], factors(("user",))) == Polynomial()


@pytest.mark.parametrize(
    ("statistic", "message"),
    [
        (1 / (Size(("user",), ("k",)) + Size(("user",))), "two levels of one factor"),
        (1 / Total(Response(), ()), "contains the response"),
        (Total(1 / (1 + Value(x)), ()), "vary by observation"),
    ],
)
def test_denominators_that_are_refused(statistic, message):
    with pytest.raises(UnsupportedError, match=message):
        translate(statistic, CROSSED)


def test_what_stands_outside_any_total_is_refused():
    with pytest.raises(StatisticError, match="outside any total"):
        translate(Response() * Size(()), CROSSED)
    with pytest.raises(StatisticError, match="only totals by factors that contain"):
        translate(Over(("user",), Total(Response(), ("item",))), CROSSED)
