"""Derived weights of the levels of one factor: squared deviations of level means, each over its own variance.

q = (S/N)^2 of the deviations of a level, or the square of its least squares slope, has E(q) = tau and, under normal
effects, Var(q) = 2 tau^2. Of all sums of c q those with c = 1/Var(q) have the least variance for their coefficient of
the component: the inequality of Cauchy and Schwarz.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.polynomial import Polynomial
from momentalg.derive.derivation import Derivation
from momentalg.derive.readable import Readable
from momentalg.derive.reading import Line, Section, readings
from momentalg.derive.step import rule_named
from momentalg.errors import RuleError
from momentalg.expr.nodes import DESIGN, ONE, Cumulant, E, Factor, Letter, Node, Over, Parameter, Size, add, mul, power
from momentalg.model.model import Model
from momentalg.model.resolved import GroupBlock
from momentalg.moments.deviations import random_design
from momentalg.statistics.family import level_total, response_total

if TYPE_CHECKING:
    from momentalg.expr.notation import Notation

WEIGHT, ANY, SQUARE = Letter("w"), Letter("c"), Letter("q")
TRIALS = 25  # random weights that verify() tries, on a random design
CENTRE = (
    "The working model: the response is measured from its expectation given the effects of the factors that contain "
    "the level, which is taken as known{effects}. It decides how good the weights are; the coefficients of the "
    "equations that use them are exact whatever they are."
)
BEST = (
    "By the inequality of Cauchy and Schwarz, with w = 1/Var(q) as weights, (sum c)^2 = (sum w c Var(q))^2 is at most "
    "(sum w)(sum c^2 Var(q)), with equality for c proportional to w only: no weights do better."
)
OVERLAP = (
    "Ignored: that levels overlap in other factors, so that their squares are correlated. The covariance of two of "
    "them, derived above, is zero where they share no level of another factor."
)
PLAIN = (
    "The mean of the level is the plain one. Where other effects vary within the level, a fit weighs its parts "
    "besides, by the inverse of their covariance matrix, which is MINQUE."
)


@dataclass(frozen=True, repr=False)
class LevelWeights(Readable):
    """The weights of the squares q of one coefficient, over the levels of its factor.

    `model` is that of the deviations; `spread` derives tau = Var of the level's mean or slope, `variance` Var(q), and
    `overlap` the covariance of two levels' squares, zero where levels are independent.
    """

    model: Model
    factor: Factor
    key: str
    kurtosis: bool
    spread: Derivation
    variance: Derivation
    overlap: Derivation

    @property
    def heading(self) -> Node:
        """The component that the weighted squares are for."""
        return Parameter(self.key)

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """What the engine derived: E(q), Var(q), and the covariance of levels that overlap."""
        return (self.spread, self.variance) if self.is_exact else (self.spread, self.variance, self.overlap)

    @property
    def is_exact(self) -> bool:
        """Whether levels are independent, so that nothing is ignored."""
        return not self.overlap.polynomial

    @property
    def tau(self) -> Node:
        """The expectation of q: var(1|f) and what other effects and residuals add to it."""
        return self.spread.node

    @cached_property
    def extra(self) -> Polynomial:
        """Var(q) less 2 tau^2: the fourth cumulants, zero when effects and residuals are normal."""
        return self.variance.polynomial - (self.spread.polynomial**2).scale(2)

    @property
    def weight(self) -> Node:
        """The weight 1/Var(q) of a level."""
        twice = mul(2 * ONE, power(self.tau, 2))
        return power(add(twice, self._shown(self.extra)) if self.kurtosis else twice, -1)

    @property
    def in_theta(self) -> Node | None:
        """The weight with theta = var(1|f)/var(residual): (N/(1 + N theta))^2/(2 var(residual)^2).

        None where tau has more in it than var(1|f) + var(residual)/N.
        """
        size, residual = Size(self.factor), Parameter("var(residual)")
        if self.kurtosis or not self._is_simple:
            return None
        shrunk = mul(size, power(ONE + mul(size, Letter("theta")), -1))
        return mul(power(shrunk, 2), power(mul(2 * ONE, power(residual, 2)), -1))

    def evaluate(self, parameters: Mapping[str, Any], data: Any) -> Any:
        """The weight of each level of the data, a Series; exact (Fraction) from exact parameters.

        With kurtosis the parameters include ``k4(1|user)``, ``k4(residual)`` and those of other effects in the level.
        """
        tau = self.spread.evaluate(parameters=parameters, data=data)
        if not self.kurtosis:
            return 1 / (2 * tau**2)
        third = {key.replace("var(", "k3(", 1): 0 for key in self.model.parameters}
        return 1 / self.variance.evaluate(parameters={**third, **parameters}, data=data)

    def verify(self, seed: int = 1) -> bool:
        """Replay the derivations; check that normality leaves 2 tau^2, and that no random weights do better, exactly.

        Raises `RuleError` where it is not so.
        """
        for derivation in (self.spread, self.variance, self.overlap):
            derivation.verify()
        normal = self.variance.assuming(normal=True).polynomial
        if normal != (self.spread.polynomial**2).scale(2):
            raise RuleError("under normal effects Var(q) is not twice the square of E(q)")
        rng = Random(seed)  # noqa: S311 - a design, and weights to try
        parameters = {key: Fraction(rng.randint(1, 9), 2) for key in self.model.parameters}
        data = random_design(self.model.resolved, rng)
        found = replace(self.variance, polynomial=normal).evaluate(parameters=parameters, data=data)
        variances = [Fraction(v) for v in found]
        best = _variance([1 / v for v in variances], variances)
        if best != 1 / sum(1 / v for v in variances):
            raise RuleError("the least variance is not 1/(sum w)")
        for _ in range(TRIALS):
            if _variance([Fraction(rng.randint(-3, 9)) for _ in variances], variances, best) < best:
                raise RuleError("other weights do better")
        return True

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The derivations of E(q) and Var(q), the weights, and why none do better."""
        read = list(readings(self.derivations))
        derived = [section for part in read for section in part.sections]
        last = max((s.number for s in derived), default=0)
        return (*derived, self._weights(last + 1), self._least(last + 2)), read[-1].notation

    def _weights(self, number: int) -> Section:
        law = "the least variance: Cauchy-Schwarz"
        lines = [
            Line(power(Cumulant((SQUARE, SQUARE), self.spread.given), -1), law, left=WEIGHT),
            Line(self.weight, "fourth cumulants kept" if self.kurtosis else "normal effects and residuals"),
        ]
        if self.in_theta is not None:
            lines.append(Line(self.in_theta, "the same, by theta"))
            ratio = mul(Parameter(self.key), power(Parameter("var(residual)"), -1))
            lines.append(Line(ratio, "definition", left=Letter("theta")))
        effects = "" if self.kurtosis else ", and effects and residuals are normal"
        remarks = [CENTRE.format(effects=effects)]
        remarks += [] if self._is_simple else [PLAIN]
        remarks += [] if self.is_exact else [OVERLAP]
        square = (
            Line(self.variance.args[0], "definition", left=SQUARE),
            Line(self.tau, "derived above: E(q) is the variance of what is squared", left=E(SQUARE, self.spread.given)),
        )
        return Section(number, "Weights", (), (*square, *lines), tuple(remarks))

    def _least(self, number: int) -> Section:
        given = self.spread.given
        spread = Cumulant((SQUARE, SQUARE), given)
        weighted = Over(self.factor, mul(ANY, SQUARE))
        scale = power(Over(self.factor, ANY), -2)
        law = "levels are independent" if self.is_exact else "overlap of levels ignored"
        lines = (
            Line(
                mul(Over(self.factor, mul(power(ANY, 2), spread)), scale),
                law,
                left=mul(Cumulant((weighted, weighted), (DESIGN,)), scale),
                kind="identity" if self.is_exact else "approximation",
            ),
            Line(power(Over(self.factor, WEIGHT), -1), "at c = w", kind="solution"),
        )
        title = rule_named("cauchy_schwarz").title
        return Section(number, f"No weights do better: {title}", (), lines, (BEST,))

    @property
    def _is_simple(self) -> bool:
        """Whether tau is var(1|f) + var(residual)/N."""
        inverse, residual = power(Size(self.factor), -1), Parameter("var(residual)")
        own = Parameter(self.key)
        return self.tau in (add(own, mul(inverse, residual)), add(own, mul(residual, inverse)))

    def _shown(self, polynomial: Polynomial) -> Node:
        resolved = self.model.resolved
        return to_node(from_letters(polynomial, resolved), resolved)

    def __repr__(self) -> str:
        from momentalg.expr.text import text

        _, notation = self.spread.reading()
        ignored = "" if self.is_exact else "; overlap of levels in other factors ignored"
        return f"<Weights for {self.key}: w = {text(self.in_theta or self.weight, notation)}{ignored}>"


def level_weights(model: Model, block: GroupBlock, kurtosis: bool) -> LevelWeights:
    """Derive the weights of a group term with one coefficient; `model` is that of the deviations of its levels."""
    (column,) = block.coefficients
    square = tuple((v, 2 * p) for v, p in column.monomial)
    mean = response_total(block.factor, column.monomial) / level_total(block.factor, square)
    q, given = mean**2, (DESIGN,)
    alone = len(model.resolved.columns) == 1 and not any(c.monomial for c in model.resolved.terms)
    known = (Size(block.factor),) if alone else given
    return LevelWeights(
        model,
        block.factor,
        model.resolved.cumulant_key(block, (str(column.key), str(column.key))),
        kurtosis,
        model.var(mean, given=known),
        model.var(q, given=known),
        model.cov(q, q.at("k"), given=given),
    )


def _variance(
    weights: Sequence[Fraction], variances: Sequence[Fraction], otherwise: Fraction = Fraction(0)
) -> Fraction:
    """Var(sum c q)/(sum c)^2 of independent q; `otherwise` where the weights sum to zero, and nothing is estimated."""
    total = sum(weights, Fraction(0))
    found = sum((c * c * v for c, v in zip(weights, variances, strict=True)), Fraction(0))
    return found / total**2 if total else otherwise
