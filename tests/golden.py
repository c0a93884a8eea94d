"""Rebuilds derivations/ (`make derivations`), or rebuilds it in memory and compares bytes (`make golden`).

A derivation is a folder derivations/<slug>/ with a model.py, which holds the model and the published answer and
defines ``build() -> dict[str, str]``: the text of each generated file by its name. Each build runs in a fresh
interpreter with its own hash seed, so that a file that depends on the order of a set does not stay unnoticed.
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DERIVATIONS = Path(__file__).resolve().parent.parent / "derivations"
BUILD = "import json, runpy, sys; json.dump(runpy.run_path(sys.argv[1])['build'](), open(sys.argv[2], 'w'))"
DIFFERENCE = 20  # lines shown of each file that differs


def build(slug: Path, scratch: Path) -> dict[str, bytes]:
    """The generated files of one derivation, by name."""
    result = scratch / f"{slug.name}.json"
    command = [sys.executable, "-c", BUILD, str(slug / "model.py"), str(result)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(slug.parent.parent)})
    return {name: text.encode() for name, text in json.loads(result.read_text()).items()}


def compare(slug: Path, built: dict[str, bytes]) -> list[str]:
    """What differs between the folder and what is built, one message a file."""
    kept = {p.name: p.read_bytes() for p in slug.iterdir() if p.is_file() and p.name != "model.py"}
    messages = []
    for name in sorted(kept.keys() | built.keys()):
        where = f"derivations/{slug.name}/{name}"
        if name not in built:
            messages.append(f"{where} is not built by model.py: remove it")
        elif name not in kept:
            messages.append(f"{where} is missing: run `make derivations`")
        elif kept[name] != built[name]:
            old, new = kept[name].decode().splitlines(), built[name].decode().splitlines()
            lines = list(difflib.unified_diff(old, new, "kept", "built", lineterm="", n=1))
            messages.append("\n    ".join([f"{where} differs", *(lines[:DIFFERENCE] or ["in line ends only"])]))
    return messages


def rebuild(slug: Path, built: dict[str, bytes]) -> list[str]:
    """Make the folder what is built: write each file whole or not at all, and remove what is not built."""
    for path in slug.iterdir():
        if path.is_file() and path.name != "model.py" and path.name not in built:
            path.unlink()
    for name, content in built.items():
        partial = slug / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(slug / name)
    return []


def main(task: str, root: Path, scratch: Path) -> int:
    """Compare or rebuild every derivation below `root`; returns the exit code."""
    slugs = sorted(p.parent for p in root.glob("*/model.py"))
    if not slugs:
        print(f"golden: no derivation: {root.name}/<slug>/model.py not found")
        return 1
    work = {"compare": compare, "rebuild": rebuild}[task]
    scratch.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(lambda slug: build(slug, scratch), slugs))
    messages = [message for slug, built in zip(slugs, results, strict=True) for message in work(slug, built)]
    print("\n".join([*messages, f"golden: {len(slugs)} derivations {task}d, {len(messages)} files differ"]))
    return 1 if messages else 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["compare"], ["rebuild"]):
        sys.exit("usage: python -m tests.golden compare|rebuild")
    sys.exit(main(sys.argv[1], DERIVATIONS, DERIVATIONS.parent / "build" / "golden"))
