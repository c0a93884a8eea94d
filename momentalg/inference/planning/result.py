"""`Plan`: the designs that reach a target, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PlannedDesign:
    """One design: its numbers by name, its observations (their mean, where they are random), cost, standard errors."""

    numbers: Mapping[str, Any]
    observations: float
    cost: float
    std_errors: Mapping[str, float]


@dataclass(frozen=True, repr=False)
class Plan:
    """Designs with the fewest levels of one column that reach the target, the cheapest first."""

    formula: str
    column: str
    target_se: Mapping[str, float]
    parameters: Mapping[str, float]
    designs: tuple[PlannedDesign, ...]
    normal: bool
    prices: Mapping[str, float]

    @property
    def best(self) -> PlannedDesign:
        """The cheapest design."""
        return self.designs[0]

    @property
    def table(self) -> pd.DataFrame:
        """A row per design: numbers of levels and observations, the cost, the standard error of each parameter."""
        import pandas as pd

        rows = [
            {**d.numbers, "observations": d.observations, "cost": d.cost}
            | {f"se({key})": value for key, value in d.std_errors.items()}
            for d in self.designs
        ]
        return pd.DataFrame(rows)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the standard errors assume."""
        kurtosis = (
            "normal effects and residuals: give k4(...) for heavier tails"
            if self.normal
            else "fourth cumulants as given, 0 where they are not"
        )
        drawn = "; where not all cells are observed, for one incidence that was drawn"
        partly = any(d.numbers.get("observed", 1) != 1 for d in self.designs)
        return (
            "variances of the estimators with weights at these parameters (REML's equations), to first order; exact "
            "for balanced designs" + (drawn if partly else ""),
            kurtosis,
        )

    def plot(self, against: str = "size", ax: Any = None) -> Any:
        """The trade-off: levels that are needed, and what they cost, against another number of the design.

        Drawn on the matplotlib Axes `ax`, which is returned; without it on a new figure, which is returned. Of the
        designs that share a value the cheapest is drawn.
        """
        from momentalg.inference.planning.picture import draw

        return draw(self, against, ax)

    def __repr__(self) -> str:
        head = f"Plan for {self.formula}: {', '.join(f'se({k}) <= {v:g}' for k, v in self.target_se.items())}"
        numbers = ", ".join(f"{name} = {value}" for name, value in self.best.numbers.items())
        total = f"{self.best.observations:g} observations, cost {self.best.cost:g}"
        best = f"Cheapest of {len(self.designs)}: {numbers}; {total}"
        shown = self.table.head(12).to_string(index=False)
        return "\n".join([head, best, "", shown, "", *(f"Note: {note}." for note in self.notes)])
