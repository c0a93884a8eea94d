"""The order in which a derivation is read: definitions, then chains with numbers, laws and assumptions.

A reading is plain data; `momentalg.derive.view` writes it in LaTeX, HTML, Markdown and text, and adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from momentalg.derive.partitions import PartitionTable, partition_table
from momentalg.derive.step import Chain, Step
from momentalg.expr.nodes import Add, Cumulant, Node, Over, Response, Total
from momentalg.expr.notation import Notation
from momentalg.expr.text import text
from momentalg.expr.traversal import walk
from momentalg.rules.definition import written_out
from momentalg.rules.model_equation import equation, equation_of_covariate, equation_of_one

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation


@dataclass(frozen=True)
class Line:
    """One equality: the expression it ends in, and the law that gives it. `left` begins a chain."""

    node: Node
    law: str
    left: Node | None = None
    kind: str = "identity"
    assumption: int = 0  # the number of the assumption that the law uses
    lemmas: tuple[int, ...] = ()  # the numbers of the sections whose results are put in place
    acted: tuple[int, ...] = ()  # the terms of the sum that the next law acts on, when it is not all of them

    @property
    def note(self) -> str:
        """The law in words, with what it refers to: ``earlier results, by (1) and (2)``."""
        note = self.law
        if self.lemmas:
            note += f", by {_listed([f'({n})' for n in self.lemmas])}"
        if self.assumption:
            note += f" (A{self.assumption})"
        elif self.kind not in ("identity", "assumption"):
            note += f" ({self.kind})"
        return note


@dataclass(frozen=True)
class Section:
    """A chain of equalities, with the number that others refer to; 0 when none does."""

    number: int
    title: str
    given: tuple[Node, ...]
    lines: tuple[Line, ...]
    remarks: tuple[str, ...] = ()  # the assumptions that are used here for the first time
    detail: Callable[[], PartitionTable] | None = field(default=None, compare=False)  # what a reader may unfold

    @property
    def heading(self) -> str:
        """The heading without what is given."""
        return f"({self.number}) {self.title}" if self.number else self.title


@dataclass(frozen=True)
class Reading:
    """A whole derivation, ready to be written down."""

    asked: Node
    result: Node
    sections: tuple[Section, ...]
    notation: Notation


@dataclass
class Told:
    """What a reader has met: chains by what they derive and assumptions, with their numbers; definitions; facts."""

    chains: dict[Node, int] = field(default_factory=dict)  # the number of the latest chain to derive it
    ways: set[tuple[object, ...]] = field(default_factory=set)  # a model, a start, and all that follows
    assumptions: dict[str, int] = field(default_factory=dict)
    definitions: dict[Line, None] = field(default_factory=dict)
    facts: dict[str, None] = field(default_factory=dict)


def reading(derivation: Derivation) -> Reading:
    """Put a derivation in the order in which it is read; its chains are numbered if there are several."""
    return _reading(derivation, Told(), numbered=len(derivation.chains) > 1)


def readings(derivations: Iterable[Derivation]) -> Iterator[Reading]:
    """Derivations that are read one after the other: numbers go on, and nothing is derived twice."""
    told = Told()
    for derivation in derivations:
        yield _reading(derivation, told, numbered=True)


def _reading(derivation: Derivation, told: Told, numbered: bool) -> Reading:
    several = any(_speaks_of_several(part) for a in derivation.args for part in walk(a))
    levels = frozenset(label for a in derivation.args for part in walk(a) for label in getattr(part, "level", ()))
    notation = Notation.of(derivation.model.resolved, units=2 if several else 1, named=levels)
    sections: list[Section] = []
    for chain in ordered(derivation.chains):
        way = (derivation.model, chain.start, *(step.after for step in chain.steps))
        if way not in told.ways:
            told.ways.add(way)
            told.chains[chain.start] = len(told.ways)
            section = _section(chain, told, notation, numbered)
            if chain.start == derivation.asked and any(step.rule == "core_identity" for step in chain.steps):
                section = replace(section, detail=partial(partition_table, derivation, notation))
            sections.append(section)
    definitions = tuple(line for line in _definitions(derivation, notation) if line not in told.definitions)
    told.definitions.update(dict.fromkeys(definitions))
    facts = [fact for fact in derivation.facts if fact not in told.facts]
    told.facts.update(dict.fromkeys(facts))
    if definitions or facts:
        remarks = tuple(f"Assumed: {fact}." for fact in facts)
        sections.insert(0, Section(0, "Definitions" if definitions else "Assumed", (), definitions, remarks))
    return Reading(derivation.asked, derivation.node, tuple(sections), notation)


def _speaks_of_several(part: Node) -> bool:
    """Whether levels must be told apart: one is named, or the sum is over all of them."""
    return bool(getattr(part, "level", ())) or isinstance(part, Over) or (isinstance(part, Total) and not part.by)


def ordered(chains: Sequence[Chain]) -> tuple[Chain, ...]:
    """Results before their use; among those that are ready, the deepest conditioning first, means before variances."""
    starts = {c.start for c in chains}
    waiting = list(chains)
    placed: list[Chain] = []
    while waiting:
        done = {c.start for c in placed}
        ready = [c for c in waiting if not (_needs(c) & starts) - done - {c.start}] or waiting
        best = min(ready, key=lambda c: (c is chains[-1], -_conditions(c), _order(c)))
        placed.append(best)
        waiting.remove(best)
    return tuple(placed)


def _needs(chain: Chain) -> set[Node]:
    return {goal for step in chain.steps for goal in step.lemmas}


def _conditions(chain: Chain) -> int:
    return len(chain.start.given) if isinstance(chain.start, Cumulant) else 0


def _order(chain: Chain) -> int:
    return len(chain.start.args) if isinstance(chain.start, Cumulant) else 0


def _section(chain: Chain, told: Told, notation: Notation, numbered: bool) -> Section:
    assumed = told.assumptions
    remarks: list[str] = []
    lines: list[Line] = []
    steps = [s for s in chain.steps if text(s.before, notation) != text(s.after, notation)]  # no change, to a reader
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        if step.assumes and step.assumes not in assumed:
            assumed[step.assumes] = len(assumed) + 1
            remarks.append(f"Assumption A{assumed[step.assumes]}: {step.assumes}.")
        lines.append(
            Line(
                step.after,
                step.title.partition(":")[0],
                left=None if lines else chain.start,
                kind=step.kind,
                assumption=assumed.get(step.assumes, 0),
                lemmas=tuple(sorted(told.chains[goal] for goal in step.lemmas if goal in told.chains)),
                acted=_acted(following) if following else (),
            )
        )
    if not lines:
        lines = [Line(chain.end, "a moment of the design", left=chain.start)]
    given = chain.start.given if isinstance(chain.start, Cumulant) else ()
    return Section(told.chains[chain.start] if numbered else 0, chain.title, given, tuple(lines), tuple(remarks))


def _acted(step: Step) -> tuple[int, ...]:
    """The terms of the sum `step.before` that its law acts on; nothing when it acts on all of it."""
    if not isinstance(step.before, Add) or () in step.where:
        return ()
    terms = tuple(sorted({path[0] for path in step.where}))
    return terms if len(terms) < len(step.before.args) else ()


def _definitions(derivation: Derivation, notation: Notation) -> Iterator[Line]:
    """What the totals are that have a letter of their own, and the model."""
    model = derivation.model.resolved
    index = notation.observation_label
    parts = dict.fromkeys(p for a in derivation.args for p in walk(a))
    totals = [p for p in parts if isinstance(p, Total) and any(isinstance(q, Response) for q in walk(p))]
    for total in totals:
        right = written_out(total, index, model)
        if text(total, notation) != text(right, notation):
            yield Line(right, "definition", left=total)
    if totals:
        alone = len(model.columns) == 1
        model_of_one = (
            equation(index, model.columns, totals[0].level, model) if alone else equation_of_one(index, model)
        )
        yield Line(model_of_one, "the model", left=Response(index))
        for response in model.responses:
            place = (model.columns, totals[0].level) if alone else ((), ())
            covariate, own = equation_of_covariate(response, index, *place, model)
            yield Line(own, f"the model of {response.column}, which is random", left=covariate)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
