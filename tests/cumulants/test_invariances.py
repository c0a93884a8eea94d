"""What must not matter, and what must change as it should, for moments given a random design, model and statistics.

Labels, the order of rows, the origin and the unit of the response, the origin of a covariate with slopes; effects that
are zero might as well not be there; without replicates, an interaction is a residual.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from random import Random

from hypothesis import assume, example, given
from hypothesis import strategies as st

from momentalg.check.parameters import cumulant_keys
from momentalg.check.random_cases import random_case
from momentalg.check.random_models import OWN_COVARIATE
from momentalg.errors import StatisticError
from momentalg.expr import nodes as n
from momentalg.expr.traversal import transform
from momentalg.model.resolved import Column, GroupBlock
from tests.cumulants.support import engine_value

SEEDS = st.integers(0, 10**6)
FACTORS = st.integers(1, 4)
SMALL = ((1,), (2,), (1, 1), (1, 2), (2, 2), (1, 1, 1))


def small_case(seed, factors, slopes=None):
    return random_case(seed, factors, SMALL[seed % len(SMALL)], slopes)


@given(SEEDS, FACTORS, st.randoms())
def test_labels_do_not_matter(seed, factors, rng):
    case = small_case(seed, factors)
    known = {}

    def renamed(column, row):
        """A new label for each old one; labels that are local to another column change within its levels."""
        place = sorted(case.model.closure((column,)))
        return known.setdefault((column, *(row[c] for c in place)), f"{rng.random()} {len(known)}")

    def relabelled(row):
        return {k: renamed(k, row) if k in case.model.columns else v for k, v in row.items()}

    home = next(r for r in case.rows if all(r[c] == case.at[c] for c in case.model.columns))
    at = {c: renamed(c, home) for c in case.model.columns}
    for column, name in case.others.items():
        if column in case.model.columns:
            at[name] = renamed(column, next(r for r in case.rows if r[column] == case.at[name]))
    others = {column: name for column, name in case.others.items() if name in at}
    new = replace(case, rows=tuple(relabelled(row) for row in case.rows), at=at, others=others)
    assert engine_value(new) == engine_value(case)


@given(SEEDS, FACTORS, st.randoms())
def test_the_order_of_rows_does_not_matter(seed, factors, rng):
    case = small_case(seed, factors)
    rows = list(case.rows)
    rng.shuffle(rows)
    assert engine_value(replace(case, rows=tuple(rows))) == engine_value(case)


def with_response(statistic, response):
    """The statistic with something else in place of the response."""
    return transform(statistic, lambda node: response if isinstance(node, n.Response) else node)


@given(SEEDS, FACTORS, st.fractions(-3, 3, max_denominator=4))
def test_a_shift_of_the_response_is_a_shift_of_the_intercept(seed, factors, shift):
    case = small_case(seed, factors)
    moved = tuple(with_response(s, n.add(n.Response(), n.Number(shift))) for s in case.statistics)
    parameters = {**case.parameters, "Intercept": case.parameters["Intercept"] + shift}
    assert engine_value(replace(case, statistics=moved)) == engine_value(replace(case, parameters=parameters))


def order_of(key, model):
    """The order of the cumulant that a parameter is; 1 for a coefficient of the mean."""
    return {key: len(chosen) for key, _, chosen in cumulant_keys(model)}.get(key, 1)


@given(SEEDS, FACTORS, st.fractions(Fraction(1, 4), 3, max_denominator=4))
def test_a_unit_of_the_response_goes_to_its_degree(seed, factors, unit):
    degrees = SMALL[seed % len(SMALL)]
    case = small_case(seed, factors)
    parameters = {k: v * unit ** order_of(k, case.model) for k, v in case.parameters.items()}
    assert engine_value(replace(case, parameters=parameters)) == unit ** sum(degrees) * engine_value(case)


def recentred(parameters, model, shift):
    """Parameters of the same response in x + shift: the effects (u, v) of 1 and x become (u - shift v, v)."""
    new = dict(parameters)
    if "x" in new:
        new["Intercept"] = parameters["Intercept"] - shift * parameters["x"]
    for key, position, chosen in cumulant_keys(model):
        if position is None:
            continue
        block, total = model.groups[position], Fraction(0)
        for old in product(*((("1", 1), ("x", -shift)) if c == "1" else (("x", 1),) for c in chosen)):
            names, weights = zip(*old, strict=True)
            product_of_weights = Fraction(1)
            for weight in weights:
                product_of_weights *= weight
            total += product_of_weights * parameters[model.cumulant_key(block, names)]
        new[key] = total
    return new


@given(SEEDS, FACTORS, st.fractions(-2, 2, max_denominator=3))
def test_the_origin_of_a_covariate_goes_into_means_and_covariances(seed, factors, shift):
    case = small_case(seed, factors, slopes=False)
    x = Column("x", ((OWN_COVARIATE, 1),))
    model = replace(
        case.model,
        mean=(Column("Intercept"), x),
        groups=tuple(GroupBlock(block.factor, (Column("1"), x)) for block in case.model.groups),
    )
    rng = Random(seed)
    parameters = {key: Fraction(rng.randint(-3, 4)) for key in ("Intercept", "x")}
    parameters |= {key: Fraction(rng.randint(1, 5)) for key, _, _ in cumulant_keys(model)}
    hidden = n.Variable("column", "z")  # statistics with x as a weight see it move: let them weigh with another one

    def other(node):
        return n.Value(hidden, node.index, node.level) if node == n.Value(OWN_COVARIATE) else node

    statistics = tuple(transform(s, other) for s in case.statistics)
    before = replace(case, model=model, parameters=parameters, statistics=statistics)
    moved = tuple({**row, "x": row["x"] + shift} for row in case.rows)
    after = replace(before, rows=moved, parameters=recentred(parameters, model, shift))
    assert engine_value(after) == engine_value(before)


@given(SEEDS, st.integers(2, 4), st.randoms())
def test_effects_that_are_zero_might_as_well_not_be_there(seed, factors, rng):
    """So the formulas of fewer factors come out of those of more."""
    case = small_case(seed, factors)
    assume(len(case.model.groups) > 1)
    gone = rng.randrange(len(case.model.groups))
    kept = tuple(block for number, block in enumerate(case.model.groups) if number != gone)
    smaller = replace(case.model, groups=kept)
    lost = {key for key, position, _ in cumulant_keys(case.model) if position == gone}
    zero = {key: Fraction(0) if key in lost else value for key, value in case.parameters.items()}
    try:
        without = engine_value(replace(case, model=smaller))
    except StatisticError:
        assume(False)  # the statistic is over levels that the smaller model does not know
    assert engine_value(replace(case, parameters=zero)) == without


@given(SEEDS, st.integers(1, 3))
def test_a_factor_with_one_level_moves_all_alike(seed, factors):
    """With all observations in one column, moments of deviations from the mean are those without that factor."""
    case = random_case(seed, factors, ((1,), (2,), (1, 1))[seed % 3], slopes=False)
    deviation = n.Response() - n.Total(n.Response(), ()) / n.Size(())
    before = replace(case, statistics=tuple(with_response(s, deviation) for s in case.statistics))
    model = replace(case.model, groups=(*case.model.groups, GroupBlock(("site",), (Column("1"),))))
    more = {key: Fraction(len(key)) for key, _, _ in cumulant_keys(model)} | dict(case.parameters)
    rows = tuple({**row, "site": "the only one"} for row in case.rows)
    assert engine_value(replace(before, model=model, rows=rows, parameters=more)) == engine_value(before)


@given(SEEDS)
@example(1000)  # two named levels without an observation in common
def test_without_replicates_an_interaction_is_a_residual(seed):
    rng = Random(seed)
    case = small_case(seed, 2, slopes=False)
    assume(not case.model.local_to)
    both = ("user", "item")
    cells = list({(row["user"], row["item"]): row for row in case.rows}.values())
    intercepts = tuple(GroupBlock(factor, (Column("1"),)) for factor in (("user",), ("item",), both))
    model = replace(case.model, groups=intercepts, unreplicated=frozenset())
    parameters = {key: case.parameters.get(key, Fraction(0)) for key in case.parameters}
    parameters |= {key: Fraction(rng.randint(1, 6)) for key, _, _ in cumulant_keys(model)}
    merged = dict(parameters)
    for key, position, chosen in cumulant_keys(model):
        if position == 2:
            residual = model.cumulant_key(None, ("1",) * len(chosen))
            merged[residual] = merged[residual] + parameters[key]
            merged[key] = Fraction(0)
    home = cells[0]
    at = {"user": home["user"], "item": home["item"]} | {k: v for k, v in case.at.items() if k in case.others.values()}
    others = {c: name for c, name in case.others.items() if at[name] not in (home["user"], home["item"])}
    assume(others == case.others)
    before = replace(case, model=model, rows=tuple(cells), parameters=parameters, at=at)
    declared = replace(before, model=replace(model, unreplicated=frozenset({both})))
    assert engine_value(before) == engine_value(replace(before, parameters=merged)) == engine_value(declared)
