"""Every law of the catalogue keeps exact values on finite probability spaces, and says what it prints."""

from __future__ import annotations

from itertools import permutations

import pytest

from momentalg.catalogue import discover
from momentalg.check.laws import read_atoms
from momentalg.check.spaces import Space, evaluate, values
from momentalg.cumulants.partitions import set_partitions
from momentalg.derive.step import apply
from momentalg.expr.latex import latex
from momentalg.expr.nodes import (
    DESIGN,
    Cov,
    Cumulant,
    E,
    Letter,
    Levels,
    LevelSum,
    Noise,
    Over,
    Parameter,
    Response,
    Size,
    Sum,
    Total,
    Value,
    Var,
    add,
)
from momentalg.expr.traversal import transform, walk
from momentalg.rules.rule import KINDS, Context, match
from tests.rules.spaces import (
    BY,
    COVARIATES,
    EFFECTS,
    RESIDUALS,
    N,
    X,
    all_covariates,
    model,
    plain,
    with_covariates,
    x,
)

LAWS = discover("momentalg.rules", "RULE")
BY_HAND = {  # laws without examples that stand alone, and where they are tested
    "earlier_result": "needs a result: test_earlier_results_are_put_in_their_place",
    "tower": "needs the form to arrive at: test_the_tower_law_goes_back",
    "design_independence": "needs the declaration: test_declared_independence",
    "moments_of_incidence": "needs a random crossed design: tests/check/test_random_incidence.py",
    "sample_analog": "an estimation, which keeps no value: tests/derive/test_sample_analog.py",
    **dict.fromkeys(
        ("cauchy_schwarz", "cell_in_margin", "coincident_levels", "row_over_cell"),
        "a bound, which keeps no value: tests/derive/test_bounds.py",
    ),
    "shortcut": "an approximation, which keeps no value: tests/derive/test_whatif.py",
}
S, X_VALUE = Total(Response(), BY), Value(X)
EXAMPLES = [
    pytest.param(law, node, on, id=f"{law.name}-{n}")
    for law in LAWS.values()
    for n, (node, on) in enumerate(law.examples)
]


def same_values(before, after, space):
    assert values(before, space) == values(after, space)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_law_says_what_it_is(law):
    assert latex(law.left) != latex(law.right)
    assert law.source.strip()
    assert law.title.strip()
    assert law.kind in KINDS
    assert bool(law.assumes) == (law.kind in ("assumption", "approximation", "estimation"))
    assert bool(law.examples) != (law.name in BY_HAND), "examples, or the name of the test that stands for them"


@pytest.mark.parametrize(("law", "node", "on"), EXAMPLES)
def test_examples_keep_their_value(law, node, on):
    applied = 0
    for number in range(3):
        space = plain(number, units=1 + whole_sample(node))
        after, _ = apply(law, node, Context(space.model, on))
        applied += after != node
        same_values(node, after, space)
    assert applied == 3


@pytest.mark.parametrize("law", [law for law in LAWS.values() if law.examples], ids=lambda law: law.name)
def test_a_law_keeps_the_values_of_the_examples_of_others(law):
    """It may decline, and it may not mistake one expression for another."""
    for other in LAWS.values():
        for node, on in other.examples:
            if not whole_sample(node) and is_statistic_of_cumulants(node):
                space = plain(0)
                after = law.rewrite(node, Context(space.model, on))
                if after is not None:
                    same_values(node, after, space)
    for node in (E(N), Cov(N, S), E(N * S, (N,)), Var(N * S, (N,))):
        after = law.rewrite(node, Context(plain(0).model))
        if after is not None:
            same_values(node, after, plain(0))


def is_statistic_of_cumulants(node):
    """Whether it has a value of its own: no response and no residual outside cumulants."""
    if isinstance(node, Cumulant):
        return not any(isinstance(p, Parameter) for a in node.args for p in walk(a))
    return not any(isinstance(p, (Response, Noise)) for p in walk(node))


def test_sums_of_residuals_and_single_ones():
    """A named residual is one of the sum, with its own weight; two names are two observations."""
    space = with_covariates(0, "Intercept", "x")
    given, law = all_covariates(space), LAWS["iid_sum"]
    whole, single = Sum("j", Value(x, "j") * Noise("j"), BY), N * Noise("k")
    for arguments in ((whole, single), (single, single), (whole, whole, single), (Noise("j"), single), (single, whole)):
        before = Cumulant(arguments, given)
        after = law.rewrite(before, Context(space.model))
        assert after is not None or arguments == (single, single)
        same_values(before, before if after is None else after, space)


@pytest.mark.parametrize("means", [("Intercept", "X"), ("Intercept", "x"), ("Intercept", "size(user)"), ()], ids=str)
@pytest.mark.parametrize(("law", "node", "on"), EXAMPLES)
def test_examples_keep_their_value_with_covariates(law, node, on, means):
    """Given the size alone, and given everything; a law may decline, it may not change the value."""
    if whole_sample(node):
        return
    for number in range(2):
        space = with_covariates(number, *means)
        for given in ((N,), all_covariates(space)):
            before, more = in_place_of_size(node, given), tuple(given) if on else ()
            after, _ = apply(law, before, Context(space.model, more))
            same_values(before, after, space)


def whole_sample(node):
    return any(isinstance(p, (Over, LevelSum, Levels)) or (isinstance(p, Total) and not p.by) for p in walk(node))


def in_place_of_size(node, given):
    def change(part):
        return Cumulant(part.args, given) if isinstance(part, Cumulant) and part.given == (N,) else part

    return transform(node, change)


@pytest.mark.parametrize("arity", [1, 2, 3, 4])
@pytest.mark.parametrize("law", [law for law in LAWS.values() if law.law], ids=lambda law: law.name)
def test_a_variadic_law_gives_its_printed_right_side(law, arity):
    left, right = law.law(arity)
    found = law.rewrite(left, Context(model("Intercept"), (Letter("U"),)))
    assert (left if found is None else found) == right
    assert (law.left, law.right) in [law.law(n) for n in (1, 2, 3, 4)], "both sides are printed at one arity"
    if arity == 1:
        return
    assert match(law.law(2)[0], left) is not None or arity > 2


@pytest.mark.parametrize("law", [law for law in LAWS.values() if law.examples], ids=lambda law: law.name)
def test_a_law_declines_what_is_not_of_its_form(law):
    """What is no cumulant, sum or product it leaves; and a law that conditions needs to be told on what."""
    context = Context(model("Intercept"))
    for node in (Parameter("Intercept"), N):
        assert law.rewrite(node, context) is None
    for node, on in law.examples:
        if on:
            assert law.rewrite(node, context) is None


def test_total_cumulance_counts_every_partition_once():
    """At arity 1, 2 and 3 the law is the laws of total expectation and covariance, and Brillinger's."""
    for arity in (1, 2, 3, 4, 5):
        _, right = LAWS["total_cumulance"].law(arity)
        terms = right.args if arity > 1 else (right,)
        assert len(terms) == len(set_partitions(arity))
    v, w, k, u = Letter("V"), Letter("W"), Letter("K"), Letter("U")
    covariance = LAWS["total_covariance"]
    assert covariance.left == Cov(v, w, (k,))
    assert set(covariance.right.args) == {E(Cov(v, w, (k, u)), (k,)), Cov(E(v, (k, u)), E(w, (k, u)), (k,))}
    equal = LAWS["total_cumulance"].rewrite(Cumulant((w, w, w)), Context(model("Intercept"), (u,)))
    first, second, third = (Cumulant((w,) * n, (u,)) for n in (1, 2, 3))
    either = [{E(third), 3 * Cov(a, b), Cumulant((first,) * 3)} for a, b in permutations((first, second))]
    assert set(equal.args) in either


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_total_laws_keep_values_at_every_order(order):
    for number in range(2):
        space = with_covariates(number, "Intercept", "X")
        for on in ((N,), (X_VALUE,), (DESIGN,)):
            goal = Cumulant((S,) * order)
            after, _ = apply(LAWS["total_cumulance"], goal, Context(space.model, on))
            assert evaluate(goal, space) == evaluate(after, space)


def test_the_wrong_law_of_total_variance_is_noticed():
    """The spaces tell laws from non-laws: without the variance of the conditional mean values differ."""
    space = plain(0)
    assert evaluate(Var(S), space) != evaluate(E(Var(S, (N,))), space)
    assert evaluate(E(N * S), space) != evaluate(E(N) * E(S), space)


def test_earlier_results_are_put_in_their_place():
    space = plain(0)
    result = N**2 * Parameter("var(1|user)") + N * Parameter("var(residual)")
    lemma = {Var(S, (N,)): result}
    before = E(Var(S, (N,))) + Var(E(S, (N,)))
    after, where = apply(LAWS["earlier_result"], before, Context(space.model, (), lemma))
    assert after == add(E(result), Var(E(S, (N,))))
    assert where == ((0, 0),)
    assert evaluate(before, space) == evaluate(after, space)


def test_the_tower_law_goes_back():
    means = ("Intercept", "X")
    space = with_covariates(0, *means)
    before = E(E(N * X_VALUE, (N,)))
    lemma = {before: E(N * X_VALUE)}
    after, _ = apply(LAWS["tower"], before, Context(space.model, (), lemma))
    assert after == E(N * X_VALUE)
    assert evaluate(before, space) == evaluate(after, space)
    wrong = {before: E(N) * E(X_VALUE)}
    assert apply(LAWS["tower"], before, Context(space.model, (), wrong))[0] == before


def test_declared_independence():
    declared, undeclared = (model("Intercept", "X", independent=flag) for flag in (True, False))
    before = Var(N * X_VALUE) + E(N**2 * X_VALUE)
    law = LAWS["design_independence"]
    after, _ = apply(law, before, Context(declared))
    assert after != before
    assert apply(law, before, Context(undeclared))[0] == before
    product = [
        {"p": "1/6", "size(user)": 1, "X": 2},
        {"p": "1/3", "size(user)": 1, "X": -1},
        {"p": "1/6", "size(user)": 2, "X": 2},
        {"p": "1/3", "size(user)": 2, "X": -1},
    ]
    means = {"Intercept": 1, "X": 2}
    apart = Space(declared, means, read_atoms(product), (EFFECTS[0],), RESIDUALS[0])
    assert evaluate(before, apart) == evaluate(after, apart)
    joint = [{key: atom[key] for key in ("p", "size(user)", "X")} for atom in COVARIATES[0]]
    dependent = Space(declared, means, read_atoms(joint), (EFFECTS[0],), RESIDUALS[0])
    assert evaluate(before, dependent) != evaluate(after, dependent)


def test_sums_over_levels_need_the_whole_design():
    """Cumulants of a sum over levels are sums of the levels' cumulants given the design, and not given one size."""
    law = LAWS["sum_over_units"]
    grand = Total(Response(), ())
    space = plain(0, 2)
    after, _ = apply(law, Var(grand, (DESIGN,)), Context(space.model))
    assert after == Over(BY, Var(S, (DESIGN,)))
    same_values(Var(grand, (DESIGN,)), after, space)
    moment = Cumulant((grand, S, S), (DESIGN,))
    after, _ = apply(law, moment, Context(space.model))
    same_values(moment, after, space)


def test_sums_over_observations_of_known_levels_only():
    """Linearity may not move an expectation through a sum of random length, unless its length is known."""
    inner = Sum("j", Response("j"), BY)
    context = Context(model("Intercept"))
    assert apply(LAWS["linearity"], E(inner), context)[0] == E(inner)
    assert apply(LAWS["linearity"], E(inner, (N,)), context)[0] == Sum("j", E(Response("j"), (N,)), BY)
    assert apply(LAWS["taking_out_known"], E(Size(BY) * S), context)[0] == E(Size(BY) * S)
