"""`momentalg sums`: sites that share sums, new files, rows and users that go."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import momentalg as ma
from momentalg.cli import main

MODEL = "rating ~ 1 + (1 | user)"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def fitted(*arguments: str) -> dict[str, float]:
    """The estimates that `momentalg fit` prints."""
    done = run("fit", *arguments, MODEL, "--format", "json")
    assert done.exit_code == 0, done.output
    found: dict[str, float] = json.loads(done.stdout)["estimates"]
    return found


def refused(*arguments: str) -> str:
    done = run("sums", *arguments)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def frame(tmp_path, monkeypatch) -> pd.DataFrame:
    """Ratings in three files of 200 rows, and in one."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    user = rng.integers(0, 30, 600)
    rating = rng.normal(size=30)[user] + rng.normal(size=600)
    frame = pd.DataFrame({"user": user, "rating": rating})
    for k in range(3):
        frame[200 * k : 200 * (k + 1)].to_csv(f"{k}.csv", index=False)
    frame.to_csv("all.csv", index=False)
    return frame


@pytest.mark.usefixtures("frame")
def test_sites_that_share_sums_and_no_rows():
    for k in range(3):
        done = run("sums", f"{k}.csv", MODEL, "-o", f"site{k}.sums")
        assert done.exit_code == 0, done.output
        assert done.stderr == f"wrote site{k}.sums: 200 observations\n"
    assert run("sums", "site0.sums", "site1.sums", "site2.sums", MODEL, "-o", "all.sums").exit_code == 0
    expected = fitted("all.csv")
    assert fitted("all.sums") == pytest.approx(expected, rel=1e-10)
    assert fitted("site0.sums", "2.csv", "site1.sums") == pytest.approx(expected, rel=1e-10)
    assert {m.name for m in ma.Model(MODEL).load_sums("all.sums").files} == {"0.csv", "1.csv", "2.csv"}


@pytest.mark.usefixtures("frame")
def test_options_of_reading_rows_are_not_passed_over():
    run("sums", "0.csv", MODEL, "-o", "site0.sums")
    for given in (["--engine", "numpy"], ["--checkpoint", "run"]):
        assert f"{given[0]}: for files of rows" in refused("site0.sums", MODEL, "-o", "other.sums", *given)
        assert run("fit", "site0.sums", MODEL, *given).exit_code == 2
        assert run("fit", "site0.sums", "1.csv", MODEL, *given).exit_code == 0


@pytest.mark.usefixtures("frame")
def test_new_files_are_added_and_old_ones_taken_away():
    assert run("sums", "0.csv", "1.csv", MODEL, "-o", "now.sums").exit_code == 0
    assert run("sums", "now.sums", "2.csv", MODEL, "--minus", "0.csv", "-o", "now.sums").exit_code == 0
    assert fitted("now.sums") == pytest.approx(fitted("1.csv", "2.csv"), rel=1e-10)
    assert "1.csv: in both sums" in refused("now.sums", "1.csv", MODEL, "-o", "now.sums")
    assert "0.csv is not one of the files" in refused("now.sums", MODEL, "--minus", "0.csv", "-o", "now.sums")


@pytest.mark.usefixtures("frame")
def test_what_is_summed_for_is_what_the_saved_sums_are_for():
    assert run("sums", "0.csv", MODEL, "-w", "none", "-o", "0.sums").exit_code == 0
    assert run("sums", "0.sums", "1.csv", MODEL, "-o", "both.sums").exit_code == 0
    sums = ma.Model(MODEL).load_sums("both.sums")
    assert (sums.nobs, sums.estimator.weighting) == (400, "none")
    assert "holds sums for" in refused("0.sums", "1.csv", MODEL, "-w", "iterated", "-o", "both.sums")


def test_users_who_leave(frame):
    gone = frame["user"].isin([3, 7])
    frame[gone].to_csv("gone.csv", index=False)
    frame[~gone].to_csv("stay.csv", index=False)
    expected = fitted("stay.csv")
    assert run("sums", "all.csv", MODEL, "--minus-rows", "gone.csv", "-o", "a.sums").exit_code == 0
    assert run("sums", "all.csv", MODEL, "--without", "user=3 7", "-o", "b.sums").exit_code == 0
    assert fitted("a.sums") == pytest.approx(expected, rel=1e-10)
    assert fitted("b.sums") == pytest.approx(expected, rel=1e-10)
    text = refused("all.csv", MODEL, "--minus", "gone.csv", "-o", "a.sums")
    assert "gone.csv is not one of the files in these sums" in text
    assert "take them away as rows: --minus-rows FILE" in text
    assert "there is no 'user' '99'" in refused("all.csv", MODEL, "--without", "user=99", "-o", "a.sums")
    for strange in ("user", "item=3", "user="):
        assert "--without takes a column of labels" in refused("all.csv", MODEL, "--without", strange, "-o", "a.sums")


@pytest.mark.parametrize(
    ("kind", "labels"),
    [("int64", "3 7"), ("float64", "3 7.0"), ("datetime64[us]", "1970-01-04 1970-01-08"), ("bool", "True")],
)
def test_labels_are_read_as_what_they_are(frame, kind, labels):
    users = (frame["user"] * 86_400_000_000).astype(kind) if "time" in kind else frame["user"].astype(kind)
    model = ma.Model(MODEL)
    data = frame.assign(user=users)
    model.sums(data).save("all.sums")
    assert run("sums", "all.sums", MODEL, "--without", f"user={labels}", "-o", "left.sums").exit_code == 0
    stays = frame["user"].isin([3, 7]) if kind != "bool" else frame["user"] > 0
    assert model.load_sums("left.sums").nobs == int((~stays).sum())
    text = refused("all.sums", MODEL, "--without", "user=x", "-o", "left.sums")
    assert "--without: the levels of 'user' are" in text


@pytest.mark.usefixtures("frame")
def test_what_cannot_be_read_is_refused(tmp_path):
    assert "DATA comes before FORMULA: momentalg sums" in refused(MODEL, "0.csv", "-o", "a.sums")
    assert "Missing option '-o'" in refused("0.csv", MODEL)
    (tmp_path / "bad.sums").write_bytes(b"user,rating\n")
    assert "bad.sums is no file of sums, or is cut off or damaged" in refused("bad.sums", MODEL, "-o", "a.sums")
    assert "none.sums: No such file" in refused("none.sums", MODEL, "-o", "a.sums")


@pytest.mark.usefixtures("frame")
def test_data_are_never_written_over(tmp_path):
    before = (tmp_path / "0.csv").read_bytes()
    for arguments in (["fit", "0.csv", MODEL, "--save-sums", "0.csv"], ["sums", "0.csv", MODEL, "-o", "0.csv"]):
        done = run(*arguments)
        assert done.exit_code == 2
        assert "sums are kept in files that end in .sums, by which DATA knows them: 0.sums" in done.stderr
    sums = ma.Model(MODEL).sums("0.csv")
    with pytest.raises(ma.DataError, match=r"0\.csv is there, and holds no sums; it is left as it is.* 0\.sums"):
        sums.save("0.csv")
    assert (tmp_path / "0.csv").read_bytes() == before
    sums.save("kept")  # a name of one's own, as often as one likes
    assert sums.save("kept").is_file()


@pytest.mark.usefixtures("frame")
def test_what_cannot_be_written_is_refused_before_the_work(monkeypatch):
    monkeypatch.setattr(ma.Model, "fit", lambda *_, **__: pytest.fail("the work has begun"))
    for option in (["--report", "out.docx"], ["--report", "none/out.html"], ["--save-sums", "none/a.sums"]):
        done = run("fit", "0.csv", MODEL, *option)
        assert done.exit_code == 2
        assert "ends in none of them" in done.stderr or "'none' does not exist" in done.stderr


@pytest.mark.usefixtures("frame")
@pytest.mark.parametrize("command", [["fit"], ["sums", "-o", "a.sums"]])
def test_data_or_formula_that_are_missing_are_named(command):
    for given, said in (
        ([MODEL], f"DATA is missing; it comes first: momentalg {command[0]} data.csv '{MODEL}'"),
        (["0.csv"], f"FORMULA is missing; it comes last: momentalg {command[0]} 0.csv 'y ~"),
        (["0.csv", "1.csv"], f"FORMULA is missing; it comes last: momentalg {command[0]} 0.csv 1.csv 'y ~"),
    ):
        done = run(*command, *given)
        assert done.exit_code == 2
        assert said in done.stderr


@pytest.mark.usefixtures("frame")
@pytest.mark.parametrize(("given", "said"), [([], "; with --checkpoint FILE it could"), (["--checkpoint", "run"], "")])
def test_an_interruption_without_a_checkpoint_says_that_there_is_one(monkeypatch, given, said):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ma.Model, "fit", interrupted)
    monkeypatch.setattr("sys.argv", ["momentalg", "fit", "0.csv", MODEL, *given])
    done = run("fit", "0.csv", MODEL, *given)
    assert done.exit_code == 130
    assert done.stderr == f"\nstopped{said}{' go on from there' * bool(said)}\n"
