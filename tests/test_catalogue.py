"""Catalogues: one file, one constant, no list to edit; and no file is forgotten."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import sys
from pathlib import Path

import pytest

from momentalg.catalogue import discover
from momentalg.errors import MomentalgError
from tests.imports import imports, sources

CATALOGUES = [
    ("momentalg.datasets", "DATASET"),
    ("momentalg.model.distributions", "DISTRIBUTION"),
    ("momentalg.rules", "RULE"),
    ("momentalg.statistics", "STATISTIC"),
]
ENTRY = "from types import SimpleNamespace\nTHING = SimpleNamespace(name={!r})\n"


NUMBERS = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A new package in which `write(module, text)` makes a module; discovery is cached by name, so each is new."""
    folder = tmp_path / f"catalogue_{next(NUMBERS)}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [m for m in sys.modules if m.split(".")[0] == folder.name]:
        del sys.modules[name]


def write(package: Path, module: str, text: str) -> None:
    (package / f"{module}.py").write_text(text, encoding="utf-8")
    importlib.invalidate_caches()


def test_entries_are_found_by_name_and_sorted(package):
    write(package, "b", ENTRY.format("zeta"))
    write(package, "z", ENTRY.format("alpha"))
    write(package, "shared", "HELP = 1\n")
    assert list(discover(package.name, "THING")) == ["alpha", "zeta"]


def test_two_entries_of_one_name_are_refused(package):
    write(package, "a", ENTRY.format("same"))
    write(package, "b", ENTRY.format("same"))
    with pytest.raises(MomentalgError, match=r"two entries of .* 'same'; rename one"):
        discover(package.name, "THING")


def test_a_catalogue_cannot_be_changed(package):
    write(package, "a", ENTRY.format("a"))
    with pytest.raises(TypeError):
        discover(package.name, "THING")["b"] = None


@pytest.mark.parametrize(("name", "constant"), CATALOGUES)
def test_every_file_is_an_entry_or_serves_the_entries(name, constant):
    """A module without the constant that no other module of its package imports is an entry misspelt."""
    trees = {m: t for m, t in sources().items() if m.startswith(name.replace(".", "/") + "/")}
    used = {f.target for module, tree in trees.items() for f in imports(module, tree)}
    entries, lost = 0, []
    for info in pkgutil.iter_modules(importlib.import_module(name).__path__, f"{name}."):
        if hasattr(importlib.import_module(info.name), constant):
            entries += 1
        elif not any(f"{target}.".startswith(f"{info.name}.") for target in used):
            lost.append(info.name)
    assert lost == []
    assert len(discover(name, constant)) == entries > 0
