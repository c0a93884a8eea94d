"""BLUP is ridge regression: Henderson's mixed model equations, times the residual variance, are its normal equations.

    ridge      min over b, u of |y - X b - Z u|^2 + u'K u:   [X'X, X'Z; Z'X, Z'Z + K] (b, u) = (X'y, Z'y)
    Henderson  [X'X, X'Z; Z'X, Z'Z + s^2 G^-1] (b, u) = (X'y, Z'y) when Var(e) = s^2 I, Var(u) = G

so that the penalty of an effect is the residual variance over its own, K = s^2 G^-1, block by block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING

from momentalg.derive.readable import Readable
from momentalg.derive.reading import Line, Section
from momentalg.errors import RuleError, UnsupportedError
from momentalg.expr.nodes import Effect, Hat, Letter, Node, Parameter, Size, add, mul, negate, power
from momentalg.expr.notation import Notation
from momentalg.model.resolved import GroupBlock, ResolvedModel
from momentalg.moments.exact_matrices import (
    block_diagonal,
    inverted,
    product,
    random_positive,
    scaled,
    times,
    transposed,
)
from momentalg.moments.rational import Matrix, Vector

if TYPE_CHECKING:
    from momentalg.model.model import Model

MOST = 2  # coefficients of a block whose penalty is written out
RIDGE = "ridge regression: the derivative of its sum of squares by the effect is zero"
HENDERSON = "Henderson's mixed model equations"
SHRUNK = "the mean R/N times N/(N + k), which has the least mean squared error"
REST = (
    "R is the total over the level of what is left of the response when everything else that is fitted, the common "
    "terms and the other effects, is taken off; the equations of the common terms are the same in both."
)
SLOPES = (
    "With slopes Z has the covariates of the level as columns: A = Z'Z, R = Z' times what is left, P the inverse of "
    "the covariance matrix of the coefficients."
)
LEVELS, ROWS = 3, 9  # of the random designs that verify() takes


@dataclass(frozen=True, repr=False)
class Ridge(Readable):
    """The ridge regression whose solution is the BLUP: a penalty for each group term of a model."""

    model: ResolvedModel

    @property
    def penalties(self) -> dict[str, tuple[tuple[Node, ...], ...]]:
        """The penalty matrix of each group term, var(residual) times the inverse of its covariance matrix.

        Raises `UnsupportedError` for a term with more than two correlated coefficients, whose inverse is not readable.
        """
        return {self._name(block): self._penalty(block) for block in self.model.groups}

    def verify(self, seed: int = 1) -> bool:
        """Solve both systems, and the generalised least squares that BLUP is defined by, on a random design, exactly.

        Raises `RuleError` where the three differ.
        """
        rng = Random(seed)  # noqa: S311 - a design to check with
        sizes = [len(b.coefficients) for b in self.model.groups for _ in range(LEVELS)]
        x = [[Fraction(1), Fraction(rng.randint(-5, 5))] for _ in range(ROWS)]
        z = [[Fraction(rng.randint(-3, 3)) for _ in range(sum(sizes))] for _ in range(ROWS)]
        y = [Fraction(rng.randint(-9, 9), rng.randint(1, 3)) for _ in range(ROWS)]
        residual = Fraction(rng.randint(1, 9), rng.randint(1, 9))
        covariance = block_diagonal([random_positive(size, rng) for size in sizes])
        penalty = scaled(inverted(covariance), residual)
        if (
            not ridge_solution(x, z, y, penalty)
            == henderson(x, z, y, covariance, residual)
            == (best_linear(x, z, y, covariance, residual))
        ):
            raise RuleError("ridge regression, Henderson's equations and the BLUP differ")
        return True

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """Both equations of a level's effects, for each group term, and the penalty that makes them one."""
        blocks = self.model.groups
        remarks = (REST, *([] if all(map(self._is_intercept, blocks)) else [SLOPES]))
        sections = tuple(
            Section(0, f"The effects of group term {n}", (), tuple(self._lines(block)), remarks if n == 1 else ())
            for n, block in enumerate(blocks, start=1)
        )
        return sections, Notation.of(self.model)

    def _lines(self, block: GroupBlock) -> list[Line]:
        residual, rest = Parameter("var(residual)"), Letter("R")
        gram: Node
        if self._is_intercept(block):
            gram, effect, penalty = Size(block.factor), Hat(Effect(block.factor)), Letter("k")
            precision = power(Parameter(self.model.cumulant_key(block, ("1", "1"))), -1)
        else:
            gram, effect, penalty, precision = Letter("A"), Hat(Letter("u")), Letter("K"), Letter("P")
        one, other = mul(add(gram, penalty), effect), mul(add(gram / residual, precision), effect)
        lines = [
            Line(rest, RIDGE, left=one),
            Line(rest / residual, HENDERSON, left=other),
            Line(mul(residual, precision), "the two are one, times var(residual)", left=penalty),
        ]
        if self._is_intercept(block):
            lines.append(Line(rest / add(gram, mul(residual, precision)), SHRUNK, left=effect, kind="solution"))
        return lines

    def _penalty(self, block: GroupBlock) -> tuple[tuple[Node, ...], ...]:
        names, residual = [str(c.key) for c in block.coefficients], Parameter("var(residual)")
        entry = {(a, b): Parameter(self.model.cumulant_key(block, (a, b))) for a in names for b in names}
        if len(names) == 1:
            return ((mul(residual, power(entry[names[0], names[0]], -1)),),)
        if len(names) > MOST:
            raise UnsupportedError(
                f"the penalty of ({block.name}) is var(residual) times the inverse of a {len(names)} by {len(names)} "
                "matrix of parameters, too long to write out: invert the matrix of numbers"
            )
        a, b = names
        scale = mul(residual, power(add(mul(entry[a, a], entry[b, b]), negate(power(entry[a, b], 2))), -1))
        off = negate(mul(scale, entry[a, b]))
        return (mul(scale, entry[b, b]), off), (off, mul(scale, entry[a, a]))

    def _name(self, block: GroupBlock) -> str:
        coefficients = ", ".join(str(c.key) for c in block.coefficients)
        return f"({coefficients} | {block.name})"

    @staticmethod
    def _is_intercept(block: GroupBlock) -> bool:
        return len(block.coefficients) == 1 and not block.coefficients[0].monomial

    def __repr__(self) -> str:
        return (
            f"<Ridge regression of {', '.join(map(self._name, self.model.groups))}; penalty var(residual) inverse(G)>"
        )


def ridge(model: Model) -> Ridge:
    """The ridge regression that the BLUP of a model is.

    Raises `UnsupportedError` for residuals of several variances, which a penalised plain sum of squares does not weigh.
    """
    resolved = model.resolved
    if resolved.residual_by or resolved.weights is not None:
        raise UnsupportedError(
            "the BLUP is ridge regression for residuals of one variance; with weights= or residual_by= rows have "
            "weights besides: multiply each row by the root of its weight first"
        )
    return Ridge(resolved)


def ridge_solution(x: Matrix, z: Matrix, y: Vector, penalty: Matrix) -> Vector:
    """(b, u) that minimise |y - X b - Z u|^2 + u'K u, from the normal equations."""
    return _solved(x, z, y, penalty, Fraction(1))


def henderson(x: Matrix, z: Matrix, y: Vector, covariance: Matrix, residual: Fraction) -> Vector:
    """(b, u) of the mixed model equations, Var(u) = covariance, Var(e) = residual I."""
    return _solved(x, z, y, inverted(covariance), residual)


def best_linear(x: Matrix, z: Matrix, y: Vector, covariance: Matrix, residual: Fraction) -> Vector:
    """b by generalised least squares and u = G Z'V^-1 (y - X b), V = Z G Z' + residual I."""
    variance = product(z, covariance, transposed(z))
    for n in range(len(variance)):
        variance[n][n] += residual
    weight = inverted(variance)
    half = product(transposed(x), weight)
    means = times(inverted(product(half, x)), times(half, y))
    left = [a - b for a, b in zip(y, times(x, means), strict=True)]
    return [*means, *times(covariance, times(transposed(z), times(weight, left)))]


def _solved(x: Matrix, z: Matrix, y: Vector, penalty: Matrix, residual: Fraction) -> Vector:
    """The solution of [X'X, X'Z; Z'X, Z'Z]/residual + diag(0, penalty), for the right side (X'y, Z'y)/residual."""
    both = [[*a, *b] for a, b in zip(x, z, strict=True)]
    gram, right, p = product(transposed(both), both), times(transposed(both), y), len(x[0])
    matrix = [[value / residual for value in row] for row in gram]
    for n, row in enumerate(penalty):
        for m, value in enumerate(row):
            matrix[p + n][p + m] += value
    return times(inverted(matrix), [value / residual for value in right])
