"""The comparison of derivations/ notices every difference, and rebuilding mends it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.golden import main

MODEL = "def build():\n    return {'one.md': '# One µ\\n\\n$$\\nN\\n$$\\n', 'estimator.py': 'x = 1\\n'}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "derivations" / "one"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(MODEL, encoding="utf-8")
    assert main("rebuild", folder.parent, tmp_path / "scratch") == 0
    return folder.parent


def test_rebuilt_files_compare_equal(root, tmp_path, capsys):
    assert (root / "one" / "one.md").read_bytes() == "# One µ\n\n$$\nN\n$$\n".encode()
    assert main("compare", root, tmp_path / "scratch") == 0
    assert "1 derivations compared, 0 files differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("one.md", b"# One mu\n", "-# One mu"),
        ("one.md", "# One µ\r\n\r\n$$\r\nN\r\n$$\r\n".encode(), "in line ends only"),
        ("one.md", None, "is missing"),
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
    assert sorted(p.name for p in (root / "one").iterdir()) == ["estimator.py", "model.py", "one.md"]


def test_the_list_of_derivations_has_their_titles_and_first_formulas(root, tmp_path, capsys):
    readme = root / "README.md"
    assert readme.read_text(encoding="utf-8").endswith("\n## [One µ](one/one.md)\n\n$$\nN\n$$\n")
    readme.write_text("# Derivations\n", encoding="utf-8")
    assert main("compare", root, tmp_path / "scratch") == 1
    assert "derivations/README.md differs" in capsys.readouterr().out
    readme.unlink()
    assert main("compare", root, tmp_path / "scratch") == 1
    assert "derivations/README.md is missing" in capsys.readouterr().out


def test_no_derivation_at_all_is_not_a_success(tmp_path):
    assert main("compare", tmp_path, tmp_path / "scratch") == 1


def test_a_build_that_fails_is_not_a_success(root, tmp_path):
    (root / "one" / "model.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        main("compare", root, tmp_path / "scratch")
