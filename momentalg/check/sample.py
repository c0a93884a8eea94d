"""A realised design, as plain rows by observation, and what names mean on it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from momentalg.check.scope import Scope
from momentalg.errors import AssumptionError
from momentalg.model.resolved import ResolvedModel

Observation = Hashable
Labels = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """Rows by observation, each giving labels and covariates by name, and levels that are there but empty."""

    rows: Mapping[Observation, Mapping[str, Any]]
    empty: tuple[Mapping[str, Any], ...] = ()
    projections: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """The matrices of projection statistics on these rows, each made once."""

    def where(self, labels: Labels) -> list[Observation]:
        """The observations that carry these labels."""
        return [o for o, row in self.rows.items() if all(row[c] == v for c, v in labels.items())]

    def levels(self, columns: Sequence[str]) -> list[Labels]:
        """The non-empty levels of a factor, in order of appearance."""
        found = dict.fromkeys(tuple(row[c] for c in columns) for row in self.rows.values())
        return [dict(zip(columns, values, strict=True)) for values in found]

    def implied(self, labels: Labels, columns: Sequence[str]) -> dict[str, Any]:
        """`labels`, and the labels in other columns that all of their observations share."""
        inside = [self.rows[o] for o in self.where(labels)]
        shared = {c: inside[0][c] for c in columns if inside and len({row[c] for row in inside}) == 1}
        return {**shared, **labels}

    def constant(self, name: str, labels: Labels) -> Fraction:
        """The value of a covariate on a level, on which it must be constant."""
        inside = [self.rows[o] for o in self.where(labels)]
        inside += [row for row in self.empty if all(c in row and row[c] == v for c, v in labels.items())]
        values = {Fraction(row[name]) for row in inside if name in row}
        if len(values) != 1:
            found = ", ".join(map(str, sorted(values))) or "none"
            raise AssumptionError(f"{name!r} must have one value on the level {dict(labels)}; found {found}")
        return values.pop()


def design_scope(
    sample: Sample,
    model: ResolvedModel,
    at: Mapping[str, Any] | None = None,
    observations: Mapping[str, Observation] | None = None,
) -> Scope:
    """The scope of statistics on a given design, from ``at={"user": "u7", "k": "u8"}``.

    A column's name gives the default level's label, any other name is that of a free level. Columns that are
    constant on the default level get their labels from it.
    """
    columns = tuple(dict.fromkeys((*model.columns, *model.local_to)))
    given = {c: label for c, label in (at or {}).items() if c in columns}
    default = sample.implied(given, columns) if given else {}
    return {
        **{("level", name): label for name, label in (at or {}).items()},
        **{("default", c): label for c, label in default.items()},
        **{("observation", index): o for index, o in (observations or {}).items()},
    }
