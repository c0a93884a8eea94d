"""Effects to simulate: one joint draw per level, with a given covariance matrix and margins of any law.

The effects of a block are  u = L z  with independent standardised z, one for each coefficient, and  G = L L' their
covariance matrix in the parameters. So the z have the laws that were asked for; every u is a combination of them, and
the joint cumulants are  kappa(u_a, ..., u_c) = sum_j kappa(z_j) L_aj ... L_cj.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.catalogue import discover
from momentalg.errors import ModelError
from momentalg.model.distributions.base import Law
from momentalg.model.resolved import GroupBlock, ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Squares = tuple[tuple[Fraction, tuple[Fraction, ...]], ...]
"""G = sum of d l l': the pivots d with the columns l of a unit lower triangular matrix."""


@dataclass(frozen=True)
class BlockEffects:
    """The laws of the effects of one block, one for each coefficient."""

    block: GroupBlock
    laws: tuple[Law, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the coefficients."""
        return tuple(str(c.key) for c in self.block.coefficients)

    def sampler(self, parameters: Mapping[str, Fraction], model: ResolvedModel) -> Callable[..., Array]:
        """A function that draws the effects of a number of levels: a row for each coefficient."""
        import numpy as np

        squares = self._squares(parameters, model)
        draws = [law.effect_sampler(d) for law, (d, _) in zip(self.laws, squares, strict=True)]
        mix = np.array([[float(x) for x in column] for _, column in squares])

        def sample(rng: np.random.Generator, levels: int) -> Array:
            drawn = np.stack([draw(rng, levels) for draw in draws])
            return mix.T @ drawn if len(drawn) > 1 else drawn

        return sample

    def cumulant(
        self, coefficients: Sequence[str], parameters: Mapping[str, Fraction], model: ResolvedModel
    ) -> float | Fraction:
        """The joint cumulant of effects with these coefficients."""
        places = [self.keys.index(c) for c in coefficients]
        total: Any = Fraction(0)
        for law, (pivot, column) in zip(self.laws, self._squares(parameters, model), strict=True):
            weight = Fraction(1)
            for place in places:
                weight *= column[place]
            if weight:
                total = total + law.cumulant(len(places), pivot) * weight
        found: float | Fraction = total
        return found

    def describe(self) -> str:
        """The laws in words."""
        name = self.block.name
        if len(set(self.laws)) == 1:
            joint = f", jointly for {' and '.join(self.keys)}" if len(self.laws) > 1 else ""
            return f"{name} {self.laws[0].describe()}{joint}"
        return f"{name} " + ", ".join(f"{k} {law.describe()}" for k, law in zip(self.keys, self.laws, strict=True))

    def _squares(self, parameters: Mapping[str, Fraction], model: ResolvedModel) -> Squares:
        matrix = [[parameters[model.cumulant_key(self.block, (a, b))] for b in self.keys] for a in self.keys]
        found = sum_of_squares(matrix)
        if found is None:
            shown = "; ".join(", ".join(f"{float(x):g}" for x in row) for row in matrix)
            raise ModelError(
                f"the effects of {self.block.name} cannot have the covariance matrix [{shown}]: a covariance is larger "
                "than its variances allow"
            )
        return found


def sum_of_squares(matrix: Sequence[Sequence[Fraction]]) -> Squares | None:
    """A symmetric matrix as a sum of d l l', with d >= 0 (LDL'); None for one that is not positive semidefinite."""
    left = [list(row) for row in matrix]
    found = []
    for n in range(len(left)):
        pivot = left[n][n]
        below = [left[i][n] for i in range(n + 1, len(left))]
        if pivot < 0 or (pivot == 0 and any(below)):
            return None
        column = [*(Fraction(0),) * n, Fraction(1), *(x / pivot if pivot else Fraction(0) for x in below)]
        found.append((pivot, tuple(column)))
        left = [[x - pivot * column[i] * column[j] for j, x in enumerate(row)] for i, row in enumerate(left)]
    return tuple(found)


def read_effects(model: ResolvedModel, effects: Mapping[str, object]) -> tuple[BlockEffects, ...]:
    """Read laws by factor, the same for every coefficient or by coefficient; the default is normal."""
    known = dict.fromkeys(block.name for block in model.groups)
    unknown = [name for name in effects if name not in known]
    if unknown:
        listed = ", ".join(map(repr, known))
        raise ModelError(f"effects= names {', '.join(map(repr, unknown))}; the model has {listed} and 'residual'")
    named = {n for n, law in effects.items() if isinstance(law, Mapping)}
    used: set[tuple[str, str]] = set()
    found = []
    for block in model.groups:
        laws = []
        for key in (str(c.key) for c in block.coefficients):
            asked = effects.get(block.name, "normal")
            if isinstance(asked, Mapping):
                used.add((block.name, key))
                asked = asked.get(key, "normal")
            laws.append(effect_law(asked, f"the effects of {block.name}"))
        found.append(BlockEffects(block, tuple(laws)))
    for name in named:
        given: Any = effects[name]
        if lost := [key for key in given if (name, key) not in used]:
            keys = ", ".join(repr(key) for on, key in sorted(used) if on == name)
            raise ModelError(f"effects={{{name!r}: ...}} gives a law for {lost[0]!r}; the coefficients are {keys}")
    return tuple(found)


def effect_law(law: object, what: str) -> Law:
    """Read the law of effects or residuals: a law, or the name of one in the catalogue."""
    if isinstance(law, str):
        catalogue = discover("momentalg.model.distributions", "DISTRIBUTION")
        shapes = {name: entry.default for name, entry in catalogue.items() if entry.default is not None}
        if law not in shapes:
            raise ModelError(f"no law is called {law!r}, asked for {what}; there are: {', '.join(shapes)}")
        law = shapes[law]
    if not isinstance(law, Law):
        raise ModelError(f"the law of {what} must be a law such as ma.Exponential(), or its name; found {law!r}")
    if law.free:
        raise ModelError(f"{law!r} has free parameters ({', '.join(law.free)}): give values to simulate {what}")
    return law
