"""The mistakes of theory.md, section 21, planted one by one: each is caught by a check that the sound code passes.

Those of several factors, slopes and fixed factors (6, 7, 12, 18) are in `test_mutants_of_factors`; those of kernels and
GLMMs (8, 15) come with the issues that admit them.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import momentalg as ma
from momentalg.catalogue import discover
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.quadratic import QuadraticOracle
from momentalg.check.random_design import law_cumulant
from momentalg.check.simulation import check
from momentalg.cumulants import design_moments, identity, random_view, unit_sums
from momentalg.cumulants.evaluate import evaluate
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.polynomial import ONE as UNITY
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.terms import OBSERVATION, SIZE
from momentalg.derive import engine, step
from momentalg.errors import AssumptionError, DataError, MomentalgError, NotIdentifiedError, RuleError
from momentalg.expr.nodes import ZERO, E, Mul, Parameter, Size, mul
from momentalg.rules import total_variance
from momentalg.rules.rule import by_pattern
from tests.cumulants.support import given_design, table_of, under_law
from tests.cumulants.support import random_view as view

MODEL = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
y, N, X = MODEL.y, MODEL.size("user"), MODEL.covariate("X")
S, T = MODEL.total(y, by="user"), MODEL.total(y**2, by="user")
RESOLVED = MODEL.resolved
LAW = [
    {"p": Fraction(1, 2), "size(user)": 1, "X": 2},
    {"p": Fraction(1, 3), "size(user)": 3, "X": -1},
    {"p": Fraction(1, 6), "size(user)": 2, "X": 5},
]
PARAMETERS = {"Intercept": 3, "X": 2, "var(1|user)": 5, "var(residual)": 7, "k3(1|user)": 11, "k3(residual)": 13}
PARAMETERS = {k: Fraction(v) for k, v in (PARAMETERS | {"k4(1|user)": 17, "k4(residual)": 19}).items()}
ROWS = [{"user": f"u{n}", "X": 2 * n - 1} for n, size in enumerate((1, 2, 4)) for _ in range(size)]


def agrees_with_enumeration(*statistics):
    """The engine's unconditional cumulant, under a law of the design, is that of enumeration over designs."""
    found = under_law(view(statistics, RESOLVED), PARAMETERS, LAW, RESOLVED)
    return found == law_cumulant(statistics, LAW, RESOLVED, PARAMETERS)


def agrees_given_the_design(*statistics):
    """The engine's cumulant on a design is that of enumeration."""
    found = evaluate(given_design(statistics, RESOLVED), PARAMETERS, table_of(ROWS), {("user", "i"): "u2"})
    return found == enumerate_cumulant(statistics, ROWS, RESOLVED, PARAMETERS, {"user": "u2"})


def verifies(derivation):
    """Whether all steps of a derivation replay and keep their value."""
    try:
        return bool(derivation().verify())
    except RuleError:
        return False


def without_orders(*orders):
    """Blocks of so many draws contribute nothing: their cumulants are forgotten."""
    sound = identity.choices

    def choices(draws, model):
        return iter(()) if len(draws) in orders else sound(draws, model)

    return choices


def no_residual(draws, model):
    return (c for c in SOUND_CHOICES(draws, model) if c.share != (OBSERVATION,))


def first_powers(product):
    """E[N] in place of E[N^2], and of every other positive power."""
    return tuple(sorted((((x.observation, x.what), min(p, 1)) for x, p in product), key=repr))


def product_of_means(products, known, model):
    """(E N)^2 in place of E[N^2]."""
    if len(products) > 1:
        return SOUND_JOINT(products, known, model)
    result = UNITY
    for letter, power in products[0]:
        single = SOUND_JOINT((frozenset({(letter, 1 if power > 0 else power)}),), known, model)
        for _ in range(max(power, 1)):
            result = result * single
    return result


def inverse_of_mean(products, known, model):
    """1/E[N] in place of E[1/N]."""
    if len(products) == 1 and {(x.what, p) for x, p in products[0]} == {(SIZE, -1)}:
        (letter,) = (x for x, _ in products[0])
        mean = SOUND_JOINT((frozenset({(letter, 1)}),), known, model)
        return Polynomial((frozenset((s, -p) for s, p in m), 1 / c) for m, c in mean.terms.items())
    return SOUND_JOINT(products, known, model)


def each_alone(letters, _):
    """Every design variable independent of every other: E[N X] becomes E[N] E[X]."""
    return [{letter} for letter in sorted(letters, key=repr)]


def one_block_only(size):
    """The total law without Cov of the conditional means."""
    return (SOUND_PARTITIONS(size)[0],) if size else SOUND_PARTITIONS(size)


def mean_counts_as_random(products, known, model):
    """A constant has a variance: mu^2 is added to Var of a level mean."""
    return UNITY if any(not p for p in products) else SOUND_SPLIT(products, known, model)


def no_pairs_of_pairs(kind, group, groups):
    """The fourth cumulant taken for the fourth moment: partitions into pairs are left out."""
    return ((n, blocks) for n, blocks in SOUND_COUNTED(kind, group, groups) if sum(len(b) == 2 for b in blocks) < 2)


def all_counted_once(kind, group, groups):
    return ((1, blocks) for _, blocks in SOUND_COUNTED(kind, group, groups))


SOUND_CHOICES, SOUND_JOINT, SOUND_SPLIT = identity.choices, design_moments._joint, design_moments._split
SOUND_PARTITIONS, SOUND_COUNTED = random_view.set_partitions, identity.counted_partitions

ENGINE = {
    "1 E N for E N^2": (design_moments, "_anonymous", first_powers, agrees_with_enumeration, (S, S)),
    "1 (E N)^2 for E N^2": (design_moments, "_joint", product_of_means, agrees_with_enumeration, (S, S)),
    "2 residual forgotten": (identity, "choices", no_residual, agrees_with_enumeration, (S, S)),
    "2 residual forgotten, fixed": (identity, "choices", no_residual, agrees_given_the_design, (S, S)),
    "3 mu^2 Var N forgotten": (random_view, "set_partitions", one_block_only, agrees_with_enumeration, (S, S)),
    "3 mu^2 added to Var of a mean": (
        design_moments,
        "_split",
        mean_counts_as_random,
        agrees_with_enumeration,
        (S / N, S / N),
    ),
    "5 E[NX] factored": (design_moments, "independent_blocks", each_alone, agrees_with_enumeration, (S,)),
    "5 E[NX] factored in Var": (design_moments, "independent_blocks", each_alone, agrees_with_enumeration, (S, S)),
    "9 k4 taken to be 0": (identity, "choices", without_orders(4), agrees_given_the_design, (T, T)),
    "9 k4 confused with mu4": (identity, "counted_partitions", no_pairs_of_pairs, agrees_given_the_design, (T, T)),
    "10 k3 mu dropped in Var T": (identity, "choices", without_orders(3), agrees_given_the_design, (T, T)),
    "10 k3 mu dropped in Cov(S, T)": (identity, "choices", without_orders(3), agrees_with_enumeration, (S, T)),
    "13 1/E N for E[1/N]": (design_moments, "_joint", inverse_of_mean, agrees_with_enumeration, (S / N, S / N)),
    "17 multiplicities forgotten in within cubes": (
        identity,
        "counted_partitions",
        all_counted_once,
        agrees_given_the_design,
        (ma.over(ma.observations, (y - S / N) ** 3),),
    ),
    "19 Var of the conditional mean forgotten": (
        random_view,
        "set_partitions",
        one_block_only,
        agrees_with_enumeration,
        (S * N, S * N),
    ),
}


@pytest.mark.parametrize(("module", "name", "mutant", "sound", "asked"), ENGINE.values(), ids=ENGINE)
def test_mistakes_in_the_engine_are_caught_by_enumeration(plant, module, name, mutant, sound, asked):
    assert sound(*asked)
    plant(module, name, mutant)
    assert not sound(*asked)


ONE = ma.Model("y ~ 1 + (1 | user)")
LEFT = total_variance.LEFT
WITHOUT_MEANS = E(total_variance.RIGHT.args[0].args[0], (total_variance.K,))


def constant_taken_out_once(node, context):
    """Var(c X) = c Var(X)."""
    new = SOUND_LAWS["taking_out_known"].rewrite(node, context)
    squared = isinstance(new, Mul) and len(new.args) == 3 and new.args[0] == new.args[1]
    return mul(*new.args[1:]) if squared else new


def residuals_equal(node, context):
    """A sum of N residuals has the variance N^2 var(residual): the same residual every time."""
    new = SOUND_LAWS["iid_sum"].rewrite(node, context)
    return new if new is None else mul(Size(("user",)), new)


def effect_without_variance(node, context):
    new = SOUND_LAWS["effects"].rewrite(node, context)
    return ZERO if new == Parameter("var(residual)") else new


SOUND_LAWS = discover("momentalg.rules", "RULE")
STEPS = {
    "3 and 19 total variance without Var of the mean": ("total_variance", by_pattern(LEFT, WITHOUT_MEANS)),
    "1 a constant taken out once": ("taking_out_known", constant_taken_out_once),
    "1 one residual for all": ("iid_sum", residuals_equal),
    "2 residual variance forgotten": ("effects", effect_without_variance),
}


@pytest.mark.parametrize(("law", "mutant"), STEPS.values(), ids=STEPS)
def test_mistakes_in_a_law_are_caught_when_steps_are_replayed(monkeypatch, law, mutant):
    def ask():
        return ONE.var(ONE.total(ONE.y, by="user"))

    assert verifies(ask)
    wrong = replace(SOUND_LAWS[law], rewrite=mutant)
    monkeypatch.setattr(step, "rule_named", lambda name: wrong if name == law else SOUND_LAWS[name])
    assert not verifies(ask)


def test_a_wrong_result_is_caught_at_the_end():
    derivation = ONE.var(ONE.total(ONE.y, by="user"))
    key = next(m for m in derivation.polynomial.terms if ("var(residual)", 1) in m)
    less = Polynomial({m: c for m, c in derivation.polynomial.terms.items() if m != key})
    assert not verifies(lambda: replace(derivation, polynomial=less))
    assert not verifies(lambda: replace(derivation, chains=derivation.chains[:-1]))


def variance_from_totals(divisor):
    """The expectation of Matloff's estimate of var(1|user), with sample moments of N and products for mu^2."""
    total, size = ONE.total(ONE.y, by="user"), ONE.size("user")
    grand, n, m = ONE.total(ONE.y), ONE.size(), ma.over("user", 1)
    between = (ma.over("user", total**2) - grand**2 / m) / (m - 1)
    spread = (ma.over("user", size**2) - n**2 / m) / divisor(m)
    square = (grand**2 - ma.over("user", total**2)) / (n**2 - ma.over("user", size**2))
    within = (ONE.total(ONE.y**2) - ma.over("user", total**2 / size)) / (n - m)
    estimate = (between - n / m * within - square * spread) / (ma.over("user", size**2) / m)
    parameters = {"Intercept": 3, "var(1|user)": 2, "var(residual)": 5}
    return QuadraticOracle([{"user": u} for u in "abbcccc"], ONE.resolved, parameters).mean(estimate)


def test_4_variance_of_sizes_with_divisor_m_is_caught_by_its_expectation():
    assert variance_from_totals(lambda m: m - 1) == 2
    assert variance_from_totals(lambda m: m) != 2


def test_11_numbers_for_unidentified_components_are_caught(monkeypatch):
    equations = ONE.moment_equations({"T": ONE.total(ONE.y**2) - ONE.total(ONE.y) ** 2 / ONE.size()})

    def is_refused():
        try:
            equations.solve()
        except NotIdentifiedError:
            return True
        except MomentalgError:
            return False
        return False

    assert is_refused()
    monkeypatch.setattr(type(equations.identification), "require", lambda *_: None)
    assert not is_refused()


FRAME = {"user": [f"u{n}" for n in range(8) for _ in range(3)]}


def anova(columns, truncate):
    """The ANOVA estimate of the variance between levels, cut off at zero or not."""
    codes, values = columns["user"], columns["y"]
    sizes, totals = np.bincount(codes), np.bincount(codes, values)
    levels, n = len(sizes), sizes.sum()
    within = (np.sum(values**2) - np.sum(totals**2 / sizes)) / (n - levels)
    between = np.sum(totals**2 / sizes) - totals.sum() ** 2 / n
    found = (between - (levels - 1) * within) / (n - np.sum(sizes**2) / n)
    return {"var(1|user)": max(found, 0.0) if truncate else found}


@pytest.mark.parametrize("truncate", [False, True])
def test_14_silent_truncation_is_caught_by_simulation(truncate):
    found = check(
        ONE,
        parameters={"Intercept": 1, "var(1|user)": "1/20", "var(residual)": 1},
        design=FRAME,
        replicates=600,
        seed=2,
        estimator=lambda columns: anova(columns, truncate),
    )
    assert found.passed is not truncate


def test_16_empty_levels_are_caught(monkeypatch):
    """A mean of a level that may be empty is refused; without the refusal its value differs or does not exist."""
    empty = ma.Model("y ~ 1 + (1 | user)", assume=[ma.may_be_empty("user")])
    mean = empty.total(empty.y, by="user") / empty.size("user")

    def is_refused():
        try:
            empty.var(mean)
        except AssumptionError:
            return True
        return False

    assert is_refused()
    monkeypatch.setattr(engine, "_require_nonempty", lambda *_: None)
    assert not is_refused()
    law = {"size(user)": {0: "1/2", 3: "1/2"}}
    with pytest.raises(AssumptionError, match="may be zero"):  # and even then no number comes out
        empty.var(mean).evaluate(parameters={k: PARAMETERS[k] for k in empty.parameters}, law=law)


def test_16_sums_over_levels_that_may_be_empty_are_caught(plant):
    """Within sums of squares run over non-empty levels: E N - 1 in place of E[(N - 1)+] is noticed."""
    law = [{"p": Fraction(1, 2), "size(user)": 0}, {"p": Fraction(1, 2), "size(user)": 3}]
    total, size = ONE.total(ONE.y, by="user"), ONE.size("user")
    within = ma.over("user", ONE.total(ONE.y**2, by="user") - total**2 / size)
    expected = law_cumulant((within,), law, ONE.resolved, PARAMETERS, units=2)
    aware = replace(ONE.resolved, may_be_empty=frozenset({"user"}))
    assert under_law(view((within,), aware), PARAMETERS, law, aware, units=2) == expected
    assert under_law(view((within,), ONE.resolved), PARAMETERS, law, ONE.resolved, units=2) != expected
    sound = unit_sums._sum_letters
    plant(unit_sums, "_sum_letters", lambda t, start, model: sound(t, start, replace(model, may_be_empty=frozenset())))
    assert under_law(view((within,), aware), PARAMETERS, law, aware, units=2) != expected


def test_17_the_within_third_cumulant_needs_three_observations():
    """With two observations a level, the coefficient (N-1)(N-2)/N is zero: dividing by it is refused, not a number."""
    cubes = ma.over(ma.observations, (ONE.y - ONE.total(ONE.y, by="user") / ONE.size("user")) ** 3)
    expectation = ONE.mean(cubes, given=ma.design)
    parameters = {"k3(residual)": 13}
    for size, coefficient in ((2, 0), (3, Fraction(2, 3) * 2)):
        table = table_of([{"user": u} for u in "ab" for _ in range(size)])
        found = evaluate(from_letters(expectation.polynomial, ONE.resolved), parameters, table)
        assert found == 13 * coefficient
    coefficient = ONE.size() - 3 * ma.over("user", 1) + 2 * ma.over("user", 1 / ONE.size("user"))
    inverse = given_design([1 / coefficient], ONE.resolved)
    with pytest.raises(DataError, match="divides by a design constant that is zero"):
        evaluate(inverse, {}, table_of([{"user": u} for u in "aabb"]))
