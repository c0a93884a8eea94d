"""The choices of a block of draws, beside what each draw is a sum of: a joint cumulant takes one source for all."""

from __future__ import annotations

from collections import Counter
from itertools import combinations_with_replacement, product

import pytest

import momentalg as ma
from momentalg.cumulants.choices import choices
from momentalg.cumulants.label_draws import LABEL, moment_of
from momentalg.cumulants.terms import COVARIATE, OBSERVATION, RESIDUAL, RESPONSE, Draw
from momentalg.expr.nodes import Variable

X, Z, V, W = (((Variable("column", name), 1),) for name in "xzvw")
AT = (OBSERVATION,)


def cumulant(inside, of=None):
    """The key of the joint cumulant of these coefficients of one factor, in the order of the block."""
    order = len(inside)
    factor = "" if of is None else f"|{of}"
    if len(set(inside)) == 1:
        return f"{'var' if order == 2 else f'k{order}'}({inside[0]}{factor})"
    return f"{'cov' if order == 2 else f'k{order}'}({','.join(inside)}{factor})"


def expected(draws, sources, blocks):
    """One choice for each way to take the same source from every draw.

    `sources` gives, for a draw, {(source, coefficient): (covariates, loading)}; `blocks`, for a source, its factor and
    the order of its coefficients; a source that is not there is a residual.
    """
    found = []
    for picked in product(*(sources[draw].items() for draw in draws)):
        (source,) = {source for (source, _), _ in picked} if len({s for (s, _), _ in picked}) == 1 else (None,)
        if source is None:
            continue
        covariates = tuple(monomial for _, (monomial, _) in picked)
        loads = frozenset(Counter(load for _, (_, load) in picked if load).items())
        names = [name for (_, name), _ in picked]
        if source in blocks:
            factor, order = blocks[source]
            found.append((cumulant(sorted(names, key=order.index), factor), covariates, (factor,), loads))
        else:
            found.append((cumulant([source] * len(draws)), covariates, AT, loads))
    return found


SLOPES = ma.Model("y ~ 1 + x + (1 + x | user) + (1 | item)").resolved
SLOPES_BLOCKS = {0: ("user", ["1", "x"]), 1: ("item", ["1"])}
SLOPES_SOURCES = {
    RESPONSE: {(0, "1"): ((), ""), (0, "x"): (X, ""), (1, "1"): ((), ""), ("residual", ""): ((), "")},
    Draw("effect", 0, 0): {(0, "1"): ((), "")},
    Draw("effect", 0, 1): {(0, "x"): ((), "")},
    Draw("effect", 1, 0): {(1, "1"): ((), "")},
    RESIDUAL: {("residual", ""): ((), "")},
}
GOING = ma.Model(
    "y ~ x + z + v + (1 + w | user) + (1 | item)",
    levels={"v": "user"},
    assume=[ma.goes_with("x", "user"), ma.goes_with("z", "item"), ma.goes_with("v", "user")],
).resolved
GOING_BLOCKS = {0: ("user", ["1", "w", "1@x", "1@v"]), 1: ("item", ["1", "1@z"])}
GOING_SOURCES = {  # y is its own effects, and b1 times those of the covariates that go with them
    RESPONSE: {
        (0, "1"): ((), ""),
        (0, "w"): (W, ""),
        (0, "1@x"): ((), "x"),
        (0, "1@v"): ((), "v"),
        (1, "1"): ((), ""),
        (1, "1@z"): ((), "z"),
        ("residual", ""): ((), ""),
        ("residual@x", ""): ((), "x"),
        ("residual@z", ""): ((), "z"),
    },
    Draw(COVARIATE, 0): {(0, "1@x"): ((), ""), ("residual@x", ""): ((), "")},
    Draw(COVARIATE, 1): {(1, "1@z"): ((), ""), ("residual@z", ""): ((), "")},
    Draw(COVARIATE, 2): {(0, "1@v"): ((), "")},  # constant on its users: no residual of its own
    Draw("effect", 0, 1): {(0, "w"): ((), "")},
    Draw("effect", 1, 0): {(1, "1"): ((), "")},
    RESIDUAL: {("residual", ""): ((), "")},
}


@pytest.mark.parametrize(
    ("model", "sources", "blocks"),
    [(SLOPES, SLOPES_SOURCES, SLOPES_BLOCKS), (GOING, GOING_SOURCES, GOING_BLOCKS)],
    ids=["slopes", "going with"],
)
@pytest.mark.parametrize("order", [2, 3])
def test_a_block_takes_one_source_for_all_its_draws(model, sources, blocks, order):
    assert [c.column for c in model.responses] == ["x", "z", "v"] * bool(model.responses)
    for draws in combinations_with_replacement(sources, order):
        for turned in {draws, draws[::-1]}:
            wanted = Counter(expected(turned, sources, blocks))
            assert Counter(tuple(choice) for choice in choices(turned, model)) == wanted, turned


def test_a_mean_is_a_column_of_the_model():
    assert [tuple(c) for c in choices((RESPONSE,), SLOPES)] == [
        ("Intercept", ((),), (), frozenset()),
        ("x", (X,), (), frozenset()),
    ]
    assert [tuple(c) for c in choices((RESPONSE,), GOING)] == [
        ("Intercept", ((),), (), frozenset()),
        *((f"Intercept@{name}", ((),), (), frozenset({(name, 1)})) for name in "xzv"),
    ]
    assert [tuple(c) for c in choices((Draw(COVARIATE, 1),), GOING)] == [("Intercept@z", ((),), (), frozenset())]


@pytest.mark.parametrize("model", [SLOPES, GOING], ids=["slopes", "going with"])
@pytest.mark.parametrize("draw", [RESIDUAL, Draw("effect", 0, 1)])
def test_what_has_mean_zero_has_no_choice_alone(model, draw):
    assert list(choices((draw,), model)) == []


@pytest.mark.parametrize("order", [2, 3, 4])
def test_residuals_of_known_weights_have_the_weights_once(order):
    """Var(e_j) = sigma^2/w_j at the one observation that all share, whatever the number of draws."""
    model = ma.Model("y ~ 1 + (1 | user)", weights="w").resolved
    (choice,) = choices((RESIDUAL,) * order, model)
    assert choice.key == cumulant(["residual"] * order)
    powers = {v.name: p for v, p in choice.covariates[0]}
    assert powers.get("w", 0) + powers.get("sqrt(w)", 0) / 2 == -order / 2
    assert choice.covariates[1:] == ((),) * (order - 1)
    going = ma.Model("y ~ x + (1 | user)", weights="w", assume=ma.goes_with("x", "user")).resolved
    assert choice in list(choices((RESPONSE,) * order, going))


def test_labels_that_are_drawn_are_of_one_observation():
    """Indicators of one factor have a joint cumulant at one observation; with anything else they have none."""
    model = ma.Model("y ~ drug + site + (1 | user)", fixed={"drug": ["a", "b", "c"], "site": [1, 2]}).resolved
    drug_b, drug_c, site_2 = (column.monomial[0][0] for column in model.mean[1:])
    b, c, s = Draw(LABEL, 0, 1), Draw(LABEL, 0, 2), Draw(LABEL, 1, 1)
    assert [tuple(x) for x in choices((b,), model)] == [(moment_of([drug_b]), ((),), (), frozenset())]
    assert [tuple(x) for x in choices((s,), model)] == [(moment_of([site_2]), ((),), (), frozenset())]
    for draws, variables in (((b, b), [drug_b, drug_b]), ((c, b, c), [drug_b, drug_c, drug_c])):
        wanted = (moment_of(variables), ((),) * len(draws), AT, frozenset())
        assert [tuple(x) for x in choices(draws, model)] == [wanted]
    for draws in ((b, s), (b, RESPONSE), (RESPONSE, b), (b, RESIDUAL), (Draw("effect", 0, 0), b)):
        assert list(choices(draws, model)) == []
