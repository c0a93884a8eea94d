"""Worked examples: a model, what is derived from it, the published answers, and the files that show them.

A folder derivations/<slug>/ holds a model.py that declares one `WorkedExample`. Published answers are written by hand,
as expressions with the place they are from; nothing of them comes from the engine. `WorkedExample.build` writes
nothing unless every derivation replays, every result equals its published answer symbolically, and the independent
oracles of momentalg.check give the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

import pandas as pd
import sympy

import momentalg as ma
from derivations import document
from momentalg.check.enumeration import enumerate_cumulant
from momentalg.check.partitions import CumulantsFromMoments
from momentalg.check.random_design import law_cumulant
from momentalg.check.random_incidence import Tables, incidence_cumulant
from momentalg.cumulants.display import to_node
from momentalg.cumulants.evaluate import DesignTable
from momentalg.cumulants.value import canonical_value
from momentalg.data.design import design_rows
from momentalg.derive.derivation import Derivation
from momentalg.derive.readings import Readings
from momentalg.expr.keys import unknown
from momentalg.expr.nodes import Add, Cumulant, Letter, LevelSum, Mul, Node, Over, Parameter, Pow, mul
from momentalg.expr.sympy_door import to_sympy
from momentalg.expr.text import text
from momentalg.expr.traversal import transform
from momentalg.model.incidence.base import Incidence
from momentalg.model.resolved import ResolvedModel
from momentalg.moments.constants import constant_value
from momentalg.moments.system import MomentSystem


class Disagreement(Exception):  # noqa: N818 - it names what is found
    """The engine, the literature and the oracles do not say the same."""


@dataclass(frozen=True)
class RandomTables:
    """A law of the incidence with numbers for everything, and all its tables of counts with their probabilities."""

    law: Incidence
    tables: Tables
    units: Mapping[str, int]
    columns: tuple[str, str]
    at: Mapping[str, int]


@dataclass(frozen=True)
class Published:
    """One answer: its name, the derivation, what the literature says the result is, and where it says so.

    `statement` is how to print what was asked, where that is long: the variance of an estimate that has a symbol.
    `matrix` is the published matrix of the quadratic form in the mean parameters, where the result is given so as well.
    `law` is what the result is checked under where it assumes more than the law of the example grants, and `at` the
    levels that it is checked at where it is of two levels of one factor. Over a random crossed design it is checked
    over all `tables` of counts. `same_as` is the derivation given the design that the result is with sample analogs of
    its design moments, and `sampled` the published result for labels that are sampled, where fixed factors are read so.
    """

    name: str
    derived: Derivation
    answer: Node
    source: str
    statement: Node | None = None
    matrix: tuple[tuple[Node, ...], ...] = ()
    law: Sequence[Mapping[str, Any]] = ()
    at: Mapping[str, Any] = field(default_factory=dict)
    tables: RandomTables | None = None
    same_as: Derivation | None = None
    sampled: Node | None = None

    def agrees(self) -> bool:
        """Whether the derived result equals the published one, symbolically, in raw moments."""
        model = self.derived.model.resolved
        if self.matrix and self.derived.matrix_form().matrix != self.matrix:
            return False
        if self.same_as is not None:
            analog = canonical_value(self.derived.sample_analog().end, model)
            if analog != self.same_as.canonical_polynomial:
                return False
        if self.sampled is not None:
            assert isinstance(self.derived, Readings)
            if not equal(self.derived.sampled.result, in_raw_moments(self.sampled, model)):
                return False
        return equal(self.derived.canonical, in_raw_moments(self.answer, model))


def equal(derived: Any, published: Any) -> bool:
    """Whether two results are the same rational function."""
    symbols = sorted(derived.free_symbols | published.free_symbols, key=str)
    if not symbols:
        return bool(derived == published)
    field = sympy.QQ.frac_field(*symbols)
    return bool(field.from_sympy(derived) == field.from_sympy(published))


def in_raw_moments(node: Node, model: ResolvedModel) -> Any:
    """A result as SymPy, with expectations in place of the variances and covariances of design variables.

    Sums over levels are put in their canonical form, so that the names of their indices do not count.
    """
    match node:
        case Add(args):
            return sympy.Add(*(in_raw_moments(a, model) for a in args))
        case Mul(args):
            return sympy.Mul(*(in_raw_moments(a, model) for a in args))
        case Pow(base, exponent):
            return in_raw_moments(base, model) ** exponent
        case LevelSum() | Over():
            return to_sympy(to_node(canonical_value(node, model), model))
        case Cumulant(args, ()):
            cumulant = CumulantsFromMoments(lambda items: to_sympy(Cumulant((mul(*(args[i] for i in items)),))))
            return cumulant(tuple(range(len(args))))
        case _:
            return to_sympy(node)


@dataclass(frozen=True)
class WorkedExample:
    """A model with its published answers, its moment equations, and small numbers that check both exactly.

    `law` lists atoms of the design of one unit, as in ``d.evaluate(law=...)``: unconditional results are checked under
    it. Results given the design are checked on the design `rows`, by default the one in which each atom occurs once,
    and on that design the estimators must be unbiased. `simulation` is passed to ``model.check``.
    """

    slug: str
    title: str
    about: str
    model: ma.Model
    published: tuple[Published, ...]
    system: MomentSystem
    parameters: Mapping[str, int | str]
    simulation: Mapping[str, Any]
    law: Sequence[Mapping[str, Any]] = ()
    rows: Sequence[Mapping[str, Any]] = ()

    def build(self) -> dict[str, str]:
        """The generated files, by name.

        Raises:
            RuleError: a step of a derivation does not follow.
            Disagreement: a result differs from the published answer or from exact enumeration, or the check fails.

        """
        for answer in self.published:
            answer.derived.verify()
            if not answer.agrees():
                raise Disagreement(f"{self.slug}: {answer.name} is not as in {answer.source}")
        blocks = tuple(document.blocks(self))
        return {
            f"{self.slug}.md": document.markdown(blocks),
            f"{self.slug}.tex": document.latex_article(blocks),
            "estimator.py": self.system.estimator().source,
            "check.json": json.dumps(self.check(), indent=2, ensure_ascii=False) + "\n",
        }

    def check(self) -> dict[str, Any]:
        """Exact enumeration of each result, equation and estimator, and the verdict of a simulation."""
        self._require_equations()
        return {
            "model": repr(self.model),
            "parameters": {key: str(value) for key, value in self.parameters.items()},
            **({"law of one unit": _shown(self.law)} if self.law else {}),
            **({"rows": _shown(self.rows)} if self.rows else {}),
            "results": [self._enumerated(answer) for answer in self.published],
            "estimators": {
                "design": "the rows" if self.rows else "each unit of the law once",
                "expectations": {key: str(value) for key, value in self._expectations()},
            },
            "simulation": self._simulated(),
        }

    def _enumerated(self, answer: Published) -> dict[str, Any]:
        values: dict[str, str] = {}
        for where, derived, enumerated in self._values(answer):
            if derived != enumerated:
                raise Disagreement(f"{self.slug}: {answer.name} {where}: {derived}, by enumeration {enumerated}")
            values[where] = str(enumerated)
        found: dict[str, Any] = {"name": answer.name, "asked": text(answer.derived.asked)}
        if answer.law:
            found["law"] = _shown(answer.law)
        if answer.tables is not None:
            found["law"] = {"incidence": repr(answer.tables.law), "levels": dict(answer.tables.units)}
        return {**found, "value": values.get("", values)}

    def _values(self, answer: Published) -> Iterator[tuple[str, Fraction, Fraction]]:
        """Where a result is taken, its value by the engine, and by enumeration."""
        d, law, rows = answer.derived, answer.law or self.law, self._rows
        model = d.model.resolved
        means = {str(c.key) for c in model.mean}  # an answer may be of a model with other means
        parameters = {key: value for key, value in self.parameters.items() if "(" in key or key in means}
        if (random := answer.tables) is not None:
            derived = d.evaluate(parameters=parameters, law=random.law, units=random.units, at=random.at)
            yield "", derived, incidence_cumulant(d.args, random.tables, model, parameters, random.columns, random.at)
            return
        if not d.given:
            derived = d.evaluate(parameters=parameters, law=law)
            yield "", derived, law_cumulant(d.args, law, model, parameters)
            return
        derived = d.evaluate(parameters=parameters, data=pd.DataFrame(rows), at=answer.at or None)
        if not isinstance(derived, pd.Series):
            where = ", ".join(f"{name}={label}" for name, label in answer.at.items())
            yield where, derived, enumerate_cumulant(d.args, rows, model, parameters, answer.at)
            return
        for label, value in derived.items():
            labels = label if isinstance(label, tuple) else (label,)
            at = dict(zip(derived.index.names, labels, strict=True))
            yield ":".join(map(str, labels)), value, enumerate_cumulant(d.args, rows, model, parameters, at)

    def _require_equations(self) -> None:
        """Each statistic has, by enumeration, the expectation that its equation says on the rows."""
        model = self.system.model
        data = design_rows(pd.DataFrame(self._rows), model)
        table = DesignTable(data.labels, data.values, data.rows)
        values = {key: Fraction(value) for key, value in self.parameters.items()}
        for equation in (*self.system.common, *self.system.variance):
            said = sum(
                (
                    constant_value(coefficient, table, model) * _value(unknown(key), values)
                    for key, coefficient in equation.coefficients.items()
                ),
                start=Fraction(0),
            )
            found = enumerate_cumulant((equation.statistic,), self._rows, model, self.parameters)
            if said != found:
                raise Disagreement(f"{self.slug}: the equation of {equation.name} says {said}, by enumeration {found}")

    def _expectations(self) -> Iterator[tuple[str, Fraction]]:
        """The exact expectation of each estimator, which must be the parameter."""
        solution = self.system.solve()
        statistics = {e.name: e.statistic for e in (*self.system.common, *solution.equations)}
        for key, formula in solution.closed_form.items():
            estimator = transform(formula, lambda n: statistics[n.name] if isinstance(n, Letter) else n)
            expectation = enumerate_cumulant((estimator,), self._rows, self.model.resolved, self.parameters)
            if expectation != Fraction(self.parameters[key]):
                raise Disagreement(f"{self.slug}: the estimator of {key} has expectation {expectation}")
            yield key, expectation

    @property
    def _rows(self) -> list[dict[str, Any]]:
        """The rows, or the design in which each atom of the law is one unit: a, b, c, ..."""
        if self.rows:
            return [dict(row) for row in self.rows]
        (column,) = self.model.resolved.unit
        size = f"size({column})"
        rows: list[dict[str, Any]] = []
        for label, atom in zip("abcdefgh", self.law, strict=False):
            own = {key: value for key, value in atom.items() if key not in ("p", size)}
            for j in range(atom[size]):
                values = {key: value[j] if isinstance(value, list) else value for key, value in own.items()}
                rows += [{column: label, **values}]
        return rows

    def _simulated(self) -> dict[str, Any]:
        """The settings and the verdict of a check by simulation: no simulated number."""
        wanted = {key: self.parameters[key] for key in self.model.parameters}
        found = self.model.check(parameters=wanted, statistics=self.system.statistics, **self.simulation)
        if not found.passed:
            raise Disagreement(f"{self.slug}: {found.verdict}")
        settings = {"design": found.design, "effects": found.effects}
        return {**settings, "replicates": found.replicates, "seed": found.seed, "verdict": found.verdict}


def _value(node: Node, parameters: Mapping[str, Fraction]) -> Fraction:
    """The value of an unknown: a parameter, or a product of mean parameters."""
    match node:
        case Parameter(key):
            return parameters[key]
        case Pow(base, exponent):
            return _value(base, parameters) ** exponent
        case Mul(args):
            return prod((_value(a, parameters) for a in args), start=Fraction(1))
        case _:
            raise Disagreement(f"{text(node)} has no value")


def _shown(value: Any) -> Any:
    """Numbers for JSON: whole ones as they are, others as text."""
    if isinstance(value, Mapping):
        return {key: _shown(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(v) for v in value]
    return value if isinstance(value, int) else str(value)
