"""Outcomes of finite probability spaces, and what a space must have for nodes to have values on it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Protocol

from momentalg.check.laws import Law, law_cumulants
from momentalg.check.parameters import ParameterValues, cumulant_keys
from momentalg.check.sample import Labels, Observation, Sample
from momentalg.check.scope import Scope
from momentalg.expr import nodes as n
from momentalg.model.resolved import ResolvedModel


@dataclass(frozen=True)
class Outcome:
    """One outcome: its probability, the design and what tells it from others, the effects and the residuals.

    `effects` are by block and level, a value per coefficient.
    """

    probability: Fraction
    design: Hashable
    sample: Sample
    effects: Mapping[tuple[int, tuple[Any, ...]], tuple[Fraction, ...]]
    noise: Mapping[Observation, Fraction]


class FiniteSpace(Protocol):
    """What a space must have for nodes to have values on it."""

    @property
    def model(self) -> ResolvedModel: ...
    @property
    def outcomes(self) -> tuple[Outcome, ...]: ...
    @property
    def parameters(self) -> ParameterValues: ...

    def scope(
        self, node: n.Node, at: Mapping[str, int] | None, observations: Mapping[str, tuple[int, int]] | None
    ) -> Scope:
        """What names mean."""

    def constant(self, variable: n.Variable, labels: Labels) -> Fraction:
        """The value of a constant of the random design, such as a probability, on a level."""

    def places(self, column: str) -> Sequence[int]:
        """All levels of a column, where the law of the design tells."""


def true_parameters(
    model: ResolvedModel, means: Mapping[str, Fraction | int | str], effects: Sequence[Law], residual: Law
) -> ParameterValues:
    """The given means, and the cumulants of the laws."""
    values: dict[str, Fraction | int | str] = dict(means)
    laws = [law_cumulants(law) for law in effects]
    of_residual = law_cumulants(residual)
    for key, block, chosen in cumulant_keys(model):
        if block is None:
            values[key] = of_residual((0,) * len(chosen))
        else:
            names = [str(c.key) for c in model.groups[block].coefficients]
            values[key] = laws[block](tuple(sorted(names.index(c) for c in chosen)))
    return ParameterValues(model, values)


def drawn(
    design: tuple[Fraction, Hashable, Sample],
    levels: Sequence[tuple[int, tuple[Any, ...]]],
    observations: Sequence[Observation],
    effects: Sequence[Law],
    residual: Law,
) -> Iterator[Outcome]:
    """The outcomes of one design (its probability, what it is called, its sample): all draws of effects and noise."""
    probability, key, sample = design
    for draw in product(*(effects[block] for block, _ in levels), *(residual for _ in observations)):
        p = probability
        for weight, _ in draw:
            p *= weight
        values = {place: found for place, (_, found) in zip(levels, draw, strict=False)}
        noise = [found[0] for _, found in draw[len(levels) :]]
        yield Outcome(p, key, sample, values, dict(zip(observations, noise, strict=True)))
