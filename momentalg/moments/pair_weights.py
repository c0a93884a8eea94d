"""Both statistics of every level, by Aitken's equations: MINQUE's two forms for one factor.

For a level, q = (S/N)^2 of the deviations from the centre and D = T - S^2/N, the sum of squares within it, have the
expectations var(1|f) + var(residual)/N and (N - 1) var(residual), and under normal effects no covariance. Generalised
least squares of both on the two components is

    sum w q = sum w E(q),    sum (D + (w/N) q) = sum ((N - 1) var(residual) + (w/N) E(q)),    w = (N/(1 + N theta))^2,

of which both sides have the same expectation whatever theta is put into w.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

from momentalg.derive.derivation import Derivation
from momentalg.derive.readable import Readable
from momentalg.derive.reading import Line, Section, readings
from momentalg.errors import RuleError
from momentalg.expr.nodes import DESIGN, ONE, Factor, Letter, Node, Over, Parameter, Size, add, mul, power
from momentalg.expr.sympy_door import symbol, to_sympy
from momentalg.model.model import Model
from momentalg.moments.deviations import random_design
from momentalg.moments.level_weights import SQUARE
from momentalg.statistics.family import response_total

if TYPE_CHECKING:
    from momentalg.expr.notation import Notation

WITHIN, SCALED, THETA = Letter("D"), Letter("W"), Letter("theta")
AITKEN = "generalised least squares: Aitken's equation"
MINQUE = (
    "These are MINQUE's forms at theta, y'PZZ'Py and y'PPy: with the centre known here, and in general with the "
    "average of the level means, weighted by N/(1 + N theta), in its place."
)
EXACT = (
    "Both sides have the same expectation whatever number is put in place of theta: it decides how good the estimates "
    "are, not whether the equations hold. With an estimate in its place, from a first step, the estimator is "
    "consistent, and no longer exactly unbiased."
)
NORMAL = "The working model: effects and residuals are normal, so that D and q of a level do not covary."


@dataclass(frozen=True, repr=False)
class PairWeights(Readable):
    """Aitken's equations of the pairs (q, D) of the levels of the one factor of a model.

    `model` is that of the deviations; `means` and `variances` derive the moments of q and of D, `covariance` theirs.
    """

    model: Model
    factor: Factor
    means: tuple[Derivation, Derivation]
    variances: tuple[Derivation, Derivation]
    covariance: Derivation

    @property
    def heading(self) -> Node:
        """The component that the pair adds to that of the squares."""
        return Parameter("var(residual)")

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """What the engine derived: the means, variances and covariance of q and D."""
        return (*self.means, *self.variances, self.covariance)

    @property
    def weight(self) -> Node:
        """W = (N/(1 + N theta))^2, which is 2 var(residual)^2/Var(q)."""
        size = Size(self.factor)
        return power(mul(size, power(add(ONE, mul(size, THETA)), -1)), 2)

    @property
    def theta(self) -> Node:
        """var(1|f) over var(residual)."""
        return mul(self._own, power(Parameter("var(residual)"), -1))

    def verify(self, seed: int = 1) -> bool:
        """Replay; check that the equations are Aitken's, symbolically, and exact at a wrong theta, by the engine.

        Raises `RuleError` where something does not follow.
        """
        for derivation in self.derivations:
            derivation.verify()
        if self.covariance.assuming(normal=True).polynomial:
            raise RuleError("q and D of a level covary under normal effects")
        q, d = (v.assuming(normal=True).result for v in self.variances)
        residual, mean = symbol("var(residual)"), self.means[1].result
        scale, weight = 2 * residual**2, to_sympy(self.weight, {THETA: to_sympy(self.theta)})
        of_within = mean.diff(residual)  # N - 1, what D has of var(residual)
        for difference in (scale / q - weight, scale * of_within / d - 1):
            if difference.together().cancel() != 0:
                raise RuleError("the weights are not those of Aitken's equations")
        self._require_exact(Random(seed))  # noqa: S311 - a design and numbers to check with
        return True

    def _require_exact(self, rng: Random) -> None:
        """At random numbers in place of theta, the engine's expectation of either form is that of its right side."""
        theta, own, residual = (Fraction(rng.randint(1, 9), rng.randint(1, 9)) for _ in range(3))
        parameters = {self._own.key: own, "var(residual)": residual}
        data = random_design(self.model.resolved, rng)
        labels = list(zip(*(data[c] for c in self.factor), strict=True))
        sizes = [labels.count(label) for label in dict.fromkeys(labels)]
        weights = [(Fraction(n) / (1 + n * theta)) ** 2 for n in sizes]
        taus = [own + residual / n for n in sizes]
        one = sum((w * tau for w, tau in zip(weights, taus, strict=True)), Fraction(0))
        of_means = (w / n * tau for w, n, tau in zip(weights, sizes, taus, strict=True))
        two = sum(((n - 1) * residual for n in sizes), Fraction(0)) + sum(of_means, Fraction(0))
        for form, expected in zip(self.forms(theta), (one, two), strict=True):
            found = self.model.mean(form, given=DESIGN).evaluate(parameters=parameters, data=data)
            if found != expected:
                raise RuleError("the equations are not exact at a theta that is not the true one")

    def forms(self, theta: Fraction | int) -> tuple[Node, Node]:
        """The two forms at a number in place of theta, as statistics of the deviations."""
        size, q = Size(self.factor), self.means[0].args[0]
        weight = power(size / (ONE + size * theta), 2)
        both = add(self.means[1].args[0], mul(weight, power(size, -1), q))
        return Over(self.factor, mul(weight, q)), Over(self.factor, both)

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The moments of both statistics, then the two equations."""
        read = list(readings(self.derivations))
        derived = [section for part in read for section in part.sections]
        last = max((s.number for s in derived), default=0)
        size, residual = Size(self.factor), Parameter("var(residual)")
        ratio, tau = mul(SCALED, power(size, -1)), self.means[0].node
        known = Section(
            last + 1,
            "Aitken's equations of both statistics",
            (),
            (
                Line(self.means[0].args[0], "definition", left=SQUARE),
                Line(self.means[1].args[0], "definition", left=WITHIN),
                Line(self.theta, "definition", left=THETA),
                Line(self.weight, "twice the square of var(residual), over Var(q)", left=SCALED),
                Line(Over(self.factor, mul(SCALED, tau)), AITKEN, left=Over(self.factor, mul(SCALED, SQUARE))),
                Line(
                    Over(self.factor, add(mul(size - ONE, residual), mul(ratio, tau))),
                    AITKEN,
                    left=Over(self.factor, add(WITHIN, mul(ratio, SQUARE))),
                ),
            ),
            (NORMAL, EXACT, MINQUE),
        )
        return (*derived, known), read[-1].notation

    @property
    def _own(self) -> Parameter:
        (block,) = self.model.resolved.groups
        return Parameter(self.model.resolved.cumulant_key(block, ("1", "1")))

    def __repr__(self) -> str:
        return f"<Aitken's equations of (q, D) of {':'.join(self.factor)}: W = (N/(1 + N theta))^2>"


def pair_weights(model: Model) -> PairWeights | None:
    """The equations of both statistics for a model of deviations; None unless it is one random intercept's."""
    resolved = model.resolved
    (block, *others) = resolved.groups
    plain = not others and [c.monomial for c in block.coefficients] == [()] and resolved.weights is None
    if not plain or resolved.residual_by:
        return None
    size, total = Size(block.factor), response_total(block.factor)
    q, within = (total / size) ** 2, response_total(block.factor, response_power=2) - total**2 / size
    given: Any = size if len(resolved.columns) == 1 else DESIGN
    return PairWeights(
        model,
        block.factor,
        (model.mean(q, given=given), model.mean(within, given=given)),
        (model.var(q, given=given), model.var(within, given=given)),
        model.cov(q, within, given=given),
    )
