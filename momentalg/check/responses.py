"""Responses of a model on a design: means from the parameters, effects and residuals of any law."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

from momentalg.check.drawing import Rows
from momentalg.check.effects import BlockEffects, effect_law, read_effects
from momentalg.check.parameters import HIGHEST_ORDER, ParameterValues
from momentalg.errors import DataError, ModelError, UnsupportedError
from momentalg.expr import nodes as n
from momentalg.expr.names import join_factor, split_factor
from momentalg.model.distributions.base import Law
from momentalg.model.distributions.exact import ExactLike, exact
from momentalg.model.keys import canonical_key, parameter_keys
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Responses:
    """Everything random about the response: `parameters` by key, laws for each group of effects and the residual."""

    model: ResolvedModel
    parameters: Mapping[str, Fraction]
    effects: tuple[BlockEffects, ...]
    residual: Law

    @classmethod
    def read(
        cls,
        model: ResolvedModel,
        parameters: Mapping[str, ExactLike],
        effects: Mapping[str, object] | None,
        residual: object,
    ) -> Responses:
        """Read what a user passes: parameter values by key, laws by name of the factor; the default is normal."""
        given = dict(effects or {})
        inside = given.pop("residual", None)
        if inside is not None and residual is not None:
            raise ModelError("the law of the residual is given twice, in effects= and in residual=")
        laws = read_effects(model, given)
        own = effect_law(residual if residual is not None else inside or "normal", "the residual")
        found = cls(model, _read_parameters(model, parameters), laws, own)
        found.sampler()  # a matrix that is none of covariances is refused before anything is drawn
        return found

    def truth(self, key: str) -> float:
        """The true value of a parameter, of a product of means, or of a cumulant of effects by its law."""
        canonical = canonical_key(self.model, key)
        for order in range(3, HIGHEST_ORDER + 1):
            for (name, _), (variance, _) in zip(
                self.model.residual_cumulants(order), self.model.residual_cumulants(2), strict=True
            ):
                if canonical == name:
                    return float(self.residual.cumulant(order, self.parameters[str(variance)]))
            for effects in self.effects:
                for chosen in combinations_with_replacement(effects.keys, order):
                    if canonical == self.model.cumulant_key(effects.block, chosen):
                        return float(effects.cumulant(chosen, self.parameters, self.model))
        return float(ParameterValues(self.model, self.parameters)(canonical))

    def sampler(self) -> Callable[[Rows, np.random.Generator], Array]:
        """A function that draws the responses on a design."""
        groups = [(effects.block, effects.sampler(self.parameters, self.model)) for effects in self.effects]
        noise = self.residual.effect_sampler(1)

        def sample(rows: Rows, rng: np.random.Generator) -> Array:
            response = self.mean(rows)
            for block, effect in groups:
                codes = rows.level(block.factor, self.model)
                drawn = effect(rng, int(codes.max(initial=-1)) + 1)
                for column, values in zip(block.coefficients, drawn, strict=True):
                    response += self.monomial(column.monomial, rows) * values[codes]
            response += noise(rng, len(response)) * self.residual_deviation(rows)
            return response

        return sample

    def mean(self, rows: Rows) -> Array:
        """The expectation of the response on a design."""
        import numpy as np

        values = np.zeros(rows.count)
        for column in self.model.mean:
            values += self.monomial(column.monomial, rows) * (
                1.0 if column.key is None else float(self.parameters[column.key])
            )
        if not np.all(np.isfinite(values)):
            raise DataError("the mean of the response is not finite on this design; look at functions such as log")
        return values

    def residual_deviation(self, rows: Rows) -> Array:
        """The standard deviation of the residual of each observation: that of its class, by its weight."""
        import numpy as np

        variances = self.model.residual_cumulants(2)
        found = sum(float(self.parameters[str(key)]) * self.monomial(monomial, rows) for key, monomial in variances)
        if not np.all(np.isfinite(found)) or np.any(found < 0):
            raise DataError(f"the weights {self.model.weights!r} must be positive, so that residuals have a variance")
        return np.sqrt(found)

    def monomial(self, monomial: n.Monomial, rows: Rows) -> Array:
        """A product of covariates at each observation."""
        import numpy as np

        product = np.ones(rows.count)
        with np.errstate(all="ignore"):  # what is not finite is refused by the caller
            for variable, power in monomial:
                product = product * _variable(variable, rows, self.model) ** float(power)
        return product

    def describe(self) -> str:
        """The laws in words."""
        named = [effects.describe() for effects in self.effects]
        return f"{'; '.join(named)}; residual {self.residual.describe()}; each centred and scaled to its variance"


def _read_parameters(model: ResolvedModel, given: Mapping[str, ExactLike]) -> dict[str, Fraction]:
    needed = parameter_keys(model)
    read = {canonical_key(model, key): exact(value, f"the parameter {key}") for key, value in given.items()}
    missing = [key for key in needed if key not in read]
    if missing:
        raise ModelError(f"parameters= lacks {', '.join(missing)}; the model has {', '.join(needed)}")
    unknown = [key for key in read if key not in needed]
    if unknown:
        raise ModelError(
            f"parameters= gives {', '.join(unknown)}, which simulation takes from the laws of effects= and residual=; "
            f"it needs {', '.join(needed)}"
        )
    for key, value in read.items():
        if key.startswith("var(") and value < 0:
            raise ModelError(f"{key} must not be negative to be simulated; found {value}")
    return read


def _variable(variable: n.Variable, rows: Rows, model: ResolvedModel) -> Array:
    """The value of a covariate at each observation."""
    import numpy as np

    if variable.kind == "column":
        return rows.columns[variable.name]
    if variable.kind == "size":
        codes = rows.level(split_factor(variable.name), model)
        return np.bincount(codes)[codes].astype(float)
    with np.errstate(all="ignore"):  # what is not finite is refused by the caller
        return _evaluate(model.definitions[variable], rows, model)


def _evaluate(node: n.Node, rows: Rows, model: ResolvedModel) -> Array:
    """A function of covariates at each observation."""
    import numpy as np

    match node:
        case n.Number():
            return np.asarray(float(node.value))
        case n.Value():
            return _variable(node.variable, rows, model)
        case n.Size():
            return _variable(n.Variable("size", join_factor(node.by)), rows, model)
        case n.Add():
            return np.asarray(sum(_evaluate(a, rows, model) for a in node.args))
        case n.Mul():
            product = np.asarray(1.0)
            for factor in node.args:
                product = product * _evaluate(factor, rows, model)
            return product
        case n.Pow():
            return np.asarray(_evaluate(node.base, rows, model) ** float(node.exponent))
        case n.Indicator(body, label):
            return np.asarray(rows.columns[body.variable.name] == label, dtype=float)
        case n.Function(name="log" | "exp" | "sqrt"):
            values: Array = getattr(np, node.name)(_evaluate(node.body, rows, model))
            return values
    raise UnsupportedError(f"simulation cannot evaluate {node!r} in a covariate; compute it as a column of the data")
