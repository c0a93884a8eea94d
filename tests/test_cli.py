"""The command line as a newcomer meets it: the examples of the help run, and refusals are one clear message."""

from __future__ import annotations

import ast
import gzip
import io
import json
import os
import shlex
import subprocess
import sys
from importlib.util import find_spec

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import momentalg as ma
from momentalg.cli import main, meeting, naming, reading
from tests.imports import ROOT

DYESTUFF = str(ma.datasets.path("Dyestuff"))
ONE_WAY = "y ~ 1 + (1 | user)"
CROSSED = "y ~ 1 + (1 | user) + (1 | item)"
YIELD = "Yield ~ 1 + (1 | Batch)"
TRUTH = "Intercept=2, var(1|user)=1/3, var(residual)=1"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def shown(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str) -> str:
    """What standard error says of a refusal: exit code 2, and nothing on standard output."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def squeezed(text: str) -> str:
    return " ".join(text.split())


# -- the program -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["derive", "generate", "check", "report", "fit", "sums", "rules", "statistics"])
def test_every_command_is_listed_and_has_help_with_an_example(command):
    (summary,) = [line for line in shown("--help").splitlines() if line.startswith(f"  {command} ")]
    assert summary.endswith(".")
    assert not summary.endswith("...")
    lines = shown(command, "--help").splitlines()
    examples = [line.strip() for line in lines[lines.index("  Example:") :] if line.startswith("    momentalg ")]
    assert examples
    assert all(example.startswith(f"momentalg {command}") for example in examples)


def test_the_examples_of_the_help_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = ma.datasets.load("Dyestuff").rename(columns={"Yield": "rating", "Batch": "user"})
    frame.iloc[:-1].to_csv("ratings.csv", index=False)
    crossed = ma.datasets.load("Penicillin").rename(columns={"diameter": "score", "plate": "user", "sample": "item"})
    crossed.iloc[:-3].to_csv("scores.csv", index=False)
    crossed.iloc[:30, 1:].to_csv("design.csv", index=False)
    ran = 0
    for command in ["derive", "generate", "check", "report", "fit", "sums", "rules", "statistics"]:
        text = shown(command, "--help").partition("Example:")[2].replace("\\\n", " ")
        for line in text.splitlines():
            words = shlex.split(line) if line.startswith("    ") else []
            if "sql" in words and find_spec("sqlglot") is None:
                continue
            if words[:1] == ["momentalg"]:
                shown(*[word.replace("2000", "20") for word in words[1:]])
            elif words[:1] == ["python"]:
                subprocess.run([sys.executable, *words[1:]], check=True, capture_output=True)
            else:
                continue
            ran += 1
    assert ran >= 11


def test_a_formula_survives_the_shell_and_the_module_is_the_program():
    line = f"{shlex.quote(sys.executable)} -m momentalg derive '{ONE_WAY}' --given N"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True, env=environment)
    assert "= N^2 var(1|user) + N var(residual)" in done.stdout


def test_the_version_is_that_of_the_package():
    assert shown("--version").strip() == f"momentalg {ma.__version__}"


def test_a_formula_without_quotes_is_told_to_be_quoted():
    assert "put it in quotes" in refused("derive", "y", "~", "1", "+", "(1", "|", "user)")


def test_the_caret_stands_under_the_place():
    lines = refused("derive", "y ~ x w + (1 | user)").splitlines()
    formula = next(n for n, line in enumerate(lines) if "y ~ x w" in line)
    assert lines[formula][lines[formula + 1].index("^")] == "w"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["derive", "y ~ x"], "no group term in 'y ~ x'"),
        (["derive", ONE_WAY, "--statistic", "Q"], "there are S, Ybar, T, D, P, N, Y, G"),
        (["derive", CROSSED, "--statistic", "S(day)"], "'day'"),
        (["derive", CROSSED, "--given", "Z"], "there are N(user) (its sizes), N(item) (its sizes), user (its effects)"),
        (["derive", ONE_WAY, "--nested", "a=user"], "'a' is no column of a grouping factor"),
        (["check", CROSSED, "--parameters", "Intercept=1", "--sizes", "poisson(3)", "--units", "4"], "are crossed"),
        (["derive", ONE_WAY, "--moment", "cov"], "cov is of 2 statistics; found 1"),
        (["derive", ONE_WAY, "--statistic", "S", "--statistic", "T", "--moment", "var"], "var is of one statistic"),
        (["derive", ONE_WAY, "--statistic", "pairs", "--given", "N"], "give it alone"),
        (["derive", ONE_WAY, "--given", "Z"], "cannot condition on 'Z'; there are N (the sizes), user (its effects)"),
        (["derive", ONE_WAY, "--levels", "X"], "--levels takes pairs"),
        (["derive", ONE_WAY, "--levels", "X=user,X=user"], "gives X twice"),
        (["derive", "y ~ X + (1 | user)", "--levels", "X=item"], "'item' is no grouping factor"),
        (["generate", ONE_WAY, "--statistics", "hend"], "no statistics called 'hend'"),
        (["generate", ONE_WAY, "-o", "missing/estimator.py"], "the folder 'missing' does not exist"),
        (["check", ONE_WAY, "--parameters", TRUTH], "a check needs a design"),
        (
            ["check", ONE_WAY, "--parameters", "Intercept=2", "--sizes", "constant(3)", "--units", "5"],
            "lacks var(1|user)",
        ),
        (["check", ONE_WAY, "--parameters", TRUTH, "--sizes", "poison(3)", "--units", "5"], "no law 'poison(3)'"),
        (["check", ONE_WAY, "--parameters", TRUTH, "--sizes", "poisson(1,2)", "--units", "5"], "written as poisson(3)"),
        (["check", ONE_WAY, "--parameters", TRUTH, "--sizes", "poisson(3)", "--data", DYESTUFF], "one of the two"),
        (["fit", DYESTUFF, "yield ~ 1 + (1 | Batch)"], "did you mean 'Yield'"),
        (["fit", YIELD, DYESTUFF], "DATA comes before FORMULA"),
        (["fit", "missing.csv", YIELD], "missing.csv: No such file"),
        (["fit", "no*.csv", YIELD], "no file matches 'no*.csv'"),
        (["fit", DYESTUFF, YIELD, "--engine", "abacus"], "no engine 'abacus'; there are"),
        (["rules", "variance"], "or total_variance?"),
        (["rules", "zzz"], "`momentalg rules` lists all"),
        (["statistics", "anova"], "did you mean henderson1"),
    ],
)
def test_refusals_say_what_to_do(arguments, said):
    assert said in squeezed(refused(*arguments))


# -- derive ------------------------------------------------------------------------------------------------------------


def test_derive_prints_matloffs_variance_with_its_laws():
    text = shown("derive", ONE_WAY)
    assert "= E[Var(S | N)] + Var(E[S | N]) [law of total variance]" in squeezed(text)
    assert "= E[N^2] var(1|user) + E[N] var(residual) + Intercept^2 Var(N)" in text
    assert "steps replayed" in text


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (["--moment", "mean"], "= Intercept E[N]"),
        (["--statistic", "Ybar", "--given", "size(user)"], "var(1|user) + var(residual)/N"),
        (["--statistic", "D", "--moment", "mean", "--sum", "--given", "design"], "var(residual)"),
        (["--statistic", "P", "--moment", "mean", "--given", "N"], "Intercept^2"),
        (["--statistic", "S*N", "--given", "N"], "N^4 var(1|user)"),
        (["--statistic", "S", "--statistic", "N"], "Cov(S, N)"),
        (["--moment", "k3", "--given", "N"], "N^3 k3(1|user) + N k3(residual)"),
        (["--via", "user"], "E[N^2] var(1|user)"),
    ],
)
def test_derive_of_named_statistics(arguments, result):
    assert result in shown("derive", ONE_WAY, *arguments)


def test_letters_that_are_covariates_too_are_told_apart():
    model = ["derive", "y ~ 1 + N + (1 | user)", "--levels", "N=user"]
    assert "`N` in back-quotes is the covariate, size(user) the sizes" in refused(*model, "--given", "N")
    assert "`N` in back-quotes is the covariate" in refused(*model, "--statistic", "S*N")
    assert "Var(S | N, `N`)" in shown(*model, "--given", "size(user), `N`")
    assert "Var(S `N` | " in shown(*model, "--given", "design", "--statistic", "S*`N`")


def test_derive_with_a_covariate_of_the_level():
    text = shown("derive", "y ~ 1 + X + (1 | user)", "--levels", "X=user", "--statistic", "S*X", "--via", "N,X")
    assert "law of total variance" in text
    assert "N X^2" in text


def test_derive_prints_latex_and_markdown():
    assert r"\operatorname{Var}(S)" in shown("derive", ONE_WAY, "--format", "latex")
    assert "$$" in shown("derive", ONE_WAY, "--format", "markdown")


def test_derive_of_a_set_gives_equations_and_estimates():
    text = squeezed(shown("derive", ONE_WAY, "--statistic", "henderson3"))
    assert "E[SSE | design] =" in text
    assert "hat(var(residual)) = SSE/" in text


# -- generate, report, check -------------------------------------------------------------------------------------------


def test_generate_writes_the_module_of_the_session(tmp_path):
    path = tmp_path / "estimator.py"
    result = run("generate", YIELD, "-o", str(path), "--statistics", "henderson1")
    assert result.exit_code == 0
    assert str(path) in result.stderr
    source = ma.Model(YIELD).moment_equations("henderson1").estimator().source
    assert path.read_text(encoding="utf-8") == source == shown("generate", YIELD, "--statistics", "henderson1")
    assert [p.name for p in tmp_path.iterdir()] == ["estimator.py"]


@pytest.mark.parametrize(
    "arguments",
    [
        [ONE_WAY],
        ["y ~ 1 + X + size(user) + (1 | user)", "--levels", "X=user"],
        [ONE_WAY, "--statistics", "totals", "--means", "plug-in"],
        ["`my y` ~ 1 + `x 1` + (1 | `it's`)", "--levels", "`x 1`=`it's`", "--statistics", "minque0"],
    ],
)
def test_the_line_in_a_module_makes_it_again(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = shown("generate", *arguments)
    docstring = ast.get_docstring(ast.parse(source))
    program, *words = shlex.split(next(line for line in docstring.splitlines() if "momentalg generate" in line))
    assert program == "momentalg"
    shown(*words)
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == [source]


@pytest.mark.parametrize("suffix", [".html", ".tex", ".md"])
def test_report_writes_the_file_of_its_suffix(tmp_path, suffix):
    path = tmp_path / f"report{suffix}"
    shown("report", YIELD, "-o", str(path), "--data", DYESTUFF)
    assert "1764.05" in path.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_code_in_a_markdown_report_can_be_copied(tmp_path):
    shown("report", YIELD, "-o", str(tmp_path / "report.md"), "--data", DYESTUFF)
    lines = (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()
    assert f"`ma.Model({YIELD!r})`" in lines
    assert any(line.startswith("| `var(1\\|Batch)` |") for line in lines)  # a bar in a table would end the cell


def test_report_refuses_what_it_cannot_write(tmp_path):
    assert ".html" in refused("report", YIELD, "-o", str(tmp_path / "report.docx"))
    assert list(tmp_path.iterdir()) == []


CHECK = ["check", ONE_WAY, "--parameters", TRUTH, "--units", "20", "--replicates", "50"]


def test_check_by_simulation_passes_and_repeats():
    arguments = [
        *CHECK,
        "--sizes",
        "finite(1:1/2, 4:1/2)",
        "--effects",
        "user=two-point(2), residual=uniform",
        "--seed",
        "7",
    ]
    text = shown(*arguments)
    assert "user two-point with skewness 2; residual uniform" in text
    assert "passed: every |z| is at most 4" in text
    assert shown(*arguments) == text


def test_a_check_that_fails_has_exit_code_1():
    """The plug-in of the squared mean is biased with few levels."""
    arguments = [
        *CHECK,
        "--sizes",
        "constant(2)",
        "--statistics",
        "totals",
        "--means",
        "plug-in",
        "--replicates",
        "4000",
    ]
    result = run(*arguments, "--units", "4")
    assert result.exit_code == 1
    assert "FAILED: |z| is above 4 for var(1|user)" in result.stdout


def test_a_check_takes_the_design_of_a_file_and_laws_of_covariates():
    formula, truth = "Yield ~ 1 + `x 1` + (1 | Batch)", "Intercept=0, `x 1`=1, var(1|Batch)=1, var(residual)=2"
    text = shown(
        "check",
        formula,
        "--parameters",
        truth,
        "--data",
        DYESTUFF,
        "--covariates",
        "`x 1`=normal(0, 1)",
        "--replicates",
        "20",
    )
    assert "30 observations, 6 levels of Batch; x 1 normal" in text


# -- fit ---------------------------------------------------------------------------------------------------------------


def test_fit_as_table_csv_and_json():
    assert "1764.05" in shown("fit", DYESTUFF, YIELD)
    table = shown("fit", DYESTUFF, YIELD, "--format", "csv").splitlines()
    head = "parameter,estimate,std_error,statistic,p_value,conf_low,conf_high,truncated,warning,weighting,covariance"
    assert table[0] == head
    found = json.loads(shown("fit", DYESTUFF, YIELD, "--format", "json"))
    assert found["nobs"] == 30
    assert found["levels"] == {"Batch": 6}
    assert found["estimates"]["var(residual)"] == pytest.approx(2451.25, rel=1e-12)
    assert table[2].split(",")[:2] == ["var(1|Batch)", str(found["estimates"]["var(1|Batch)"])]


def test_fit_gives_standard_errors_and_what_they_are_in_every_format():
    fit = ma.Model(YIELD).fit(ma.datasets.load("Dyestuff"))
    found = json.loads(shown("fit", DYESTUFF, YIELD, "--format", "json"))
    table = pd.read_csv(io.StringIO(shown("fit", DYESTUFF, YIELD, "--format", "csv")), index_col="parameter")
    text = fit.covariance.described
    assert found["weighting"] == "two-step"
    assert (found["covariance"].split(" (")[0], found["df"], found["negative"]) == (text, 5, [])
    assert set(table["weighting"]) == {"two-step"}
    assert set(table["covariance"]) == {found["covariance"]}
    for key, bounds in fit.intervals().items():
        assert found["std_errors"][key] == table.loc[key, "std_error"] == pytest.approx(fit.bse[key], rel=1e-12)
        assert found["intervals"][key] == table.loc[key, ["conf_low", "conf_high"]].tolist()
        assert found["intervals"][key] == pytest.approx([bounds.low, bounds.high], rel=1e-9)
    assert found["p_values"]["var(1|Batch)"] is None
    assert found["p_values"]["Intercept"] == pytest.approx(fit.pvalues["Intercept"], rel=1e-9)
    few = "there are only 6 independent units"
    assert [few in warning for warning in found["warnings"]] == [True, True]
    assert table["warning"].str.contains(few).tolist()[1:] == [True, True]


def test_fit_with_kurtosis_reads_all_rows(tmp_path, monkeypatch):
    """Also of a file of several chunks; a generated module cannot have such weights."""
    frame = ma.datasets.load("Dyestuff").iloc[:-3]
    frame.to_csv(tmp_path / "d.csv", index=False)
    expected = dict(ma.Model(YIELD).fit(frame, weighting="kurtosis").estimates)
    for rows in (500, 10):
        monkeypatch.setattr("momentalg.data.files.formats.format.ROWS", rows)
        found = json.loads(shown("fit", str(tmp_path / "d.csv"), YIELD, "-w", "kurtosis", "--format", "json"))
        assert found["weighting"] == "kurtosis"
        assert found["estimates"] == pytest.approx(expected, rel=1e-9)
    assert "has no generated module" in refused("generate", YIELD, "-w", "kurtosis")


def test_fit_without_standard_errors_says_why():
    """Sums for classical statistics do not give them; with a report, they come from the data."""
    found = json.loads(shown("fit", DYESTUFF, YIELD, "--statistics", "henderson3", "--format", "json"))
    assert found["covariance"].startswith("none: sums for classical statistics")
    assert (found["df"], found["std_errors"]["Intercept"], found["intervals"]["Intercept"]) == (None, None, [None] * 2)
    assert found["weighting"] == "none"


def test_fit_writes_a_report_with_the_data_if_they_are_in_memory(tmp_path, monkeypatch):
    path = tmp_path / "fit.md"
    ran = run("fit", DYESTUFF, YIELD, "--statistics", "henderson3", "--report", str(path))
    assert "jackknife" in ran.stdout
    assert ran.stderr == f"wrote {path}\n"
    report = path.read_text()
    assert "1764.05" in report
    assert "## Data" in report
    monkeypatch.setattr("momentalg.inference.runs.run.KEPT", 7)
    ran = run("fit", DYESTUFF, YIELD, "--report", str(path))
    assert ran.stderr == f"wrote {path}, without the data, which have more than 7 rows\n"
    assert "1764.05" in path.read_text()
    assert "## Data" not in path.read_text()
    assert "the folder" in refused("fit", DYESTUFF, YIELD, "--report", str(tmp_path / "no" / "fit.md"))


@pytest.mark.engine("matplotlib")
def test_fit_draws_into_a_folder(tmp_path, monkeypatch):
    folder = tmp_path / "pictures"
    shown("fit", DYESTUFF, YIELD, "--plot", str(folder))
    kinds = {"caterpillar", "densities", "pooling", "quantiles", "residuals", "shrinkage", "sizes"}
    assert {path.name for path in folder.iterdir()} == {f"{kind}.png" for kind in kinds}
    monkeypatch.setattr("momentalg.inference.runs.run.KEPT", 7)
    text = run("fit", DYESTUFF, YIELD, "--plot", str(tmp_path / "others")).stderr
    assert {path.stem for path in (tmp_path / "others").iterdir()} == {"caterpillar", "pooling", "quantiles"}
    assert "left out densities, shrinkage, sizes: level means need the rows" in " ".join(text.split())
    assert "the folder" in refused("fit", DYESTUFF, YIELD, "--plot", str(tmp_path / "no" / "pictures"))


def test_fit_reads_in_chunks_as_in_one_piece(tmp_path, monkeypatch):
    """Labels that look like numbers in one chunk and like text in another are the same levels."""
    frame = pd.DataFrame({"user": ["1", "2", "1", "x", "2", "x", "01", "01"], "y": [1, 2, 3.5, 4, 5, 6, 7, 8]})
    frame.to_csv(tmp_path / "y.csv", index=False)
    whole = shown("fit", str(tmp_path / "y.csv"), ONE_WAY, "--format", "json")
    monkeypatch.setattr("momentalg.data.files.formats.format.ROWS", 3)
    parts = json.loads(shown("fit", str(tmp_path / "y.csv"), ONE_WAY, "--format", "json"))
    assert parts["levels"] == {"user": 4}
    assert parts["estimates"] == pytest.approx(json.loads(whole)["estimates"], rel=1e-12)
    assert json.loads(whole)["estimates"] == pytest.approx(dict(ma.Model(ONE_WAY).fit(frame).params), rel=1e-12)


def test_fit_counts_or_refuses_missing_values(tmp_path, monkeypatch):
    monkeypatch.setattr("momentalg.data.files.formats.format.ROWS", 3)
    path = tmp_path / "y.csv"
    path.write_text("user,y\na,1\na,2\nb,3\nb,\nb,\nb,\na,5\nc,6\nc,NA\nc,7\n")
    message = refused("fit", str(path), ONE_WAY)
    assert "rows have missing values" in message
    assert "--missing drop leaves them out" in " ".join(message.split())
    found = json.loads(shown("fit", str(path), ONE_WAY, "--missing", "drop", "--format", "json"))
    assert (found["nobs"], found["dropped"]) == (6, 4)
    path.write_text("user,y\na,\nb,\n")
    assert "all 2 rows have missing values" in refused("fit", str(path), ONE_WAY, "--missing", "drop")


def test_fit_reads_tabs_semicolons_and_compressed_files(tmp_path):
    rows = ma.datasets.path("Dyestuff").read_text()
    (tmp_path / "y.tsv").write_text(rows.replace(",", "\t"))
    (tmp_path / "semi.csv").write_text(rows.replace(",", ";"))
    (tmp_path / "y.csv.gz").write_bytes(gzip.compress(rows.encode()))
    expected = shown("fit", DYESTUFF, YIELD)
    for name, options in {"y.tsv": [], "y.csv.gz": [], "semi.csv": ["--separator", ";"]}.items():
        found = shown("fit", str(tmp_path / name), YIELD, *options)
        assert found == expected.replace("30 from Dyestuff.csv", f"30 from {name}")
    assert "--separator ';'" in refused("fit", str(tmp_path / "semi.csv"), YIELD)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("user,y\n", "no rows"),
        ("user,y\na,1\na,2,3,4\n", "cannot be read"),
        ("user,y\na,1,5\nb,2,5\n", "decimal commas"),
        ("user,y\na,1\nb\n", "missing values: 'y' (1, first in row 1)"),
        ("user,y,y\na,1,2\n", "2 columns called 'y'"),
        ("user,y\na,1\na,two\n", "not numeric"),
        ("user,y\na,1\nb,2\n", "every level of user has one row"),
    ],
)
def test_fit_of_files_that_it_cannot_use(tmp_path, content, said):
    path = tmp_path / "y.csv"
    path.write_text(content)
    assert said in refused("fit", str(path), ONE_WAY)


# -- fit of several files, and of saved sums ---------------------------------------------------------------------------


@pytest.fixture
def dyestuff(tmp_path, monkeypatch):
    """Dyestuff in three files, read four rows at a time."""
    frame = ma.datasets.load("Dyestuff")
    for k in range(3):
        frame.iloc[10 * k : 10 * k + 10].to_csv(tmp_path / f"part-{k}.csv", index=False)
    monkeypatch.setattr("momentalg.data.files.formats.format.ROWS", 4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def estimates(*arguments: str) -> dict[str, float]:
    return json.loads(shown("fit", *arguments, YIELD, "--format", "json"))["estimates"]


@pytest.mark.parametrize(
    "data", [["part-0.csv", "part-1.csv", "part-2.csv"], ["part-*.csv"], ["."], ["part-[01].csv", "part-2.csv"]]
)
@pytest.mark.usefixtures("dyestuff")
def test_fit_of_several_files(data):
    assert estimates(*data) == pytest.approx(estimates(DYESTUFF), rel=1e-12)


@pytest.mark.usefixtures("dyestuff")
def test_fit_of_saved_sums_and_files():
    ran = run("fit", "part-0.csv", "part-1.csv", YIELD, "--save-sums", "two.sums")
    assert ran.stderr == "wrote two.sums\n"
    assert estimates("two.sums", "part-2.csv") == pytest.approx(estimates(DYESTUFF), rel=1e-12)
    assert estimates("two.sums") == estimates("part-0.csv", "part-1.csv")
    assert "part-1.csv" in refused("fit", "two.sums", "part-1.csv", YIELD)  # whose rows are in the sums
    assert "the folder" in refused("fit", "two.sums", YIELD, "--save-sums", "no/three.sums")


@pytest.mark.engine("duckdb")
@pytest.mark.usefixtures("dyestuff")
def test_fit_by_another_engine():
    assert estimates("part-*.csv", "--engine", "duckdb") == pytest.approx(estimates(DYESTUFF), rel=1e-12)


def test_an_interrupted_fit_says_how_to_go_on(dyestuff, monkeypatch):
    """Exit code 130, and the line to type again; which then says from where it goes on."""
    from momentalg.inference.runs import run as module

    whole = module.sums_of
    calls = iter([None] * 4 + [KeyboardInterrupt])

    def interrupted(*arguments):
        if (error := next(calls, None)) is not None:
            raise error
        return whole(*arguments)

    line = ["fit", "part-*.csv", YIELD, "--checkpoint", "run"]
    monkeypatch.setattr(module, "sums_of", interrupted)
    monkeypatch.setattr("sys.argv", ["momentalg", *line])
    ran = run(*line)
    assert (ran.exit_code, ran.stdout) == (130, "")
    said = "stopped after 14 rows, which are in run; run the same again to go on from there: "
    assert ran.stderr.strip() == f"{said}momentalg fit 'part-*.csv' '{YIELD}' --checkpoint run"
    ran = run(*line)
    assert ran.stderr == "going on from run, which has 14 rows\n"
    assert ran.stdout == shown("fit", "part-*.csv", YIELD)
    assert not (dyestuff / "run").exists()
    monkeypatch.setattr(module, "sums_of", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    monkeypatch.setattr("sys.argv", ["momentalg", *line[:3]])
    ran = run(*line[:3])
    assert (ran.exit_code, ran.stderr.strip()) == (130, "stopped; with --checkpoint FILE it could go on from there")


# -- lists -------------------------------------------------------------------------------------------------------------


def test_rules_are_listed_and_shown():
    assert all(name in shown("rules") for name in ["total_variance", "linearity", "tower"])
    text = squeezed(shown("rules", "total_variance"))
    assert "Var(W | K) = E[Var(W | K, U) | K] + Var(E[W | K, U] | K)" in text
    assert "Weiss (2005)" in text


def test_statistics_are_listed_and_shown_with_the_equations_of_a_model():
    assert all(name in shown("statistics") for name in ma.statistics())
    text = squeezed(shown("statistics", "totals", "--formula", YIELD))
    assert "SS = sum_i S_i^2" in text
    assert "n var(1|Batch) + n var(residual)" in text
    assert "beta" in shown("statistics", "normal_equations", "--formula", "y ~ 1 + x + (1 | user)")


# -- what is typed -----------------------------------------------------------------------------------------------------


def test_pairs_keep_commas_inside_parentheses_and_quotes():
    text = "Intercept=2, cov(1,x|user)=1/4,`a=b, c`=3"
    assert reading.pairs([text], "--parameters") == {"Intercept": "2", "cov(1,x|user)": "1/4", "`a=b, c`": "3"}


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("poisson(3)", ma.Poisson(3)),
        (" Poisson( 1/2 )", ma.Poisson("1/2")),
        ("constant(4)", ma.Constant(4)),
        ("finite(1:1/2, 3:1/2)", ma.Finite({1: "1/2", 3: "1/2"})),
        ("zero_truncated_poisson(3)", ma.ZeroTruncatedPoisson(3)),
        ("negative-binomial(mean=4, shape=2)", ma.NegativeBinomial(mean=4, shape=2)),
        ("exponential", ma.Exponential(1)),
        ("t(12)", ma.StudentT(12)),
        ("uniform(-2, 5/2)", ma.Uniform(-2, "5/2")),
    ],
)
def test_laws_are_those_of_the_catalogue(text, law):
    assert reading.law(text) == law


@pytest.mark.parametrize(
    "text", ["", "poisson(", "poisson(3))", "empirical", "__import__('os')", "finite(1:2)", "poisson(x)"]
)
def test_what_is_no_law_is_refused(text):
    with pytest.raises(ma.MomentalgError):
        reading.law(text)


def test_one_law_of_effects_is_for_all_of_them_and_the_residual():
    model = ma.Model(ONE_WAY)
    assert reading.effects("exponential", model) == {"user": ma.Exponential(1), "residual": ma.Exponential(1)}
    named = reading.effects("user=uniform(0, 1), residual=negative-binomial(mean=4, shape=2)", model)
    assert named == {"user": ma.Uniform(0, 1), "residual": ma.NegativeBinomial(mean=4, shape=2)}
    assert reading.effects("negative-binomial(mean=4, shape=2)", model)["user"] == ma.NegativeBinomial(mean=4, shape=2)
    assert reading.effects(None, model) is None


# -- statistics of several factors -------------------------------------------------------------------------------------


def test_names_of_statistics_say_of_which_factor_and_level_they_are():
    model = ma.Model("y ~ 1 + x + (1 | user) + (1 | item) + (1 | `odd name`)")
    y, users = model.y, model.total(model.y, by="user")
    cells = "user:item"
    named = {
        "S": users,
        "S(item)": model.total(y, by="item"),
        "S(user:item)*N": model.total(y, by=cells) * model.size("user"),
        "D(item)": model.total(y**2, by="item") - model.total(y, by="item") ** 2 / model.size("item"),
        "S(`odd name`)@k": model.total(y, by="`odd name`").at("k"),
        "S@k": users.at("k"),
        "size(item)*N(user:item)": model.size("item") * model.size(cells),
        "G*x": model.total(y) * model.covariate("x"),
    }
    for name, node in named.items():
        assert naming.statistic(name, model) == node, name
    assert naming.factors_of("S*x", model) == ("user",)
    assert naming.factors_of("N(item)*S(user)", model) == ("user", "item")
    assert [str(c) for c in reading.conditions("N(item),size(user),item,x", model)] == [
        str(c) for c in (model.size("item"), model.size("user"), "item", model.covariate("x"))
    ]


def test_where_factors_are_crossed_the_design_is_given_and_that_is_said():
    result = run("derive", CROSSED, "--statistic", "D(user)", "--sum", "--moment", "mean")
    assert result.exit_code == 0, result.output
    assert "given the design: user and item are crossed" in result.stderr
    assert "| design]" in result.stdout
    assert "given the design" not in run("derive", ONE_WAY).stderr


def test_declared_facts_reach_the_model():
    plain = shown("statistics", "gao_owen", "--formula", CROSSED)
    assert "n_ij^2/N_i" in plain
    found = shown(
        "derive", CROSSED, "--statistic", "D(user)", "--sum", "--moment", "mean", "--unreplicated", "user:item"
    )
    assert "(n - r[alpha]) (var(1|item)" in found or "(n - r[alpha]) var(1|item)" in found


def test_fixed_factors_weights_and_classes_are_declared(tmp_path):
    rows = ["y,drug,user,w,site"]
    rows += [f"{(7 * n) % 11},{'abc'[n % 3]},u{n % 5},{1 + n % 2},{'ns'[n % 4 // 2]}" for n in range(40)]
    path = tmp_path / "y.csv"
    path.write_text("\n".join(rows) + "\n")
    frame = pd.read_csv(path)
    for line, model in (
        (["y ~ 1 + drug + (1 | user)", "--fixed", "drug=b a c"], {"fixed": {"drug": ["b", "a", "c"]}}),
        (["y ~ 1 + C(drug) + (1 | user)"], {}),
        (["y ~ 1 + (1 | user)", "--weights", "w"], {"weights": "w"}),
        (["y ~ 1 + (1 | user)", "--residual-by", "site"], {"residual_by": "site"}),
    ):
        found = json.loads(shown("fit", str(path), *line, "--format", "json"))["estimates"]
        assert found == pytest.approx(dict(ma.Model(line[0], **model).fit(frame).params))
    assert (
        "drug[a]"
        in json.loads(shown("fit", str(path), "y ~ drug + (1 | user)", "--fixed", "drug=b a c", "--format", "json"))[
            "estimates"
        ]
    )
    assert "--fixed takes a factor" in refused("fit", str(path), "y ~ drug + (1 | user)", "--fixed", "drug=a=b")


@pytest.mark.parametrize(
    ("text", "design"),
    [
        ("draws(user, item)", ma.designs.draws("user", "item")),
        (
            "draws(user, item, poisson(3), 1/2 1/4 1/4)",
            ma.designs.draws("user", "item", ma.Poisson(3), ["1/2", "1/4", "1/4"]),
        ),
        ("independent_cells(a, `odd name`, {0})", None),
        ("independent_cells(a, `odd name`, 2)", ma.designs.independent_cells("a", "odd name", 2)),
        (
            "multinomial_labels(a, b, 60, 1/2 1/2, 1/4 3/4)",
            ma.designs.multinomial_labels("a", "b", 60, [["1/2", "1/2"], ["1/4", "3/4"]]),
        ),
        (
            "nested_sampling(a, b, poisson(2), geometric(1/3))",
            ma.designs.nested_sampling("a", "b", ma.Poisson(2), ma.Geometric("1/3")),
        ),
        ("draws(user)", None),
        ("draw(user, item)", None),
        ("draws(user, item, poisson(3), poisson(3))", None),
    ],
)
def test_incidences_are_read(text, design):
    if design is not None:
        assert meeting.incidence(text) == design
        return
    with pytest.raises(ma.ModelError):
        meeting.incidence(text)


def test_random_crossed_designs_are_derived_and_checked():
    derived = run("derive", CROSSED, "--incidence", "draws(user, item)", "--statistic", "S(user)")
    assert derived.exit_code == 0, derived.output
    assert "given the design" not in derived.stderr
    assert "moments of the random design" in squeezed(derived.stdout)
    values = "Intercept=2, var(1|user)=1/3, var(1|item)=1, var(residual)=1"
    checked = ["check", CROSSED, "--incidence", "independent_cells(user, item, poisson(1))", "--parameters", values]
    assert "passed" in shown(*checked, "--units", "user=20,item=9", "--replicates", "50")
    assert "leave out --sizes" in refused(*checked, "--sizes", "poisson(3)", "--units", "3")
    assert "--units takes a number" in refused(*checked, "--units", "user=0,item=9")
