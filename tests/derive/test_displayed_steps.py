"""Every line of a derivation for several factors is the same number on random data, by a road without the engine."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement
from random import Random

import pytest

import momentalg as ma
from tests.derive.displayed import Data
from tests.derive.test_several_factors import MODELS, frame

DESIGN = {"given": ma.design}


def data(model: ma.Model, seed: int) -> Data:
    """Random rows, parameters of the first three orders, and labels for the named levels."""
    rng, resolved = Random(seed), model.resolved
    rows = frame(seed, 7).to_dict("records")
    keys = [str(c.key) for c in resolved.mean]
    for block in resolved.groups:
        names = [str(c.key) for c in block.coefficients]
        for order in (2, 3):
            keys += [resolved.cumulant_key(block, some) for some in combinations_with_replacement(names, order)]
    keys += ["var(residual)", "k3(residual)"]
    parameters = {key: Fraction(rng.randint(-9, 9), rng.randint(1, 5)) for key in keys}
    here, there = rng.sample(rows, 2)
    levels = {(c, "i"): here[c] for c in resolved.columns}
    other = {c: next((row[c] for row in rows if row[c] != here[c]), there[c]) for c in resolved.columns}
    levels |= {(c, "q"): other[c] for c in resolved.columns}
    return Data(resolved, rows, parameters, levels, {"t": rows.index(here)})


def asked(name: str) -> list[object]:
    """Derivations of a model: moments of totals, and expectations of sums of squares."""
    model, bys = MODELS[name]
    totals = [model.total(model.y, by=by) for by in bys]
    first, last = totals[0], totals[-1]
    found = [model.mean(first, **DESIGN), model.var(first, **DESIGN), model.cov(first, last, **DESIGN)]
    found += [model.var(last, **DESIGN), model.cov(first, first.at("q"), **DESIGN)]
    found += [model.cumulant(first, last, last, **DESIGN), model.var(model.total(model.y), **DESIGN)]
    found.append(model.cov(first, model.y.at("t"), **DESIGN))
    found += [model.var(first, **DESIGN, via=[block.name]) for block in model.resolved.groups[:1]]
    squares = model.total(model.y**2)
    return found + [
        model.mean(squares - ma.over(by, t**2 / model.size(by)), **DESIGN) for by, t in zip(bys, totals, strict=True)
    ]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", MODELS)
def test_every_line_is_the_same_number(name, seed):
    on = data(MODELS[name][0], seed)
    lines = 0
    for derivation in asked(name):
        for chain in derivation.chains:
            value = on.poly(chain.start)
            for step in chain.steps:
                assert on.poly(step.after) == value, (step.rule, str(step.before), str(step.after))
                lines += 1
        assert on.number(derivation.node) == on.number(derivation.asked)
    assert lines > 50


def test_the_road_knows_a_wrong_line():
    model = MODELS["crossed"][0]
    derivation = model.var(model.total(model.y, by="a"), **DESIGN)
    on = data(model, 3)
    wrong = derivation.node + derivation.node
    assert on.number(wrong) == 2 * on.number(derivation.asked) != on.number(derivation.asked)
