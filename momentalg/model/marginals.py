"""Laws of single variables of a unit, one by one: no joint moment unless independence was declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from momentalg.errors import AssumptionError, ModelError
from momentalg.model.distributions.base import Law, SizeLaw


@dataclass(frozen=True)
class MarginalLaws:
    """The law of each variable in `laws`, by key; `independent` lists the sets declared mutually independent."""

    factor: str
    laws: Mapping[str, Law]
    independent: tuple[frozenset[str], ...] = ()

    @property
    def size_key(self) -> str:
        """The key of the unit's size."""
        return f"size({self.factor})"

    @property
    def variables(self) -> tuple[str, ...]:
        """The keys of the variables."""
        return tuple(self.laws)

    @property
    def size(self) -> SizeLaw:
        """The law of the unit's size."""
        law = self.laws.get(self.size_key)
        if not isinstance(law, SizeLaw):
            raise ModelError(f"the law says nothing about {self.size_key}; it gives {', '.join(self.laws)}")
        return law

    @property
    def may_be_zero(self) -> bool:
        """Whether a unit may be empty."""
        return self.size.may_be_zero

    def moment(self, powers: Mapping[str, int]) -> Any:
        """The moment E[prod variable^power]; of several variables only under declared independence."""
        asked = {key: power for key, power in powers.items() if power}
        for key in asked:
            if key not in self.laws:
                raise ModelError(
                    f"the law says nothing about {key}; it gives {', '.join(self.laws)}. Independence is never assumed"
                )
        if len(asked) > 1 and not any(set(asked) <= group for group in self.independent):
            names = ", ".join(asked)
            raise AssumptionError(
                f"the joint moment of {names} does not follow from the law of each: give atoms, as in "
                f"law=[{{'p': '1/2', ...}}], or declare ma.independent({', '.join(map(repr, asked))})"
            )
        value: Any = Fraction(1)
        for key, power in asked.items():
            value = value * self.laws[key].moment(power)
        return value

    def truncated(self) -> MarginalLaws:
        """The laws with the size given N >= 1. It needs the other variables to be independent of the size."""
        others = set(self.laws) - {self.size_key}
        if others and not any(set(self.laws) <= group for group in self.independent):
            raise AssumptionError(
                f"what the law of {', '.join(sorted(others))} is given {self.size_key} >= 1 does not follow; give atoms"
            )
        return MarginalLaws(self.factor, {**self.laws, self.size_key: self.size.truncated()}, self.independent)

    def describe(self) -> str:
        """The laws in words."""
        return "; ".join(f"{key}: {law.describe()}" for key, law in self.laws.items())
