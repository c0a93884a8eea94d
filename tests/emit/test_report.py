"""Reports: what they say, in each format; names made harmless; the same bytes; whole files or none."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

import momentalg as ma
from momentalg.emit import writing
from momentalg.emit.design import data_facts, design_grid
from momentalg.emit.environment import names_used
from momentalg.emit.report import HtmlContext, LatexContext, MarkdownContext, write_report
from momentalg.errors import MomentalgError, UnsupportedError

FORMATS = (".html", ".tex", ".md")
DYESTUFF = ma.Model("Yield ~ 1 + (1 | Batch)")
HOSTILE = ma.Model(
    "`<b>\\end{program}` ~ 1 + `a_b%$x$` + `|c|` + (1 | `\\input{x}<script>`)", levels={"|c|": "`\\input{x}<script>`"}
)


@pytest.fixture(scope="module")
def dyestuff():
    data = ma.datasets.load("Dyestuff")
    fit = DYESTUFF.fit(data)
    truth = {"Intercept": 1527.5, "var(1|Batch)": 1764, "var(residual)": 2451}
    check = DYESTUFF.check(parameters=truth, design=data, effects={"Batch": "exponential"}, replicates=60, seed=3)
    return {"data": data, "fit": fit, "check": check}


@pytest.fixture(scope="module")
def full(dyestuff, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {s: write_report(DYESTUFF, folder / f"r{s}", **dyestuff).read_text(encoding="utf-8") for s in FORMATS}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return {s: write_report(HOSTILE, folder / f"r{s}").read_text(encoding="utf-8") for s in FORMATS}


class Nesting(HTMLParser):
    """Checks that every element that is opened is closed, and remembers which there are."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_templates_use_exactly_their_contexts():
    pairs = {
        "html/report.html.j2": HtmlContext,
        "latex/report.tex.j2": LatexContext,
        "markdown/report.md.j2": MarkdownContext,
    }
    for template, context in pairs.items():
        assert names_used(template) == {f.name for f in fields(context)}


@pytest.mark.parametrize("suffix", FORMATS)
def test_it_says_everything(full, suffix):
    text = full[suffix]
    for words in (
        "random effect of Batch",
        "law of total variance",
        "earlier results, by (1) and (2)",
        "Conditional variance",
        "Assumption A1",
        "linear in the levels",
        "the same numbers, whether or not the design is taken as random",
        "def accumulate(",
        "Weiss (2005), A Course in Probability, p. 385",
        "60, seed 3",
    ):
        assert words in text, words
    for number in ("1764.05", "2451.25", "1527.5"):
        assert number in text
    assert re.search(r"divisor r (\{-\}|\\?-) 1", text)


def test_it_shows_the_result_that_the_package_is_about(full):
    result = (
        r"\operatorname{E}[N^{2}] \, \sigma_{\alpha}^{2} + \operatorname{E}[N] \, \sigma_{\varepsilon}^{2} + \mu^{2}"
    )
    assert result in full[".tex"]
    assert result in full[".md"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_without_data_there_is_no_number_of_the_data(suffix, tmp_path):
    text = write_report(DYESTUFF, tmp_path / f"r{suffix}").read_text(encoding="utf-8")
    assert not re.search(r"(^#+ |section\{|<h2>)(Data|Fit|Check)", text, re.MULTILINE)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_bytes_every_time(suffix, tmp_path, full, dyestuff):
    again = write_report(DYESTUFF, tmp_path / f"again{suffix}", **dyestuff)
    assert again.read_text(encoding="utf-8") == full[suffix]


def test_html_is_whole_and_needs_nothing(full, hostile):
    for text in (full[".html"], hostile[".html"]):
        parser = Nesting()
        parser.feed(text)
        parser.close()
        assert parser.open == []
        assert parser.seen.isdisjoint({"script", "link", "img", "iframe", "b", "input"})
        outside = text.replace("http://www.w3.org/1998/Math/MathML", "")
        assert not re.search(r"https?:|url\(|@import|\bon\w+=", outside.split("<details>")[0])


def test_hostile_names_stay_names(hostile):
    tex, program = hostile[".tex"].split("\\begin{program", maxsplit=1)
    assert "\\input{x}" not in tex
    assert "a_b%" not in tex
    environment = re.match(r"x*\}", program)
    assert environment is not None
    assert program.count("\\end{program" + environment[0]) == 1
    prose = hostile[".md"].split("## Generated estimator")[0].replace("\\`", "")
    outside_code = re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", prose)
    assert not re.search(r"(?<!\\)<", outside_code)


@pytest.mark.engine("latexmk")
def test_hostile_names_compile(hostile, tmp_path):
    (tmp_path / "r.tex").write_text(hostile[".tex"], encoding="utf-8")
    command = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "r.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = (tmp_path / "r.log").read_text(errors="replace")
    assert run.returncode == 0, log[-2000:]
    assert "Missing character" not in log


@pytest.mark.engine("latexmk")
def test_pdf(tmp_path, dyestuff):
    path = write_report(DYESTUFF, tmp_path / "r.pdf", **dyestuff)
    assert path.read_bytes().startswith(b"%PDF")
    assert [p.name for p in tmp_path.iterdir()] == ["r.pdf"]


def test_pdf_without_latexmk_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"latexmk, which is not installed; write r\.tex, or r\.html"):
        write_report(DYESTUFF, tmp_path / "r.pdf")


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(UnsupportedError, match=r"\.html, \.tex, \.md, \.pdf; 'r\.docx' ends in none"):
        write_report(DYESTUFF, tmp_path / "r.docx")


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(MomentalgError, match="does not exist; make it first"):
        write_report(DYESTUFF, tmp_path / "missing" / "r.md")


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "r.md").write_text("before")

    def interrupted(_self, _target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writing.write_whole(tmp_path / "r.md", "after")
    assert [p.name for p in tmp_path.iterdir()] == ["r.md"]
    assert (tmp_path / "r.md").read_text() == "before"


def test_a_folder_is_not_overwritten(tmp_path):
    (tmp_path / "r.md").mkdir()
    with pytest.raises(MomentalgError, match="it is a folder"):
        writing.write_whole(tmp_path / "r.md", "text")


def test_negative_components_and_dropped_rows_are_told(tmp_path):
    data = pd.DataFrame({"y": [1.0, 9, 2, 8, 1, 9, None], "g": ["a", "a", "b", "b", "c", "c", "c"]})
    model = ma.Model("y ~ 1 + (1 | g)")
    text = write_report(model, tmp_path / "r.md", data=data, fit=model.fit(data, missing="drop")).read_text()
    assert re.search(r"\| `var\(1\\\|g\)` \| -\d.* \| negative; truncated: 0 \|", text)
    assert "Observations: 6 (1 with missing values dropped)" in text


def test_the_equations_are_those_of_the_fit(tmp_path):
    data = ma.datasets.load("Dyestuff")
    text = write_report(DYESTUFF, tmp_path / "r.md", fit=DYESTUFF.fit(data, "minque0")).read_text()
    assert "minque0" in text


def test_covariates_bring_their_covariances(tmp_path):
    model = ma.Model("y ~ 1 + x + X + size(g) + (1 | g)", levels={"X": "g"})
    text = write_report(model, tmp_path / "r.md").read_text()
    for heading in (r"\operatorname{Cov}(S, S_{x})", r"\operatorname{Cov}(S, X)", r"\operatorname{Cov}(S, N)"):
        assert f"### ${heading}$" in text


# -- several factors and slopes ----------------------------------------------------------------------------------------

SEVERAL = {
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", "Penicillin"),
    "nested": ("strength ~ 1 + (1 | batch / cask)", "Pastes"),
    "slopes": ("Reaction ~ 1 + Days + (1 + Days | Subject)", "sleepstudy"),
}
SAID = {
    "crossed": (
        "crossed; 144 of 144 cells occur, each with one observation",
        "Factors are crossed: everything is given the design",
        "random effect of sample",
        "number of observations in a cell of plate and sample",
        "effects of different levels are independent",
        "0.716908",
        "3.73092",
    ),
    "nested": (
        "In the random view, the levels of batch are independent",
        "law of total variance",
        "linear in the cells",
        "8.43367",
    ),
    "slopes": (
        "The effects (1, Days) of a level of Subject may be correlated",
        "random slope of Days by Subject",
        "covariance of the random effect of Subject and slope of Days by Subject",
        "as a formula it is too long to read here",
        "9.60433",
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_several_factors_and_slopes_are_reported(name, tmp_path):
    formula, data = SEVERAL[name]
    model, frame = ma.Model(formula), ma.datasets.load(data)
    fit = model.fit(frame)
    for suffix in FORMATS:
        text = write_report(model, tmp_path / f"r{suffix}", data=frame, fit=fit).read_text(encoding="utf-8")
        for words in SAID[name]:
            if suffix == ".html" or not any(c in words for c in "()"):
                assert words in text, (suffix, words)
        assert "def accumulate(" in text
        if suffix == ".html":
            page = Nesting()
            page.feed(text)
            assert not page.open


@pytest.mark.parametrize(("name", "there"), [("crossed", True), ("nested", True), ("slopes", False)])
def test_sums_of_squares_have_a_table_of_expected_mean_squares(name, there, tmp_path):
    formula, data = SEVERAL[name]
    text = write_report(ma.Model(formula), tmp_path / "r.md", data=ma.datasets.load(data)).read_text(encoding="utf-8")
    assert ("Expected mean squares of these data" in text) == there
    if name == "nested":
        assert re.search(r"U\[batch\].*\| 0 \| 0.8 \| 1 \|", text)


def test_the_design_of_several_factors_is_a_table():
    frame = pd.DataFrame(
        {"y": [1.0, 2, 4, 3, 5, 7, 6, 8], "a": list("ppppqqqq"), "b": list("uuvwuvvv"), "c": list("rrsstttt")}
    )
    found = design_grid(frame, ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)").resolved)
    assert [row[:3] for row in found.rows] == [
        ("a", "2", "4"),
        ("b", "3", "1 to 4"),
        ("c", "3", "2 to 4"),
        ("a:b", "5", "1 to 3"),
        ("b:c", "5", "1 to 3"),
    ]
    facts = dict(data_facts(frame, ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)").resolved))
    assert facts["a and b"] == "crossed; 5 of 6 cells occur, 2 with replicates, up to 3"
    assert facts["a and c"] == "a level of c lies in one level of a"
    assert facts["Observations"] == "8"


def test_a_fixed_factor_is_reported_with_its_levels(tmp_path):
    frame = pd.DataFrame({"y": [1.0, 2, 4, 3, 5, 7], "drug": list("abcabc"), "user": list("ppqqrr")})
    text = write_report(ma.Model("y ~ C(drug) + (1 | user)"), tmp_path / "r.md", data=frame).read_text(encoding="utf-8")
    assert "drug is a fixed factor, with levels a, b, c; the first is the reference" in text
    assert "`drug[b]`" in text
    assert "- drug: a: 2, b: 2, c: 2" in text


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_weighted_fit_shows_where_its_weights_come_from(dyestuff, tmp_path, suffix):
    data = dyestuff["data"]
    said = "bears on efficiency alone"
    for weighting in ("two-step", "none"):
        fit = DYESTUFF.fit(data, weighting=weighting)
        text = write_report(DYESTUFF, tmp_path / f"{weighting}{suffix}", data=data, fit=fit).read_text(encoding="utf-8")
        assert (said in " ".join(text.split())) == (weighting == "two-step")
        assert ("Cauchy-Schwarz" in text) == ("Aitken" in text) == (weighting == "two-step")
