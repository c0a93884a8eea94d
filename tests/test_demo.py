"""The demo runs from start to end, prints what the literature says, and leaves whole files."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from momentalg import demo
from tests.imports import ROOT

pytestmark = pytest.mark.xdist_group("demo")  # one worker, so that the demo runs once


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The demo as `make demo` runs it: its output and its folder."""
    folder = tmp_path_factory.mktemp("demo") / "build" / "demo"
    command = [sys.executable, "-W", "error", "-m", "momentalg.demo", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=folder.parent.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, folder


def test_every_stage_is_announced(ran):
    printed, _ = ran
    assert [f"[{n}/{demo.STAGES}]" in printed for n in range(1, demo.STAGES + 1)] == [True] * demo.STAGES


@pytest.mark.parametrize(
    "line",
    [
        "E[S | N]   = Intercept N",
        "Var(S | N) = N^2 var(1|user) + N var(residual)",
        "Var(S)     = E[N^2] var(1|user) + E[N] var(residual) + Intercept^2 Var(N)",
        "steps replayed, each keeps the value",
        "E[SSE | design] = (n - r) var(residual)",
        "self-test passed: 10 rows",
        "var(1|Batch)    1764.05",
        "var(residual)   2451.25",
        "larger litters have lighter pups",
        "0.295 without size(Litter) in the model, 0.182 with it",
        "(n - sum_{i,j} n_ij^2/N_i) var(1|sample) + (n - r[alpha]) var(residual)",
        "U[plate]          0.000         1.0000            1.0",
        "skewed effects: it passed: every |z| is at most 4",
        "var(1|plate)   0.716908",
        "var(1|sample)   3.73092",
        "var(1|batch) = 1.65731, var(1|batch:cask) = 8.43367, var(residual) = 0.678",
        "var(1|Subject) = 612.09, cov(1,Days|Subject) = 9.60433, var(Days|Subject) = 35.0717, var(residual) = 654.941",
        "passed: every |z| is at most 4",
        "FAILED: |z| is above 4 for var(1|user)",
        "It fails, as it should.",
    ],
)
def test_it_shows_the_known_answers(ran, line):
    assert line in ran[0]


def test_it_leaves_whole_files_and_says_where(ran):
    printed, folder = ran
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "dyestuff.html", "matloff.html", "matloff.md", "matloff.tex", "penicillin.html", "ratings_estimator.py"
    }  # fmt: skip
    assert all(name in printed.rpartition("Done in")[2] for name in names)
    html = (folder / "matloff.html").read_text(encoding="utf-8")
    assert html.rstrip().endswith("</html>")
    assert "<math" in html
    assert r"\end{document}" in (folder / "matloff.tex").read_text(encoding="utf-8")


def test_the_generated_module_fits_data_of_the_reader(ran, tmp_path):
    (tmp_path / "data.csv").write_text("user,rating\na,1\na,2\nb,4\nb,6\nc,5\n")
    command = [sys.executable, "-I", str(ran[1] / "ratings_estimator.py"), str(tmp_path / "data.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "3.6" in done.stdout
    assert "5 rows, 3 levels" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["--help"], 0), (["-h"], 0), (["--fast"], 2), (["a", "b"], 2)]
)
def test_it_needs_a_folder_and_makes_none_for_an_option(arguments, code, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert demo.main(arguments) == code
    printed = capsys.readouterr()
    assert "usage: python -m momentalg.demo FOLDER" in (printed.err if code else printed.out)
    assert list(tmp_path.iterdir()) == []


def test_the_wrong_estimator_is_wrong_in_the_way_it_says():
    """Its expectation is var(1|user) + var(residual) E[1/N], not var(1|user)."""
    import numpy as np

    columns = {"rating": np.array([1.0, 3.0, 5.0, 9.0]), "user": np.array([0, 0, 1, 1])}
    assert demo.variance_of_means(columns) == {"Intercept": 4.5, "var(1|user)": 12.5, "var(residual)": 5.0}
