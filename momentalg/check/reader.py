"""One literal reading of statistics and sums on a realised design.

Nothing is simplified, and no law of probability is used: a total adds up its observations one by one. What an
observation's response *is* is left open: a number (`spaces`, `quadratic`), or a symbol (`enumeration`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any, Generic, TypeVar

from momentalg.check.linear import Matrix, trace_of_product
from momentalg.check.projections import Matrices
from momentalg.check.sample import Labels, Observation, Sample
from momentalg.check.scope import Scope
from momentalg.errors import AssumptionError, StatisticError
from momentalg.expr import nodes as n
from momentalg.expr.indices import DEFAULT
from momentalg.expr.names import split_factor
from momentalg.expr.traversal import children
from momentalg.model.resolved import ResolvedModel

T = TypeVar("T")


class Reader(ABC, Generic[T]):
    """Reads nodes on a sample, with values in some ring: addition, multiplication, and division by numbers."""

    def __init__(
        self, sample: Sample, model: ResolvedModel, letters: Mapping[str, n.Node | Fraction] | None = None
    ) -> None:
        self.sample = sample
        self.model = model
        self.letters = letters or {}
        self.columns = tuple(dict.fromkeys((*model.columns, *model.local_to)))

    @abstractmethod
    def number(self, value: Fraction) -> T:
        """A number, as an element of the ring."""

    @abstractmethod
    def add(self, terms: list[T]) -> T:
        """The sum; zero of none."""

    @abstractmethod
    def multiply(self, factors: list[T]) -> T:
        """The product; one of none."""

    @abstractmethod
    def invert(self, value: T) -> T:
        """1/value; raises `AssumptionError` for zero, `StatisticError` for what has no inverse."""

    @abstractmethod
    def response(self, observation: Observation) -> T:
        """The response at an observation."""

    def special(self, node: n.Node, scope: Scope) -> T:
        """What only some readers know: effects, residuals, parameters, cumulants."""
        raise StatisticError(f"{type(node).__name__} has no value on a realised sample")

    def read(self, node: n.Node, scope: Scope) -> T:
        """The value of `node` where names mean what `scope` says."""
        match node:
            case n.Number(value):
                return self.number(value)
            case n.Add(args):
                return self.add([self.read(a, scope) for a in args])
            case n.Mul(args):
                return self.multiply([self.read(a, scope) for a in args])
            case n.Pow(base, exponent):
                factor = self.read(base, scope)
                return self.multiply([factor if exponent > 0 else self.invert(factor)] * abs(exponent))
            case n.Response(index):
                return self.response(self._observation(index, scope))
            case n.Value(variable, index, level):
                return self.number(self._value(variable, index, level, scope))
            case n.Indicator(body, label):
                return self.number(Fraction(self._label(body.variable.name, scope) == label))
            case n.Size(by, level):
                return self.number(Fraction(len(self.sample.where(self.level_of(by, level, scope)))))
            case n.Levels(by):
                return self.number(Fraction(len(self.sample.levels(self._closed(by)))))
            case n.Delta(first, second):
                same = self._observation(first, scope) == self._observation(second, scope)
                return self.number(Fraction(int(same)))
            case n.Letter(name):
                meaning = self._letter(name)
                return self.read(meaning, scope) if isinstance(meaning, n.Node) else self.number(meaning)
            case n.Trace(columns, kernel, of):
                return self.number(
                    trace_of_product(self._matrices.projection(columns, kernel), self._matrices.kernel(of))
                )
            case n.Projected(columns, kernel):
                return self._quadratic(self._matrices.projection(columns, kernel))
            case n.Total() | n.Sum() | n.Over() | n.LevelSum() | n.Average():
                return self.add([self.read(body, inner) for body, inner in self._terms(node, scope)])
            case _:
                return self.special(node, scope)

    def _terms(self, node: n.Node, scope: Scope) -> Iterator[tuple[n.Node, Scope]]:
        """The terms of a sum: its body, with the names it binds."""
        match node:
            case n.Total(body, by, level):
                for o in self.sample.where(self.level_of(by, level, scope)):
                    yield body, self._bind_observation("", o, scope, own_level=True)
            case n.Sum(index, body, by, level):
                for o in self.sample.where(self.level_of(by, level, scope)):
                    yield body, self._bind_observation(index, o, scope, own_level=not by or not index)
            case n.Over(None, body):
                for o in self.sample.rows:
                    yield body, self._bind_observation("", o, scope, own_level=True)
            case n.Over(by, body):
                for labels in self.sample.levels(self._closed(by or ())):
                    yield body, self.bind_level(labels, scope)
            case n.LevelSum(levels, body):
                for choice in product(*(self.levels_in(column, body) for column, _ in levels)):
                    inner = dict(scope)
                    for (column, name), labels in zip(levels, choice, strict=True):
                        default = [("default", column)] * (name == DEFAULT)
                        inner |= dict.fromkeys([("level", column, name), *default], labels[column])
                    if len(levels) == 1 or not self._divides_by_empty(body, inner):
                        yield body, inner
            case n.Average(body):
                units = self.sample.levels(self.model.unit)
                units += [{c: row[c] for c in self.model.unit} for row in self.sample.empty]
                if not units:
                    raise AssumptionError("the average over the units of an empty sample does not exist")
                for labels in units:
                    yield n.Number(Fraction(1, len(units))) * body, self.bind_level(labels, scope)
            case _:
                raise StatisticError(f"{type(node).__name__} is not a sum")

    def levels_in(self, column: str, body: n.Node) -> list[Labels]:
        """The levels of a column that a sum of `body` runs over: those that occur."""
        return self.sample.levels((column,))

    def _divides_by_empty(self, node: n.Node, scope: Scope) -> bool:
        """Whether `node` divides by the size of an empty cell: sums over several columns run over non-empty cells."""
        if isinstance(node, n.Pow) and node.exponent < 0 and isinstance(node.base, n.Size):
            return not self.sample.where(self.level_of(node.base.by, node.base.level, scope))
        return any(self._divides_by_empty(child, scope) for child in children(node))

    def _bind_observation(self, index: str, observation: Observation, scope: Scope, own_level: bool) -> Scope:
        bound = {**scope, ("observation", index): observation}
        if own_level:  # S and N inside mean those of the level that contains the observation
            row = self.sample.rows[observation]
            bound |= {("default", c): row[c] for c in self.columns if c in row}
        return bound

    def bind_level(self, labels: Labels, scope: Scope) -> Scope:
        """Make `labels` the default level; no observation is meant any more by the empty index."""
        kept = {key: value for key, value in scope.items() if key[0] != "default" and key != ("observation", "")}
        return kept | {("default", c): v for c, v in self.sample.implied(labels, self.columns).items()}

    def level_of(self, by: tuple[str, ...], level: tuple[str, ...], scope: Scope) -> dict[str, Any]:
        """The labels that a factor and its level names stand for; the default level when there are no names.

        Labels of a column that is local to another one mean something within a level of that one only, so the default
        level brings it along.
        """
        if level and len(level) != len(by):
            raise StatisticError(f"a level of {':'.join(by)} needs {len(by)} names, one per column; found {level}")
        found: dict[str, Any] = {}
        for column, name in zip(by, level or ("",) * len(by), strict=True):
            keys = [("level", column, name), ("level", name)] if name else []  # a sum binds a name of its column only
            keys += [("default", column)] if name in ("", DEFAULT) else []
            if not any(key in scope for key in keys):
                raise StatisticError(f"the level {name or 'default'!r} of {column!r} is not bound; pass at={{...}}")
            found[column] = next(scope[key] for key in keys if key in scope)
        parents = () if level else (c for c in self._closed(by) if ("default", c) in scope)
        return {**{c: scope["default", c] for c in parents}, **found}

    def _closed(self, by: tuple[str, ...]) -> tuple[str, ...]:
        """The columns of a factor, and those that they are local to."""
        return (*by, *sorted(self.model.closure(by) - set(by)))

    def _observation(self, index: str, scope: Scope) -> Observation:
        if ("observation", index) not in scope:
            raise StatisticError(f"the observation {index!r} is not bound by a total or a sum")
        observation: Observation = scope["observation", index]
        return observation

    def _value(self, variable: n.Variable, index: str, level: tuple[str, ...], scope: Scope) -> Fraction:
        if not level and ("observation", index) in scope:
            return self.covariate_at(variable, scope["observation", index])
        if index:
            raise StatisticError(f"the observation {index!r} of {variable.name!r} is not bound by a total or a sum")
        return self.covariate_on(variable, self.level_of(self._home(variable, level), level, scope))

    def _label(self, column: str, scope: Scope) -> Any:
        """The label in a column: of the observation that is bound, or of the level."""
        if ("observation", "") in scope:
            return self.sample.rows[scope["observation", ""]][column]
        return self.level_of((column,), (), scope)[column]

    def _home(self, variable: n.Variable, level: tuple[str, ...]) -> tuple[str, ...]:
        """The factor on whose levels a covariate is constant."""
        if variable.kind == "size":
            return split_factor(variable.name)
        if variable in self.model.constant_on:
            return self.model.constant_on[variable]
        factor = self.model.indicated(variable)
        if factor is not None:
            return (factor,)
        if variable in self.model.definitions and len(level) in (0, len(self.model.unit)):
            return self.model.unit
        raise StatisticError(f"{variable.name!r} varies by observation, and no observation is bound")

    def covariate_at(self, variable: n.Variable, observation: Observation) -> Fraction:
        """The value of a covariate at an observation."""
        row = self.sample.rows[observation]
        if variable.kind == "size":
            return Fraction(len(self.sample.where({c: row[c] for c in self._closed(split_factor(variable.name))})))
        if variable.name in row:
            return Fraction(row[variable.name])
        return self._defined(variable, self._bind_observation("", observation, {}, own_level=True))

    def covariate_on(self, variable: n.Variable, labels: Labels) -> Fraction:
        """The value of a covariate on a level; `labels` are those of the factor on which it is constant."""
        if variable.kind == "size":
            return Fraction(len(self.sample.where(labels)))
        if variable.kind == "function" and variable in self.model.definitions:
            return self._defined(variable, self.bind_level(labels, {}))
        return self.sample.constant(variable.name, labels)

    def _defined(self, variable: n.Variable, scope: Scope) -> Fraction:
        if variable not in self.model.definitions:
            raise StatisticError(f"neither the rows nor the model give the covariate {variable.name!r}")
        return NumberReader(self.sample, self.model, {}, self.letters).read(self.model.definitions[variable], scope)

    def monomial_at(self, monomial: n.Monomial, observation: Observation) -> Fraction:
        """The value of a product of powers of covariates at an observation."""
        value = Fraction(1)
        for variable, power in monomial:
            value *= self.covariate_at(variable, observation) ** power
        return value

    def _letter(self, name: str) -> n.Node | Fraction:
        if name not in self.letters:
            raise StatisticError(f"the letter {name!r} has no meaning here; pass letters={{{name!r}: ...}}")
        return self.letters[name]

    @property
    def _matrices(self) -> Matrices:
        return Matrices(self.sample, self.model, lambda m: [self.monomial_at(m, o) for o in self.sample.rows])

    def _quadratic(self, matrix: Matrix) -> T:
        y = [self.response(o) for o in self.sample.rows]
        return self.add(
            [
                self.multiply([self.number(weight), y[i], y[j]])
                for i, row in enumerate(matrix)
                for j, weight in enumerate(row)
                if weight
            ]
        )


class NumberReader(Reader[Fraction]):
    """Reads nodes as numbers, for given responses."""

    def __init__(
        self,
        sample: Sample,
        model: ResolvedModel,
        responses: Mapping[Observation, Fraction],
        letters: Mapping[str, n.Node | Fraction] | None = None,
        parameter: Callable[[str], Fraction] | None = None,
    ) -> None:
        super().__init__(sample, model, letters)
        self.responses = responses
        self.parameter = parameter

    def number(self, value: Fraction) -> Fraction:
        return value

    def add(self, terms: list[Fraction]) -> Fraction:
        return sum(terms, Fraction(0))

    def multiply(self, factors: list[Fraction]) -> Fraction:
        value = Fraction(1)
        for factor in factors:
            value *= factor
        return value

    def invert(self, value: Fraction) -> Fraction:
        if value == 0:
            raise AssumptionError("division by zero: a size or denominator is 0 with positive probability")
        return 1 / value

    def response(self, observation: Observation) -> Fraction:
        return self.responses[observation]

    def special(self, node: n.Node, scope: Scope) -> Fraction:
        if isinstance(node, n.Parameter) and self.parameter is not None:
            return self.parameter(node.key)
        return super().special(node, scope)
