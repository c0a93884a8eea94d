"""Nested sampling: units with a random number of subgroups, each with a random number of observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from momentalg.model.distributions.base import SizeLaw
from momentalg.model.incidence.base import Columns, Incidence, read_columns, read_count


@dataclass(frozen=True, repr=False)
class NestedSampling(Incidence):
    """Unit i has J_i subgroups, i.i.d. over units, and subgroup j of it n_ij observations, i.i.d. over all."""

    units: str
    subgroups: str
    groups: SizeLaw | None = None
    sizes: SizeLaw | None = None

    @property
    def strata(self) -> Columns:
        return (self.units, self.subgroups)

    @property
    def within(self) -> Mapping[str, str]:
        return {self.subgroups: self.units}

    @property
    def count(self) -> SizeLaw | None:
        return self.sizes

    @property
    def number(self) -> SizeLaw | None:
        return self.groups

    @property
    def may_be_empty(self) -> frozenset[str]:
        laws = (self.groups, self.sizes)
        return frozenset({self.units} if any(law is not None and law.may_be_zero for law in laws) else ())


def nested_sampling(units: str, subgroups: str, groups: Any = None, sizes: Any = None) -> NestedSampling:
    """Units with i.i.d. numbers J of subgroups, whose sizes n are i.i.d.: classes of schools, batches of plants.

    `subgroups` is the column of the inner label, b of ``(1 | a/b)``. `groups` is the law of J, `sizes` that of n; what
    is not given stays a symbol. So E(N) = E(J) E(n) and Var(N) = E(J) Var(n) + Var(J) E(n)^2 for the size of a unit.
    """
    read_columns(units, subgroups)
    number = read_count(groups, "the number of subgroups of a unit")
    return NestedSampling(units, subgroups, number, read_count(sizes, "the size of a subgroup"))
