"""Pooling as sections: the mean squared error from its definition, the best lambda, and the three poolings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from momentalg.derive.reading import Line, Section
from momentalg.expr.nodes import ONE, E, Letter, Var, add, mul, negate, power
from momentalg.moments.pooling import LAMBDA

if TYPE_CHECKING:
    from momentalg.moments.pooling import Pooling

MSE, SLOPE = Letter("MSE"), Letter("dMSE")
KNOWN = (
    "The estimator pulls the level's mean towards its expectation, mu in a model without covariates, which is taken as "
    "known; where it is estimated, the error of that adds."
)
PARTS = "The first term is the variance of the estimator, the second its squared bias, given the effects."
MINIMUM = "The second derivative, twice the variance of the level's mean, is positive: it is the minimum."
PREDICTION = (
    "It is the covariance of the level's mean with what it would be without noise, over its variance: the slope of the "
    "best linear prediction from this mean alone, which is BLUP where levels share no other effects."
)
BELOW = "The last is the product of the other two over their sum, and so below both."


def sections(pooling: Pooling, last: int) -> tuple[Section, ...]:
    """What follows the derivation of the variance of a level's mean, whose last section has the number `last`."""
    noise, signal = pooling.noise, pooling.signal
    total = power(add(signal, noise), -1)
    best = [Line(mul(signal, total), "where the derivative is zero", left=LAMBDA, kind="solution")]
    if pooling.ratio is not None:
        best.append(Line(pooling.ratio, "multiplying by N over the variance of the effects"))
    three = (
        Line(noise, "no pooling: lambda = 1", left=MSE, lemmas=(last + 1,)),
        Line(signal, "complete pooling: lambda = 0", left=MSE, lemmas=(last + 1,)),
        Line(mul(noise, signal, total), "partial pooling: the best lambda", left=MSE, lemmas=(last + 1, last + 2)),
    )
    slope = Line(pooling.derivative, "differentiating by lambda", left=SLOPE, lemmas=(last + 1,))
    return (
        Section(last + 1, "Mean squared error of partial pooling", (), _error(pooling, last), (KNOWN, PARTS)),
        Section(last + 2, "The best lambda", (), (slope, *best), (MINIMUM, PREDICTION)),
        Section(last + 3, "No, complete and partial pooling", (), three, (BELOW,)),
    )


def _error(pooling: Pooling, last: int) -> tuple[Line, ...]:
    """From the definition to the two terms; `last` is the number of the law of total variance."""
    given, effects, mean = pooling.total.given, pooling.within.given, pooling.total.args[0]
    prior, truth = E(mean, given), E(mean, effects)
    rest = ONE - LAMBDA
    square = power(add(mul(LAMBDA, mean), mul(rest, prior), negate(truth)), 2)
    inner = add(Var(mul(LAMBDA, mean), effects), power(add(mul(LAMBDA, truth), mul(rest, prior), negate(truth)), 2))
    noise, keeping, losing = E(Var(mean, effects), given), power(LAMBDA, 2), power(rest, 2)
    return (
        Line(E(square, given), "definition", left=MSE),
        Line(E(E(square, effects), given), "law of total expectation"),
        Line(E(inner, given), "a second moment is a variance and a squared mean"),
        Line(
            add(mul(keeping, noise), mul(losing, E(power(truth - prior, 2), given))),
            "taking out what is known",
        ),
        Line(add(mul(keeping, noise), mul(losing, Var(truth, given))), "definition of the variance"),
        Line(pooling.mse, "earlier results", lemmas=(last,)),
    )
