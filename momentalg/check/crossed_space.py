"""Finite probability spaces of crossed designs: all tables of counts, with all draws of the effects and residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from momentalg.check.laws import Law
from momentalg.check.outcomes import Outcome, drawn, true_parameters
from momentalg.check.parameters import ParameterValues
from momentalg.check.random_incidence import Tables, rows_of
from momentalg.check.sample import Labels, Sample
from momentalg.check.scope import Scope, free_names
from momentalg.errors import StatisticError
from momentalg.expr import nodes as n
from momentalg.model.resolved import ResolvedModel


@dataclass(frozen=True)
class CrossedSpace:
    """The joint law of a crossed design, of its effects and its residuals.

    `tables` are those of `random_incidence`, a single one for a design that is fixed; `columns` label its rows and
    columns. `constants` are the probabilities of labels, by the variable's name and the places of the levels.
    """

    model: ResolvedModel
    coefficients: Mapping[str, Fraction | int | str]
    tables: Tables
    columns: Sequence[str]
    effects: tuple[Law, ...]
    residual: Law
    constants: Mapping[str, Mapping[tuple[int, ...], Fraction]] = field(default_factory=dict)

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """All outcomes with positive probability."""
        places = sorted({cell for table in self.tables for cell, _ in table})
        whole = Sample(dict(enumerate(dict(zip(self.columns, place, strict=True)) for place in places)))
        levels = [
            (b, tuple(labels.values()))
            for b, block in enumerate(self.model.groups)
            for labels in whole.levels(block.factor)
        ]
        found: list[Outcome] = []
        for table, probability in self.tables.items():
            sample = Sample(dict(enumerate(rows_of(table, self.columns))))
            observations = list(sample.rows)
            found.extend(drawn((probability, table, sample), levels, observations, self.effects, self.residual))
        return tuple(found)

    @cached_property
    def parameters(self) -> ParameterValues:
        """The true value of every parameter."""
        return true_parameters(self.model, self.coefficients, self.effects, self.residual)

    def scope(
        self, node: n.Node, at: Mapping[str, int] | None, observations: Mapping[str, tuple[int, int]] | None
    ) -> Scope:
        """The default levels are those in place 0; other names of levels stand for 1, unless `at` says otherwise."""
        if observations:
            raise StatisticError("observations of a crossed space have no names")
        named = {name: int(name != "i") for kind, name in free_names(node, frozenset()) if kind == "level"}
        places: dict[str, Any] = {**named, **(at or {})}
        default: dict[tuple[str, ...], Any] = {("default", c): places.get(c, 0) for c in self.columns}
        return {**default, **{("level", name): place for name, place in places.items()}}

    def constant(self, variable: n.Variable, labels: Labels) -> Fraction:
        """The probability of these labels."""
        found = self.constants.get(variable.name, {})
        place = tuple(labels[c] for c in self.columns if c in labels)
        if place not in found:
            raise StatisticError(f"the space does not say what {variable.name} is on {dict(labels)}")
        return found[place]

    def places(self, column: str) -> Sequence[int]:
        """All rows, or all columns, of the tables."""
        position = list(self.columns).index(column)
        return sorted({cell[position] for table in self.tables for cell, _ in table})
