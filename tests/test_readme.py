"""The README keeps its word: its examples run, top to bottom, and print what it shows."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout

import pytest
from click.testing import CliRunner
from sybil import Example
from sybil.document import Document
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

import momentalg as ma
from momentalg.cli import main
from tests.imports import ROOT

README = ROOT / "README.md"


class Session:
    """What a reader does: type the code, run the commands, and compare with what is shown."""

    def __init__(self) -> None:
        self.python = PythonEvaluator()
        self.printed = ""
        self.compared = 0

    def run(self, example: Example) -> None:
        assert self.printed == "", "output of an earlier example is not shown in the README"
        with redirect_stdout(io.StringIO()) as out:
            self.python(example)
        self.printed = out.getvalue()

    def compare(self, example: Example) -> None:
        assert_shows(example.parsed, self.printed)
        self.printed = ""
        self.compared += 1

    def console(self, example: Example) -> None:
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", example.parsed, re.MULTILINE):
            program, *arguments = shlex.split(command)
            if program == "python":  # a generated module
                found = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
                assert_shows(shown, found.stdout)
            else:
                assert program == "momentalg"
                assert_shows(shown, CliRunner().invoke(main, arguments).output)
            self.compared += 1


def assert_shows(shown: str, printed: str) -> None:
    """`shown` is what is printed, where a line of dots stands for any lines."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^\.\.\.$", shown.strip("\n"), flags=re.MULTILINE)]
    pattern = r"(?s:.*)".join(parts)
    assert re.fullmatch(pattern, printed.strip("\n")), f"the README shows\n{shown}\nbut this is printed\n{printed}"


def test_dots_stand_for_lines_and_for_nothing_else():
    assert_shows("a\n...\nd", "a\nb\nc\nd\n")
    with pytest.raises(AssertionError, match="the README shows"):
        assert_shows("a\n...\nd", "a\nb\nc\ne\n")
    with pytest.raises(AssertionError, match="the README shows"):
        assert_shows("a\nd", "a\nb\nd\n")


def test_the_examples_run_and_print_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")  # the width that the README shows, whatever runs the tests
    (tmp_path / "pups.csv").write_bytes(ma.datasets.path("RatPupWeight").read_bytes())
    session = Session()
    blocks = {"python": session.run, "text": session.compare, "console": session.console}
    document = Document.parse(str(README), *(CodeBlockParser(name, do) for name, do in blocks.items()))
    examples = list(document.examples())
    assert len(examples) == len(re.findall(r"^```\w", README.read_text(encoding="utf-8"), re.MULTILINE))
    for example in examples:
        example.evaluate()
    assert session.printed == ""
    assert session.compared >= 8
    assert {"ratings_estimator.py", "ratings.html"} <= {path.name for path in tmp_path.iterdir()}


def test_the_typeset_equation_is_the_one_that_is_derived():
    model = ma.Model("rating ~ 1 + size(user) + (1 | user)")
    typeset = model.var(model.total(model.y, by="user"))._repr_latex_()
    (shown,) = re.findall(r"^\$\$(.*)\$\$$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown.replace(" ", "") in re.sub(r"[&\s]", "", typeset)


def test_the_first_screen_holds_problem_code_and_equation():
    first = README.read_text(encoding="utf-8").splitlines()[:45]
    code = first[first.index("```python") + 1 :]
    assert len(code[: code.index("```")]) <= 10
    assert any("**The problem.**" in line for line in first)
    assert any(line.startswith("$$") for line in first)


def test_the_commands_of_the_readme_are_targets_of_the_makefile():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"\bmake ([a-z]+)\b", README.read_text(encoding="utf-8"))
    assert {"demo", "test"} <= set(named) <= set(targets)
