"""Any law with finitely many values, exactly: of a size, or of a covariate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.errors import AssumptionError, ModelError
from momentalg.model.distributions.base import Distribution, Size, SizeLaw
from momentalg.model.distributions.exact import ExactLike, exact, shown

if TYPE_CHECKING:
    import numpy as np

    from momentalg.model.distributions.base import Array


def probabilities(weights: Mapping[Any, ExactLike], what: str) -> dict[Any, Fraction]:
    """Read probabilities that must sum to one exactly; values of probability zero are left out."""
    if not weights:
        raise ModelError(f"{what} has no values")
    read = {value: exact(p, f"the probability of {value!r} in {what}", floats=False) for value, p in weights.items()}
    for value, p in read.items():
        if p < 0:
            raise ModelError(f"the probability of {value!r} in {what} is negative: {p}")
    if sum(read.values()) != 1:
        raise ModelError(f"the probabilities of {what} sum to {sum(read.values())}, not to 1")
    return {value: p for value, p in read.items() if p}


@dataclass(frozen=True, init=False, repr=False)
class Finite(SizeLaw):
    """``Finite({1: "1/2", 3: "1/2"})``: values with their probabilities; a law of sizes if all are 0, 1, 2, ..."""

    atoms: tuple[tuple[Fraction, Fraction], ...]

    def __init__(self, law: Mapping[Any, ExactLike]) -> None:
        merged: dict[Fraction, Fraction] = {}
        for value, p in probabilities(law, "a finite law").items():
            number = exact(value, "a value of a finite law", floats=False)
            merged[number] = merged.get(number, Fraction(0)) + p
        self._set(atoms=tuple(sorted(merged.items())))

    @property
    def parameters(self) -> dict[str, Fraction | None]:
        return {}

    @property
    def is_size(self) -> bool:
        return all(value >= 0 and value.denominator == 1 for value, _ in self.atoms)

    @property
    def may_be_zero(self) -> bool:
        return any(value == 0 for value, _ in self.atoms)

    @property
    def support_min(self) -> Fraction:
        return self.atoms[0][0]

    def raw(self, p: int) -> Fraction:
        return sum((weight * value**p for value, weight in self.atoms), Fraction(0))

    def probability(self, k: int) -> Fraction:
        return dict(self.atoms).get(Fraction(k), Fraction(0))

    def truncated(self) -> SizeLaw:
        if not self.may_be_zero:
            return self
        rest = 1 - self.probability(0)
        if not rest:
            raise AssumptionError(f"{self!r} has no truncated form: all units are empty")
        return Finite({value: p / rest for value, p in self.atoms if value})

    def draw(self, rng: np.random.Generator, size: Size) -> Array:
        import numpy as np

        whole = all(value.denominator == 1 for value, _ in self.atoms)
        values = np.array([int(value) if whole else float(value) for value, _ in self.atoms])
        drawn: Array = values[rng.choice(len(values), size, p=[float(p) for _, p in self.atoms])]
        return drawn

    def describe(self) -> str:
        return "finite: " + ", ".join(f"{value} with probability {p}" for value, p in self.atoms)

    def __repr__(self) -> str:
        return "Finite({" + ", ".join(f"{shown(value)}: {shown(p)}" for value, p in self.atoms) + "})"


DISTRIBUTION = Distribution(
    name="finite",
    title="Finite",
    law=Finite,
    roles=("size", "covariate"),
    examples=(Finite({1: "1/2", 3: "1/2"}), Finite({0: "1/4", 2: "1/2", 5: "1/4"}), Finite({"-1/2": "2/3", 1: "1/3"})),
    source="definition",
)
