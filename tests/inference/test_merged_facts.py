"""What is declared of the design and holds in each part of the data, and not in all of them together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.errors import DataError

R = np.random.default_rng(5)


def frame() -> pd.DataFrame:
    """Each cell of 8 by 9 once, but for (0, 0), which is in the first row and again in the last one."""
    cells = [(i, j) for i in range(8) for j in range(9)]
    rows = pd.DataFrame([*cells, (0, 0)], columns=["u", "v"])
    return rows.assign(w=[*"abcdefgh"] * 9 + ["other"], y=R.normal(size=len(rows)))


@pytest.mark.parametrize("rest", ["", " + (1 | w)"])
def test_a_cell_that_has_a_row_in_each_of_two_parts_is_refused(rest, tmp_path):
    model = ma.Model(f"y ~ 1 + (1 | u) + (1 | v){rest}", assume=[ma.unreplicated("u:v")])
    data = frame()
    halves = [data[:40], data[40:]]
    for part in halves:
        assert model.sums(part).nobs == len(part)
    added = model.sums(halves[0]) + model.sums(halves[1])
    saved = added.save(tmp_path / "both.sums")
    for whole in (data, halves, iter(halves), added, model.load_sums(saved)):
        with pytest.raises(
            DataError, match=r"u:v is declared to have one observation at most, but .*0.* has 2; 1 cells"
        ):
            model.fit(whole)
    assert model.fit([data[:40], data[40:-1]]).nobs == 72


def test_where_sums_do_not_tell_the_explanation_says_so():
    model = ma.Model("y ~ 1 + (1 | u) + (1 | v)", assume=[ma.unreplicated("u:v")])
    data = frame()[:-1]
    words = "That a level of u:v has one observation at most was checked in each part"
    assert words in str(model.fit([data[:40], data[40:]], weighting="none").explain())
    assert words not in str(model.fit(data, weighting="none").explain())
    assert words not in str(model.fit([data[:40], data[40:]]).explain())
