"""The templates are found in an installed package and in a checkout; neither is an error that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from momentalg.emit import templates
from momentalg.errors import MomentalgError


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "momentalg"
    folder.mkdir()
    monkeypatch.setattr(templates, "files", lambda name: {"momentalg": folder}[name])
    return folder


def test_this_checkout_has_them():
    assert (templates.template_root() / "numpy").is_dir()


def test_the_installed_folder_wins(package):
    (package.parent / "templates").mkdir()
    (package / "_templates").mkdir()
    assert templates.template_root() == package / "_templates"


def test_a_checkout_is_the_fallback(package):
    (package.parent / "templates").mkdir()
    assert templates.template_root() == package.parent / "templates"


@pytest.mark.usefixtures("package")
def test_a_broken_installation_says_where_it_looked():
    with pytest.raises(MomentalgError, match=r"_templates nor .*reinstall momentalg"):
        templates.template_root()
