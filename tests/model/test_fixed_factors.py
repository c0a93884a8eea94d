"""Fixed factors: how their terms are written out, what they are called, and what data say of their levels."""

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.expr.nodes import Indicator, LevelColumns, Value, Variable
from momentalg.model.resolved import Column

ABC = {"drug": ["a", "b", "c"]}
BOTH = {"drug": ["a", "b", "c"], "site": [1, 2]}


def means(formula, fixed):
    return [c.key for c in ma.Model(formula, fixed=fixed).resolved.mean]


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ("drug", ["Intercept", "drug[b]", "drug[c]"]),
        ("0 + drug", ["drug[a]", "drug[b]", "drug[c]"]),
        ("C(drug)", ["Intercept", "drug[b]", "drug[c]"]),
        ("x + drug:x", ["Intercept", "x", "x:drug[b]", "x:drug[c]"]),
        ("drug:x", ["Intercept", "x:drug[a]", "x:drug[b]", "x:drug[c]"]),
        ("drug*x", ["Intercept", "drug[b]", "drug[c]", "x", "x:drug[b]", "x:drug[c]"]),
    ],
)
def test_a_term_is_coded_by_what_the_model_has_already(terms, found):
    assert means(f"y ~ {terms} + (1 | user)", ABC) == found


@pytest.mark.parametrize(
    "terms",
    ["drug*site", "drug:site", "0 + drug + site", "drug + drug:site", "drug*site*x", "drug:site + x", "0 + drug:x"],
)
def test_the_columns_span_what_the_cells_do_and_none_is_there_twice(terms):
    """Beside indicators of all levels of each term and those that it contains: the rank is theirs, and full."""
    rows = [(d, s, x) for d in "abc" for s in (1, 2) for x in (0.3, 1.1, 2.6)]
    model = ma.Model(f"y ~ {terms} + (1 | user)", fixed=BOTH if "site" in terms else ABC).resolved

    def value(variable, row):
        definition = model.definitions.get(variable)
        if definition is None:
            return row[2]
        return float(row["drug site".split().index(definition.body.variable.name)] == definition.label)

    matrix = np.array([[np.prod([value(v, r) ** p for v, p in c.monomial]) for c in model.mean] for r in rows])
    whole = {
        "drug*site": [d + str(s) for d, s, _ in rows],
        "drug:site": [d + str(s) for d, s, _ in rows],
        "drug + drug:site": [d + str(s) for d, s, _ in rows],
    }
    expected = {
        "0 + drug + site": 4,
        "drug*site*x": 12,
        "drug:site + x": 7,
        "0 + drug:x": 3,
        **{terms: len(set(cells)) for terms, cells in whole.items()},
    }
    assert np.linalg.matrix_rank(matrix) == matrix.shape[1] == expected[terms]


def test_an_indicator_is_defined_by_its_label():
    model = ma.Model("y ~ drug + (1 | user)", fixed={"drug": ["a", "dose 2"]}).resolved
    variable = Variable("function", "drug[`dose 2`]")
    assert model.definitions == {variable: Indicator(Value(Variable("column", "drug")), "dose 2")}
    assert model.indicated(variable) == "drug"


def test_slopes_of_a_fixed_factor_are_coefficients():
    model = ma.Model("y ~ 1 + (0 + C(drug) | user)", fixed=ABC)
    assert [c.key for c in model.resolved.groups[0].coefficients] == ["drug[a]", "drug[b]", "drug[c]"]
    assert "cov(drug[a],drug[b]|user)" in model.parameters
    assert [c.key for c in ma.Model("y ~ 1 + (drug | user)", fixed=ABC).resolved.groups[0].coefficients] == [
        "1",
        "drug[b]",
        "drug[c]",
    ]


def test_keys_are_read_as_they_are_written():
    model = ma.Model("y ~ `a drug`*x + (1 | user)", fixed={"a drug": ["a", "b c", -1.5]})
    for key in model.parameters:
        assert str(model.parameter(key)) == key
    assert "x:`a drug`[`b c`]" in model.parameters
    assert "`a drug`[-1.5]" in model.parameters


@pytest.mark.parametrize(
    "model",
    [
        ma.Model("y ~ C(drug)*x + (1 | user)"),
        ma.Model("y ~ drug + (1 | user)", fixed="drug"),
        ma.Model("y ~ drug:site + (1 + drug | user)", fixed=BOTH),
        ma.Model("y ~ C(a) + (1 | b) + (1 | a:b)", fixed={"a": [1, 2, 3]}),
    ],
)
def test_the_code_of_a_model_makes_it_again(model):
    assert eval(repr(model), {"ma": ma}) == model


def test_unknown_levels_have_a_value_each_and_are_projected_off_by_their_indicators():
    model = ma.Model("y ~ C(drug)*x + (1 | user)").resolved
    value, slope = Variable("fixed", "C(drug)"), Variable("fixed", "x:C(drug)")
    x = Variable("column", "x")
    assert model.constant_on == {value: ("drug",), slope: ("drug",)}
    assert model.mean[1] == Column(None, ((value, 1),))
    assert [model.projected(c) for c in model.mean] == [
        (),
        LevelColumns(("drug",)),
        ((x, 1),),
        LevelColumns(("drug",), ((x, 1),)),
    ]


def test_data_show_the_levels_sorted():
    frame = pd.DataFrame({"y": [1, 2, 3], "user": [1, 1, 2], "drug": ["z", "a", "m"], "dose": [10, 2, 2]})
    assert ma.Model("y ~ drug + (1 | user)").with_levels(frame).resolved.fixed == {"drug": ("a", "m", "z")}
    assert ma.Model("y ~ C(dose) + (1 | user)").with_levels(frame).resolved.fixed == {"dose": (2, 10)}
    assert ma.Model("y ~ dose + (1 | user)").with_levels(frame) == ma.Model("y ~ dose + (1 | user)")
    declared = ma.Model("y ~ drug + (1 | user)", fixed={"drug": ["z", "m", "a"]})
    assert declared.with_levels(frame) == declared


@pytest.mark.parametrize(
    ("formula", "arguments", "match"),
    [
        ("y ~ x + (1 | user)", {"fixed": ["drug"]}, "'drug', which is no common term"),
        ("y ~ drug + (1 | user)", {"fixed": {"drug": ["a"]}}, "1 level; it has to have"),
        ("y ~ drug + (1 | user)", {"fixed": {"drug": ["a", "a"]}}, "not all different"),
        ("y ~ drug + (1 | user)", {"fixed": {"drug": "abc"}}, "takes a list of the levels"),
        ("y ~ drug + C(drug) + (1 | user)", {"fixed": ABC}, "there twice"),
        ("y ~ drug + log(drug) + (1 | user)", {"fixed": ABC}, r"log\(drug\) computes with 'drug'"),
        ("y ~ drug + (1 | user)", {"fixed": ["drug"], "levels": {"drug": "user"}}, "declare its levels"),
    ],
)
def test_contradictions_are_refused(formula, arguments, match):
    with pytest.raises(ma.ModelError, match=match):
        ma.Model(formula, **arguments)


def test_slopes_need_the_levels_and_an_offset_has_none():
    with pytest.raises(ma.UnsupportedError, match="slopes of the fixed factor 'drug' need its levels"):
        ma.Model("y ~ 1 + (C(drug) | user)")
    with pytest.raises(ma.FormulaError, match="a formula has the whole factor"):
        ma.Model("y ~ drug[b] + (1 | user)")


def test_markdown_tells_levels_classes_and_weights():
    model = ma.Model("y ~ drug + (1 | user)", fixed=ABC, weights="w", residual_by="site")
    for line in ("- fixed factor `drug`: `a`, `b`, `c`", "- residual variance by `site`", "over the weights `w`"):
        assert line in model._repr_markdown_()
    assert "levels as in the data" in ma.Model("y ~ C(drug) + (1 | user)")._repr_markdown_()


def test_a_factor_with_a_single_level_in_the_data_is_refused():
    frame = pd.DataFrame({"y": [1, 2], "user": [1, 2], "drug": ["a", "a"]})
    with pytest.raises(ma.DataError, match="a single level of 'drug', 'a'"):
        ma.Model("y ~ drug + (1 | user)").with_levels(frame)
