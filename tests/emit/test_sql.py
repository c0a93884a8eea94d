"""SQL programs as a product: run for real in two databases, beside the NumPy module and exact fractions."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st

import momentalg as ma
from momentalg.cli import main
from momentalg.emit import sql
from momentalg.errors import DataError, NothingLeftError, UnsupportedError
from momentalg.expr.names import join_factor

pytestmark = pytest.mark.engine("sqlglot")

Columns = Mapping[str, Any]
DIALECTS = "postgres bigquery snowflake spark mysql sqlite tsql clickhouse duckdb trino redshift databricks".split()
HOSTILE = ["select", 'a "b"', "it's; DROP TABLE victim; --", "{x} {{ y }}", "naïve é", "back`tick", "x]y", "*", "a.b"]
HOSTILE += ["new\n  line\n-- '", "--", "/* y */", "back\\slash", "%s :p ?1 $p", " t "]


# -- databases -----------------------------------------------------------------------------------------------------


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def in_sqlite(program: Any, columns: Columns) -> dict[str, Columns]:
    """The results of a program in SQLite, on a table without declared types; a victim is there, and stays."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE victim (v)")
        connection.execute(f"CREATE TABLE {quoted(program.table[-1])} ({', '.join(map(quoted, columns))})")
        rows = list(zip(*(map(plain, values) for values in columns.values()), strict=True))
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {quoted(program.table[-1])} VALUES ({marks})", rows)
        results = {name: of_cursor(connection.execute(query)) for name, query in program.queries.items()}
        assert connection.execute("SELECT COUNT(*) FROM victim").fetchall() == [(0,)]
    connection.close()
    return results


def in_duckdb(program: Any, columns: Columns) -> dict[str, Any]:
    """The results of a program in DuckDB as Arrow tables; a victim is there, and stays."""
    import duckdb
    import pyarrow as pa

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE victim (v INTEGER)")
        connection.register("given", pa.table({name: pa.array(values) for name, values in columns.items()}))
        connection.execute(f"CREATE TABLE {quoted(program.table[-1])} AS SELECT * FROM given")
        connection.unregister("given")
        results = {name: connection.sql(query).to_arrow_table() for name, query in program.queries.items()}
        assert connection.execute("SELECT COUNT(*) FROM victim").fetchall() == [(0,)]
    return results


def of_cursor(cursor: sqlite3.Cursor) -> Columns:
    rows = cursor.fetchall()
    names = [column[0] for column in cursor.description]
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


DATABASES = {"sqlite": in_sqlite, "duckdb": in_duckdb}
database = pytest.mark.parametrize("dialect", ["sqlite", pytest.param("duckdb", marks=pytest.mark.engine("duckdb"))])


@cache
def system(model: Any) -> Any:
    return model.moment_equations()


@cache
def module(model: Any) -> Any:
    return system(model).estimator().load()


@cache
def program(model: Any, dialect: str = "sqlite", table: Any = "data") -> Any:
    return system(model).estimator("sql", dialect=dialect, table=table)


def part(model: Any, dialect: str, columns: Columns, missing: str = "refuse") -> Any:
    written = program(model, dialect)
    return written.part(DATABASES[dialect](written, columns), missing)


# -- sums ----------------------------------------------------------------------------------------------------------

NESTED = [ma.nested("cask", "batch")]
MODELS: dict[str, Callable[[], Any]] = {
    "intercept": lambda: ma.Model("y ~ 1 + (1 | user)"),
    "functions": lambda: ma.Model("y ~ 1 + log(x) + sqrt(x) + exp(x) + I(1/x) + I((x - 1/3)**2) + (1 | user)"),
    "slope": lambda: ma.Model("y ~ 1 + log(x) + (1 + x | user)"),
    "level": lambda: ma.Model("y ~ 1 + x*z + size(user) + (1 | user)", levels={"z": "user"}),
    "crossed": lambda: ma.Model("y ~ 1 + x + (1 | user) + (1 | item)"),
    "weights": lambda: ma.Model("y ~ 1 + (1 | user) + (1 | item)", weights="x"),
    "labels": lambda: ma.Model("y ~ 1 + drug + (1 | user)", fixed={"drug": ["it's", 'a "b"', "c\\'--"]}),
    "numbers as labels": lambda: ma.Model("y ~ 1 + (1 | user)", residual_by={"item": [0, 1, 2, 3]}),
    "nested": lambda: ma.Model("y ~ 1 + (1 | batch) + (1 | cask)", assume=NESTED),
    "no intercept": lambda: ma.Model("y ~ 0 + x + (1 | user)"),
}


def rows(number: int = 200, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    user, item = random.integers(0, 12, number), random.integers(0, 4, number)
    x = random.uniform(0.5, 2.0, number)
    batch = random.integers(0, 5, number)
    return {
        "user": np.array([f"Üser {u % 7}-{u}" for u in user]),
        "item": item,
        "batch": batch,
        "cask": random.integers(0, 3, number),
        "y": 50 + x + user / 3 + random.standard_normal(number),
        "x": x,
        "z": (user % 5) / 4,
        "drug": np.array(["it's", 'a "b"', "c\\'--"])[random.integers(0, 3, number)],
    }


def assert_same_sums(model: Any, found: Mapping[str, Any], columns: Columns, tolerance: float = 1e-12) -> None:
    """Sums of a database and of the NumPy module, about the module's shifts."""
    expected = module(model).accumulate({name: np.asarray(columns[name]) for name in module(model).COLUMNS})
    assert set(found) == set(expected)
    moved = module(model)._recentred(found, expected)
    for name, values in expected.items():
        if name in module(model).LEVELS:
            assert moved[name].tolist() == values.tolist()
        elif not name.startswith("shift_"):
            scale = np.abs(values).max(initial=0.0) + len(columns["y"]) * tolerance
            np.testing.assert_allclose(moved[name], values, rtol=tolerance, atol=tolerance * scale, err_msg=name)
            assert np.asarray(moved[name]).dtype == np.asarray(values).dtype, name


@database
@pytest.mark.parametrize("name", MODELS)
def test_a_database_gives_the_sums_of_the_numpy_module(name, dialect):
    model, columns = MODELS[name](), rows()
    found = part(model, dialect, columns)
    assert (found.nobs, found.dropped) == (200, 0)
    assert_same_sums(model, found.table, columns)


@database
@pytest.mark.parametrize(
    "name", [name for name in MODELS if name != "functions"]
)  # nearly collinear, all of one column
def test_the_module_solves_what_a_database_adds_up(name, dialect):
    """The estimates of a whole fit from the frame, which reads and accumulates by itself."""
    model, columns = MODELS[name](), rows()
    estimates = module(model).solve(part(model, dialect, columns).table)
    expected = module(model).solve(module(model).accumulate(columns))
    for key, value in expected.items():
        assert estimates[key] == pytest.approx(value, rel=1e-9, abs=1e-11), key


@database
def test_sums_are_those_of_exact_fractions(dialect):
    """By reading their names: sums of products about the shifts that the database chose, level by level."""
    model, columns = ma.Model("y ~ 1 + x + (1 | user)"), rows(80, seed=5)
    table = part(model, dialect, columns).table
    shift = {name: Fraction(table[f"shift_{name}"]) for name in ("x", "y")}
    x, y = ([Fraction(float(v)) - shift[name] for v in columns[name]] for name in ("x", "y"))
    products = {"sum_x": x, "sum_y": y, "sum_x2": [v * v for v in x], "sum_y2": [v * v for v in y]}
    products["sum_x_y"] = [v * w for v, w in zip(x, y, strict=True)]
    assert {name for name in table if name.startswith("sum_")} <= set(products)
    assert sorted(set(columns["user"].tolist())) == table["level"].tolist()
    for k, level in enumerate(table["level"]):
        inside = [t for t, user in enumerate(columns["user"]) if user == level]
        assert table["size"][k] == len(inside)
        for name in set(products) & set(table):
            terms = [products[name][t] for t in inside]
            scale = float(sum(map(abs, terms)))
            assert float(Fraction(float(table[name][k])) - sum(terms)) == pytest.approx(0, abs=1e-13 * scale)


@database
def test_values_far_from_zero_keep_their_digits(dialect):
    columns = rows(500, seed=2)
    columns["y"] = 1e8 + np.random.default_rng(3).standard_normal(500)
    model = ma.Model("y ~ 1 + (1 | user)")
    estimates = model.moment_equations("henderson3").estimator().load().solve(part(model, dialect, columns).table)
    exact = [Fraction(float(v)) for v in columns["y"]]
    within = Fraction(0)
    groups = [[v for v, u in zip(exact, columns["user"], strict=True) if u == g] for g in set(columns["user"])]
    for group in groups:
        within += sum((v - sum(group) / len(group)) ** 2 for v in group)
    assert estimates["var(residual)"] == pytest.approx(float(within / (500 - len(groups))), rel=1e-10)


@pytest.mark.engine("duckdb")
def test_integers_do_not_overflow_and_small_floats_are_added_as_large_ones():
    """Squares of 1e5 as int32, an unsigned covariate, float32."""
    columns = rows(60)
    columns["y"] = np.where(np.arange(60) % 2, 100_000, -100_000).astype(np.int32)
    columns["x"] = (np.arange(60) % 7 * 36).astype(np.uint8)
    model = ma.Model("y ~ 1 + x + (1 | user)")
    found = part(model, "duckdb", columns)
    assert found.table["size"].dtype == np.int64
    assert_same_sums(model, found.table, columns)
    assert found.table["total_y2"] == 60 * 10**10
    columns["y"] = np.float32(0.1) + np.arange(60, dtype=np.float32)
    assert_same_sums(model, part(model, "duckdb", columns).table, columns)


@pytest.mark.engine("duckdb")
def test_all_queries_are_about_one_shift_whatever_the_order_of_the_rows():
    """Means near 0 differ in all their digits between runs on several threads; their rounding does not."""
    import duckdb

    model = ma.Model("y ~ 1 + x + (1 | user)")
    written = program(model, "duckdb")
    with duckdb.connect(config={"threads": 4, "preserve_insertion_order": False}) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            "CREATE TABLE data AS SELECT i % 1000 AS user, (CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END) * sin(i // 2) "
            "AS y, 1e6 + random() AS x FROM range(600000) t(i)"
        )
        runs = [{n: connection.sql(q).fetchnumpy() for n, q in written.queries.items()} for _ in range(3)]
    shifts = {(float(r[n][s][0]), s) for r in runs for n in r for s in ("shift_x", "shift_y")}
    assert len(shifts) == 2
    assert written.part(runs[0]).nobs == 600_000


@pytest.mark.engine("duckdb")
def test_parts_of_databases_merge_with_parts_of_frames():
    model, columns = MODELS["crossed"](), rows()
    first, second = ({k: v[cut] for k, v in columns.items()} for cut in (slice(0, 90), slice(90, None)))
    merged = module(model).combine(part(model, "duckdb", first).table, module(model).accumulate(second))
    merged = module(model).combine(merged, part(model, "sqlite", first).table)
    three = {k: np.concatenate([v, v[:90]]) for k, v in columns.items()}
    assert_same_sums(model, merged, three, 1e-11)


# -- fits ----------------------------------------------------------------------------------------------------------


@database
@pytest.mark.parametrize("name", ["slope", "crossed", "labels", "nested"])
def test_a_model_fits_the_results_of_queries_as_it_fits_a_frame(name, dialect):
    import pandas as pd

    model, columns = MODELS[name](), rows()
    frame = pd.DataFrame(columns)
    expected = model.fit(frame)
    written = expected.system.estimator("sql", dialect=dialect)
    results = written.results(DATABASES[dialect](written, columns))
    fit = model.fit(results)
    assert (fit.nobs, dict(fit.n_groups)) == (expected.nobs, dict(expected.n_groups))
    assert fit.data is None
    for key, value in expected.params.items():
        assert fit.params[key] == pytest.approx(value, rel=1e-8, abs=1e-10), key
    for level, labels in expected.sums.table.items():
        if level.startswith("level"):
            assert fit.sums.table[level].tolist() == sorted(labels.tolist())  # in a frame, as they appear
    more = model.sums(frame) + model.sums(results)
    assert more.nobs == 400
    assert model.fit(more).params[key] == pytest.approx(model.fit([frame, frame]).params[key], rel=1e-8)


def test_results_of_other_queries_are_refused():
    model = MODELS["crossed"]()
    written = MODELS["slope"]().moment_equations().estimator("sql", dialect="sqlite")
    results = written.results(in_sqlite(written, rows()))
    assert repr(results).startswith(f"<Results of queries for {written.ir.formula}: rows, ")
    with pytest.raises(
        DataError, match=r"results of queries of y ~ .* not the sums .* weighting='two-step'\)\.estimator"
    ):
        model.fit(results)
    with pytest.raises(DataError, match="the engine 'sql' takes the results of queries"):
        model.fit(rows(), engine="sql")


def test_missing_values_are_dropped_in_a_fit_when_asked():
    model = MODELS["intercept"]()
    written = model.fit(rows()).system.estimator("sql", dialect="sqlite")
    results = written.results(in_sqlite(written, changed(rows(), "y", {3: None})))
    with pytest.raises(DataError, match="1 of 200 rows have missing values"):
        model.fit(results)
    assert model.fit(results, missing="drop").dropped == 1


# -- what cannot be used -------------------------------------------------------------------------------------------


def changed(columns: Columns, name: str, values: Mapping[int, Any]) -> dict[str, Any]:
    """Columns as lists, with some values of one of them replaced."""
    found = {key: list(map(plain, old)) for key, old in columns.items()}
    for row, value in values.items():
        found[name][row] = value
    return found


@database
def test_missing_values_are_refused_or_dropped_and_counted(dialect):
    model, columns = MODELS["labels"](), rows()
    holes = changed(changed(changed(columns, "y", {3: None, 8: None}), "user", {8: None}), "drug", {11: None})
    with pytest.raises(DataError, match=r"3 of 200 rows have missing values: 'user' \(1\), 'drug' \(1\), 'y' \(2\)"):
        part(model, dialect, holes)
    found = part(model, dialect, holes, missing="drop")
    assert (found.nobs, found.dropped) == (197, 3)
    assert_same_sums(model, found.table, {name: np.delete(v, [3, 8, 11]) for name, v in columns.items()})


@pytest.mark.engine("duckdb")
def test_nan_is_missing():
    model, columns = MODELS["level"](), rows()
    holes = {**columns, "x": columns["x"].copy(), "z": columns["z"].copy()}
    holes["x"][[2, 5]] = np.nan
    holes["z"][[5, 6]] = -np.nan
    with pytest.raises(DataError, match=r"3 of 200 rows have missing values: 'x' \(2\), 'z' \(2\)"):
        part(model, "duckdb", holes)
    found = part(model, "duckdb", holes, missing="drop")
    assert (found.nobs, found.dropped) == (197, 3)
    assert_same_sums(model, found.table, {name: np.delete(v, [2, 5, 6]) for name, v in columns.items()})


@database
def test_nothing_left_and_no_rows(dialect):
    model, columns = MODELS["intercept"](), {"user": ["a", "b"], "y": [None, None]}
    with pytest.raises(NothingLeftError):
        part(model, dialect, columns, missing="drop")
    with pytest.raises(DataError, match="2 of 2 rows have missing values"):
        part(model, dialect, columns)
    if dialect == "sqlite":
        with pytest.raises(DataError, match="the data have no rows"):
            part(model, dialect, {"user": [], "y": []})


@database
@pytest.mark.parametrize(
    ("name", "column", "value", "message"),
    [
        ("intercept", "y", np.inf, "'y' is not a finite number in 1 rows"),
        ("intercept", "y", -np.inf, "'y' is not a finite number in 1 rows"),
        ("functions", "x", -1.0, r"'log\(x\)' is not a finite number in 1 rows"),
        ("functions", "x", 0.0, r"is not a finite number in 1 rows"),
        ("functions", "x", 1000.0, r"'exp\(x\)' is not a finite number in 1 rows"),
        ("weights", "x", 0.0, "'x' is not positive in 1 rows, as weights must be"),
        ("weights", "x", -1.0, "'x' is not positive in 1 rows, as weights must be"),
        ("labels", "drug", "unknown", "'drug' is none of its levels .* in 1 rows"),
        ("level", "z", 77.0, "'z' must be constant on a level; at level Üser .* it is both .* and 77.0"),
        ("intercept", "y", 1e200, "values are too large"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(name, column, value, message, dialect):
    with pytest.raises(DataError, match=message):
        part(MODELS[name](), dialect, changed(rows(), column, {7: value}))


@database
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda y: [str(v) for v in y], "the response 'y' is not numeric"),
        (lambda y: [2**53 + 2, *map(int, y[1:])], "whole numbers beyond"),
        (lambda y: [-(2**53) - 2, *map(int, y[1:])], "whole numbers beyond"),
    ],
)
def test_columns_that_are_no_numbers_are_refused(values, message, dialect):
    """SQLite and MySQL read any text as a number, 0 if need be; the range of the column gives it away."""
    columns = rows()
    with pytest.raises(DataError, match=message):
        part(MODELS["intercept"](), dialect, {**columns, "y": values(columns["y"].tolist())})


def test_one_text_among_numbers_is_refused():
    with pytest.raises(DataError, match="the response 'y' is not numeric: it holds 'abc'"):
        part(MODELS["intercept"](), "sqlite", changed(rows(), "y", {4: "abc"}))


@pytest.mark.engine("duckdb")
def test_truth_values_are_refused_as_response_and_0_or_1_as_covariate():
    columns = rows()
    truth = columns["x"] > 1
    with pytest.raises(DataError, match="the response 'y' holds truth values"):
        part(MODELS["crossed"](), "duckdb", {**columns, "y": truth})
    model = MODELS["crossed"]()
    assert_same_sums(model, part(model, "duckdb", {**columns, "x": truth}).table, {**columns, "x": truth.astype(float)})


def test_results_that_do_not_belong_together_are_refused():
    model = MODELS["crossed"]()
    written = program(model)
    results = in_sqlite(written, rows())
    others = in_sqlite(written, rows(190))
    moved = in_sqlite(written, {**rows(), "y": rows()["y"] + 1})
    level = list(written.queries)[1]
    for strange in (others, moved):
        with pytest.raises(DataError, match=f"the queries 'rows' and '{level}' are not of the same rows"):
            written.part({**results, level: strange[level]})
    with pytest.raises(DataError, match=f"no result of the query '{level}'; there are 'rows'"):
        written.part({"rows": results["rows"]})
    with pytest.raises(DataError, match="missing= is"):
        written.part(results, missing="ignore")
    twice = {name: [*values, *values] for name, values in results["rows"].items()}
    with pytest.raises(DataError, match="'rows' has 2 rows; it must have one"):
        written.part({**results, "rows": twice})


@pytest.mark.engine("duckdb")
def test_labels_that_are_nan_are_refused():
    columns = {**rows(), "user": np.arange(200) % 9 + 0.5}
    columns["user"][3] = np.nan
    with pytest.raises(DataError, match="labels in 'user' are NaN"):
        part(MODELS["intercept"](), "duckdb", columns)


@database
def test_what_the_model_declares_is_checked(dialect):
    """A cell with two observations, and a covariate that is read by row as well as by level."""
    cells = [(u, i) for u in range(10) for i in range(12) if (u * i) % 3]
    columns = rows(len(cells))
    columns["user"], columns["item"] = (np.array(labels) for labels in zip(*cells, strict=True))
    columns["z"] = columns["user"] / 2
    once = ma.Model("y ~ 1 + (1 | user) + (1 | item)", assume=[ma.unreplicated("user:item")])
    assert_same_sums(once, part(once, dialect, columns).table, columns)
    with pytest.raises(DataError, match="user:item is declared to have one observation at most, but 1 cells have"):
        part(once, dialect, {name: np.append(values, values[4]) for name, values in columns.items()})
    level = ma.Model("y ~ 1 + z + (1 | user) + (1 | item)", levels={"z": "user"})
    assert_same_sums(level, part(level, dialect, columns).table, columns)
    with pytest.raises(DataError, match="'z' is declared constant within user, but is not in 1 of its levels"):
        part(level, dialect, changed(columns, "z", {5: 99.0}))


def test_texts_and_numbers_among_labels_are_refused():
    with pytest.raises(DataError, match="the labels in 'user' are of kinds that have no order"):
        part(MODELS["intercept"](), "sqlite", changed(rows(), "user", {4: 17}))


# -- names and labels are data -------------------------------------------------------------------------------------


def odd(response: str, covariate: str, user: str, item: str, label: str = "l") -> Any:
    return ma.Model(
        response=response,
        common=[ma.Covariate(covariate)],
        group=[ma.Group(join_factor([user])), ma.Group(join_factor([item]))],
        residual_by={"class": [label, "other"]},
    )


@database
@pytest.mark.parametrize("shift", range(len(HOSTILE)))
def test_hostile_names_and_labels_do_nothing(shift, dialect):
    names = [HOSTILE[(shift + k) % len(HOSTILE)] for k in range(6)]
    model = odd(*names[:5])
    written = program(model, dialect, (names[5],))
    columns = rows()
    classes = np.array([names[4], "other"])[np.arange(200) % 2]
    given = dict(zip(names, (columns[k] for k in ("y", "x", "user", "item")), strict=False)) | {"class": classes}
    found = written.part(DATABASES[dialect](written, given))
    assert_same_sums(model, found.table, {**given, "y": given[names[0]]})


# A point is a path inside the quotes of BigQuery, in which no column has one.
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0."), min_size=1, max_size=12)


@given(names=st.lists(text, min_size=4, max_size=4, unique_by=str.casefold), which=st.sampled_from(DIALECTS))
def test_any_name_stays_one_identifier_and_any_label_one_literal(names, which):
    """Read back by the dialect's own tokens: each query is one SELECT, and knows no other names than these."""
    import sqlglot
    from sqlglot import exp

    response, user, label, table = names
    assume(label != "other" and "class" not in names)
    group = [ma.Group(join_factor([user]))]
    model = ma.Model(response=response, group=group, residual_by={"class": [label, "other"]})
    for query in program(model, which, (table,)).queries.values():
        (tree,) = sqlglot.parse(query, read=which)
        assert isinstance(tree, exp.Select)
        tables = {t.name for t in tree.find_all(exp.Table)} - {c.alias for c in tree.find_all(exp.CTE)}
        assert tables == {table}
        assert {c.name for c in tree.find_all(exp.Column) if c.table in ("t", "t_")} == {response, user, "class"}
        assert {node.this for node in tree.find_all(exp.Literal) if node.is_string} == {label, "other"}


@pytest.mark.parametrize("which", DIALECTS)
def test_a_script_is_its_queries_and_comments(which):
    import sqlglot

    written = program(odd(*HOSTILE[:4], "new\nline; --"), which, ("new\nline;",))
    trees = [tree for tree in sqlglot.parse(written.source, read=which) if tree is not None]
    for tree in trees:
        for node in tree.walk():
            node.comments = None
    assert trees == [sqlglot.parse_one(query, read=which) for query in written.queries.values()]


def test_names_that_differ_in_capitals_alone_stay_apart():
    model = ma.Model("y ~ 1 + x + X + (1 | user)")
    written = program(model, "postgres")
    level = written.queries["level"]
    assert level.count('AS "x"') == 3
    assert level.count('AS "X_2"') == 3
    long = program(ma.Model(f"y ~ 1 + {'a' * 23}*{'b' * 23}*{'c' * 23} + (1 | user)"), "postgres")
    import sqlglot
    from sqlglot import exp

    names = {i.name for i in sqlglot.parse_one(long.queries["level"]).find_all(exp.Identifier)}
    assert max(map(len, names)) <= 63


@pytest.mark.parametrize("table", ["given", "T", "Rows", "moved", "complete"])
def test_the_table_may_be_called_like_a_part_of_a_query(table):
    model, columns = MODELS["slope"](), rows()
    written = program(model, "sqlite", table)
    assert_same_sums(model, written.part(in_sqlite(written, columns)).table, columns)


# -- dialects ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", DIALECTS)
def test_each_dialect_has_its_words(which):
    """The natural logarithm, 64-bit counts, floating-point numbers of 64 bits: where the words differ, they matter."""
    text = "\n".join(program(MODELS["functions"](), which).queries.values())
    logarithm = "LOG(" if which == "tsql" else "LN("
    assert logarithm in text
    assert ("LN(" if which == "tsql" else "LOG(") not in text
    assert ("COUNT_BIG(*)" in text) == (which == "tsql")
    double = {
        "bigquery": "FLOAT64",
        "clickhouse": "Nullable(Float64)",
        "postgres": "DOUBLE PRECISION",
        "redshift": "DOUBLE PRECISION",
        "sqlite": "REAL",
        "tsql": "FLOAT",
    }
    whole = {"bigquery": "INT64", "clickhouse": "Nullable(Int64)", "mysql": "SIGNED", "sqlite": "INTEGER"}
    assert f" AS {double.get(which, 'DOUBLE')})" in text
    assert f" AS {whole.get(which, 'BIGINT')})" in text


def test_every_dialect_that_is_offered_can_be_written():
    import sqlglot

    for which in sql.dialects():
        for model in ("labels", "weights"):
            for query in program(MODELS[model](), which).queries.values():
                assert len(sqlglot.parse(query, read=which)) == 1, which


def test_a_difference_in_a_difference_keeps_its_parentheses():
    """sqlglot writes a - (b - c) of its own trees as a - b - c; ours say what they mean."""
    query = program(ma.Model("y ~ 1 + I(1/(x/(x + 2))) + I(x - (1 - x)**2) + (1 | user)")).queries["rows"]
    columns = {"user": ["a", "b", "b"], "y": [1.0, 2.0, 3.0], "x": [1.0, 3.0, 4.0]}
    model = ma.Model("y ~ 1 + I(1/(x/(x + 2))) + I(x - (1 - x)**2) + (1 | user)")
    assert_same_sums(model, part(model, "sqlite", columns).table, columns)
    assert query.count("(") == query.count(")")


# -- the program ---------------------------------------------------------------------------------------------------


def test_unknown_dialects_options_and_tables_are_refused():
    equations = system(MODELS["intercept"]())
    with pytest.raises(UnsupportedError, match=r"no SQL dialect 'pg'; there are athena, .*postgres"):
        equations.estimator("sql", dialect="pg")
    with pytest.raises(UnsupportedError, match="no SQL dialect 'oracle'"):
        equations.estimator("sql", dialect="oracle")
    with pytest.raises(UnsupportedError, match="the backend 'numpy' has no option 'dialect'"):
        equations.estimator(dialect="duckdb")
    for table in ("", "a.b.c.d", "a..b", ()):
        with pytest.raises(UnsupportedError, match="is not one to three names"):
            equations.estimator("sql", table=table)
    assert 'FROM "shop"."ratings" AS "t"' in equations.estimator("sql", table="shop.ratings").source


def test_without_sqlglot_there_is_advice(monkeypatch):
    monkeypatch.setattr(sql, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"pip install 'momentalg\[sql\]'"):
        MODELS["intercept"]().moment_equations().estimator("sql")


def test_the_command_writes_a_script_that_says_how_to_make_it_again(tmp_path):
    target, again = tmp_path / "ratings.sql", tmp_path / "again.sql"
    formula = ["rating ~ 1 + x + (1 | user)", "--backend", "sql", "--dialect", "sqlite", "--table", "main.ratings"]
    run = CliRunner().invoke(main, ["generate", *formula, "-o", str(target)])
    assert run.exit_code == 0, run.output
    source = target.read_text()
    assert source.count("Generated by momentalg") == 1
    (line,) = [line for line in source.splitlines() if "momentalg generate" in line]
    words = shlex.split(line.removeprefix("--"))
    assert CliRunner().invoke(main, [*words[1:-1], str(again)]).exit_code == 0
    assert again.read_text() == source
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE ratings (rating, x, user)")
        connection.executescript(source)
    connection.close()
    refused = CliRunner().invoke(main, ["generate", *formula[:4], "pg"])
    assert refused.exit_code != 0
    assert "no SQL dialect 'pg'; there are" in refused.output


def test_a_program_is_shown_short_and_equal_to_itself():
    first, second = (MODELS["labels"]().moment_equations().estimator("sql", dialect="sqlite") for _ in range(2))
    assert first == second
    assert first.source == second.source
    assert repr(first) == "<SqlProgram: 3 queries for sqlite; .queries, .source, .write(path), .results(frames)>"


def test_the_use_that_a_script_tells_is_python_that_works():
    """What stands under "Use" is run as it is, on the database that the queries are for."""
    model = MODELS["intercept"]()
    frame = pd.DataFrame(rows())
    fit = model.fit(frame)
    source = fit.system.estimator("sql", dialect="sqlite", table="ratings").source
    told = re.findall(
        r"^--         (.*)$", source[source.index("-- Use") : source.index("-- Numbers are")], re.MULTILINE
    )
    assert len(told) == 4
    with closing(sqlite3.connect(":memory:")) as connection:
        frame.to_sql("ratings", connection, index=False)
        names = {"ma": ma, "pandas": pd, "model": model, "connection": connection}
        exec("\n".join(told[:3]), names)
        found = eval(told[3], names)
    pd.testing.assert_series_equal(found.params, fit.params, rtol=1e-10)
