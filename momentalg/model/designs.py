"""What a user passes as `law=` or as a random design, read into the law of one unit of a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from momentalg.errors import ModelError
from momentalg.expr.keys import variable_key
from momentalg.expr.names import join_factor
from momentalg.model.distributions.base import Law
from momentalg.model.distributions.constant import Constant
from momentalg.model.distributions.empirical import EmpiricalUnits
from momentalg.model.distributions.finite import Finite
from momentalg.model.distributions.joint import Atom, JointLaw, size_key
from momentalg.model.mapping import FrozenMapping
from momentalg.model.marginals import MarginalLaws
from momentalg.model.resolved import ResolvedModel

UnitLaw = JointLaw | MarginalLaws


def read_law(law: object, model: ResolvedModel, elsewhere: Collection[str] = ()) -> UnitLaw:
    """Read atoms, a dict of laws or probabilities such as ``{"size(user)": ma.Poisson(3)}``, or an empirical law.

    A law of the size alone may be given without its key. Laws with finitely many sizes and nothing else become atoms.
    The law need say nothing about the columns in `elsewhere`.
    """
    if isinstance(law, JointLaw):
        return law.check_against(model, elsewhere)
    if isinstance(law, MarginalLaws):
        return law
    if isinstance(law, EmpiricalUnits):
        return law.bind(model, elsewhere)
    if isinstance(law, Law):
        law = {size_key(model): law}
    if isinstance(law, Mapping):
        return _read_marginals(law, model)
    if isinstance(law, Sequence) and not isinstance(law, str):
        return JointLaw.from_atoms(law).check_against(model, elsewhere)
    raise ModelError(
        f"a law is a list of atoms, a dict such as {{{size_key(model)!r}: ma.Poisson(3)}}, or ma.empirical(frame); "
        f"found {type(law).__name__}"
    )


def _read_marginals(law: Mapping[Any, Any], model: ResolvedModel) -> UnitLaw:
    size = size_key(model)
    if size not in law:
        found = ", ".join(map(str, law)) or "nothing"
        raise ModelError(f"the law must give the size of a unit, {size!r}: ma.Poisson(3), say; found {found}")
    laws = {key: _read_one(key, value) for key, value in law.items()}
    if not laws[size].is_size:
        raise ModelError(f"{size} must have a law on the whole numbers 0, 1, 2, ...; found {laws[size]!r}")
    alone = laws[size]
    if len(laws) == 1 and isinstance(alone, Finite):
        return JointLaw(
            join_factor(model.unit), tuple(Atom(p, FrozenMapping({size: value})) for value, p in alone.atoms)
        )
    declared = tuple(frozenset(map(variable_key, fact.variables)) for fact in model.independent)
    return MarginalLaws(join_factor(model.unit), FrozenMapping(laws), declared)


def _read_one(key: str, value: object) -> Law:
    if isinstance(value, Law):
        return value
    if isinstance(value, Mapping):
        return Finite(value)
    if isinstance(value, int) and not isinstance(value, bool) and key.startswith("size("):
        return Constant(value)
    raise ModelError(
        f"the law of {key} must be a law such as ma.Poisson(3), or a dict of probabilities; found {value!r}"
    )
