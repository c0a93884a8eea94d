"""Symbols: which letter each thing gets, and that no two things ever share one."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentalg.expr.columns import same_level
from momentalg.expr.latex import latex
from momentalg.expr.legend import legend
from momentalg.expr.mathml import mathml
from momentalg.expr.names import quote
from momentalg.expr.nodes import (
    DESIGN,
    OBSERVATIONS,
    Delta,
    Effect,
    Hat,
    Letter,
    LevelColumns,
    Levels,
    Node,
    Noise,
    Parameter,
    Projected,
    Response,
    Size,
    Total,
    Trace,
    Value,
    Variable,
)
from momentalg.expr.notation import Notation
from momentalg.expr.text import text
from momentalg.model.resolved import Column, GroupBlock, ResolvedModel
from tests.expr.models import COVARIATES, CROSSED, ONE_WAY, SIZED, SLOPE, USER, X, column, group
from tests.expr.test_escape import NASTY

HOSTILE = [
    *"N S T n r Y E Var mu beta alpha sigma kappa delta epsilon e x x1 x_1 X S_x N_i Y_j T_all".split(),
    *"i j k ij user design RSS tr 1 Intercept residual log(x) x^2 `N` \"x\" x' N' a:b été beta(x)".split(),
    *("bold P", " "),
]

names = st.one_of(st.sampled_from(HOSTILE), NASTY.filter(bool))


def atoms(model: ResolvedModel, labels: list[str], letters: list[str]) -> Iterator[Node]:
    """Everything atomic that can be said in a model, each once."""
    variables = [v for c in model.mean for v, _ in c.monomial if v.kind != "size"]
    yield from (Parameter(c.key) for c in model.mean if c.key)
    yield from (Letter(name) for name in letters)
    yield from (DESIGN, OBSERVATIONS, Size(()), Noise("j"), Response("j"), Delta("j", "k"), Parameter("var(residual)"))
    yield from (Parameter(f"k{order}(residual)") for order in (3, 4))
    for block in model.groups:
        by = block.factor
        yield from (Parameter(f"{kind}(1|{block.name})") for kind in ("var", "k3", "k4"))
        yield from (Levels(by), Effect(by), Size(by), Total(Response(), by), Total(Response() ** 2, by))
        kernel = same_level(by)
        yield from (Projected(((), LevelColumns(by))), Projected(((),), kernel))
        yield from (Trace(((),), None, kernel), Trace(((),), kernel, None))
        for label in labels:
            level = (label,) * len(by)
            yield from (Effect(by, "1", level), Size(by, level), Total(Response(), by, level))
            yield from (Total(Value(v), by, level) for v in variables)
        yield from (Total(Value(v) ** power, by) for v in variables for power in (1, 2))
        yield from (Projected((((v, 1),), LevelColumns(by))) for v in variables)
        yield from (Projected((((v, 2),),), kernel) for v in variables)
    yield from (Total(Response(), ()), Total(Response() ** 2, ()))
    for v in variables:
        yield from (Value(v), Total(Value(v), ()))
        yield from (Value(v, "", (label,)) for label in labels if v in model.constant_on)
    yield from (Total(Value(a) * Value(b), USER) for a, b in combinations(variables, 2))


def assert_distinct(nodes: list[Node], notation: Notation) -> None:
    """No two nodes print alike, in any of the printers; neither do their estimates."""
    for show in (text, latex, mathml):
        seen: dict[str, Node] = {}
        for node in [*nodes, *map(Hat, nodes)]:
            code = show(node, notation)
            assert code not in seen, (show.__name__, code, seen[code], node)
            seen[code] = node


@given(
    st.lists(names, min_size=1, max_size=4, unique=True),
    st.lists(names, max_size=3, unique=True),
    st.lists(names, max_size=3, unique=True),
    st.sampled_from(["", "alpha", "mu", "N", "gamma", "my effect"]),
    st.sampled_from([1, 2]),
)
def test_distinct_nodes_never_print_alike(
    covariates: list[str], labels: list[str], letters: list[str], symbol: str, units: int
) -> None:
    variables = [Variable("column", name) for name in covariates]
    model = ResolvedModel(
        response="y",
        mean=(column("Intercept"), *(Column(quote(v.name), ((v, 1),)) for v in variables)),
        groups=(group(USER),),
        constant_on=dict.fromkeys(variables[:1], USER),
        symbols={"user": symbol} if symbol else {},
    )
    labels = [label for label in labels if units == 1 or label != "i"]  # with two units the default level is i
    assert_distinct(list(atoms(model, labels, letters)), Notation.of(model, units))


@given(st.lists(names, min_size=2, max_size=3, unique=True), names)
def test_factors_are_kept_apart(factors: list[str], covariate: str) -> None:
    v = Variable("column", covariate)
    blocks = tuple(GroupBlock((name,), (Column("1"),)) for name in factors)
    pair = GroupBlock((factors[0], factors[1]), (Column("1"),))
    model = ResolvedModel("y", (column("Intercept"), Column(quote(covariate), ((v, 1),))), (*blocks, pair))
    nodes = [node for node in atoms(model, ["m"], ["S"]) if getattr(node, "by", None) != USER]
    assert_distinct(nodes, Notation.of(model))


@pytest.mark.parametrize(
    ("model", "key", "symbol"),
    [
        (ONE_WAY, "Intercept", r"\mu"),
        (ONE_WAY, "var(1|user)", r"\sigma_{\alpha}^{2}"),
        (ONE_WAY, "var(residual)", r"\sigma_{\varepsilon}^{2}"),
        (ONE_WAY, "k4(residual)", r"\kappa_{4,\varepsilon}"),
        (SIZED, "Intercept", "c_{1}"),
        (SIZED, "size(user)", "c_{2}"),
        (COVARIATES, "Intercept", r"\beta_{0}"),
        (COVARIATES, "x", r"\beta_{2}"),
        (SLOPE, "cov(1,x|user)", r"\sigma_{\alpha,x}"),
        (SLOPE, "k3(1,1,x|user)", r"\kappa_{3,\alpha,1,1,x}"),
        (CROSSED, "var(1|b)", r"\sigma_{\beta}^{2}"),
        (CROSSED, "var(1|a:b)", r"\sigma_{\alpha \beta}^{2}"),
    ],
)
def test_letters_of_parameters(model: ResolvedModel, key: str, symbol: str) -> None:
    assert latex(Parameter(key), Notation.of(model)) == symbol


def test_symbols_may_be_asked_for() -> None:
    model = ResolvedModel(
        "y", COVARIATES.mean, COVARIATES.groups, COVARIATES.constant_on, symbols={"user": "u", "X": "w", "x": "theta"}
    )
    notation = Notation.of(model)
    assert latex(Parameter("var(1|user)"), notation) == r"\sigma_{u}^{2}"
    assert latex(Value(X) * Effect(USER), notation) == "w u"


def test_a_taken_letter_falls_back_to_a_word() -> None:
    v = Variable("column", "N")
    notation = Notation.of(ResolvedModel("y", (column("Intercept"), column("N", v)), (group(USER),), {v: USER}))
    assert latex(Size(USER) * Value(v), notation) == r"N \mathrm{N}"
    assert text(Size(USER) * Value(v), notation) == "N `N`"


@pytest.mark.parametrize("model", [ONE_WAY, SIZED, COVARIATES, SLOPE, CROSSED], ids=lambda m: str(len(m.mean)))
def test_the_legend_explains_every_parameter_once(model: ResolvedModel) -> None:
    notation = Notation.of(model)
    rows = legend(notation, model.groups)
    keys = [key for node, key, _ in rows if isinstance(node, Parameter)]
    assert len(set(keys)) == len(keys)
    names = {b: [str(c.key) for c in b.coefficients] for b in model.groups}
    components = {model.cumulant_key(b, (a, c)) for b, found in names.items() for a in found for c in found}
    assert {c.key for c in model.mean} | components <= set(keys)
    assert "var(residual)" in keys
    assert len({latex(node, notation) for node, _, _ in rows}) == len(rows)


def test_a_notation_is_a_value() -> None:
    notation = Notation.of(COVARIATES)
    assert notation == Notation.of(COVARIATES) == pickle.loads(pickle.dumps(notation))
    assert hash(notation) == hash(Notation.of(COVARIATES))
    assert notation != Notation.of(COVARIATES, units=2)


def test_the_legend_says_why_c1_and_c2() -> None:
    meanings = {key: meaning for _, key, meaning in legend(Notation.of(SIZED))}
    assert "line in the group size" in meanings["Intercept"]
