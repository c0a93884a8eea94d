"""What a law is, and how its two sides are matched and filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from momentalg.expr.nodes import Cumulant, Letter, Node
from momentalg.model.resolved import ResolvedModel

KINDS = ("identity", "assumption", "approximation", "estimation", "solution", "upper bound", "lower bound")


@dataclass(frozen=True)
class Context:
    """What a law may look at besides the expression: the model, what to condition on, and earlier results."""

    model: ResolvedModel
    on: tuple[Node, ...] = ()
    lemmas: Mapping[Node, Node] = field(default_factory=dict)


Rewrite = Callable[[Node, Context], Node | None]


@dataclass(frozen=True)
class Rule:
    """A law: what it says (printed), where it comes from, and the function that applies it.

    `left` and `right` are the law with placeholders (`Letter`); `law(k)` is a variadic law at arity k.
    `rewrite` returns None where the law does not apply. An identity and an assumption keep the value; `assumes` is what
    an assumption states. `examples` are expressions in which a test applies the law on finite probability spaces.
    """

    name: str
    title: str
    left: Node
    right: Node
    rewrite: Rewrite
    source: str
    kind: str = "identity"
    assumes: str = ""
    where: str = ""  # what the letters of the printed law stand for, where they do not tell
    law: Callable[[int], tuple[Node, Node]] | None = None
    examples: tuple[tuple[Node, tuple[Node, ...]], ...] = ()  # (expression, what to condition on)
    whole: bool = False  # applies to the whole expression only, not to its parts; and once
    once: bool = False  # its right side contains its left side again: one application is one step

    @property
    def relation(self) -> str:
        """How the two sides of the law compare."""
        return {"upper bound": "<=", "lower bound": ">="}.get(self.kind, "=")


def match(pattern: Node, node: Node) -> dict[str, Any] | None:
    """Bind the placeholders of `pattern` so that it equals `node`; None when it cannot be.

    A placeholder alone in a tuple stands for the whole tuple, but for one argument only in a cumulant.
    """
    found: dict[str, Any] = {}
    return found if _match(pattern, node, found) else None


def _match(pattern: Any, node: Any, found: dict[str, Any]) -> bool:
    if isinstance(pattern, Letter):
        return bool(found.setdefault(pattern.name, node) == node)
    if isinstance(pattern, tuple):
        if len(pattern) == 1 and isinstance(pattern[0], Letter) and isinstance(node, tuple):
            return bool(found.setdefault(pattern[0].name, node) == node)
        return (
            isinstance(node, tuple)
            and len(pattern) == len(node)
            and all(_match(p, n, found) for p, n in zip(pattern, node, strict=True))
        )
    if not isinstance(pattern, Node):
        return bool(pattern == node)
    if isinstance(pattern, Cumulant) and isinstance(node, Cumulant) and len(pattern.args) != len(node.args):
        return False  # a placeholder stands for all that is given, and for one argument
    return type(pattern) is type(node) and all(
        _match(getattr(pattern, f.name), getattr(node, f.name), found) for f in fields(pattern)
    )


def fill(pattern: Any, found: Mapping[str, Any]) -> Any:
    """Put what was bound in place of the placeholders; a tuple is spliced in."""
    if isinstance(pattern, Letter):
        return found.get(pattern.name, pattern)
    if isinstance(pattern, tuple):
        parts: list[Any] = []
        for part in pattern:
            new = fill(part, found)
            parts.extend(new if isinstance(new, tuple) and isinstance(part, Letter) else (new,))
        return tuple(parts)
    if not isinstance(pattern, Node):
        return pattern
    changed = {f.name: fill(getattr(pattern, f.name), found) for f in fields(pattern)}
    return replace(pattern, **changed)


def by_pattern(left: Node, right: Node) -> Rewrite:
    """The rewrite that a law of fixed arity is: match the left side, fill in the right; U is what to condition on."""

    def rewrite(node: Node, context: Context) -> Node | None:
        found = match(left, node)
        if found is None or not context.on:
            return None
        filled: Node = fill(right, {**found, "U": context.on})
        return filled

    return rewrite
