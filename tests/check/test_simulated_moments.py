"""The algebra against simulation: means and covariances of random statistics, with effects of three shapes.

The third oracle knows neither partitions nor matrices: it draws two-point, exponential or uniform effects and
residuals, and compares averages. Seeds are fixed, so that a z-score of five stays an error of the algebra.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pandas as pd
import pytest

from momentalg.check.drawing import FrameDesign
from momentalg.check.enumeration import Enumeration
from momentalg.check.parameters import ParameterValues
from momentalg.check.random_cases import random_case
from momentalg.check.responses import Responses
from momentalg.check.sample import Sample, design_scope
from momentalg.cumulants.evaluate import evaluate
from momentalg.model.keys import parameter_keys
from tests.cumulants.support import LONG, given_design, table_of

SEEDS = range(60 if LONG else 5)
COPIES, ROUNDS = 1000, 30  # the rows that are drawn at once are copies of the design, with labels of their own
SHAPES = ("two-point", "exponential", "uniform")
DEGREES = ((1, 1), (2,), (1, 2), (2, 2), (3,))


def positive_parameters(rng, model):
    """Values that effects can have: small covariances beside the variances."""
    values = {}
    for key in parameter_keys(model):
        kind = key.split("(")[0]
        values[key] = {"var": Fraction(rng.randint(2, 8), 2), "cov": Fraction(rng.randint(-1, 1), 2)}.get(
            kind, Fraction(rng.randint(-2, 2))
        )
    return values


def drawn(responses, rows, rng):
    """Responses on the rows of a design, one replicate a row."""
    copies = [
        {name: f"{value} {copy}" if isinstance(value, str) else value for name, value in row.items()}
        for copy in range(COPIES)
        for row in rows
    ]
    design = FrameDesign.read(pd.DataFrame(copies), responses.model, {}).draw(rng)
    draw = responses.sampler()
    return np.concatenate([draw(design, rng).reshape(COPIES, len(rows)) for _ in range(ROUNDS)])


def simulated(polynomial, responses):
    """A polynomial in the responses, in every replicate."""
    total = np.zeros(len(responses))
    for monomial, coefficient in polynomial.items():
        total += float(coefficient) * np.prod(responses[:, list(monomial)], axis=1)
    return total


def z_score(values, expected):
    spread = values.std(ddof=1) / len(values) ** 0.5
    if spread < 1e-9 * max(1.0, abs(expected)):  # a constant
        return 0.0 if values.mean() == pytest.approx(expected, abs=1e-6) else np.inf
    return (values.mean() - expected) / spread


@pytest.mark.parametrize("factors", [1, 2, 3, 4])
def test_means_and_covariances(factors):
    scores = {}
    for seed in SEEDS:
        case = random_case(seed, factors, DEGREES[seed % len(DEGREES)], slopes=True)
        shape = SHAPES[seed % len(SHAPES)]
        parameters = positive_parameters(Random(seed), case.model)
        laws = {block.name: shape for block in case.model.groups}
        responses = Responses.read(case.model, parameters, laws, shape)
        y = drawn(responses, case.rows, np.random.default_rng(seed))
        sample = Sample(dict(enumerate(case.rows)))
        reader = Enumeration(sample, case.model, ParameterValues(case.model, parameters))
        scope = design_scope(sample, case.model, case.at)
        known = {key: responses.truth(key) for key in case.parameters}

        def exact(*statistics, case=case, known=known):
            return float(evaluate(given_design(statistics, case.model), known, table_of(case.rows), case.free))

        found = [simulated(reader.polynomial(s, scope), y) for s in case.statistics]
        centred = [values - exact(s) for values, s in zip(found, case.statistics, strict=True)]
        scores |= {(seed, n): z_score(values, 0.0) for n, values in enumerate(centred)}
        scores[seed, "cov"] = z_score(centred[0] * centred[-1], exact(case.statistics[0], case.statistics[-1]))
    assert {key: z for key, z in scores.items() if abs(z) > 5} == {}
    assert len(scores) > len(SEEDS)
