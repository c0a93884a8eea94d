"""An incidence whose moments keep their names: E(N^2) before it is worked out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from momentalg.expr.nodes import Variable
from momentalg.model.incidence.base import Columns, Incidence


@dataclass(frozen=True, repr=False)
class Named(Incidence):
    """The law `of`, of which nothing is used but what is fixed in it."""

    of: Incidence

    @property
    def strata(self) -> Columns:
        return self.of.strata

    @property
    def drawn(self) -> tuple[Columns, ...]:
        return self.of.drawn

    @property
    def values(self) -> Mapping[Variable, Columns]:
        return self.of.values
