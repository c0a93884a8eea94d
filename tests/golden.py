"""Rebuilds derivations/ (`make derivations`), or rebuilds it in memory and compares bytes (`make golden`).

A derivation is a folder derivations/<slug>/ with a model.py, which holds the model and the published answer and
defines ``build() -> dict[str, str]``: the text of each generated file by its name. Each build runs in a fresh
interpreter with its own hash seed, so that a file that depends on the order of a set does not stay unnoticed.
derivations/README.md is generated as well: the title and the first formula of each <slug>.md.
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DERIVATIONS = Path(__file__).resolve().parent.parent / "derivations"
BUILD = "import json, runpy, sys; json.dump(runpy.run_path(sys.argv[1])['build'](), open(sys.argv[2], 'w'))"
DIFFERENCE = 20  # lines shown of each file that differs
README = """# Derivations

Worked examples, which are also the golden files of the engine. Each folder has a `model.py`: the model, what is asked
of it, and the published answer with its citation. Everything else is generated from it, and nothing is written unless
every step replays, the derived results equal the published ones symbolically, and exact enumeration gives the same
numbers:

- `<slug>.md`, `<slug>.tex`: the derivation with each law named, the moment equations and the estimators;
- `estimator.py`: the generated program, which needs NumPy alone;
- `check.json`: the exact value of every result and the expectation of every estimator on a small design, and the
  verdict of a simulation.

`make derivations` rebuilds them, `make golden` compares bytes.
"""


def build(slug: Path, scratch: Path) -> dict[str, bytes]:
    """The generated files of one derivation, by name."""
    result = scratch / f"{slug.name}.json"
    environment = {**os.environ, "PYTHONPATH": str(slug.parent.parent), "PYTHONHASHSEED": "random"}
    command = [sys.executable, "-c", BUILD, str(slug / "model.py"), str(result)]
    subprocess.run(command, check=True, env=environment)
    return {name: text.encode() for name, text in json.loads(result.read_text()).items()}


def compare(slug: Path, built: dict[str, bytes]) -> list[str]:
    """What differs between the folder and what is built, one message a file."""
    kept = {p.name: p.read_bytes() for p in slug.iterdir() if p.is_file() and p.name != "model.py"}
    messages = []
    for name in sorted(kept.keys() | built.keys()):
        where = f"derivations/{slug.name}/{name}"
        if name not in built:
            messages.append(f"{where} is not built by model.py: remove it")
        else:
            messages += compare_file(where, kept.get(name), built[name])
    return messages


def compare_file(where: str, kept: bytes | None, built: bytes) -> list[str]:
    """What differs between a file and what is built: no message, or one."""
    if kept is None:
        return [f"{where} is missing: run `make derivations`"]
    if kept == built:
        return []
    old, new = kept.decode().splitlines(), built.decode().splitlines()
    lines = list(difflib.unified_diff(old, new, "kept", "built", lineterm="", n=1))
    return ["\n    ".join([f"{where} differs", *(lines[:DIFFERENCE] or ["in line ends only"])])]


def rebuild(slug: Path, built: dict[str, bytes]) -> None:
    """Make the folder what is built, and remove what is not built."""
    for path in slug.iterdir():
        if path.is_file() and path.name != "model.py" and path.name not in built:
            path.unlink()
    for name, content in built.items():
        write(slug / name, content)


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def readme(derivations: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """derivations/README.md: each derivation with its title and the first formula that it shows."""
    parts = [README]
    for slug, built in derivations.items():
        title, _, text = built[f"{slug}.md"].decode().removeprefix("# ").partition("\n")
        formula = text.split("$$")[1].strip()
        parts.append(f"## [{title}]({slug}/{slug}.md)\n\n$$\n{formula}\n$$\n")
    return "\n".join(parts).encode()


def main(task: str, root: Path, scratch: Path) -> int:
    """Compare or rebuild every derivation below `root`; returns the exit code."""
    slugs = sorted(p.parent for p in root.glob("*/model.py"))
    if not slugs:
        print(f"golden: no derivation: {root.name}/<slug>/model.py not found")
        return 1
    scratch.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(lambda slug: build(slug, scratch), slugs))
    index = root / "README.md"
    listed = readme({slug.name: built for slug, built in zip(slugs, results, strict=True)})
    messages = []
    for slug, built in zip(slugs, results, strict=True):
        if task == "compare":
            messages += compare(slug, built)
        else:
            rebuild(slug, built)
    if task == "compare":
        messages += compare_file(f"{root.name}/README.md", index.read_bytes() if index.exists() else None, listed)
    else:
        write(index, listed)
    done = {"compare": "compared", "rebuild": "rebuilt"}[task]
    print("\n".join([*messages, f"golden: {len(slugs)} derivations {done}, {len(messages)} files differ"]))
    return 1 if messages else 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["compare"], ["rebuild"]):
        sys.exit("usage: python -m tests.golden compare|rebuild")
    sys.exit(main(sys.argv[1], DERIVATIONS, DERIVATIONS.parent / "build" / "golden"))
