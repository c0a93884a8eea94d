"""New responses on the rows of the data: the residual and the parametric bootstrap of mixed models.

y* = X b + sum of Z u* + sqrt(v) e*, at the estimates b, v the residual variance of a row by its class and weight. In
the parametric bootstrap u* and e* have named laws. In the residual bootstrap (Carpenter, Goldstein and Rasbash 2003)
they are drawn with replacement from the predicted effects and residuals, which are first centred and *reflated*:
predictions are shrunken, so that with S their covariance and G the estimated one each vector of effects is multiplied
by A with A S A' = G, and residuals are brought to the variance v. Rows, labels and covariates stay as they are. An
estimate that is no matrix of covariances is replaced by the nearest one, which is what the bias is counted from.
Predictions mix the effects and residuals of a level, so that their fourth cumulants are smaller than those they stand
for, which reflating does not undo: of components, standard errors are too small where tails are heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from momentalg.data.columns import read_columns
from momentalg.emit.numpy import EstimatorModule
from momentalg.errors import NotIdentifiedError, UnsupportedError
from momentalg.inference import sums as fitting
from momentalg.inference.resampling.bootstrap import fingerprint
from momentalg.inference.resampling.cells import FAILURES
from momentalg.inference.resampling.equations import Asked, equations
from momentalg.inference.resampling.resamples import Question
from momentalg.inference.resampling.running import stream
from momentalg.inference.resampling.storing import Run
from momentalg.inference.result import keys_of
from momentalg.model.resolved import GroupBlock, ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    from momentalg.inference.result import FitResult
    from momentalg.model.model import Model

    Array = np.ndarray[Any, Any]
    Predictions = tuple[tuple[tuple[GroupBlock, Array], ...], Array]

TOLERANCE = 1e-10  # of the residual of the equations of the predictions, relative


@dataclass(frozen=True)
class NewResponses:
    """A replicate draws responses on the same rows, and fits them."""

    estimator: EstimatorModule
    columns: Mapping[str, Array]  # what the estimator reads, the response apart
    response: str
    keys: tuple[str, ...]
    seed: int
    rows: Any
    laws: Any
    effects: tuple[tuple[GroupBlock, Array], ...] | None  # predictions to draw from; None where laws are drawn from
    residuals: Array | None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the text of the module, which another process imports."""
        ours = (self.response, self.keys, self.seed, self.rows, self.laws, self.effects, self.residuals)
        return _restored, (self.estimator.source, self.estimator.ir, dict(self.columns), *ours)

    def replicate(self, number: int) -> tuple[tuple[float, ...], None]:
        """The estimates from one set of responses."""
        module = self.estimator.load()
        found = module.solve(module.accumulate({**self.columns, self.response: self.draw(number)}))
        return tuple(found[key] for key in self.keys), None

    def draw(self, number: int) -> Array:
        """The responses of a replicate."""
        rng = stream(self.seed, number)
        if self.effects is None or self.residuals is None:
            drawn: Array = self.laws.sampler()(self.rows, rng)
            return drawn
        found: Array = self.laws.mean(self.rows)
        for block, predictions in self.effects:
            levels = self.rows.level(block.factor, self.laws.model)
            count = int(levels.max(initial=-1)) + 1
            drawn = predictions[rng.integers(0, len(predictions), count)]
            found += sum(
                self.laws.monomial(c.monomial, self.rows) * drawn[levels, k] for k, c in enumerate(block.coefficients)
            )
        drawn = self.residuals[rng.integers(0, len(self.residuals), len(found))]
        noise: Array = drawn * self.laws.residual_deviation(self.rows)
        return found + noise


def plan_of(
    of: FitResult | Model,
    data: Any,
    kind: str,
    seed: int,
    effects: Mapping[str, object] | None,
    asked: Asked,
    missing: str,
) -> tuple[NewResponses, Run]:
    """What replicates do, and the run that they belong to."""
    if isinstance(data, (fitting.Sums, list, tuple)) or hasattr(data, "__next__"):
        raise UnsupportedError(
            f"the {kind} bootstrap makes new responses on the rows of one frame, which sums and parts do not hold: "
            "give the frame, or take kind='cluster' or 'pigeonhole'"
        )
    model, system, data = equations(of, data, asked)
    resolved: ResolvedModel = model.resolved
    estimator: EstimatorModule = system.estimator()
    read = read_columns(data, resolved, missing)
    columns = read.inputs(resolved)
    response = columns.pop(resolved.response)
    module = estimator.load()
    try:
        observed = module.solve(module.accumulate({**columns, resolved.response: response}))
    except FAILURES as error:
        raise NotIdentifiedError(f"the data themselves have no estimates to resample: {error}") from error
    keys = keys_of(model, system, observed)
    values = _parameters(resolved, observed)
    laws = _responses(resolved, values, effects)
    rows = _rows(columns, len(response))
    drawn: Predictions | tuple[None, None] = (None, None)
    described = f"drawn anew on {len(response)} rows: {laws.describe()}"
    if kind == "residual":
        drawn = predicted(laws, rows, response)
        counts = ", ".join(f"{len(u)} levels of {block.name}" for block, u in drawn[0])
        described = f"effects and residuals drawn from predictions, reflated: {counts}, {len(response)} residuals"
    plan = NewResponses(estimator, MappingProxyType(columns), resolved.response, keys, seed, rows, laws, *drawn)
    prints = fingerprint(estimator.source, columns, response, described)
    question = Question(kind, described, repr(model), seed, "none", keys, prints)
    centre = {key: float(values[key]) for key in keys if key in values}
    return plan, Run(question, {key: observed[key] for key in keys}, centre, {}, None)


def predicted(laws: Any, rows: Any, response: Array) -> Predictions:
    """The predicted effects of each block, a row per level, and standardised residuals; centred and reflated."""
    import numpy as np

    model: ResolvedModel = laws.model
    scale = laws.residual_deviation(rows)
    if not (scale > 0).all():
        raise UnsupportedError(
            "the residual bootstrap needs a positive residual variance, and the estimate is not: kind='cluster' or "
            "'pigeonhole' needs none"
        )
    left = (response - laws.mean(rows)) / scale
    designs = []
    for block in model.groups:
        covariates = np.stack([laws.monomial(c.monomial, rows) for c in block.coefficients], axis=1)
        root = _root(_covariance(laws, block))
        designs.append(_Design(rows.level(block.factor, model), covariates / scale[:, None] @ root, root))
    effects, residuals = _predictions(designs, left)
    reflated = [
        (block, _reflated(u @ design.root, design.root))
        for block, design, u in zip(model.groups, designs, effects, strict=True)
    ]
    return tuple(reflated), _reflated(residuals[:, None], np.eye(1))[:, 0]


@dataclass(frozen=True)
class _Design:
    """Z of a block times the root L of its covariance matrix, so that effects are L v with standardised v."""

    level: Array
    covariates: Array
    root: Array

    def onto_levels(self, values: Array) -> Array:
        """(Z L)' of values by row."""
        import numpy as np

        products = (self.covariates * values[:, None]).T
        count = int(self.level.max(initial=-1)) + 1
        return np.stack([np.bincount(self.level, weights=p, minlength=count) for p in products], axis=1)

    def onto_rows(self, effects: Array) -> Array:
        """Z L of effects by level."""
        found: Array = (self.covariates * effects[self.level]).sum(axis=1)
        return found


def _predictions(designs: list[_Design], response: Array) -> tuple[list[Array], Array]:
    """BLUPs of standardised effects, (I + B'B) v = B'y with B = Z L, by conjugate gradients, and what they leave of y.

    No variance is inverted, so that one of 0 predicts 0. The matrix is at least I, so that the iteration converges.
    """
    import numpy as np

    def onto_levels(values: Array) -> Array:
        return np.concatenate([d.onto_levels(values).reshape(-1) for d in designs])

    def onto_rows(effects: Array) -> Array:
        found = np.zeros(len(response))
        for design, part in zip(designs, _split(effects, designs), strict=True):
            found += design.onto_rows(part)
        return found

    right = onto_levels(response)
    found, left = np.zeros(len(right)), right.copy()
    direction, length = left.copy(), float(left @ left)
    goal = TOLERANCE**2 * length
    for _ in range(10 * len(right) + 100):
        if length <= goal:
            break
        image = direction + onto_levels(onto_rows(direction))
        step = length / float(direction @ image)
        found, left = found + step * direction, left - step * image
        direction, length = left + float(left @ left) / length * direction, float(left @ left)
    return _split(found, designs), response - onto_rows(found)


def _split(effects: Array, designs: list[_Design]) -> list[Array]:
    parts, start = [], 0
    for design in designs:
        levels, width = int(design.level.max(initial=-1)) + 1, design.covariates.shape[1]
        parts.append(effects[start : start + levels * width].reshape(levels, width))
        start += levels * width
    return parts


def _reflated(values: Array, root: Array) -> Array:
    """Values about their mean, times the A for which their covariance matrix S becomes that of the root, G.

    Of all such A it is the symmetric one without negative eigenvalues, S^(-1/2) (S^(1/2) G S^(1/2))^(1/2) S^(-1/2),
    which moves the values least. Directions that the predictions do not span, as those of a variance of 0, stay 0.
    """
    import numpy as np

    centred = values - values.mean(axis=0)
    own = _root(centred.T @ centred / len(centred))
    inverse = np.linalg.pinv(own, rcond=1e-8, hermitian=True)
    found: Array = centred @ inverse @ _root(own @ root @ root @ own) @ inverse
    return found


def _root(matrix: Array) -> Array:
    """The symmetric root of a covariance matrix; negative variances among its directions are taken as 0."""
    import numpy as np

    values, directions = np.linalg.eigh(matrix)
    found: Array = directions * np.sqrt(np.maximum(values, 0)) @ directions.T
    return found


def _covariance(laws: Any, block: GroupBlock) -> Array:
    import numpy as np

    names = [str(c.key) for c in block.coefficients]
    key = laws.model.cumulant_key
    return np.array([[float(laws.parameters[key(block, (a, b))]) for b in names] for a in names])


def _parameters(model: ResolvedModel, estimates: Mapping[str, float]) -> dict[str, Fraction]:
    """The estimates as parameters of a law: matrices of covariances are the nearest that are positive semidefinite."""
    import numpy as np

    found = {str(c.key): Fraction(estimates[str(c.key)]) for c in model.mean}
    for block in model.groups:
        names = [str(c.key) for c in block.coefficients]
        matrix = np.array([[estimates[model.cumulant_key(block, (a, b))] for b in names] for a in names])
        root = _root(matrix)
        exact = [[Fraction(x) for x in row] for row in root.tolist()]
        for i, a in enumerate(names):
            for j, b in enumerate(names):
                product = sum((x * y for x, y in zip(exact[i], exact[j], strict=True)), Fraction(0))
                found[model.cumulant_key(block, (a, b))] = product
    found |= {str(key): Fraction(max(estimates[str(key)], 0.0)) for key, _ in model.residual_cumulants(2)}
    return found


def _responses(model: ResolvedModel, parameters: Mapping[str, Fraction], effects: Mapping[str, object] | None) -> Any:
    """The simulator of `model.check`, at these parameters."""
    from momentalg.check.responses import Responses

    return Responses.read(model, parameters, effects, None)


def _rows(columns: Mapping[str, Array], count: int) -> Any:
    """The rows of the data as the simulator has them."""
    from momentalg.check.drawing import Rows

    return Rows(dict(columns), count)


def _restored(source: str, ir: Any, columns: dict[str, Array], *others: Any) -> NewResponses:
    return NewResponses(EstimatorModule(source, ir), MappingProxyType(columns), *others)
