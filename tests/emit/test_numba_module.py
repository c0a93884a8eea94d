"""The module that numba compiles gives the sums of the NumPy module, from columns of any width, without litter."""

from __future__ import annotations

import ast
import math
import shlex
import subprocess
import sys
import tempfile
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import momentalg as ma
from momentalg.data.engines.engine import chosen, engines
from momentalg.emit.numpy import EstimatorModule
from momentalg.errors import UnsupportedError

pytestmark = pytest.mark.engine("numba")

ROWS = 3000
MODELS = {
    "one factor": ma.Model("y ~ 1 + (1 | a)"),
    "slopes": ma.Model("y ~ 1 + x + (1 + x | a)"),
    "slopes alone": ma.Model("y ~ 0 + x + (0 + x | a)"),
    "cells": ma.Model("y ~ 1 + (1 | a) + (1 | b)"),
    "unreplicated": ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.unreplicated("a:b")]),
    "three factors": ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)"),
    "nested": ma.Model("y ~ 1 + x + (1 | a/c)"),
    "level covariate": ma.Model("y ~ 1 + X + (1 | a)", levels={"X": "a"}),
    "coded": ma.Model("y ~ 1 + drug + drug:x + (1 | a)", fixed={"drug": ["p", "q", "r"]}),
    "functions": ma.Model("y ~ 1 + log(x) + I(x**2) + I(1/x) + (1 | a)"),
    "weights": ma.Model("y ~ 1 + drug + (1 | a) + (1 | b)", fixed={"drug": ["p", "q", "r"]}, weights="x"),
    "classes": ma.Model("y ~ 1 + x + (1 | a)", residual_by={"drug": ["p", "q", "r"]}),
    "sizes": ma.Model("y ~ 1 + x + size(a) + (1 | a)"),
}


@cache
def generated(name: str, backend: str = "numba") -> EstimatorModule:
    return MODELS[name].moment_equations().estimator(backend)


def table(rows: int = ROWS, in_order: bool = False, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    a = random.integers(0, max(rows // 40, 3), rows)
    a = np.sort(a) if in_order else a
    x = random.random(rows) + 0.5
    return {
        "a": a,
        "b": random.integers(0, 7, rows),
        "c": random.integers(0, 5, rows),
        "drug": random.choice(["p", "q", "r"], rows),
        "x": x,
        "X": random.standard_normal(a.max() + 1)[a],
        "y": 3 + x + a % 7 + random.standard_normal(rows),
    }


def assert_same(found: dict, expected: dict, rows: int = ROWS) -> None:
    """Labels and sizes are the same; sums are, but for 1e-12 of so many terms of the size of 1."""
    assert set(found) == set(expected)
    for name, values in expected.items():
        if np.asarray(values).dtype.kind == "f":
            assert found[name] == pytest.approx(values, rel=1e-12, abs=1e-12 * rows), name
        else:
            assert np.array_equal(found[name], values), name
            assert found[name].dtype == values.dtype, name


# -- the sums ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_the_sums_are_those_of_the_numpy_module(name, in_order):
    columns = table(in_order=in_order)
    compiled, plain = generated(name).load(), generated(name, "numpy").load()
    found, expected = compiled.accumulate(columns), plain.accumulate(columns)
    assert_same(found, expected)
    assert compiled.solve(found) == pytest.approx(plain.solve(expected), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", ["unreplicated", "functions", "classes"])
def test_parts_of_both_modules_merge(name):
    columns = table()
    compiled, plain = generated(name).load(), generated(name, "numpy").load()
    first = {key: values[:1000] for key, values in columns.items()}
    rest = {key: values[1000:] for key, values in columns.items()}
    merged = plain.combine(compiled.accumulate(first), plain.accumulate(rest))
    assert_same(plain._recentred(merged, plain.accumulate(columns)) | shifts(plain, columns), plain.accumulate(columns))


def shifts(module, columns):
    """The shifts of the whole, which the function that recentres leaves to the one that merges."""
    return {name: value for name, value in module.accumulate(columns).items() if name.startswith("shift_")}


@pytest.mark.parametrize("name", ["unreplicated", "three factors"])
def test_two_threads_and_spans_of_rows_change_nothing(name, monkeypatch):
    """More rows than a block and a span have, sorted by one factor and not by the others; one thread, and two."""
    columns = table(400_000, in_order=True)
    compiled, plain = generated(name).load(), generated(name, "numpy").load()
    alone = compiled.accumulate(columns)
    monkeypatch.setattr(compiled, "MANY", 1)
    found = compiled.accumulate(columns)
    assert_same(found, plain.accumulate(columns), 400_000)
    assert list(alone) == list(found)
    assert all(np.array_equal(values, alone[key]) for key, values in found.items())


def test_what_a_second_thread_refuses_is_raised(monkeypatch):
    compiled = generated("unreplicated").load()
    monkeypatch.setattr(compiled, "MANY", 1)
    with pytest.raises(ValueError, match="there is no column 'b'"):
        compiled.accumulate({key: values for key, values in table().items() if key != "b"})


@pytest.mark.parametrize("in_order", [False, True])
def test_sums_of_few_levels_far_from_0_are_accurate(in_order):
    """Three levels with 2**18 rows each and a mean of 1e8, against sums that are rounded once."""
    random = np.random.default_rng(3)
    a = np.repeat([0, 1, 2], 2**18) if in_order else random.integers(0, 3, 3 * 2**18)
    y = 1e8 + a + random.standard_normal(len(a))
    found = generated("one factor").load().accumulate({"a": a, "y": y})
    centred = y - found["shift_y"]  # exact, as both are close together
    for level, total in enumerate(found["sum_y"]):
        own = centred[a == level]
        assert total == pytest.approx(math.fsum(own), abs=1e-13 * np.abs(own).sum())
    assert found["total_y2"] == pytest.approx(math.fsum(centred**2), rel=1e-13)


CODES = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, ">i4", ">u2"]


@pytest.mark.parametrize("kind", CODES, ids=str)
def test_codes_of_any_width(kind):
    columns = table()
    compiled, plain = generated("one factor").load(), generated("one factor", "numpy").load()
    found = compiled.accumulate(columns | {"a": columns["a"].astype(kind)})
    assert found["level"].dtype == np.int64
    assert_same(found, plain.accumulate(columns))


def test_labels_of_any_kind():
    columns = table()
    compiled, plain = generated("one factor").load(), generated("one factor", "numpy").load()
    a = columns["a"]
    for labels in (a - 5, a * 10**12, a + 0.5, np.array([f"u{i}" for i in a]), np.array([f"u{i}" for i in a], object)):
        given = columns | {"a": labels}
        assert_same(compiled.accumulate(given), plain.accumulate(given))


def test_numbers_of_any_width_and_layout():
    whole = np.arange(ROWS) % 100
    columns = table() | {"y": whole.astype(float)}
    compiled = generated("one factor").load()
    expected = generated("one factor", "numpy").load().accumulate(columns)
    wide = np.zeros((ROWS, 2))
    wide[:, 0] = whole
    fixed = whole.astype(float)
    fixed.setflags(write=False)
    kinds = [whole.astype(k) for k in (np.int8, np.int32, np.int64, np.uint64, np.float32, ">f8", object)]
    for y in (*kinds, wide[:, 0], fixed, whole.tolist()):
        assert_same(compiled.accumulate(columns | {"y": y}), expected)
    truth = columns | {"y": whole % 2 == 0}
    assert_same(compiled.accumulate(truth), generated("one factor", "numpy").load().accumulate(truth))


@pytest.mark.parametrize("name", ["one factor", "slopes", "unreplicated", "functions", "classes"])
def test_a_pass_takes_no_memory_but_for_its_result(name):
    rows = 200_000
    columns = {k: v.astype(np.int32) if v.dtype.kind == "i" else v for k, v in table(rows).items()}
    compiled = generated(name).load()
    compiled.accumulate(columns)
    tracemalloc.start()
    found = compiled.accumulate(columns)
    result, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    read = sum(columns[c].nbytes for c in compiled.COLUMNS)
    blocks = 8 * compiled.BLOCK * 4 if name in ("functions", "classes") else 0  # of columns that are made by NumPy
    codes = 2 * rows if name == "classes" else 0  # which label each row holds
    assert peak - result < 0.02 * read + blocks + codes
    assert found["shift_y"] == pytest.approx(columns["y"].mean())


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", ["x", "y"])
def test_values_that_are_not_finite_are_named(column, bad):
    columns = table()
    columns[column][17] = bad
    for name in ("slopes", "functions"):
        with pytest.raises(ValueError, match=rf"row 17 \(counted from 0\): '{column}' is {bad}"):
            generated(name).load().accumulate(columns)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_covariate_of_levels_that_is_missing_in_one_row_of_a_level_is_named(backend):
    columns = table()
    columns["X"][4] = np.nan
    with pytest.raises(ValueError, match=r"row 4 \(counted from 0\): 'X' is nan"):
        generated("level covariate", backend).load().accumulate(columns)


def test_values_outside_the_domain_of_a_function_are_refused():
    columns = table()
    columns["x"][5] = 0.0
    with pytest.raises(ValueError, match="outside the domain of a function"):
        generated("functions").load().accumulate(columns)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("one factor", {"y": None}, "there is no column 'y'"),
        ("slopes", {"x": None}, "there is no column 'x'"),
        ("one factor", {"a": np.arange(5)}, "'a' has 5 rows"),
        ("one factor", {"y": np.array([])}, "there are no rows"),
        ("one factor", {"y": np.full(ROWS, "1")}, "'y' does not hold numbers"),
        ("coded", {"drug": np.full(ROWS, "s")}, r"row 0 .*: 'drug' is .*'s'.*none of 'p', 'q', 'r'"),
        ("coded", {"drug": np.zeros(ROWS, int)}, "'drug' is .*0.*none of"),
        ("level covariate", {"X": np.arange(ROWS) / 7}, "'X' must be constant"),
    ],
)
def test_what_cannot_be_read_is_refused(name, change, message):
    columns = {key: values for key, values in (table() | change).items() if values is not None}
    with pytest.raises(ValueError, match=message):
        generated(name).load().accumulate(columns)


# -- the module ----------------------------------------------------------------------------------------------------


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["unreplicated", "coded"])
def test_the_program_tests_itself_and_keeps_what_it_compiled(name, tmp_path):
    path = generated(name).write(tmp_path / "estimator.py")
    for _ in range(2):
        result = run(path, "--self-test")
        assert (result.returncode, result.stderr) == (0, "")
    assert list((tmp_path / "__pycache__").glob("*.nbc"))


def test_a_program_that_is_no_file_keeps_nothing():
    source = generated("one factor").source
    command = [sys.executable, "-I", "-", "--self-test"]
    result = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_same_text_is_loaded_and_compiled_once():
    model = ma.Model("y ~ 1 + (1 | a)")
    first, second = (model.moment_equations().estimator("numba") for _ in range(2))
    assert first is not second
    assert first.load() is second.load()


def test_a_module_that_cannot_be_loaded_is_not_there_half():
    broken = EstimatorModule("first = 1\nraise OSError\n", generated("one factor").ir)
    for _ in range(2):
        with pytest.raises(OSError):
            broken.load()


def test_a_module_that_is_loaded_leaves_no_litter(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    module = ma.Model("y ~ 1 + x + x:b + (1 | a)").moment_equations().estimator("numba").load()
    module.self_test()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", MODELS)
def test_the_module_differs_from_that_of_numpy_in_the_pass_alone(name):
    source, plain = generated(name).source, generated(name, "numpy").source
    functions, others = (
        {f.name: ast.dump(f) for f in ast.parse(text).body if isinstance(f, ast.FunctionDef)}
        for text in (source, plain)
    )
    common = set(functions) & set(others)
    assert {"combine", "solve", "self_test", "main", "_recentred", "_aligned"} <= common
    assert {f for f in common if functions[f] != others[f]} - {"_total"} == {"accumulate"}
    assert len(functions) == sum(isinstance(f, ast.FunctionDef) for f in ast.parse(source).body)
    imported = {
        (n.module or "").split(".")[0] if isinstance(n, ast.ImportFrom) else n.names[0].name
        for n in ast.walk(ast.parse(source))
        if isinstance(n, (ast.Import, ast.ImportFrom))
    }
    assert imported <= set(sys.stdlib_module_names) | {"numpy", "numba"}
    longest = max(len(line) for line in source.splitlines() if line not in plain and "momentalg generate" not in line)
    assert longest <= 120


NAMES = ["first_row", "table", "code", "known_0", "record", "passes", "added", "total", "numba", "a b'c\"", "größe"]


def test_names_of_columns_are_data():
    """Columns may be called like any local name of the pass."""
    random = np.random.default_rng(5)
    columns = {name: random.standard_normal(400) for name in NAMES}
    columns |= {"add": np.arange(400) % 20, "level": random.standard_normal(400)}
    formula = "level ~ 1 + " + " + ".join(f"`{name}`" for name in NAMES) + " + (1 | add)"
    equations = ma.Model(formula).moment_equations()
    compiled, plain = equations.estimator("numba").load(), equations.estimator().load()
    compiled.self_test()
    assert_same(compiled.accumulate(columns), plain.accumulate(columns), 400)


def test_the_line_in_the_header_regenerates_the_module(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from momentalg.cli.generate import generate as command

    source = generated("coded").source
    header = ast.get_docstring(ast.parse(source), clean=False)
    assert header is not None
    line = next(line for line in header.splitlines() if line.startswith("    momentalg generate"))
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(line)[2:]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert (tmp_path / arguments[-1]).read_text(encoding="utf-8") == source


# -- the engine ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cells", "nested", "coded"])
def test_the_engine_fits_as_the_built_in_one_does(name):
    import pandas as pd

    frame = pd.DataFrame(table()).assign(a=lambda f: "u" + f["a"].astype(str))
    model = MODELS[name]
    assert model.fit(frame, engine="numba").params.to_dict() == pytest.approx(model.fit(frame).params.to_dict())
    merged = model.sums(frame[:900], engine="numba") + model.sums(frame[900:])
    assert model.fit(merged).params.to_dict() == pytest.approx(model.fit(frame).params.to_dict(), rel=1e-7)


def test_the_engine_is_chosen_by_name_alone():
    assert chosen(table()).name == "numpy"
    assert chosen(table(), "numba") is engines()["numba"]


def test_where_numba_is_absent_the_error_says_what_to_install(monkeypatch):
    fresh = ma.Model("y ~ 1 + x + x:c + (1 | a)").moment_equations().estimator("numba")
    assert "import numba" in fresh.source
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("momentalg.data.engines.engine.find_spec", lambda _: None)
    advice = r"pip install 'momentalg\[numba\]'"
    with pytest.raises(UnsupportedError, match=f"this module needs numba: {advice}"):
        fresh.load()
    with pytest.raises(UnsupportedError, match=f"the engine 'numba' needs numba: {advice}"):
        chosen(table(), "numba")


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("pairs_of_a_thread", [1, 10**6])
@pytest.mark.parametrize(("rows", "columns", "sides"), [(1, 1, 8), (2, 1, 3), (2, 2, 1)])
def test_links_of_crossed_factors_are_those_written_out(in_order, pairs_of_a_thread, rows, columns, sides, monkeypatch):
    """On one thread and on two, against one dense matrix of all levels."""
    model = MODELS["cells"].moment_equations(weighting="two-step").estimator("numba").load()
    monkeypatch.setattr(model, "LINKS", pairs_of_a_thread)
    random = np.random.default_rng(4)
    first = np.append(np.arange(9), random.integers(0, 9, 191))  # each level has a pair
    first = np.sort(first) if in_order else random.permutation(first)
    second = random.integers(0, 5, 200)
    cross, coefficients = random.standard_normal((200, rows, columns)), random.standard_normal((5, columns, sides))
    dense = np.zeros((9, rows, 5, columns))
    for pair in range(200):
        dense[first[pair], :, second[pair]] += cross[pair]
    expected = np.einsum("lcgd,gdm->lcm", dense, coefficients)
    begins = np.flatnonzero(np.diff(first, prepend=-1)) if in_order else None
    found = model._linked_products(first, second, cross, begins, coefficients, 9)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_crossed_fit_by_probes_is_that_of_the_numpy_module(monkeypatch):
    """Estimates, covariances and effects, where traces are by random signs and links are on two threads."""
    columns = table(2000)
    fits = {}
    for engine in ("numpy", "numba"):
        sums = MODELS["cells"].sums(columns, engine=engine)
        module = sums.estimator.module
        monkeypatch.setattr(module, "DENSE", 0.0)
        monkeypatch.setattr(module, "LINKS", 1, raising=False)
        fit = MODELS["cells"].fit(sums)
        assert not module.traces_are_exact(sums.prepared)
        fits[engine] = [*fit.params, *fit.bse, *fit.ranef()["a"]["1"], *fit.ranef()["b"]["1"]]
    assert "_add_links" in vars(module)
    np.testing.assert_allclose(fits["numba"], fits["numpy"], rtol=1e-8, atol=1e-10)
