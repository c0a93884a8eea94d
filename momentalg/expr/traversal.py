"""The only traversal code: walking, transforming and addressing parts of an expression by path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any

from momentalg.expr.nodes import Node

Path = tuple[int, ...]
"""Positions of children, from the root; the empty path is the root itself."""


@cache
def _parts_of(kind: Any) -> tuple[str, ...]:
    nodes = {"Node", *(k.__name__ for k in _kinds(Node))}
    return tuple(f.name for f in fields(kind) if nodes & set(re.findall(r"\w+", str(f.type))))


def _kinds(kind: type[Node]) -> Iterator[type[Node]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


def _parts(node: Node) -> tuple[str, ...]:
    """The names of the fields that hold nodes: those whose type names a kind of node. Found once for each kind."""
    kind: Any = type(node)
    return _parts_of(kind)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below `node`, in order of its fields."""
    names = _parts(node)
    if not names:
        return ()
    found: list[Node] = []
    for name in names:
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(v for v in value if isinstance(v, Node))
    return tuple(found)


def rebuild(node: Node, new: tuple[Node, ...]) -> Node:
    """Return `node` with its children replaced, in the order of `children`."""
    if not new:
        return node
    queue = list(new)
    changed: dict[str, Any] = {}
    for name in _parts(node):
        value = getattr(node, name)
        if isinstance(value, Node):
            changed[name] = queue.pop(0)
        elif isinstance(value, tuple) and any(isinstance(v, Node) for v in value):
            changed[name] = tuple(queue.pop(0) if isinstance(v, Node) else v for v in value)
    return replace(node, **changed)


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def transform(node: Node, change: Callable[[Node], Node]) -> Node:
    """Apply `change` to every node, children first."""
    below = children(node)
    new = tuple(transform(child, change) for child in below)
    return change(rebuild(node, new) if new != below else node)


def get(node: Node, path: Path) -> Node:
    """The part of `node` at `path`."""
    for position in path:
        node = children(node)[position]
    return node


def put(node: Node, path: Path, part: Node) -> Node:
    """Return `node` with the part at `path` replaced."""
    if not path:
        return part
    below = list(children(node))
    below[path[0]] = put(below[path[0]], path[1:], part)
    return rebuild(node, tuple(below))


def find(node: Node, wanted: Callable[[Node], bool], path: Path = ()) -> Iterator[Path]:
    """Yield the paths of the outermost parts that are `wanted`, left to right."""
    if wanted(node):
        yield path
        return
    for position, child in enumerate(children(node)):
        yield from find(child, wanted, (*path, position))
