"""Steps and chains: what a derivation consists of, and how a law is applied and replayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from momentalg.catalogue import discover
from momentalg.cumulants.polynomial import Polynomial
from momentalg.cumulants.value import canonical_value
from momentalg.errors import RuleError
from momentalg.expr.expanding import with_powers
from momentalg.expr.nodes import ZERO, Add, Cumulant, Delta, LevelSum, Mul, Node, Pow, Sum, add, mul, power
from momentalg.expr.text import text
from momentalg.expr.traversal import Path, children, get, put, transform
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rule

LIMIT = 50  # rounds of one law; a law that goes on longer does not terminate


@dataclass(frozen=True, repr=False)
class Step:
    """One step: a law, applied at `where` in `before`, gives `after`.

    `on` is what a total law conditions on; `lemmas` are the earlier results that the step puts in place.
    """

    rule: str
    before: Node
    after: Node
    where: tuple[Path, ...]
    on: tuple[Node, ...] = ()
    lemmas: Mapping[Node, Node] = field(default_factory=dict)

    @property
    def law(self) -> Rule:
        """The law of the catalogue."""
        return rule_named(self.rule)

    @property
    def kind(self) -> str:
        """identity, assumption, approximation, estimation or solution."""
        return self.law.kind

    @property
    def title(self) -> str:
        """The name of the law as printed."""
        return self.law.title

    def __repr__(self) -> str:
        return f"<Step {text(self.before)} = {text(self.after)}; {self.title}>"

    @property
    def assumes(self) -> str:
        """The assumption that the step uses; empty for an identity."""
        return self.law.assumes


@dataclass(frozen=True, repr=False)
class Chain:
    """A line of equalities: `start` = ... = `end`, one law a step."""

    title: str
    start: Node
    steps: tuple[Step, ...] = ()

    def __repr__(self) -> str:
        return f"<Chain {text(self.start)} = {text(self.end)}; {len(self.steps)} steps>"

    @property
    def end(self) -> Node:
        """The last expression."""
        return self.steps[-1].after if self.steps else self.start

    def then(
        self, rule: str, model: ResolvedModel, on: tuple[Node, ...] = (), lemmas: Mapping[Node, Node] | None = None
    ) -> Chain:
        """The chain with one more step; the same chain where the law does not apply."""
        context = Context(model, on, dict(lemmas or {}))
        after, where = apply(rule_named(rule), self.end, context)
        if after == self.end:
            return self
        used = {key: result for key, result in context.lemmas.items() if any(get(self.end, p) == key for p in where)}
        return replace(self, steps=(*self.steps, Step(rule, self.end, after, where, on, used)))


def rule_named(name: str) -> Rule:
    """A law of the catalogue."""
    rule: Rule = discover("momentalg.rules", "RULE")[name]
    return rule


def apply(rule: Rule, node: Node, context: Context) -> tuple[Node, tuple[Path, ...]]:
    """Apply a law wherever it applies, outermost first, until it applies no more; and where it did at first."""
    places: tuple[Path, ...] = ()
    for _ in range(LIMIT):
        found = tuple(_rewritten(rule, node, context))
        if not found:
            return node, places
        places = places or tuple(path for path, _ in found)
        for path, new in found:
            node = put(node, path, new)
        node = assembled(node)
        if rule.once or rule.whole:
            return node, places
    raise RuleError(f"the law {rule.name} went on for {LIMIT} rounds")


def _rewritten(rule: Rule, node: Node, context: Context, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Where the law applies, outermost places first, and what it gives there."""
    new = rule.rewrite(node, context)
    if new is not None:
        yield path, new
    elif not rule.whole:
        for position, child in enumerate(children(node)):
            yield from _rewritten(rule, child, context, (*path, position))


def assembled(node: Node) -> Node:
    """The node with its arithmetic put together again after parts were replaced."""

    def change(part: Node) -> Node:
        match part:
            case Add(args):
                return add(*args)
            case Mul(args):
                return with_powers(mul(*args))
            case Pow(Delta(), _):
                return part.base
            case Pow(base, exponent):
                return power(base, exponent)
            case Sum(_, body) | LevelSum(_, body) if body == ZERO:
                return ZERO
            case Cumulant(args) if ZERO in args:
                return ZERO
            case _:
                return part

    return transform(node, change)


def replay(step: Step, model: ResolvedModel, before: Polynomial) -> Polynomial:
    """Apply the law again and compare values; raises `RuleError` where the step does not follow.

    `before` is the canonical value that the step starts from; that of where it ends is returned.
    """
    after, _ = apply(step.law, step.before, Context(model, step.on, step.lemmas))
    if after != step.after:
        raise RuleError(f"the law {step.rule} does not give the step that is recorded")
    value = canonical_value(step.after, model)
    if step.kind in ("identity", "assumption") and value != before:
        raise RuleError(f"the step by {step.rule} changes the value of the expression")
    return value
