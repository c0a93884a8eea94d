"""The exact design of a frame, for the engine."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.data.design import design_rows
from momentalg.errors import DataError
from momentalg.expr.nodes import Variable

FRAME = pd.DataFrame({"user": ["b", "a", "b"], "x": [1, 2, 3], "z": [0.5, 2.0, 0.1]})


def test_labels_and_values_are_plain_and_exact():
    data = design_rows(FRAME, ma.Model("y ~ 1 + x + z + size(user) + (1 | user)").resolved)
    assert data.labels == {"user": ["b", "a", "b"]}
    assert data.values == {Variable("column", "x"): [1, 2, 3], Variable("column", "z"): [0.5, 2, 0.1]}
    assert all(isinstance(v, Fraction) for v in data.values[Variable("column", "x")])
    assert data.rows == 3


def test_the_response_is_not_needed():
    assert design_rows(FRAME.drop(columns="x"), ma.Model("y ~ 1 + (1 | user)").resolved).rows == 3


def test_functions_are_computed_row_by_row():
    model = ma.Model("y ~ 1 + log(x) + I(x + size(user)) + (1 | user)").resolved
    values = {v.name: found for v, found in design_rows(FRAME, model).values.items()}
    assert values["log(x)"] == [math.log(v) for v in (1, 2, 3)]
    assert next(found for name, found in values.items() if "size" in name) == [3, 3, 5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": ["a", None, "b"]}, "label 'user' is missing in row 1"),
        ({"x": [1.0, 2.0, np.nan]}, "covariate 'x' is missing in row 2"),
        ({"x": [1.0, np.inf, 2.0]}, "'x' is inf in row 1"),
        ({"x": ["a", "b", "c"]}, "not numeric: row 0 holds 'a'"),
    ],
)
def test_what_is_not_a_design_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        design_rows(FRAME.assign(**change), ma.Model("y ~ 1 + x + (1 | user)").resolved)
