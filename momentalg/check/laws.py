"""Finite laws: of effects and residuals, and of what one unit's design is (its size and covariates)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from momentalg.check.partitions import CumulantsFromMoments, Multiset
from momentalg.check.sample import Sample
from momentalg.errors import DataError
from momentalg.expr.names import split_factor
from momentalg.model.distributions.joint import JointLaw
from momentalg.model.resolved import ResolvedModel

Law = tuple[tuple[Fraction, tuple[Fraction, ...]], ...]
"""Atoms (probability, values): of a residual with one value, of a group's effects with one per coefficient."""


def centred(*atoms: tuple[Fraction | int | str, Sequence[Fraction | int | str] | Fraction | int | str]) -> Law:
    """A law with mean zero, from atoms (probability, value or values): their mean is taken off.

    The probabilities must sum to 1. ``centred(("1/3", 2), ("2/3", -1))`` is skewed: its third cumulant is 2.
    """
    read = []
    for probability, values in atoms:
        listed = [values] if isinstance(values, (str, int, Fraction)) else values
        read.append((Fraction(probability), tuple(Fraction(v) for v in listed)))
    if sum(p for p, _ in read) != 1 or any(p <= 0 for p, _ in read):
        raise DataError(f"the probabilities of a law must be positive and sum to 1; found {[str(p) for p, _ in read]}")
    means = [sum((p * v[i] for p, v in read), Fraction(0)) for i in range(len(read[0][1]))]
    return tuple((p, tuple(x - m for x, m in zip(v, means, strict=True))) for p, v in read)


def law_cumulants(law: Law) -> CumulantsFromMoments:
    """The joint cumulants of a law's values, by their sorted positions: ``law_cumulants(law)((0, 0, 1))``."""

    def moment(items: Multiset) -> Fraction:
        total = Fraction(0)
        for probability, values in law:
            for i in items:
                probability *= values[i]
            total += probability
        return total

    return CumulantsFromMoments(moment)


@dataclass(frozen=True)
class UnitAtom:
    """One possible design of a unit: its size, and covariates, one value for the unit or one per observation."""

    probability: Fraction
    size: int
    constant: Mapping[str, Fraction]
    varying: Mapping[str, tuple[Fraction, ...]]

    @property
    def key(self) -> tuple[object, ...]:
        """What distinguishes it from other designs."""
        return self.size, tuple(sorted(self.constant.items())), tuple(sorted(self.varying.items()))


def read_atoms(law: Sequence[Mapping[str, Any]]) -> tuple[UnitAtom, ...]:
    """Read ``[{"p": "1/2", "size(user)": 2, "X": 1, "x": [0, 1]}, ...]``, one mapping per atom.

    Raises `ModelError` for probabilities that do not sum to 1, and for a list whose length is not the size.
    """
    read = JointLaw.from_atoms(law)
    atoms = []
    for atom in read.atoms:
        constant: dict[str, Fraction] = {}
        varying: dict[str, tuple[Fraction, ...]] = {}
        for key, value in atom.values.items():
            if isinstance(value, tuple):
                varying[split_factor(key)[0]] = value
            elif key != read.size_key:
                constant[split_factor(key)[0]] = value
        atoms.append(UnitAtom(atom.p, int(atom.power(read.size_key, 1)), constant, varying))
    return tuple(atoms)


def sample_of(model: ResolvedModel, atoms: Sequence[UnitAtom]) -> Sample:
    """The sample whose units 0, 1, ... have these designs; an observation is (unit, position)."""
    rows: dict[Any, dict[str, Any]] = {}
    empty: list[dict[str, Any]] = []
    for unit, atom in enumerate(atoms):
        labels: dict[str, Any] = dict.fromkeys(model.unit, unit)
        if not atom.size:
            empty.append({**labels, **atom.constant})
        for j in range(atom.size):
            own = {name: values[j] for name, values in atom.varying.items()}
            rows[unit, j] = {**labels, **atom.constant, **own}
    return Sample(rows, tuple(empty))


def designs(atoms: Sequence[UnitAtom], units: int) -> Iterator[tuple[Fraction, tuple[UnitAtom, ...]]]:
    """Yield (probability, designs of the units) for i.i.d. units."""
    for chosen in product(atoms, repeat=units):
        probability = Fraction(1)
        for atom in chosen:
            probability *= atom.probability
        yield probability, chosen
