"""Designs to simulate on: the rows of a frame, kept as they are, or units drawn from a law, anew each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from momentalg.errors import DataError, ModelError, UnsupportedError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor, quote, split_factor
from momentalg.model.designs import read_law
from momentalg.model.distributions.base import Law
from momentalg.model.distributions.finite import Finite
from momentalg.model.distributions.frames import columns_of, exact_values, labels
from momentalg.model.distributions.joint import JointLaw
from momentalg.model.fixed_factors import plain_label
from momentalg.model.marginals import MarginalLaws
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import basic_variables

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Columns = dict[str, Array]


@dataclass(frozen=True)
class Rows:
    """A design as drawn: columns of labels, as whole numbers; of covariates; of fixed factors and classes, labels."""

    columns: Columns
    count: int
    empty: int = 0  # units that were drawn with size zero, and so were not observed

    def level(self, factor: Iterable[str], model: ResolvedModel) -> Array:
        """The level of a factor at each row, 0, 1, ...; labels that are local to another column are told apart."""
        import numpy as np

        found = np.zeros(self.count, dtype=np.int64)
        for column in sorted(model.closure(factor)):
            labels = self.columns[column]
            if column in model.coded:
                labels = np.unique(labels.astype(str), return_inverse=True)[1]
            found = np.unique(found * (int(labels.max(initial=0)) + 1) + labels, return_inverse=True)[1].reshape(-1)
        return found


class Drawing(Protocol):
    """A way to get designs."""

    def draw(self, rng: np.random.Generator) -> Rows:
        """The design of one replicate."""

    def describe(self) -> str:
        """The design in words."""


@dataclass(frozen=True)
class FrameDesign:
    """The sizes and covariates of a frame in every replicate; covariates with a law are drawn anew."""

    model: ResolvedModel
    rows: Rows
    laws: Mapping[str, Law]

    @classmethod
    def read(cls, frame: Any, model: ResolvedModel, laws: Mapping[str, Law]) -> FrameDesign:
        """Take the factors and the covariates without a law from `frame`."""
        import numpy as np

        columns_used = [v.name for v in basic_variables(model) if v.kind == "column"]
        names = [name for name in columns_used if name not in laws and name not in model.coded]
        read = columns_of(frame, [*model.columns, *names])
        if not read[model.columns[0]]:
            raise DataError("the frame of the design has no rows")
        columns: Columns = {
            name: _labels(read[name]) if name in model.coded else _codes(labels(read, sorted(model.closure((name,)))))
            for name in model.columns
        }
        for name in names:
            columns[name] = np.array([float(value) for value in exact_values(read[name], name)])
        rows = Rows(columns, len(columns[model.columns[0]]))
        for variable, factor in model.constant_on.items():
            if variable.kind == "column" and variable.name in names:
                _require_constant(columns[variable.name], rows.level(factor, model), variable.name, factor)
        return cls(model, rows, laws)

    def draw(self, rng: np.random.Generator) -> Rows:
        if not self.laws:
            return self.rows
        drawn = draw_covariates(self.laws, self.model, self.rows, rng)
        return Rows({**self.rows.columns, **drawn}, self.rows.count)

    def describe(self) -> str:
        factors = dict.fromkeys(block.factor for block in self.model.groups)
        counts = [f"{int(self.rows.level(f, self.model).max()) + 1} levels of {join_factor(f)}" for f in factors]
        return f"that of the data: {self.rows.count} observations, {', '.join(counts)}" + also_drawn(self.laws)


@dataclass(frozen=True)
class UnitDesign:
    """`units` independent units of a law, drawn anew in every replicate; empty units are not observed."""

    model: ResolvedModel
    law: JointLaw | MarginalLaws
    units: int
    laws: Mapping[str, Law]

    @classmethod
    def read(
        cls, law: object, model: ResolvedModel, units: Mapping[str, int] | None, laws: Mapping[str, Law]
    ) -> UnitDesign:
        """Read the law of one unit and how many there are."""
        name = join_factor(model.unit)
        count = dict(units or {}).get(name)
        if count is None or set(units or {}) != {name}:
            raise ModelError(f"a random design needs the number of units: units={{{name!r}: 40}}; found {units!r}")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ModelError(f"the number of units must be 1 or more; found {count!r}")
        read = read_law(law, model, laws)
        for column in model.columns:
            if column not in model.unit and quote(column) not in read.variables:
                raise UnsupportedError(
                    f"this law says nothing about the levels of {column} within {name}: give atoms with the sizes of "
                    "subgroups, ma.empirical(frame), ma.designs.nested_sampling(...) or a frame as the design"
                )
        given = set(read.variables) & {variable_key(v) for v in basic_variables(model) if v.name in laws}
        if given:
            raise ModelError(f"{', '.join(sorted(given))}: given twice, in the law of the design and in covariates=")
        if isinstance(read, MarginalLaws):
            _require_complete(read, model, laws)
        return cls(model, read, count, laws)

    def draw(self, rng: np.random.Generator) -> Rows:
        import numpy as np

        if isinstance(self.law, JointLaw):
            atoms = self.law.sample(rng, self.units)
            sizes = np.array([int(atom.power(self.law.size_key, 1)) for atom in self.law.atoms])[atoms]
        else:
            sizes = self.law.size.sample(rng, self.units)
        seen = sizes > 0
        codes = np.repeat(np.arange(int(seen.sum())), sizes[seen])
        columns: Columns = dict.fromkeys(self.model.unit, codes)
        rows = Rows(columns, len(codes))
        if isinstance(self.law, JointLaw):
            found = _atom_columns(self.law, atoms[seen], sizes[seen], codes)
            inner = [column for column in self.model.columns if column in found]
            columns |= found | {column: np.unique(found[column], return_inverse=True)[1] for column in inner}
        else:
            columns |= draw_covariates(_by_column(self.law.laws), self.model, rows, rng)
        columns |= draw_covariates(self.laws, self.model, rows, rng)
        return Rows(columns, len(codes), int((~seen).sum()))

    def describe(self) -> str:
        return f"{self.units} units of {self.law.factor}, {self.law.describe()}" + also_drawn(self.laws)


def read_covariates(given: Mapping[str, object] | None, model: ResolvedModel) -> dict[str, Law]:
    """The laws of covariates that are drawn independently of everything else, by column name."""
    known = {variable_key(v): v.name for v in basic_variables(model) if v.kind == "column"}
    laws: dict[str, Law] = {}
    for key, law in (given or {}).items():
        name = known.get(key, key)
        if name not in known.values():
            raise ModelError(
                f"covariates= names {key!r}; the covariates of the model are: {', '.join(known) or 'none'}"
            )
        if isinstance(law, Mapping):
            law = Finite(law)
        if not isinstance(law, Law):
            raise ModelError(f"the law of {key} must be a law such as ma.Normal(0, 1); found {law!r}")
        if law.free:
            raise ModelError(f"{law!r} has free parameters ({', '.join(law.free)}): give values to simulate {key}")
        laws[name] = law
    return laws


def draw_covariates(laws: Mapping[str, Law], model: ResolvedModel, rows: Rows, rng: np.random.Generator) -> Columns:
    """Draw covariates: one value per level where the model says so, otherwise one per observation."""
    constant = {v.name: factor for v, factor in model.constant_on.items() if v.kind == "column"}
    drawn: Columns = {}
    for name, law in laws.items():
        if name not in constant:
            drawn[name] = law.sample(rng, rows.count).astype(float)
        else:
            level = rows.level(constant[name], model)
            drawn[name] = law.sample(rng, int(level.max(initial=-1)) + 1).astype(float)[level]
    return drawn


def _atom_columns(law: JointLaw, atoms: Array, sizes: Array, codes: Array) -> Columns:
    """The covariates of the units with these atoms, row by row."""
    import numpy as np

    ends = np.cumsum(sizes)
    position = np.arange(len(codes)) - np.repeat(ends - sizes, sizes)
    columns: Columns = {}
    for key in law.variables:
        if key == law.size_key:
            continue
        (name,) = split_factor(key)
        if law.varies(key):
            lists = [np.array([float(v) for v in a.listed(key)]) for a in law.atoms]
            starts = np.concatenate(([0], np.cumsum([len(values) for values in lists])))
            columns[name] = np.concatenate(lists)[starts[atoms][codes] + position]
        else:
            columns[name] = np.array([float(a.power(key, 1)) for a in law.atoms])[atoms][codes]
    return columns


def _by_column(laws: Mapping[str, Law]) -> dict[str, Law]:
    return {split_factor(key)[0]: law for key, law in laws.items() if not key.startswith("size(")}


def _require_complete(law: MarginalLaws, model: ResolvedModel, laws: Mapping[str, Law]) -> None:
    """Laws of single variables give a design only if the variables are declared independent, and none is missing."""
    variables = set(law.variables)
    if len(variables) > 1 and not any(variables <= group for group in law.independent):
        names = ", ".join(map(repr, law.variables))
        raise ModelError(
            f"the joint law of {', '.join(law.variables)} is not given: list atoms, declare ma.independent({names}), "
            "or draw the covariates independently of the sizes by covariates={...}"
        )
    for key, one in law.laws.items():
        if one.free:
            raise ModelError(f"{one!r} has free parameters ({', '.join(one.free)}): give values to simulate {key}")
    for variable in basic_variables(model):
        if variable.kind == "column" and variable_key(variable) not in variables and variable.name not in laws:
            raise ModelError(f"the design says nothing about {variable_key(variable)}: add it, or give covariates=")


def _codes(values: list[tuple[Any, ...]]) -> Array:
    """Whole numbers 0, 1, ... for labels, in order of first appearance."""
    import numpy as np

    numbers: dict[tuple[Any, ...], int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values])


def _labels(values: list[Any]) -> Array:
    import numpy as np

    found = np.empty(len(values), dtype=object)
    found[:] = [plain_label(value) for value in values]
    return found


def _require_constant(values: Array, codes: Array, name: str, factor: tuple[str, ...]) -> None:
    import numpy as np

    of_level = np.empty(int(codes.max()) + 1)
    of_level[codes] = values
    if not np.array_equal(of_level[codes], values):
        raise DataError(f"{name!r} is declared constant on {join_factor(factor)!r}, but varies within its levels")


def also_drawn(laws: Mapping[str, Law]) -> str:
    """The laws of covariates that are drawn beside a design, in words."""
    return "".join(f"; {name} {law.describe()}" for name, law in laws.items())
