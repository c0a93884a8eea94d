"""Finite probability spaces: the joint law of a few units, on which every node has an exact rational value.

A derivation's step replaces one expression by another; on a space, both have a value in every outcome, and an
identity keeps it. All comes from the definitions: an expectation is a sum over outcomes, conditioning is grouping of
outcomes by the values of what is given, and a cumulant is a polynomial in raw moments.

Sizes, covariates, effects and residuals are drawn unit by unit, independently. Each unit has residuals for at least
`potential` observations, so that Var(Y_j) has a value for a free j whatever the size is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any

from momentalg.check.laws import Law, UnitAtom, designs, law_cumulants, sample_of
from momentalg.check.outcomes import FiniteSpace, Outcome, drawn, true_parameters
from momentalg.check.parameters import ParameterValues
from momentalg.check.reader import NumberReader
from momentalg.check.sample import Labels, Observation, Sample
from momentalg.check.scope import Scope, unit_scope
from momentalg.errors import AssumptionError, StatisticError
from momentalg.expr import nodes as n
from momentalg.expr.traversal import walk
from momentalg.model.resolved import GroupBlock, ResolvedModel

Letters = Mapping[str, n.Node | Fraction]


@dataclass(frozen=True)
class Space:
    """The joint law of `units` i.i.d. units; factors are the unit, or nested in it.

    `design` comes from `laws.read_atoms`; `effects` has one zero-mean law per block of `model.groups`, with a value
    per coefficient; `coefficients` gives the mean parameters by key. Parameters of the effects are the laws' own.
    """

    model: ResolvedModel
    coefficients: Mapping[str, Fraction | int | str]
    design: tuple[UnitAtom, ...]
    effects: tuple[Law, ...]
    residual: Law
    units: int = 1
    potential: int = 2

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """All outcomes with positive probability."""
        places = max(self.potential, max(a.size for a in self.design))
        observations = [(unit, j) for unit in range(self.units) for j in range(places)]
        found: list[Outcome] = []
        for probability, atoms in designs(self.design, self.units):
            sample = sample_of(self.model, atoms)
            levels = [(b, level) for b, block in enumerate(self.model.groups) for level in self._levels(block, sample)]
            key = tuple(atom.key for atom in atoms)
            found.extend(drawn((probability, key, sample), levels, observations, self.effects, self.residual))
        return tuple(found)

    def _levels(self, block: GroupBlock, sample: Sample) -> list[tuple[Any, ...]]:
        """The levels that have effects: units also without observations."""
        if block.factor == self.model.unit:
            return [(unit,) * len(block.factor) for unit in range(self.units)]
        return [tuple(labels.values()) for labels in sample.levels(block.factor)]

    @cached_property
    def parameters(self) -> ParameterValues:
        """The true value of every parameter."""
        return true_parameters(self.model, self.coefficients, self.effects, self.residual)

    def scope(
        self, node: n.Node, at: Mapping[str, int] | None, observations: Mapping[str, tuple[int, int]] | None
    ) -> Scope:
        """The default level is unit 0, others are the units 1, 2, ...; see `unit_scope`."""
        return unit_scope((node,), self.model.unit, self.units, at, observations)

    def constant(self, variable: n.Variable, labels: Labels) -> Fraction:
        """Units have no such constants."""
        raise StatisticError(f"{variable.name} is no constant of a law of units: it has no value on {dict(labels)}")

    def places(self, column: str) -> Sequence[int]:
        """Units are those that are there, empty or not."""
        return ()


def evaluate(
    node: n.Node,
    space: FiniteSpace,
    *,
    at: Mapping[str, int] | None = None,
    observations: Mapping[str, tuple[int, int]] | None = None,
    letters: Letters | None = None,
) -> Fraction:
    """The exact value of `node` where it is a constant, such as an unconditional cumulant.

    Raises `AssumptionError` where it divides by zero, `StatisticError` where it is random: see `values`.
    """
    found = set(values(node, space, at=at, observations=observations, letters=letters))
    if len(found) != 1:
        raise StatisticError(f"the expression is random on this space: it takes {len(found)} values; use values()")
    return found.pop()


def values(
    node: n.Node,
    space: FiniteSpace,
    *,
    at: Mapping[str, int] | None = None,
    observations: Mapping[str, tuple[int, int]] | None = None,
    letters: Letters | None = None,
) -> tuple[Fraction, ...]:
    """The exact value of `node` in every outcome of the space, in order.

    The default level and ``i`` are unit 0; other free level names are the units 1, 2, ..., and free indices of
    observations the places 0, 1, ... of unit 0, in order of appearance, unless `at` and `observations` say otherwise.
    """
    scope = space.scope(node, at, observations)
    run = _Run(space, letters or {})
    return tuple(run.read(node, scope, outcome) for outcome in range(len(space.outcomes)))


@dataclass
class _Run:
    """One evaluation: a reader per outcome, and the conditional cumulants found so far."""

    space: FiniteSpace
    letters: Letters
    conditions: dict[Any, list[Any]] = field(default_factory=dict)
    cumulants: dict[Any, Fraction] = field(default_factory=dict)

    @cached_property
    def readers(self) -> list[_OutcomeReader]:
        return [_OutcomeReader(self, position) for position in range(len(self.space.outcomes))]

    def read(self, node: n.Node, scope: Scope, outcome: int) -> Fraction:
        return self.readers[outcome].read(node, scope)

    def cumulant(self, node: n.Cumulant, scope: Scope, outcome: int) -> Fraction:
        """The conditional joint cumulant on the event that `given` has the values it has in this outcome."""
        place = (id(node), frozenset(scope.items()))  # nodes outlive the run's use of them: ids are names
        if place not in self.conditions:
            self.conditions[place] = [r.condition(node.given, scope) for r in self.readers]
        conditions = self.conditions[place]
        event = conditions[outcome]
        if (place, event) not in self.cumulants:
            inside = [r for c, r in zip(conditions, self.readers, strict=True) if c == event]
            self.cumulants[place, event] = _joint_cumulant(node.args, scope, inside)
        return self.cumulants[place, event]


def _joint_cumulant(args: tuple[n.Node, ...], scope: Scope, inside: list[_OutcomeReader]) -> Fraction:
    """The joint cumulant of `args` under the law restricted to some outcomes."""
    weight = sum((r.outcome.probability for r in inside), Fraction(0))
    distinct = list(dict.fromkeys(args))
    law = tuple((r.outcome.probability / weight, tuple(r.read(a, scope) for a in distinct)) for r in inside)
    return law_cumulants(law)(tuple(sorted(distinct.index(a) for a in args)))


class _OutcomeReader(NumberReader):
    """Reads nodes in one outcome; knows effects, residuals, parameters and cumulants."""

    def __init__(self, run: _Run, position: int) -> None:
        self.run = run
        self.position = position
        self.outcome = run.space.outcomes[position]
        super().__init__(self.outcome.sample, run.space.model, {}, run.letters, run.space.parameters)
        self._responses: dict[Observation, Fraction] = {}

    def _observation(self, index: str, scope: Scope) -> Observation:
        if not index and ("observation", "") not in scope and self.model.has_unit:  # Y alone: one of the default unit
            return scope["default", self.model.unit[0]], 0
        return super()._observation(index, scope)

    def response(self, observation: Observation) -> Fraction:
        """The model itself: mean columns, effects of the levels, residual."""
        if observation not in self._responses:
            total = self._noise(observation)
            for column in self.model.mean:
                total += self.run.space.parameters.mean(column.key) * self.monomial_at(column.monomial, observation)
            for b, block in enumerate(self.model.groups):
                effects = self.outcome.effects[b, self._level_at(block.factor, observation)]
                for column, effect in zip(block.coefficients, effects, strict=True):
                    total += effect * self.monomial_at(column.monomial, observation)
            self._responses[observation] = total
        return self._responses[observation]

    def _level_at(self, factor: tuple[str, ...], observation: Observation) -> tuple[Any, ...]:
        """The level of a factor that an observation lies in; a unit's observations lie in it before they are made."""
        row = self.sample.rows.get(observation)
        if row is not None:
            return tuple(row[c] for c in factor)
        if factor != self.model.unit:
            raise AssumptionError(f"observation {observation} is not in every outcome: it has no level of {factor}")
        return (_place(observation)[0],) * len(factor)

    def covariate_at(self, variable: n.Variable, observation: Observation) -> Fraction:
        if observation in self.sample.rows:
            return super().covariate_at(variable, observation)
        unit, _ = _place(observation)
        if variable.kind == "column" and variable not in self.model.constant_on:
            raise AssumptionError(f"observation {observation} is not in every outcome: it has no {variable.name!r}")
        return self.covariate_on(variable, dict.fromkeys(self.model.unit, unit))

    def _noise(self, observation: Observation) -> Fraction:
        if observation not in self.outcome.noise:
            raise StatisticError(f"the space has no observation {observation}; raise `potential` or `units`")
        return self.outcome.noise[observation]

    def special(self, node: n.Node, scope: Scope) -> Fraction:
        match node:
            case n.Effect(by, coefficient, level, index):
                for b, block in enumerate(self.model.groups):
                    names = [str(c.key) for c in block.coefficients]
                    if block.factor == by and coefficient in names:
                        place = self._level_at(by, scope["observation", index]) if index else self._at(by, level, scope)
                        return self.outcome.effects[b, place][names.index(coefficient)]
                raise StatisticError(f"the model has no effect {coefficient!r} of {':'.join(by)}")
            case n.Noise(index):
                return self._noise(self._observation(index, scope))
            case n.Cumulant():
                return self.run.cumulant(node, scope, self.position)
            case _:
                return super().special(node, scope)

    def levels_in(self, column: str, body: n.Node) -> list[Labels]:
        """Sums of constants of the law run over all levels that it has."""
        if any(isinstance(part, n.Value) and part.variable.kind == "law" for part in walk(body)):
            return [{column: place} for place in self.run.space.places(column)]
        return super().levels_in(column, body)

    def read(self, node: n.Node, scope: Scope) -> Fraction:
        """The value of a node; a number of levels that the law tells is that of all, empty or not."""
        if isinstance(node, n.Levels) and (known := [self.run.space.places(c) for c in node.by]) and all(known):
            return Fraction(prod(map(len, known)))
        return super().read(node, scope)

    def _at(self, by: tuple[str, ...], level: tuple[str, ...], scope: Scope) -> tuple[Any, ...]:
        labels = self.level_of(by, level, scope)
        return tuple(labels[c] for c in by)

    def covariate_on(self, variable: n.Variable, labels: Labels) -> Fraction:
        return (
            self.run.space.constant(variable, labels)
            if variable.kind == "law"
            else super().covariate_on(variable, labels)
        )

    def condition(self, given: tuple[n.Node, ...], scope: Scope) -> tuple[Any, ...]:
        """The values of what is given.

        An observation covariate without an index stands for all of its values, and the size of a nested factor for
        those of all its levels in the unit.
        """
        found: list[Any] = []
        for node in given:
            match node:
                case n.Design():
                    found.append(self.outcome.design)
                case n.Value(variable, "", level) if (
                    variable.kind == "column" and variable not in self.model.constant_on
                ):
                    inside = self.sample.where(self.level_of(self.model.unit, level, scope))
                    found.append(tuple(self.sample.rows[o][variable.name] for o in inside))
                case n.Size(by, level) if any(("default", c) not in scope for c in by):
                    unit = self.level_of(self.model.unit, level[: len(self.model.unit)], scope)
                    labels = [tuple(self.sample.rows[o][c] for c in by) for o in self.sample.where(unit)]
                    found.append(tuple(sorted(Counter(labels).items())))
                case _:
                    found.append(self.read(node, scope))
        return tuple(found)


def _place(observation: Observation) -> tuple[int, int]:
    """The unit of an observation, and its place there."""
    match observation:
        case (int(unit), int(place)):
            return unit, place
    raise StatisticError(f"an observation of a space is (unit, place); found {observation!r}")
