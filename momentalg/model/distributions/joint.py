"""The joint law of one unit: finitely many atoms, each with a size, covariates and an exact probability."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from momentalg.errors import AssumptionError, ModelError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor, quote, split_factor
from momentalg.model.distributions.exact import exact, whole
from momentalg.model.mapping import FrozenMapping
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import basic_variables

if TYPE_CHECKING:
    import numpy as np

AtomValue = Fraction | tuple[Fraction, ...]


@dataclass(frozen=True)
class Atom:
    """One possible unit: its probability, and its variables by key; a tuple is a covariate by observation."""

    p: Fraction
    values: Mapping[str, AtomValue]

    def __getitem__(self, key: str) -> AtomValue:
        return self.values[key]

    def listed(self, key: str) -> tuple[Fraction, ...]:
        """The values of a variable that varies within the unit, one for each observation."""
        value = self.values[key]
        if not isinstance(value, tuple):
            raise ModelError(f"{key} is a number of the whole unit, not one for each observation")
        return value

    def power(self, key: str, exponent: int) -> Fraction:
        """The value of a unit's variable to a power."""
        value = self.values[key]
        if isinstance(value, tuple):
            raise ModelError(f"{key} varies within the unit; a moment of the unit takes its total, total({key}|...)")
        return value**exponent


@dataclass(frozen=True)
class JointLaw:
    """The law of one unit as atoms; `factor` is the unit's factor as it stands in keys."""

    factor: str
    atoms: tuple[Atom, ...]

    @classmethod
    def from_atoms(cls, atoms: Iterable[Mapping[str, Any]]) -> JointLaw:
        """Read ``[{"p": "1/2", "size(user)": 1, "X": 0, "x": [0]}, ...]``.

        Every atom has the same variables, one of them the size; a list is as long as the size of its unit. Units with
        subgroups give the sizes of these, ``"size(a:b)": [2, 3]`` or ``"size(a:b:c)": [[1, 1], [3]]``, or the label of
        each observation, ``"size(a)": 5, "b": [1, 1, 2, 2, 2]``.
        """
        read = [_read_atom(atom, number) for number, atom in enumerate(atoms, start=1)]
        if not read:
            raise ModelError("a joint law needs at least one atom")
        first = read[0].values
        for number, atom in enumerate(read, start=1):
            if set(atom.values) != set(first):
                different = sorted(set(atom.values) ^ set(first))
                raise ModelError(f"atom {number} and atom 1 differ in their variables: {', '.join(different)}")
            for key, value in atom.values.items():
                if isinstance(value, tuple) != isinstance(first[key], tuple):
                    raise ModelError(f"{key} is a list in some atoms and a number in others; make it a list in all")
        if sum(atom.p for atom in read) != 1:
            raise ModelError(f"the probabilities of the atoms sum to {sum(atom.p for atom in read)}, not to 1")
        size = _size_of(first, 1)
        return cls(size[len("size(") : -1], tuple(atom for atom in read if atom.p))

    @property
    def size_key(self) -> str:
        """The key of the unit's size."""
        return f"size({self.factor})"

    @property
    def variables(self) -> tuple[str, ...]:
        """The keys of the variables, the size among them."""
        return tuple(self.atoms[0].values)

    @property
    def may_be_zero(self) -> bool:
        """Whether a unit may be empty."""
        return any(atom[self.size_key] == 0 for atom in self.atoms)

    def varies(self, key: str) -> bool:
        """Whether the variable varies within the unit."""
        return isinstance(self.atoms[0][key], tuple)

    def expectation(self, function: Callable[[Atom], Any]) -> Any:
        """E[function(unit)], exactly if the function is exact."""
        total: Any = Fraction(0)
        for atom in self.atoms:
            total = total + function(atom) * atom.p
        return total

    def moment(self, powers: Mapping[str, int]) -> Fraction:
        """The joint moment E[prod variable^power]; ``total(x|user)`` is the total of x over the unit."""
        prepared = [(self._reader(key), power) for key, power in powers.items()]
        if self.may_be_zero and powers.get(self.size_key, 0) < 0:
            raise AssumptionError(
                f"E[N^{powers[self.size_key]} ...] does not exist: P({self.size_key} = 0) > 0. "
                "If empty units are not observed, use law.truncated()"
            )

        def at(atom: Atom) -> Fraction:
            value = Fraction(1)
            for read, power in prepared:
                base = read(atom)
                if base == 0 and power < 0:
                    raise AssumptionError("a negative power of a variable that may be zero has no expectation")
                value *= base**power
            return value

        moment: Fraction = self.expectation(at)
        return moment

    def makes_independent(self, keys: Sequence[str]) -> bool:
        """Whether the variables are independent of one another under this law."""
        joint: dict[tuple[AtomValue, ...], Fraction] = {}
        single: list[dict[AtomValue, Fraction]] = [{} for _ in keys]
        for atom in self.atoms:
            found = tuple(atom[key] for key in keys)
            joint[found] = joint.get(found, Fraction(0)) + atom.p
            for weights, value in zip(single, found, strict=True):
                weights[value] = weights.get(value, Fraction(0)) + atom.p
        return all(
            joint.get(found, 0) == prod(weights[value] for weights, value in zip(single, found, strict=True))
            for found in product(*single)
        )

    def truncated(self) -> JointLaw:
        """The law of a unit given that it is not empty: what is seen when empty units are not observed."""
        seen = [atom for atom in self.atoms if atom[self.size_key] != 0]
        mass = sum(atom.p for atom in seen)
        if not mass:
            raise AssumptionError("the joint law has no truncated form: all units are empty")
        return JointLaw(self.factor, tuple(Atom(atom.p / mass, atom.values) for atom in seen))

    def sample(self, rng: np.random.Generator, units: int) -> np.ndarray[Any, Any]:
        """The number of the atom of each of `units` independent units."""
        return rng.choice(len(self.atoms), units, p=[float(atom.p) for atom in self.atoms])

    def check_against(self, model: ResolvedModel, elsewhere: Collection[str] = ()) -> JointLaw:
        """Return the law if it says all that `model` needs about a unit; otherwise raise `ModelError`.

        The columns in `elsewhere` are not asked for.
        """
        if self.size_key != size_key(model):
            raise ModelError(f"the law is of {self.size_key}, but the model's units are those of {size_key(model)}")
        for column in set(model.columns) - set(model.unit):
            if quote(column) not in self.variables or not self.varies(quote(column)):
                inner = next(join_factor(f) for f in model.factors if column in f)
                raise ModelError(
                    f"the law says nothing about levels of {column} within a unit: give the sizes of {inner} in every "
                    f"atom, such as 'size({inner})': [2, 3], or the label of each observation, {column!r}: [1, 1, 2]"
                )
        for variable in basic_variables(model):
            if variable.kind == "column" and variable.name in elsewhere:
                continue
            key = variable_key(variable)
            if variable.kind == "size" and key != self.size_key:
                continue  # the labels within the unit tell the sizes of its subgroups
            if key not in self.variables:
                raise ModelError(f"the law says nothing about {key}, which the model uses; add it to every atom")
            constant = variable.kind == "size" or model.constant_on.get(variable) == model.unit
            if constant and self.varies(key):
                raise ModelError(f"the model says that {key} is constant on the unit: give a number, not a list")
            if not constant and not self.varies(key):
                raise ModelError(
                    f"{key} varies by observation: give a list as long as the size, such as [0, 1]; "
                    f"or declare levels={{{variable.name!r}: {join_factor(model.unit)!r}}} in the model"
                )
        return self

    def describe(self) -> str:
        """The law in words."""
        return f"joint law of {', '.join(self.variables)} with {len(self.atoms)} atoms"

    def _reader(self, key: str) -> Callable[[Atom], Fraction]:
        if key in self.variables:
            return lambda atom: atom.power(key, 1)
        suffix = f"|{self.factor})"
        inside = key[len("total(") : -len(suffix)] if key.startswith("total(") and key.endswith(suffix) else None
        if inside not in self.variables:
            known = ", ".join(self.variables)
            raise ModelError(f"the law says nothing about {key}; it gives {known}. Independence is never assumed")
        return lambda atom: _total(atom, inside, self.size_key)


def size_key(model: ResolvedModel) -> str:
    """The key of the size of the model's units."""
    return f"size({join_factor(model.unit)})"


def _total(atom: Atom, key: str, size: str) -> Fraction:
    value = atom[key]
    if isinstance(value, tuple):
        return sum(value, Fraction(0))
    return value * atom.power(size, 1)


def _size_of(values: Mapping[str, Any], number: int) -> str:
    sizes = [key for key in values if key.startswith("size(") and key.endswith(")")]
    if len(sizes) != 1:
        found = ", ".join(sizes) or "none"
        raise ModelError(f"atom {number} must give the size of the unit once, as 'size(user)': 3; found {found}")
    return sizes[0]


def _read_atom(atom: Mapping[str, Any], number: int) -> Atom:
    if not isinstance(atom, Mapping):
        raise ModelError(f"atom {number} must be a dict such as {{'p': '1/2', 'size(user)': 1}}; found {atom!r}")
    if "p" not in atom:
        raise ModelError(f"atom {number} has no probability 'p'")
    p = exact(atom["p"], f"the probability of atom {number}", floats=False)
    if p < 0:
        raise ModelError(f"the probability of atom {number} is negative: {p}")
    given = _subgroups({_normal_key(key): value for key, value in atom.items() if key != "p"}, number)
    size = _size_of(given, number)
    n = whole(given[size], f"{size} of atom {number}")
    values: dict[str, AtomValue] = {size: Fraction(n)}
    for key, value in given.items():
        if key == size:
            continue
        what = f"{key} of atom {number}"
        value = value.tolist() if hasattr(value, "tolist") else value
        if isinstance(value, Sequence) and not isinstance(value, str):
            if len(value) != n:
                raise ModelError(f"{what} lists {len(value)} values for a unit of size {n}; give one per observation")
            values[key] = tuple(exact(v, what) for v in value)
        else:
            values[key] = exact(value, what)
    return Atom(p, FrozenMapping(values))


def _subgroups(given: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The atom with sizes of subgroups written as the unit's size and a label of each observation, by column."""
    found = dict(given)
    for key, value in given.items():
        listed = value.tolist() if hasattr(value, "tolist") else value
        if not key.startswith("size(") or not isinstance(listed, Sequence) or isinstance(listed, str):
            continue
        del found[key]
        columns = split_factor(key[len("size(") : -1])
        labels = list(_labels(listed, f"{key} of atom {number}"))
        depth = len(labels[0]) if labels else 1
        if not 1 <= depth < len(columns) or any(len(label) != depth for label in labels):
            raise ModelError(f"{key} of atom {number}: {listed!r} does not list the sizes of subgroups of one unit")
        implied: dict[str, Any] = {f"size({join_factor(columns[:-depth])})": len(labels)}
        implied |= {quote(c): [label[n] for label in labels] for n, c in enumerate(columns[-depth:])}
        for name, what in implied.items():
            if found.setdefault(name, what) != what:
                raise ModelError(f"{name} of atom {number} does not agree with {key}: {found[name]!r}, not {what!r}")
    return found


def _labels(sizes: Any, what: str) -> Iterator[tuple[int, ...]]:
    """The labels of each observation within its unit: of sizes in lists of lists, the places in each list."""
    for place, inside in enumerate(sizes):
        if isinstance(inside, Sequence) and not isinstance(inside, str):
            yield from ((place, *rest) for rest in _labels(inside, what))
        else:
            yield from [(place,)] * whole(inside, what)


def _normal_key(key: str) -> str:
    """A covariate's key in formula syntax; a plain column name that needs quotes is quoted."""
    if key.startswith(("size(", "`")):
        return key
    return quote(key)
