"""Reads the imports of the package from its source, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "momentalg"


@dataclass(frozen=True)
class Import:
    """One imported module, and where it is imported."""

    module: str  # momentalg/model/model.py
    line: int
    target: str  # the dotted name of what is imported; of a name in a module, the module and the name
    function: str  # dotted name of the innermost function around it, as in "Model.fit"; empty at module level
    typing_only: bool  # under `if TYPE_CHECKING:`

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}" + (f" in {self.function}" if self.function else "")


def sources() -> dict[str, ast.Module]:
    """The parsed modules of the package, by their path from the root."""
    return {p.relative_to(ROOT).as_posix(): ast.parse(p.read_bytes()) for p in sorted(PACKAGE.rglob("*.py"))}


def imports(module: str, tree: ast.Module) -> Iterator[Import]:
    """All imports of a module, dynamic ones by a constant name included."""
    yield from _visit(module, tree, "", typing_only=False)


def functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """The functions and methods of a module, by dotted name."""
    return dict(_functions(tree, ""))


def _functions(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield scope + child.name, child
        name = getattr(child, "name", None) if isinstance(child, (ast.ClassDef, ast.FunctionDef)) else None
        yield from _functions(child, f"{scope}{name}." if name else scope)


def _visit(module: str, node: ast.AST, scope: str, *, typing_only: bool, inside: str = "") -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for target in _targets(child):
            yield Import(module, child.lineno, target, inside, typing_only)  # type: ignore[attr-defined]
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = scope + child.name
            yield from _visit(module, child, f"{name}.", typing_only=typing_only, inside=name)
        elif isinstance(child, ast.ClassDef):
            yield from _visit(module, child, f"{scope}{child.name}.", typing_only=typing_only, inside=inside)
        elif isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            body = ast.Module(child.body, [])
            yield from _visit(module, body, scope, typing_only=True, inside=inside)
            rest = ast.Module(child.orelse, [])
            yield from _visit(module, rest, scope, typing_only=typing_only, inside=inside)
        else:
            yield from _visit(module, child, scope, typing_only=typing_only, inside=inside)


def _targets(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("discover", "import_module"):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            return [first.value]
    return []
