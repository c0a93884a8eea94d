"""Random designs of several factors to simulate on: labels drawn from an incidence of `ma.designs`, anew each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from momentalg.check.drawing import Rows, also_drawn, draw_covariates
from momentalg.errors import ModelError
from momentalg.expr.keys import variable_key
from momentalg.model.distributions.base import Law
from momentalg.model.incidence.base import Incidence
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import basic_variables, meeting

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class IncidenceDesign:
    """Labels that meet as an incidence says; levels without observations are not observed."""

    model: ResolvedModel
    incidence: Incidence
    levels: Mapping[str, int]
    laws: Mapping[str, Law]

    @classmethod
    def read(
        cls, incidence: Incidence, model: ResolvedModel, units: Mapping[str, int] | None, laws: Mapping[str, Law]
    ) -> IncidenceDesign:
        """Check that the incidence is one of the model's factors, and that it leaves nothing open."""
        import numpy as np

        meeting(model, incidence)
        for variable in basic_variables(model):
            if variable.kind == "column" and variable.name not in laws:
                raise ModelError(f"the design says nothing about {variable_key(variable)}: give covariates=")
        found = cls(model, incidence, dict(units or {}), laws)
        found.draw(np.random.default_rng(0))  # laws that are left open are refused before anything is simulated
        return found

    def draw(self, rng: np.random.Generator) -> Rows:
        """Labels are numbered anew, so that levels without observations leave no gaps."""
        import numpy as np

        drawn = self.incidence.sample(rng, self.levels)
        columns = {name: np.unique(drawn[name], return_inverse=True)[1] for name in self.model.columns}
        rows = Rows(columns, len(columns[self.model.columns[0]]))
        return Rows({**columns, **draw_covariates(self.laws, self.model, rows, rng)}, rows.count)

    def describe(self) -> str:
        """The incidence, and the numbers of levels that it does not say itself."""
        levels = "".join(f", {count} levels of {name}" for name, count in self.levels.items())
        return f"{self.incidence!r}{levels}{also_drawn(self.laws)}"
