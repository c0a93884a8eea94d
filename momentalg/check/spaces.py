"""Finite probability spaces: the joint law of a few units, on which every node has an exact rational value.

A derivation's step replaces one expression by another; on a space, both have a value in every outcome, and an
identity keeps it. All comes from the definitions: an expectation is a sum over outcomes, conditioning is grouping of
outcomes by the values of what is given, and a cumulant is a polynomial in raw moments.

Sizes, covariates, effects and residuals are drawn unit by unit, independently. Each unit has residuals for at least
`potential` observations, so that Var(Y_j) has a value for a free j whatever the size is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

from momentalg.check.laws import Law, UnitAtom, designs, law_cumulants, sample_of
from momentalg.check.parameters import ParameterValues, cumulant_keys
from momentalg.check.reader import NumberReader
from momentalg.check.sample import Observation, Sample
from momentalg.check.scope import Scope, unit_scope
from momentalg.errors import AssumptionError, StatisticError
from momentalg.expr import nodes as n
from momentalg.model.resolved import ResolvedModel

Letters = Mapping[str, n.Node | Fraction]


@dataclass(frozen=True)
class Outcome:
    """One outcome: its probability, the design, the effects (block, unit, coefficient) and the residuals."""

    probability: Fraction
    atoms: tuple[UnitAtom, ...]
    sample: Sample
    effects: Mapping[tuple[int, int], tuple[Fraction, ...]]
    noise: Mapping[Observation, Fraction]


@dataclass(frozen=True)
class Space:
    """The joint law of `units` i.i.d. units of a one-factor model.

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
        return tuple(self._enumerate())

    @cached_property
    def parameters(self) -> ParameterValues:
        """The true value of every parameter: the given means, and the cumulants of the laws."""
        values: dict[str, Fraction | int | str] = dict(self.coefficients)
        laws = [law_cumulants(law) for law in self.effects]
        residual = law_cumulants(self.residual)
        for key, block, chosen in cumulant_keys(self.model):
            if block is None:
                values[key] = residual((0,) * len(chosen))
            else:
                names = [str(c.key) for c in self.model.groups[block].coefficients]
                values[key] = laws[block](tuple(sorted(names.index(c) for c in chosen)))
        return ParameterValues(self.model, values)

    def _enumerate(self) -> Iterator[Outcome]:
        places = max(self.potential, max(a.size for a in self.design))
        observations = [(unit, j) for unit in range(self.units) for j in range(places)]
        blocks = [(b, unit) for unit in range(self.units) for b in range(len(self.effects))]
        draws = list(product(*(self.effects[b] for b, _ in blocks), *(self.residual for _ in observations)))
        for probability, atoms in designs(self.design, self.units):
            sample = sample_of(self.model, atoms)
            for draw in draws:
                p = probability
                for weight, _ in draw:
                    p *= weight
                effects = {key: values for key, (_, values) in zip(blocks, draw, strict=False)}
                residuals = [values[0] for _, values in draw[len(blocks) :]]
                yield Outcome(p, atoms, sample, effects, dict(zip(observations, residuals, strict=True)))


def evaluate(
    node: n.Node,
    space: Space,
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
    space: Space,
    *,
    at: Mapping[str, int] | None = None,
    observations: Mapping[str, tuple[int, int]] | None = None,
    letters: Letters | None = None,
) -> tuple[Fraction, ...]:
    """The exact value of `node` in every outcome of the space, in order.

    The default level and ``i`` are unit 0; other free level names are the units 1, 2, ..., and free indices of
    observations the places 0, 1, ... of unit 0, in order of appearance, unless `at` and `observations` say otherwise.
    """
    scope = unit_scope((node,), space.model.unit, space.units, at, observations)
    run = _Run(space, letters or {})
    return tuple(run.read(node, scope, outcome) for outcome in range(len(space.outcomes)))


@dataclass
class _Run:
    """One evaluation: a reader per outcome, and the conditional cumulants found so far."""

    space: Space
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
        if not index and ("observation", "") not in scope:  # Y alone: an observation of the default unit
            return scope["default", self.model.unit[0]], 0
        return super()._observation(index, scope)

    def response(self, observation: Observation) -> Fraction:
        """The model itself: mean columns, effects of the unit, residual."""
        if observation not in self._responses:
            unit, _ = _place(observation)
            total = self._noise(observation)
            for column in self.model.mean:
                total += self.run.space.parameters.mean(column.key) * self.monomial_at(column.monomial, observation)
            for b, block in enumerate(self.model.groups):
                for column, effect in zip(block.coefficients, self.outcome.effects[b, unit], strict=True):
                    total += effect * self.monomial_at(column.monomial, observation)
            self._responses[observation] = total
        return self._responses[observation]

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
            case n.Effect(by, coefficient, level):
                unit = self._unit(by, level, scope)
                for b, block in enumerate(self.model.groups):
                    names = [str(c.key) for c in block.coefficients]
                    if block.factor == by and coefficient in names:
                        return self.outcome.effects[b, unit][names.index(coefficient)]
                raise StatisticError(f"the model has no effect {coefficient!r} of {':'.join(by)}")
            case n.Noise(index):
                return self._noise(self._observation(index, scope))
            case n.Cumulant():
                return self.run.cumulant(node, scope, self.position)
            case _:
                return super().special(node, scope)

    def _unit(self, by: tuple[str, ...], level: tuple[str, ...], scope: Scope) -> int:
        unit: int = self.level_of(by, level, scope)[by[0]]
        if not 0 <= unit < self.run.space.units:
            raise StatisticError(f"the space has {self.run.space.units} units, and unit {unit} was asked for")
        return unit

    def condition(self, given: tuple[n.Node, ...], scope: Scope) -> tuple[Any, ...]:
        """The values of what is given: an observation covariate without an index stands for all of its values."""
        found: list[Any] = []
        for node in given:
            if isinstance(node, n.Design):
                found.append(tuple(atom.key for atom in self.outcome.atoms))
            elif isinstance(node, n.Value) and not node.index and self._varies(node.variable):
                unit = self._unit(self.model.unit, node.level, scope)
                found.append(self.outcome.atoms[unit].varying.get(node.variable.name, ()))
            else:
                found.append(self.read(node, scope))
        return tuple(found)

    def _varies(self, variable: n.Variable) -> bool:
        return any(variable.name in atom.varying for atom in self.run.space.design)


def _place(observation: Observation) -> tuple[int, int]:
    """The unit of an observation, and its place there."""
    match observation:
        case (int(unit), int(place)):
            return unit, place
    raise StatisticError(f"an observation of a space is (unit, place); found {observation!r}")
