"""Mistakes that need several factors or slopes (theory.md, section 21), planted one by one in the algebra.

Each is caught by exact enumeration on a design that shows it: replicated and empty cells, labels that repeat, slopes.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import pytest

import momentalg as ma
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.parameters import cumulant_keys
from momentalg.cumulants import identity, normal_form, totals
from momentalg.cumulants.evaluate import DesignTable, evaluate
from momentalg.cumulants.terms import OBSERVATION, SIZE, Entry, Level
from momentalg.expr.nodes import Variable
from momentalg.model import model as model_module
from momentalg.model.resolved import Column, GroupBlock
from tests.cumulants.support import given_design

CROSSED = ma.Model("y ~ 1 + x + (1 | a) + (1 | b) + (1 | a:b)")
NESTED = ma.Model("y ~ 1 + (1 | a) + (1 | a:b)", assume=[ma.nested("b", "a")])
SLOPES = ma.Model("y ~ 1 + x + (1 + x | a) + (1 | b)")
CELLS = {("p", "u"): 2, ("p", "v"): 1, ("q", "u"): 1, ("q", "w"): 3, ("r", "v"): 1}
ROWS = [{"a": a, "b": b, "x": 3 * n - n * n} for n, (a, b) in enumerate(c for c, k in CELLS.items() for _ in range(k))]
AT = {"a": "p", "b": "u", "k": "q"}


def within(model, factor):
    """The sum of squares within the levels of a factor: Gao and Owen's U."""
    return ma.over(ma.observations, (model.y - model.total(model.y, by=factor) / model.size(factor)) ** 2)


def variance_of_totals(model, factor="a"):
    """The sample variance of the totals of the rows."""
    levels, total = ma.over(factor, 1), model.total(model.y, by=factor)
    return (ma.over(factor, total**2) - model.total(model.y) ** 2 / levels) / (levels - 1)


def agrees(model, *statistics):
    """The engine's cumulant is that of enumeration."""
    resolved = model.resolved
    keys = [*(str(c.key) for c in resolved.mean), *(key for key, _, _ in cumulant_keys(resolved))]
    parameters = {key: Fraction(2 * n + 3, n % 3 + 1) for n, key in enumerate(keys)}
    table = DesignTable(
        {c: [row[c] for row in ROWS] for c in "ab"},
        {Variable("column", "x"): [Fraction(row["x"]) for row in ROWS]},
        len(ROWS),
    )
    free = {("a", "i"): AT["a"], ("b", "i"): AT["b"], ("a", "k"): AT["k"]}
    found = evaluate(given_design(statistics, resolved), parameters, table, free)
    return found == enumerate_cumulant(statistics, ROWS, resolved, parameters, AT)


def choices_with(change):
    """The choices of a block of draws, changed one by one; None leaves one out."""

    def choices(draws, model):
        for choice in SOUND_CHOICES(draws, model):
            if (new := change(choice, draws)) is not None:
                yield new

    return choices


def cells_as_single(entries, cell, what, power):
    """n_ij^2 taken for n_ij: no cell is thought to have replicates."""
    SOUND_PUT(entries, cell, what, power)
    if what == SIZE and len(cell) > 1 and entries.get((cell, what), 0) > 1:
        entries[cell, what] = 1


def of_own_row(choice, _):
    """Effects of b drawn anew in every row, so that rows are independent."""
    return choice._replace(share=("a", "b")) if choice.share == ("b",) else choice


def interaction_of_column(choice, _):
    """Effects of a:b shared by all that share the column."""
    return choice._replace(share=("b",)) if choice.share == ("a", "b") else choice


def covariance_once(draws, model):
    """One of the two terms of an intercept with a slope: G12 for 2 G12."""
    seen = set()
    for choice in SOUND_CHOICES(draws, model):
        if choice.key not in seen:
            seen.add(choice.key)
            yield choice


def without_covariance(choice, _):
    return None if choice.key is not None and choice.key.startswith("cov(") else choice


def without_third_cumulants(choice, draws):
    return None if len(draws) == 3 else choice


def intercept_only(choice, _):
    """Slopes whose covariate is forgotten."""
    return choice._replace(covariates=((),) * len(choice.covariates)) if choice.share == ("a",) else choice


def always_implied(*_):
    """Sums over intersections that run over empty cells, too."""
    return True


def parents_forgotten(column, cell, _):
    """Local labels taken for labels of the whole data."""
    return tuple(c for c in cell if c != OBSERVATION) if column == OBSERVATION else ()


SOUND_CHOICES, SOUND_PUT = identity.choices, normal_form._put
R, C = (CROSSED.total(CROSSED.y, by=f) for f in "ab")
ROW_TOTAL = SLOPES.total(SLOPES.y, by="a")

MISTAKES = {
    "6 n - R with replicates": (normal_form, "_put", cells_as_single, CROSSED, (within(CROSSED, "a"),)),
    "7 rows independent, in a sample variance": (
        identity, "choices", choices_with(of_own_row), CROSSED, (variance_of_totals(CROSSED),),
    ),
    "7 rows independent, in Cov(R_i, R_k)": (
        identity, "choices", choices_with(of_own_row), CROSSED, (R, R.at("k")),
    ),
    "7 rows independent, in Var(U_a)": (
        identity, "choices", choices_with(of_own_row), CROSSED, (within(CROSSED, "a"), within(CROSSED, "a")),
    ),
    "an interaction shared by the column": (
        identity, "choices", choices_with(interaction_of_column), CROSSED, (within(CROSSED, "b"),),
    ),
    "10 k3 mu dropped in Var of an uncentred square": (
        identity, "choices", choices_with(without_third_cumulants), CROSSED, (ma.over("a", R**2), ma.over("b", C**2)),
    ),
    "18 G12 for 2 G12 in Var of a total": (identity, "choices", covariance_once, SLOPES, (ROW_TOTAL, ROW_TOTAL)),
    "18 G12 for 2 G12 in a sum of squares": (identity, "choices", covariance_once, SLOPES, (within(SLOPES, "b"),)),
    "18 covariances forgotten": (
        identity, "choices", choices_with(without_covariance), SLOPES, (variance_of_totals(SLOPES),),
    ),
    "18 covariates of slopes forgotten": (
        identity, "choices", choices_with(intercept_only), SLOPES, (ROW_TOTAL, ROW_TOTAL),
    ),
    "16 sums over cells that are empty": (
        normal_form, "_implied", always_implied, CROSSED, (ma.over("a:b", R * C),),
    ),
    "labels that are local taken for common ones": (
        normal_form, "_parents", parents_forgotten, NESTED,
        (ma.over("b", NESTED.total(NESTED.y, by="b") ** 2),),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("module", "name", "mutant", "model", "asked"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_caught_by_enumeration(plant, module, name, mutant, model, asked):
    assert agrees(model, *asked)
    plant(module, name, mutant)
    assert not agrees(model, *asked)


def test_18_a_covariate_recentred_without_its_parameters_is_caught():
    """x -> x + c leaves the moments alone only when var(1) and cov(1,x) go along: a slope makes them depend on c."""
    parameters = {key: Fraction(n + 2) for n, key in enumerate(SLOPES.parameters)}

    def variance(shift, parameters):
        rows = [{**row, "x": row["x"] + shift} for row in ROWS]
        return enumerate_cumulant((ROW_TOTAL, ROW_TOTAL), rows, SLOPES.resolved, parameters, AT)

    moved = dict(parameters)
    c, g12, g22 = 5, parameters["cov(1,x|a)"], parameters["var(x|a)"]
    moved["var(1|a)"] += -2 * c * g12 + c**2 * g22
    moved["cov(1,x|a)"] -= c * g22
    assert variance(c, moved) == variance(0, parameters)
    assert variance(c, parameters) != variance(0, parameters)


def test_equal_totals_with_different_keys_are_caught(plant):
    """Without brute force over ties, the key of a cycle of six depends on how its levels are numbered."""

    def keys():
        users, items = (
            [Level(column, "", number + start) for number in range(3)] for column, start in (("a", 0), ("b", 3))
        )
        found = set()
        for order in permutations(range(3)):
            pairs = [(users[order[n]], items[(n + step) % 3]) for n in range(3) for step in (0, 1)]
            found.add(totals.canonical([*users, *items], [Entry(pair, SIZE, 1) for pair in pairs]))
        return found

    assert len(keys()) == 1
    plant(totals, "permutations", lambda some: [tuple(some)])
    assert len(keys()) > 1


def as_variance_component(expanded, factors):
    """A fixed factor made a random one, as if its levels were drawn anew."""
    mean = tuple(c for c in expanded.mean if all(v.name not in factors for v, _ in c.monomial))
    blocks = tuple(GroupBlock((name,), (Column("1"),)) for name in factors)
    return replace(expanded, mean=mean, groups=(*expanded.groups, *blocks))


def test_12_a_fixed_factor_taken_for_a_variance_component_is_caught(plant):
    """Given the design a fixed factor adds nothing to Var(S_i); a random one adds sum_k n_ik^2 of its variance."""
    labels = {"user": list("pppqq"), "drug": list("uuvuv")}
    parameters = {"var(1|user)": 5, "var(residual)": 7, "var(1|drug)": 11}

    def variance():
        model = ma.Model("y ~ C(drug) + (1 | user)")
        total = model.total(model.y, by="user")
        found = given_design((total, total), model.resolved)
        return evaluate(found, parameters, DesignTable(labels, {}, 5), {("user", "i"): "p"})

    assert variance() == 3**2 * 5 + 3 * 7
    plant(model_module, "coded", as_variance_component)
    assert variance() == 3**2 * 5 + 3 * 7 + (2**2 + 1) * 11
