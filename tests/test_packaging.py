"""The wheel, built without network, holds all that is needed, and works outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.imports import ROOT

pytestmark = pytest.mark.xdist_group("packaging")  # one worker, so that the wheel is built once

# No index, and none of the machine's own settings of pip.
OFFLINE = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
OFFLINE |= {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": os.devnull}

USE = """
import sys
import momentalg as ma
from momentalg.emit.templates import template_root

assert ma.__file__.startswith(sys.argv[1]), ma.__file__
assert str(template_root()).startswith(sys.argv[1]), template_root()
frame = ma.datasets.load("Dyestuff")
model = ma.Model("Yield ~ 1 + (1 | Batch)")
system = model.moment_equations()
module = system.estimator(backend="numpy")
fit = model.fit(frame)
print(round(fit.params["var(1|Batch)"], 2), round(fit.params["var(residual)"], 2), "def accumulate" in module.source)
"""


def run(command: list[str], **settings) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, env=OFFLINE)
    (built,) = folder.glob("momentalg-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """A folder with nothing but the installed wheel."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    run([*pip, str(wheel)], env=OFFLINE)
    return folder


def files(folder: str) -> list[Path]:
    return [p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def test_the_wheel_holds_the_package_the_templates_and_the_data_byte_for_byte(wheel):
    expected = {p.relative_to(ROOT).as_posix(): p for p in files("momentalg")}
    expected |= {f"momentalg/_templates/{p.relative_to(ROOT / 'templates').as_posix()}": p for p in files("templates")}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert held == set(expected)
        assert [name for name, path in expected.items() if archive.read(name) != path.read_bytes()] == []
    assert "momentalg/py.typed" in held
    assert "momentalg/datasets/Dyestuff.csv" in held
    assert any(name.startswith("momentalg/_templates/numpy/") for name in held)


def test_the_same_tree_gives_the_same_wheel(wheel, tmp_path):
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, env=OFFLINE)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_source_archive_builds_the_same_wheel(wheel, tmp_path):
    run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)], cwd=ROOT, env=OFFLINE)
    (archive,) = tmp_path.glob("momentalg-*.tar.gz")
    run([sys.executable, "-m", "tarfile", "-e", str(archive), str(tmp_path)])
    unpacked = tmp_path / archive.name.removesuffix(".tar.gz")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=unpacked, env=OFFLINE)
    with zipfile.ZipFile(tmp_path / wheel.name) as one, zipfile.ZipFile(wheel) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_it_works_outside_the_checkout(site, tmp_path):
    dependencies = sysconfig.get_path("purelib")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), dependencies]), "PYTHONWARNINGS": "error"}
    shown = run([sys.executable, "-c", USE, str(site)], cwd=tmp_path, env=environment)
    assert shown.split() == ["1764.05", "2451.25", "True"]


def test_the_command_is_installed(site, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), sysconfig.get_path("purelib")])}
    shown = run([sys.executable, "-m", "momentalg", "--help"], cwd=tmp_path, env=environment)
    assert all(command in shown for command in ("derive", "generate", "check", "report", "fit", "rules", "statistics"))
    entry = next(site.glob("momentalg-*.dist-info/entry_points.txt")).read_text(encoding="utf-8")
    assert "momentalg = momentalg.cli:main" in entry
