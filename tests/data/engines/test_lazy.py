"""How lazy frames are read: one pass, no rows in memory, any names, on the user's own connection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import momentalg as ma
from momentalg.data.engines import lazy
from momentalg.data.engines.engine import Task, chosen, engines
from momentalg.errors import DataError, UnsupportedError
from momentalg.inference.sums import estimator_of
from tests.data.engines.frames import (
    KINDS,
    MODELS,
    assert_same_sums,
    base,
    kinds,
    sums,
    to_polars,
)

MODEL = MODELS["a covariate within"]()
LAZY = ("polars", "duckdb")


def task(model: ma.Model, missing: str = "refuse") -> Task:
    estimator = estimator_of(model, None, None)
    return Task(model.resolved, estimator.generated.ir, estimator.module, missing)


class Collected:
    """Collects as an engine does, and keeps how many frames there were, and the rows that came back."""

    def __init__(self) -> None:
        self.calls, self.rows = 0, [0]

    def __call__(self, frames: Any) -> Any:
        self.calls += 1
        found = lazy.one_by_one(frames)
        self.rows += [len(frame) for frame in found]
        return found


@kinds(*LAZY)
@pytest.mark.parametrize("name", MODELS)
def test_one_pass_after_a_first_look_and_only_tables_come_back(name, kind):
    seen = Collected()
    lazy.accumulate(task(MODELS[name]()), KINDS[kind][1](base()), seen)
    assert seen.calls == 2
    assert max(seen.rows) <= len(base().drop_duplicates(["user", "item", "row"]))
    if name in ("one factor", "functions", "slopes", "a covariate of levels"):
        assert max(seen.rows) == base()["user"].nunique()


@kinds(*LAZY)
def test_a_second_pass_only_where_the_first_rows_are_far_from_the_others(kind):
    r = np.random.default_rng(4)
    n = 120_000
    frame = pd.DataFrame({"user": r.integers(0, 50, n), "x": r.normal(size=n), "y": r.normal(size=n)})
    near, far = Collected(), Collected()
    lazy.accumulate(task(MODEL), KINDS[kind][1](frame), near)
    assert near.calls == 2
    frame.loc[1000:, "y"] += 1e6
    found = lazy.accumulate(task(MODEL), KINDS[kind][1](frame), far)
    assert far.calls == 3
    assert found.table["shift_y"] == pytest.approx(frame["y"].mean(), rel=1e-14)
    assert_same_sums(sums(MODEL, frame), sums(MODEL, frame, kind))


@kinds(*LAZY)
def test_levels_of_fixed_factors_are_seen_without_the_rows(kind, monkeypatch):
    frame = base()
    model = ma.Model("y ~ 1 + d + C(item) + (1 | user)")
    own = model.fit(frame)
    monkeypatch.setattr("momentalg.data.levels.select", None)  # which reads rows
    monkeypatch.setattr("momentalg.data.columns.select", None)
    found = model.fit(KINDS[kind][1](frame))
    assert list(found.params.index) == list(own.params.index)
    np.testing.assert_allclose(found.params, own.params, rtol=1e-9)


@kinds()
def test_columns_may_be_called_anything(kind):
    names = {"user": 'a "b" c', "x": "size", "y": "k0", "Z": "it's; --", "item": "ünder ß"}
    frame = base().rename(columns=names)
    model = ma.Model('`k0` ~ 1 + size + (1 | `a "b" c`) + (1 | `ünder ß`)')
    assert_same_sums(sums(model, frame), sums(model, frame, kind))


@pytest.mark.parametrize("kind", [pytest.param(n, marks=pytest.mark.engine(n)) for n in LAZY])
def test_the_engine_is_that_of_the_data_and_frames_in_memory_stay_with_the_built_in_one(kind):
    assert chosen(KINDS[kind][1](base(5))).name == kind
    assert chosen(base(5)).name == chosen({"y": [1.0]}).name == "numpy"
    assert engines()[kind].takes(base(5)) is False


@pytest.mark.engine("polars")
def test_eager_frames_of_polars_stay_with_the_built_in_engine():
    assert chosen(to_polars(base(5))).name == "numpy"


@kinds(*LAZY)
def test_a_fit_keeps_no_data_that_are_not_in_memory_and_says_how_to_get_what_needs_them(kind):
    fit = MODEL.fit(KINDS[kind][1](base()))
    assert fit.data is None
    assert np.isfinite(fit.bse).all()
    with pytest.raises(UnsupportedError, match=r"data that are not in memory.*lazy\.collect\(\)"):
        fit.resid  # noqa: B018
    classical = MODEL.fit(KINDS[kind][1](base()), statistics="henderson3")
    with pytest.raises(UnsupportedError, match="data that are not in memory, has no data to do it on"):
        classical.bse  # noqa: B018


@kinds(*LAZY)
def test_parameters_that_lazy_data_do_not_separate_are_named(kind):
    frame = base().assign(user=lambda f: f.index)
    with pytest.raises(ma.NotIdentifiedError, match="do not separate"):
        MODEL.fit(KINDS[kind][1](frame))


@pytest.mark.parametrize("kind", [pytest.param(n, marks=pytest.mark.engine(n)) for n in LAZY])
def test_labels_that_do_not_group_are_refused(kind):
    import polars as pl

    frame = to_polars(base(6)).with_columns(user=pl.Series([[1], [2], [1], [2], [1], [2]]))
    data = frame.lazy() if kind == "polars" else to_relation_of_arrow(frame.to_arrow())
    with pytest.raises(DataError, match="the labels in 'user' cannot be told apart"):
        MODEL.sums(data)


def to_relation_of_arrow(table: Any) -> Any:
    import duckdb

    return duckdb.connect().from_arrow(table)


@pytest.mark.engine("duckdb")
def test_a_relation_is_computed_on_its_own_connection_within_its_limits():
    import duckdb

    con = duckdb.connect(config={"memory_limit": "60MB", "threads": 1})
    con.execute(
        "create view ratings as select (random() * 5)::int + 1 as y, i % 1000 as user, (i * 7919) % 100003 as item "
        "from range(400000) t(i)"
    )
    found = ma.Model("y ~ 1 + (1 | user)").sums(con.sql("select * from ratings where user < 500"))
    assert (found.nobs, len(found.table["level"])) == (200_000, 500)
    con.execute("set memory_limit = '1MB'")
    with pytest.raises(DataError, match="DuckDB could not compute the sums: "):
        ma.Model("y ~ 1 + (1 | item)").sums(con.sql("select * from ratings order by item, user, y"))


@pytest.mark.engine("duckdb")
def test_names_that_duckdb_does_not_tell_apart_are_refused_and_not_mixed_up():
    frame = base().assign(X=lambda f: f["Z"])
    model = ma.Model("y ~ 1 + x + X + (1 | user)")
    with pytest.raises(DataError, match="does not tell 'x' from 'X'"):
        model.sums(frame, engine="duckdb")


@pytest.mark.engine("duckdb")
def test_values_that_an_engine_cannot_compute_are_told_in_its_words():
    import duckdb

    con = duckdb.connect()
    con.execute("create table t as select 'no' as y, i as user, i * 1.0 as x from range(10) r(i)")
    with pytest.raises(DataError, match=r"DuckDB could not compute the sums: .*no"):
        MODEL.sums(con.sql("select y::double as y, user, x from t"))


@pytest.mark.engine("duckdb")
def test_whole_numbers_wider_than_a_machine_word():
    import duckdb

    con = duckdb.connect()
    con.execute(
        "create table t as select (i % 7)::hugeint as user, i::hugeint as x, (i * i % 11)::uhugeint as y "
        "from range(100) r(i)"
    )
    frame = con.sql("select user::bigint as user, x::double as x, y::double as y from t").df()
    assert_same_sums(sums(MODEL, frame), MODEL.sums(con.table("t")))


@kinds()
def test_labels_that_would_be_called_alike_are_refused(kind):
    frame = base(24).assign(user=["A", "A:b"] * 12, item=["b:c", "c"] * 12)
    with pytest.raises(DataError, match="two levels would both be called 'A:b:c'"):
        sums(MODELS["nested labels"](), frame, kind)


@kinds()
def test_texts_that_end_in_nul_are_refused_and_not_merged_with_those_that_do_not(kind):
    frame = base(24).assign(user=["A", "A\0"] * 12)
    with pytest.raises(DataError, match="a label ends in the character NUL"):
        sums(MODEL, frame, kind)


@pytest.mark.engine("duckdb")
@pytest.mark.parametrize("settings", ["set error_on_division_by_zero = true", "set error_on_division_by_zero = false"])
def test_a_weight_of_0_is_told_whatever_a_database_makes_of_division_by_it(settings):
    import duckdb

    con = duckdb.connect()
    con.execute("set ieee_floating_point_ops = false")
    con.execute(settings)
    frame = base(60)
    con.register("given", frame.assign(w=frame["w"].where(frame.index != 7, 0.0)))
    with pytest.raises(DataError, match="the weights 'w' must be positive, and the least is 0"):
        MODELS["weights"]().sums(con.table("given"))
    con.register("given", frame)
    assert_same_sums(sums(MODELS["weights"](), frame), MODELS["weights"]().sums(con.table("given")))


def test_a_covariate_that_is_constant_in_finer_cells_alone_is_not_on_the_levels():
    from momentalg.data.lazy.findings import _require_constant
    from momentalg.data.lazy.tables import LevelTable

    def cells(low: list[float], high: list[float]) -> LevelTable:
        labels = {"user": np.array(["a", "a", "b"]), "item": np.array([1, 2, 1])}
        ranges = {"min of Z": np.array(low), "max of Z": np.array(high)}
        return LevelTable(labels, np.array([2, 1, 1]), 4, ranges, np.arange(3), is_whole=True)

    _require_constant(cells([1.0, 1.0, 2.0], [1.0, 1.0, 2.0]), "Z", ("user",), ("user",))
    for second in (0.5, 3.0):
        with pytest.raises(DataError, match="constant within user, but at 'a' it is both"):
            _require_constant(cells([1.0, second, 2.0], [1.0, second, 2.0]), "Z", ("user",), ("user",))
