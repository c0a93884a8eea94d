"""The generated module as a product: merging, input, the program, odd names, and the file itself."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import jinja2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import momentalg as ma
from momentalg.emit import environment
from momentalg.emit.backend import backends, estimator
from momentalg.emit.numpy import generate
from momentalg.emit.numpy_code import code
from momentalg.emit.numpy_text import literal
from momentalg.errors import MomentalgError, UnsupportedError
from momentalg.lower import arrays as a
from momentalg.lower.assembling import minus, over, plus, power, times
from tests.lower.systems import FORMULAS, exact_estimates, module, solution


def table(rows: int = 60, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    user = random.integers(0, 9, rows)
    level = random.integers(1, 9, 9).astype(float)
    x = random.integers(1, 20, rows).astype(float)
    return {"user": user, "y": x + user + random.standard_normal(rows), "x": x, "X": level[user]}


def estimates(loaded, columns, cuts=()):
    """Estimates from parts cut at rows, merged from left to right."""
    bounds = [0, *cuts, len(columns["y"])]
    parts = [{k: v[i:j] for k, v in columns.items()} for i, j in pairwise(bounds) if i < j]
    sums = loaded.accumulate(parts[0])
    for part in parts[1:]:
        sums = loaded.combine(sums, loaded.accumulate(part))
    return loaded.solve(sums)


# -- sums ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMULAS)
@given(cuts=st.lists(st.integers(1, 59), max_size=4).map(sorted))
def test_any_cut_gives_the_same_estimates(name, cuts):
    loaded, columns = module(name).load(), table()
    whole, merged = estimates(loaded, columns), estimates(loaded, columns, cuts)
    for key, value in whole.items():
        assert merged[key] == pytest.approx(value, rel=1e-10, abs=1e-12), key


def test_merging_does_not_depend_on_the_order():
    loaded, columns = module("row").load(), table()
    one, two, three = (
        loaded.accumulate({k: v[s] for k, v in columns.items()}) for s in (slice(7), slice(7, 30), slice(30, 60))
    )
    left = loaded.solve(loaded.combine(loaded.combine(one, two), three))
    right = loaded.solve(loaded.combine(three, loaded.combine(two, one)))
    assert left == pytest.approx(right, rel=1e-11)


def test_labels_of_any_kind_give_the_same_estimates():
    loaded, columns = module("intercept").load(), table()
    plain = estimates(loaded, columns)
    user = columns["user"]
    kinds = [
        user.astype(np.int32),
        user.astype(np.uint8),
        user - 5,  # negative labels
        user * 10**12,  # a range far wider than the rows
        user + 0.5,
        np.array([f"user {u}" for u in user]),
        np.array([f"user {u}" for u in user], dtype=object),
    ]
    for labels in kinds:
        for cuts in ((), (20,)):
            assert estimates(loaded, {**columns, "user": labels}, cuts) == pytest.approx(plain, rel=1e-11), labels.dtype


def test_levels_that_do_not_occur_are_left_out():
    loaded = module("intercept").load()
    sums = loaded.accumulate({"user": np.array([7, 7, 2]), "y": np.array([1.0, 2.0, 3.0])})
    assert list(sums["level"]) == [2, 7]
    assert list(sums["size"]) == [1, 2]


def test_text_and_number_labels_do_not_merge():
    loaded, columns = module("intercept").load(), table()
    text = {**columns, "user": columns["user"].astype(str)}
    with pytest.raises(ValueError, match="text in one part"):
        loaded.combine(loaded.accumulate(columns), loaded.accumulate(text))


def test_a_session_shows_the_size_of_a_module_and_not_all_of_it():
    module = ma.Model("y ~ 1 + (1 | user)").moment_equations().estimator()
    lines = len(module.source.splitlines())
    assert repr(module) == f"<EstimatorModule: {lines} lines of Python; .source, .write(path), .load()>"


def test_input_columns_are_left_as_they_are():
    columns = table()
    before = {k: v.copy() for k, v in columns.items()}
    estimates(module("products").load(), columns)
    assert all((columns[k] == before[k]).all() for k in columns)


def test_a_factor_of_two_columns_is_read_by_their_combinations():
    loaded = module("y ~ 1 + (1 | a:b)").load()
    loaded.self_test()
    columns = table()
    first, second = columns["user"] // 3, np.array([f"b{u % 3}" for u in columns["user"]])
    plain = estimates(module("intercept").load(), columns)
    found = estimates(loaded, {"y": columns["y"], "a": first, "b": second}, (17, 40))
    assert list(found.values()) == pytest.approx(list(plain.values()), rel=1e-11)


# -- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.array([1.0, np.nan, 2.0])}, "row 1 .*'y' is nan"),
        ({"y": np.array([1.0, 2.0, np.inf])}, "row 2 .*'y' is inf"),
        ({"x": np.array([1.0, -np.inf, 2.0])}, "row 1 .*'x' is -inf"),
        ({"y": np.array([1e200, 2.0, -1e200])}, "too large"),
        ({"y": np.array(["a", "b", "c"])}, "'y' does not hold numbers"),
        ({"y": np.array(["1", "2", "3"], dtype=object)}, "'y' does not hold numbers"),
        ({"y": np.ones((3, 2))}, "one dimension"),
        ({"x": np.ones(2)}, "'x' has 2 rows"),
        ({"user": np.array([1.0, np.nan, 2.0])}, "label in 'user' is missing"),
        ({"user": np.array(["a", None, "b"], dtype=object)}, "mixed or missing"),
        ({"y": np.array([]), "x": np.array([]), "user": np.array([])}, "no rows"),
    ],
)
def test_bad_columns_are_named(change, message):
    columns = {"user": np.array([0, 0, 1]), "y": np.array([1.0, 2.0, 4.0]), "x": np.array([1.0, 2.0, 5.0])}
    with pytest.raises(ValueError, match=message):
        module("row").load().accumulate({**columns, **change})


def test_a_missing_column_is_named_with_what_is_read():
    with pytest.raises(ValueError, match=r"no column 'x'.*'user', 'y', 'x'"):
        module("row").load().accumulate({"user": np.array([0]), "y": np.array([1.0])})


def test_a_level_covariate_that_varies_is_refused_within_and_across_parts():
    loaded = module("level").load()
    part = {"user": np.array(["a", "b", "b"]), "y": np.arange(3.0), "X": np.array([1.0, 2.0, 2.0])}
    with pytest.raises(ValueError, match="'X' must be constant"):
        loaded.accumulate({**part, "X": np.array([1.0, 2.0, 3.0])})
    other = {"user": np.array(["b", "c"]), "y": np.arange(2.0), "X": np.array([5.0, 1.0])}
    with pytest.raises(ValueError, match=r"'X' must be constant on a level; at level b it is both 2.0 and 5.0"):
        loaded.combine(loaded.accumulate(part), loaded.accumulate(other))


@pytest.mark.parametrize(
    ("user", "reason"), [([0, 0, 0, 0], "one level only of user"), ([0, 1, 2, 3], "every level of user has one row")]
)
def test_data_that_do_not_identify_are_refused_with_the_reason(user, reason):
    loaded = module("intercept").load()
    with pytest.raises(ValueError, match=reason):
        loaded.solve(loaded.accumulate({"user": np.array(user), "y": np.array([1.0, 2.0, 4.0, 3.0])}))


def test_collinear_columns_are_refused():
    columns = table()
    with pytest.raises(ValueError, match="do not separate Intercept, X"):
        estimates(module("level").load(), {**columns, "X": np.full(60, 0.1)})


@pytest.mark.parametrize(
    ("formula", "x", "reason"),
    [
        ("y ~ 1 + x + z + (1 | user)", [0, 1, 2, 4], "do not separate x, z: the columns of the model say the same"),
        ("y ~ 0 + x + (1 | user)", [0, 0, 0, 0], "do not identify x: its column is 0 on these rows"),
    ],
)
@pytest.mark.parametrize("user", [[0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 1, 1]])
def test_collinear_columns_are_not_laid_to_the_levels(formula, x, reason, user):
    columns = {"user": user, "y": [1.0, 2.0, 4.0, 3.0], "x": x, "z": [3 - 2 * v for v in x]}
    with pytest.raises(ValueError, match=rf"^these rows {reason}[^;:]*$"):
        estimates(module(formula).load(), {name: np.array(values) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("formula", "works", "refused"),
    [
        ("y ~ 1 + (x || user)", 29_000, 31_000),
        ("y ~ 1 + x + (0 + x | user)", 29_000, 31_000),
        ("y ~ 1 + (1 | user) + (0 + x | item)", 29_000, 31_000),
        ("y ~ 1 + x + (x || user)", 970, 1_030),
        ("y ~ 1 + x + (x || user) + (1 | item)", 970, 1_030),
        ("y ~ 1 + (1 + x | user)", 200, 1_030),
    ],
)
@pytest.mark.parametrize("cuts", [(), (1,), (7, 8, 40)])
def test_a_slope_far_from_zero_is_accurate_or_refused_in_one_piece_and_merged(formula, works, refused, cuts):
    loaded, columns = module(formula, "within").load(), {**table(), "item": np.arange(60) % 7}
    x, spread = columns["x"], np.std(columns["x"])
    columns["x"] = x - np.round(works * spread)
    labels = {name: columns[name].tolist() for name in ("user", "item")}
    exact = exact_estimates(solution(formula, "within"), labels, columns["y"].tolist(), {"x": columns["x"].tolist()})
    assert estimates(loaded, columns, cuts) == pytest.approx(exact, rel=2e-5)
    for mean in (refused * spread, -1e5 * spread, 1e9):
        with pytest.raises(FloatingPointError, match=r"'x' is \de\+0\d standard deviations from 0.*x'\]\.mean\(\)"):
            estimates(loaded, {**columns, "x": x + mean}, cuts)
    with pytest.raises(ValueError, match="do not separate"):
        estimates(loaded, {**columns, "x": np.full(60, 1e9)}, cuts)


def test_where_a_slope_lies_is_merged_from_parts_that_lie_apart():
    loaded, columns = module("y ~ 1 + x + (x || user)", "within").load(), table()
    x = columns["x"] = columns["x"] + 1e8 - 50 * (np.arange(60) < 20)
    cuts = (slice(0, 60, 3), slice(1, 60, 3), slice(2, 60, 3), slice(20), slice(20, 60))
    *thirds, low, high = (loaded.accumulate({name: values[cut] for name, values in columns.items()}) for cut in cuts)
    for merged in (loaded.combine(loaded.combine(*thirds[:2]), thirds[2]), loaded.combine(low, high)):
        assert merged["mean_x"] == pytest.approx(np.mean(x), rel=1e-15)
        assert merged["squares_x"] == pytest.approx(np.sum((x - np.mean(x)) ** 2), rel=1e-6)


@pytest.mark.parametrize(
    "formula", ["y ~ 1 + x + (1 + x | user)", "y ~ 0 + x + (0 + x | user)", FORMULAS["row"], "y ~ 0 + (0 + x | user)"]
)
def test_a_slope_that_is_shifted_or_need_not_be_told_from_an_intercept_may_lie_anywhere(formula):
    columns = {**table(), "x": table()["x"] + 1e6}
    assert "_check_centred" not in module(formula, "within").source
    labels, covariates = columns["user"].tolist(), {"x": columns["x"].tolist()}
    exact = exact_estimates(solution(formula, "within"), labels, columns["y"].tolist(), covariates)
    assert estimates(module(formula, "within").load(), columns) == pytest.approx(exact, rel=1e-9)


def test_negative_variances_are_returned_and_truncated_on_request():
    loaded = module("intercept").load()
    found = loaded.solve(loaded.accumulate({"user": np.array([0, 0, 1, 1]), "y": np.array([0.0, 4.0, 1.0, 3.0])}))
    assert found["var(1|user)"] == pytest.approx(-2.5)
    assert loaded.truncate(found) == {**found, "var(1|user)": 0.0}


# -- the module as text and file -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMULAS)
def test_the_same_system_gives_the_same_bytes_and_only_numpy_is_imported(name):
    source = module(name).source
    assert generate(module(name).ir).source == source
    tree = ast.parse(source)
    imported = {n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"csv", "sys", "fractions", "numpy"}
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"eval", "exec", "compile", "__import__"}
    assert max(map(len, source.splitlines())) <= 130
    assert "  \n" not in source


ODD = [
    "quote \" and '",
    "back\\slash \\n",
    "new\nline",
    '"""',
    "{braces} {{ jinja }} {% raw %}",
    "größe",
    "名前",
    "lambda",
    "import os",
    "$\\alpha_1^2$ <b>&amp;",
    "\u202eright to left",
]


@pytest.mark.parametrize("name", ODD)
def test_names_are_data(name):
    quoted = "`" + name + "`"
    model = ma.Model(f"{quoted} ~ 1 + `x {name}` + (1 | `u {name}`)")
    generated = estimator(model.moment_equations())
    tree = ast.parse(generated.source)
    identifiers = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | {
        n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)
    }
    assert all(i.isascii() for i in identifiers)
    loaded = generated.load()
    loaded.self_test()
    columns = table()
    renamed = {f"u {name}": columns["user"], name: columns["y"], f"x {name}": columns["x"]}
    found = list(loaded.solve(loaded.accumulate(renamed)).values())
    assert found == pytest.approx(list(estimates(module("row").load(), columns).values()), rel=1e-12)


def test_names_that_the_module_uses_itself_do_no_harm():
    """Columns and statistics may be called like any local name, builtin or keyword of the generated code."""
    names = ["n", "size", "sums", "levels", "np", "lambda", "slopes"]
    formula = " + ".join(f"`{name}`" if name == "size" else name for name in names)
    model = ma.Model(f"y ~ {formula} + n:np + (1 | sum)", levels={"n": "sum", "np": "sum"})
    estimator(model.moment_equations()).load().self_test()
    y, total, count = model.y, ma.Model("y ~ (1 | user)").total, ma.Model("y ~ (1 | user)").size
    plain = ma.Model("y ~ (1 | user)")
    between = ma.over("user", total(y, by="user") ** 2 / count("user"))
    statistics = {"n": between - total(y) ** 2 / count(), "return": total(y**2) - between}
    estimator(plain.moment_equations(statistics)).load().self_test()


SEVERAL = {
    "crossed": "{y} ~ 1 + {x} + (1 + {x} | {a}) + (1 | {b})",
    "interaction": "{y} ~ 1 + (1 | {a}) + (1 | {b}) + (1 | {a}:{b})",
    "nested": "{y} ~ 1 + {x} + (1 | {a}/{b})",
    "sizes": "{y} ~ 1 + {x} + size({a}) + (1 | {a}) + (1 | {b})",
}
NAMES = [
    ("rating", "n", "y", "size"),
    ("sum", "lambda", "level", "per"),
    ("y", "x1", "f1", "x"),
    ("np", "total", "a b", "a'b"),
    ("名", "é", "1", ";"),
    ("over", "moments", "sum_y", "y_of"),
    ("a", "y2", "y", "x"),
]


@pytest.mark.parametrize("names", NAMES, ids=" ".join)
@pytest.mark.parametrize("kind", SEVERAL)
def test_names_of_several_factors_are_data(kind, names):
    """Factors may be called like the response's symbol, or like what names of tables and sums are made of."""
    random = np.random.default_rng(0)
    a, b, x = random.integers(0, 5, 60), random.integers(0, 4, 60), random.normal(size=60)
    y = random.normal(size=60) + a

    def fitted(*called: str) -> list[float]:
        formula = SEVERAL[kind].format(**dict(zip("yxab", (f"`{name}`" for name in called), strict=True)))
        loaded = estimator(ma.Model(formula).moment_equations()).load()
        loaded.self_test()
        return list(loaded.solve(loaded.accumulate(dict(zip(called, (y, x, a, b), strict=True)))).values())

    assert fitted(*names) == pytest.approx(fitted("response", "covariate", "one", "two"), rel=1e-8)


def test_a_covariate_called_like_a_power_of_another_is_itself():
    """x2 is not the square of x, nor y2 that of the response, in the names of sums."""
    model = ma.Model("y ~ 1 + x + x1 + x12 + x2 + y2 + (1 | user)")
    generated = estimator(model.moment_equations())
    generated.load().self_test()
    names = [a.name for a in generated.ir.accumulators]
    assert len(set(names)) == len(names)
    assert "total_x_2" in names


@pytest.mark.parametrize(
    ("formula", "options", "statistics", "means"),
    [
        ("y ~ 1 + (1 | user)", {}, None, None),
        ("`odd, name` ~ 1 + `a=b` + (1 | `the 'user'`)", {"levels": {"a=b": "the 'user'"}}, "minque0", None),
        ("y ~ 1 + X + (1 | user)", {"levels": {"X": "user"}}, "pairs", "plug-in"),
        ("y ~ 1 + x + (1 + x | a) + (1 | b)", {}, "minque0", None),
        ("y ~ 1 + drug + (1 | a) + (1 | b)", {"fixed": {"drug": ["p", "q"]}, "weights": "w"}, None, None),
        ("y ~ 1 + (1 | a) + (1 | b)", {"assume": [ma.nested("b", "a")]}, None, None),
        ("y ~ 1 + (1 | a) + (1 | b)", {"assume": [ma.unreplicated("a:b")]}, "gao_owen", None),
    ],
)
def test_the_line_in_the_header_regenerates_the_module(formula, options, statistics, means, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from momentalg.cli.generate import generate as command

    source = estimator(ma.Model(formula, **options).moment_equations(statistics, means=means)).source
    header = ast.get_docstring(ast.parse(source), clean=False)
    line = next(line for line in header.splitlines() if line.startswith("    momentalg generate"))
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(line)[2:]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert (tmp_path / arguments[-1]).read_text(encoding="utf-8") == source


def test_where_the_command_line_has_no_words_the_header_has_python():
    model = ma.Model("y ~ 1 + drug + (1 | a)", fixed={"drug": [1, 2]}, residual_by={"site": ["n", "s"]})
    source = estimator(model.moment_equations("within")).source
    header = ast.get_docstring(ast.parse(source), clean=False)
    found = header[header.index("    ma.Model(") : header.index("\n\nStatistics")]
    expression = ast.parse(found.strip().removesuffix('.write("y_estimator.py")'), mode="eval")
    assert eval(compile(expression, "header", "eval"), {"ma": ma}).source == source


def test_literals_are_read_back_as_the_text():
    for text in [*ODD, "", "'", '"', "\\", "a'b\"c", "\ud800"]:
        assert ast.literal_eval(literal(text)) == text


def test_writing_is_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "ratings_estimator.py"
    assert module("intercept").write(target) == target
    assert target.read_text(encoding="utf-8") == module("intercept").source
    assert module("row").write(str(target)).read_text(encoding="utf-8") == module("row").source

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(MomentalgError, match="disk full; what was there is unchanged"):
        module("intercept").write(target)
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    assert target.read_text(encoding="utf-8") == module("row").source


def test_loading_gives_one_module():
    assert module("intercept").load() is module("intercept").load()


# -- the program ---------------------------------------------------------------------------------------------------


def run(path, *arguments):
    return subprocess.run(
        [sys.executable, "-I", str(path), *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return module("row").write(tmp_path_factory.mktemp("program") / "y_estimator.py")


def write_csv(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_program_tests_itself_in_a_fresh_isolated_process(program):
    result = run(program, "--self-test")
    assert (result.returncode, result.stderr) == (0, "")
    assert "10 rows" in result.stdout


def test_the_program_prints_the_estimates_of_a_file(program, tmp_path):
    columns = table()
    names = ["other", "x", "user", "y"]
    lines = [",".join(names)] + [
        f"?,{x!r},u{u},{y!r}"
        for x, u, y in zip(columns["x"].tolist(), columns["user"], columns["y"].tolist(), strict=True)
    ]
    result = run(program, write_csv(tmp_path / "data.csv", lines))
    assert (result.returncode, result.stderr) == (0, "")
    expected = estimates(module("row").load(), columns)
    for line, (key, value) in zip(result.stdout.splitlines(), expected.items(), strict=False):
        assert line.split()[0] == key
        assert float(line.split()[1]) == pytest.approx(value, rel=1e-6)
    assert "60 rows, 9 levels of user" in result.stdout


def test_the_program_reads_in_pieces(tmp_path, monkeypatch):
    loaded, columns = module("row").load(), table()
    monkeypatch.setattr(loaded, "CHUNK", 7)
    lines = ["user,y,x"] + [
        f"{u},{y!r},{x!r}"
        for u, y, x in zip(columns["user"], columns["y"].tolist(), columns["x"].tolist(), strict=True)
    ]
    sums, dropped = loaded.read_csv(write_csv(tmp_path / "data.csv", lines))
    assert dropped == 0
    assert loaded.solve(sums) == pytest.approx(estimates(loaded, columns), rel=1e-10)


@pytest.mark.parametrize(
    ("formula", "options", "statistics"),
    [
        ("y ~ 1 + x + (1 + x | a) + (1 | b)", {}, None),
        ("y ~ 1 + drug + (1 | a/b)", {"fixed": {"drug": [1, 2]}}, None),
        ("y ~ 1 + drug + (1 | a) + (1 | b)", {"fixed": {"drug": ["1", "2"]}, "weights": "x"}, None),
        ("y ~ 1 + (1 | a) + (1 | b)", {}, "type2"),
    ],
)
def test_programs_of_several_factors_read_files_in_a_fresh_process(formula, options, statistics, tmp_path):
    """In pieces of seven rows; labels of a fixed factor are numbers or texts, as they were declared."""
    random = np.random.default_rng(2)
    frame = {"a": random.integers(0, 6, 80), "b": random.integers(0, 5, 80), "drug": random.integers(1, 3, 80)}
    columns = {**frame, "x": random.integers(1, 9, 80) / 4, "y": random.integers(-20, 20, 80) / 4}
    generated = estimator(ma.Model(formula, **options).moment_equations(statistics))
    source = generated.source.replace("CHUNK = 100_000", "CHUNK = 7")
    path = tmp_path / "estimator.py"
    path.write_text(source, encoding="utf-8")
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    result = run(path, "--self-test", write_csv(tmp_path / "data.csv", lines))
    assert (result.returncode, result.stderr) == (0, "")
    known = options.get("fixed", {}).get("drug", [1])
    typed = {**columns, "drug": columns["drug"].astype(str) if isinstance(known[0], str) else columns["drug"]}
    loaded = generated.load()
    expected = loaded.solve(loaded.accumulate(typed))
    shown = dict(line.split()[:2] for line in result.stdout.splitlines()[1 : len(expected) + 1])
    assert {key: float(value) for key, value in shown.items()} == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert "80 rows, 6 levels of a" in result.stdout


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], "no column 'user'"),
        (["user,y", "a,1"], "no column 'x'"),
        (["user,y,x,y", "a,1,1,1"], "more than one column 'y'"),
        (["user,y,x", "a,1,1", "b,two,1"], "line 3: 'y' is 'two', not a number"),
        (["user,y,x", "a,1,inf"], "line 2: 'x' is 'inf', not a finite number"),
        (["user,y,x", "a,1,1", "b,NA,1"], "line 3: 'y' is missing; --drop-missing"),
        (["user,y,x", "a,1"], "line 2: 2 values where the header has 3"),
        (["user,y,x"], "there are no rows"),
        (["user,y,x", "a,1,1", "b,2,1"], "do not separate"),
    ],
)
def test_the_program_says_what_is_wrong_with_a_file(tmp_path, lines, message, capsys):
    path = write_csv(tmp_path / "data.csv", lines)
    assert module("row").load().main([str(path)]) == 1
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""


def test_the_program_drops_missing_rows_on_request_and_counts_them(tmp_path, capsys):
    lines = ["user,y", "a,1", "a,3", ",4", "b,NA", "b,2", "b,7"]
    path = write_csv(tmp_path / "data.csv", lines)
    assert module("intercept").load().main(["--drop-missing", str(path)]) == 0
    assert "4 rows, 2 levels of user, 2 rows dropped" in capsys.readouterr().out
    assert (
        module("intercept").load().main(["--drop-missing", str(write_csv(tmp_path / "e.csv", ["user,y", "a,NA"]))]) == 1
    )
    assert "1 had missing values" in capsys.readouterr().err


def test_the_program_explains_itself(tmp_path, capsys):
    loaded = module("intercept").load()
    assert loaded.main([]) == 2
    assert loaded.main(["--help"]) == 0
    assert loaded.main(["--nonsense"]) == 2
    assert loaded.main([str(tmp_path / "absent.csv")]) == 1
    assert "usage:" in capsys.readouterr().err


def test_a_wrong_module_fails_its_self_test():
    source = module("intercept").source
    broken = replace(module("intercept"), source=source.replace("sse = total_y2 -", "sse = 2 * total_y2 -"))
    assert broken.source != source
    with pytest.raises(ArithmeticError, match="self-test"):
        broken.load().self_test()


# -- backends, expressions, templates ------------------------------------------------------------------------------


def test_backends_are_found_and_others_refused():
    assert "numpy" in backends()
    with pytest.raises(UnsupportedError, match="no backend 'fortran'; there are numba, numpy, sql"):
        estimator(solution("intercept").system, "fortran")


def test_expressions_keep_their_meaning_in_code():
    x, y = a.Ref("x"), a.Ref("y")
    scope = {"x": 3.0, "y": 7.0}
    cases = {
        minus(x, plus(y, x, y)): -14.0,
        over(x, times(y, x, x)): 1 / 21,
        power(plus(x, times(a.const(-1), y)), 2): 16.0,
        times(a.const(Fraction(-2, 3)), x, plus(x, y)): -20.0,
        over(a.const(-1), plus(x, y)): -0.1,
        times(over(x, y), power(over(y, x), 2)): 7 / 3,
        minus(a.const(2), times(x, y)): -19.0,
    }
    for expr, value in cases.items():
        assert eval(code(expr), {}, scope) == pytest.approx(value), code(expr)


@dataclass(frozen=True)
class OneName:
    name: str


def test_templates_and_contexts_must_agree(monkeypatch):
    templates = jinja2.DictLoader(
        {"good": "{{ name }}{% include 'part' %}", "part": "!", "more": "{{ name }}{{ other }}", "less": "x"}
    )
    strict = jinja2.Environment(loader=templates, undefined=jinja2.StrictUndefined)
    monkeypatch.setattr(environment, "environment", lambda: strict)
    environment.names_used.cache_clear()
    assert environment.render("good", OneName("a")) == "a!"
    with pytest.raises(MomentalgError, match=r"missing \['other'\]"):
        environment.render("more", OneName("a"))
    with pytest.raises(MomentalgError, match=r"not used \['name'\]"):
        environment.render("less", OneName("a"))
    environment.names_used.cache_clear()


def test_an_estimator_of_a_fixed_factor_without_its_levels_is_refused_by_name() -> None:
    model = ma.Model("y ~ 1 + C(drug) + (1 | a) + (1 | b)")
    with pytest.raises(ma.UnsupportedError, match=r"levels of the fixed factor .drug.: declare them.*with_levels"):
        model.moment_equations().estimator()
