"""The comparison of derivations/ notices every difference, and rebuilding mends it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.golden import main

MODEL = "def build():\n    return {'result.md': 'N µ\\n', 'estimator.py': 'x = 1\\n'}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "derivations" / "one"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(MODEL, encoding="utf-8")
    assert main("rebuild", folder.parent, tmp_path / "scratch") == 0
    return folder.parent


def test_rebuilt_files_compare_equal(root, tmp_path, capsys):
    assert (root / "one" / "result.md").read_bytes() == "N µ\n".encode()
    assert main("compare", root, tmp_path / "scratch") == 0
    assert "1 derivations compared, 0 files differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("result.md", b"N mu\n", "-N mu"),
        ("result.md", "N µ\r\n".encode(), "in line ends only"),
        ("result.md", None, "is missing"),
        ("stale.tex", b"x\n", "is not built by model.py"),
    ],
)
def test_each_difference_is_named_and_mended(root, tmp_path, capsys, name, content, message):
    path = root / "one" / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert main("compare", root, tmp_path / "scratch") == 1
    shown = capsys.readouterr().out
    assert f"derivations/one/{name} " in shown
    assert message in shown
    assert main("rebuild", root, tmp_path / "scratch") == 0
    assert main("compare", root, tmp_path / "scratch") == 0
    assert sorted(p.name for p in (root / "one").iterdir()) == ["estimator.py", "model.py", "result.md"]


def test_no_derivation_at_all_is_not_a_success(tmp_path):
    assert main("compare", tmp_path, tmp_path / "scratch") == 1


def test_a_build_that_fails_is_not_a_success(root, tmp_path):
    (root / "one" / "model.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        main("compare", root, tmp_path / "scratch")
