"""The empirical law: the units of a data set with equal weights, exactly.

`empirical([3, 2, 2])` is a law of sizes. `empirical(frame)` is the joint law of a unit's size and covariates; which
columns those are is only known once a model takes it, so it waits for `bind`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from momentalg.errors import DataError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import quote
from momentalg.model.distributions.base import Distribution
from momentalg.model.distributions.exact import whole
from momentalg.model.distributions.finite import Finite
from momentalg.model.distributions.frames import columns_of, exact_values, labels
from momentalg.model.distributions.joint import JointLaw, size_key
from momentalg.model.resolved import ResolvedModel
from momentalg.model.resolving import basic_variables


@dataclass(frozen=True, init=False, repr=False)
class Empirical(Finite):
    """The law of a size drawn from a list of sizes with equal weights."""

    def __init__(self, sizes: Iterable[int]) -> None:
        counts = Counter(whole(n, "a size") for n in sizes)
        if not counts:
            raise DataError("an empirical law needs at least one size; found an empty list")
        super().__init__({n: Fraction(count, counts.total()) for n, count in counts.items()})

    def describe(self) -> str:
        return f"empirical {super().describe()}"


@dataclass(frozen=True)
class EmpiricalUnits:
    """The joint law of the units of `frame`, once a model says what a unit is."""

    frame: Any

    def bind(self, model: ResolvedModel, elsewhere: Collection[str] = ()) -> JointLaw:
        """The joint law of size and covariates of the units of `model`; equal units are one atom.

        Numbers are taken at their exact value. A covariate that the model calls constant on the unit must be constant.
        The columns in `elsewhere` are not read.
        """
        unit = model.unit
        variables = [v for v in basic_variables(model) if v.kind == "column" and v.name not in elsewhere]
        nested = [c for c in model.columns if c not in unit]
        columns = columns_of(self.frame, [*unit, *nested, *(v.name for v in variables)])
        rows: dict[Any, list[int]] = {}
        for row, label in enumerate(labels(columns, unit)):
            rows.setdefault(label, []).append(row)
        if not rows:
            raise DataError("an empirical law needs at least one unit; the frame has no rows")
        within = {c: [label for (label,) in labels(columns, (c,))] for c in nested}
        values = {v: exact_values(columns[v.name], v.name) for v in variables}
        units: Counter[tuple[tuple[str, Any], ...]] = Counter()
        for label, members in rows.items():
            atom: list[tuple[str, Any]] = [(size_key(model), len(members))]
            for column in nested:  # labels by order of appearance: units that differ in labels only are one atom
                own = [within[column][row] for row in members]
                first = {name: number for number, name in enumerate(dict.fromkeys(own))}
                atom.append((quote(column), tuple(first[name] for name in own)))
            for variable in variables:
                inside = tuple(values[variable][row] for row in members)
                if model.constant_on.get(variable) != unit:
                    atom.append((variable_key(variable), inside))
                    continue
                if len(set(inside)) > 1:
                    raise DataError(
                        f"{variable.name!r} is declared constant on {':'.join(unit)!r}, "
                        f"but takes {len(set(inside))} values in level {label[0] if len(label) == 1 else label!r}"
                    )
                atom.append((variable_key(variable), inside[0]))
            units[tuple(atom)] += 1
        total = units.total()
        return JointLaw.from_atoms([{"p": Fraction(count, total), **dict(atom)} for atom, count in units.items()])


def empirical(source: Any) -> Empirical | EmpiricalUnits:
    """The empirical law of a list of sizes, ``ma.empirical([3, 2, 2])``, or of the units of a data frame.

    ``derivation.evaluate(parameters=..., law=ma.empirical(frame))`` takes the units in `frame` as the population.
    """
    if isinstance(source, Mapping) or hasattr(source, "columns"):
        return EmpiricalUnits(source)
    if isinstance(source, Iterable) and not isinstance(source, str):
        return Empirical(source)
    raise DataError(f"empirical() takes a data frame or a list of sizes; found {type(source).__name__}")


DISTRIBUTION = Distribution(
    name="empirical",
    title="Empirical",
    law=Empirical,
    roles=("size",),
    examples=(Empirical([3, 2, 2]), Empirical([1, 4, 0, 4, 7])),
    source="definition",
)
