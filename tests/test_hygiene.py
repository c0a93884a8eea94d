"""What every tracked file must be: free of one machine's traces, of loose ends, and complete."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib

import pytest

from tests.imports import ROOT

# Put together from pieces, so that this file does not contain what it looks for.
TRACES = [
    rf"(?<![\w.~/-])/(?:{'|'.join(['ro' + 'ot', 'ho' + 'me', 'wo' + 'rk', 'Us' + 'ers', 'tm' + 'p'])})/",
    "python" + "hosted",
    "pypi" + r"\.org/simple",
    "registry" + r"\.npmjs",
    r"--(?:extra-)?index" + "-url",
    r"--find" + "-links",
    r"\b(?:10\.\d{1,3}|192\.168)(?:\.\d{1,3}){2}\b",
]
LOOSE_ENDS = ["TO" + "DO", "FIX" + "ME", "X" * 3, r"raise Not" + "ImplementedError"]


def tracked() -> list[str]:
    """The files under version control; of an unpacked archive, all files that are not built."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode == 0 and run.stdout:
        return sorted(name for name in run.stdout.split("\0") if name and (ROOT / name).is_file())
    built = {".venv", "build", "dist", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}
    every = (p.relative_to(ROOT) for p in ROOT.rglob("*") if p.is_file())
    return sorted(p.as_posix() for p in every if not built & set(p.parts))


FILES = tracked()


def lines_matching(patterns: list[str]) -> list[str]:
    pattern = re.compile("|".join(patterns))
    found = []
    for name in FILES:
        for number, line in enumerate((ROOT / name).read_bytes().decode("utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{name}:{number}: {line.strip()[:80]}")
    return found


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("/ro" + "ot/x", True),
        ("open('/tm" + "p/x')", True),
        ("url = 'https://pypi" + ".org/simple'", True),
        ("a/home" + "/b", False),
        ("docs/work" + "/x", False),
        ("10.5 and 192.5", False),
        ("host 10.0" + ".0.7", True),
    ],
)
def test_the_patterns_catch_what_they_should(line, caught):
    assert bool(re.search("|".join(TRACES), line)) is caught


def test_no_paths_of_one_machine_and_no_registry_hosts():
    assert lines_matching(TRACES) == []


def test_nothing_is_left_open():
    assert lines_matching([rf"\b(?:{'|'.join(LOOSE_ENDS)})\b"]) == []


def test_the_top_level_holds_what_the_design_names():
    allowed = {".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "constraints.txt"}
    allowed |= {"derivations", "momentalg", "pyproject.toml", "templates", "tests"}
    assert {name.split("/")[0] for name in FILES} <= allowed


def test_licence():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("BSD 3-Clause License")
    assert "Copyright (c) 2026, momentalg developers" in text


def test_the_changelog_has_a_place_for_what_comes():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_ci_runs_what_a_developer_runs():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("make test")


def test_constraints_pin_every_direct_dependency_and_nothing_but_versions():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*", pin) for pin in pins)
    assert pins == sorted(pins, key=lambda pin: pin.split("==")[0])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    direct = [*project["project"]["dependencies"], *groups["test"], *groups["engines"], *groups["lint"]]
    named = {re.match(r"[\w-]+", requirement)[0].lower() for requirement in direct}
    assert named <= {pin.split("==")[0] for pin in pins}


def test_the_version_stands_in_one_place():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    holders = [name for name in FILES if version in (ROOT / name).read_text(encoding="utf-8")]
    assert holders == ["pyproject.toml"]


def test_tests_assert_something():
    """A test file without an assertion cannot fail."""
    tests = [name for name in FILES if re.fullmatch(r"tests/(.*/)?test_\w+\.py", name)]
    assert [n for n in tests if not re.search(r"\bassert\b|raises|check\(", (ROOT / n).read_text("utf-8"))] == []


def test_property_tests_leave_the_number_of_examples_to_the_profile():
    """A fixed max_examples would hide from `make test-long`."""
    tests = [name for name in FILES if name.startswith("tests/") and name != "tests/conftest.py"]
    fixed = re.compile(r"max_examples\s*=\s*\d")
    assert [n for n in tests if fixed.search((ROOT / n).read_text("utf-8"))] == []
