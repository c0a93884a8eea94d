"""Bounds hold on every design, are cheap, and say what they replace; what cannot be bounded is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pandas as pd
import pytest

import momentalg as ma
from momentalg.cumulants.value import value
from momentalg.derive.step import rule_named
from momentalg.errors import ModelError, UnsupportedError
from momentalg.rules.rule import Context

CROSSED = ma.Model("y ~ 1 + (1 | a) + (1 | b)")
THREE = ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)")
SLOPES = ma.Model("y ~ 0 + (0 + x | b) + (1 | a)")
DESIGN = {"given": ma.design}


def within(model: ma.Model, by: str) -> object:
    return model.total(model.y**2) - ma.over(by, model.total(model.y, by=by) ** 2 / model.size(by))


def squares(model: ma.Model, by: str) -> object:
    return ma.over(by, model.total(model.y, by=by) ** 2)


DEAR = {
    "within rows": CROSSED.var(within(CROSSED, "a"), **DESIGN),
    "within columns": CROSSED.var(within(CROSSED, "b"), **DESIGN),
    "within rows of three": THREE.var(within(THREE, "a"), **DESIGN).assuming(normal=True),
    "squared totals": CROSSED.var(squares(CROSSED, "a"), **DESIGN).assuming(normal=True),
    "squared totals with slopes": SLOPES.var(squares(SLOPES, "a"), **DESIGN).assuming(normal=True),
    "rows less columns": CROSSED.cov(
        squares(CROSSED, "a"), within(CROSSED, "a") - within(CROSSED, "b"), **DESIGN
    ).assuming(normal=True),
}


def design(seed: int) -> pd.DataFrame:
    rng = Random(seed)
    rows = rng.randint(4, 25)
    return pd.DataFrame(
        {f: rng.choices("uvwxy"[: rng.randint(1, 5)], k=rows) for f in "abc"} | {"x": rng.choices(range(-2, 4), k=rows)}
    )


def parameters(seed: int, model: ma.Model) -> dict[str, Fraction]:
    """Variances and a mean; effects without further cumulants."""
    rng = Random(seed)
    names = [f"{c.key}|{block.name}" for block in model.resolved.groups for c in block.coefficients]
    found = {"var(residual)": Fraction(rng.randint(0, 9), 4)}
    found |= {str(c.key): Fraction(rng.randint(-3, 3)) for c in model.resolved.mean}
    found |= {f"var({name})": Fraction(rng.randint(0, 9), 4) for name in names}
    return found | {f"k{order}({what})": Fraction(0) for order in (3, 4) for what in (*names, "residual")}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", DEAR)
def test_the_exact_value_lies_between_its_bounds(name, seed):
    result, data = DEAR[name], design(seed)
    derivation = getattr(result, "derivation", result)
    values = parameters(seed, derivation.model)
    upper, lower = (result.bounded(d).evaluate(parameters=values, data=data) for d in ("upper", "lower"))
    assert lower <= derivation.evaluate(parameters=values, data=data) <= upper


@pytest.mark.parametrize("name", DEAR)
def test_bounds_are_linear_in_the_cells(name):
    result = DEAR[name]
    assert getattr(result, "derivation", result).cost.indices > 0
    for direction in ("upper", "lower"):
        bound = result.bounded(direction)
        assert bound.cost.indices == 0
        assert bound.replaced
        assert bound.gap != 0


def test_without_replicates_the_bound_is_that_of_gao_and_owen():
    """With n_ij <= 1 it is sum_i (1/N_i) sum_j n_ij M_j, as (Z Z')_ir <= N_r gives it for the four-cycle sum."""
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b)", assume=[ma.unreplicated("a:b")])
    bound = model.var(within(model, "a"), **DESIGN).bounded()
    assert "sum_{i,k,j,l} n_ij n_il n_kj n_kl/(N_i N_k) <= sum_{i,j} n_ij M_j/N_i" in repr(bound)


def test_a_bound_says_its_law_and_its_direction():
    derivation = DEAR["within rows"]
    bound = derivation.bounded()
    assert [r.title for r in bound.replaced] == ["Cauchy-Schwarz inequality"]
    assert bound.sign == "<="
    assert r" \le " in bound._repr_latex_()
    assert derivation.bounded("lower").sign == ">="
    assert (bound.result - derivation.result).expand() != 0


def test_a_cheap_result_is_its_own_bound():
    derivation = CROSSED.cov(within(CROSSED, "a"), within(CROSSED, "b"), **DESIGN)
    bound = derivation.bounded()
    assert bound.replaced == ()
    assert (bound.result - derivation.result).expand() == 0


def test_cumulants_of_any_sign_are_not_bounded():
    with pytest.raises(UnsupportedError, match="may be negative"):
        CROSSED.cumulant(*[squares(CROSSED, "a")] * 3, **DESIGN).bounded()
    with pytest.raises(ModelError, match='"upper" or "lower"'):
        DEAR["within rows"].bounded("above")


@pytest.mark.parametrize("name", ["cauchy_schwarz", "cell_in_margin", "coincident_levels"])
@pytest.mark.parametrize("seed", range(6))
def test_each_law_keeps_its_direction(name, seed):
    """The law alone, on a variance under normal effects."""
    law, what = rule_named(name), DEAR["squared totals"]
    after = law.rewrite(what.node, Context(CROSSED.resolved))
    assert after is not None
    data, values = design(seed + 50), parameters(seed, CROSSED)
    polynomials = [value(node, CROSSED.resolved) for node in (what.node, after)]
    numbers = [replace(what.derivation, polynomial=p).evaluate(parameters=values, data=data) for p in polynomials]
    assert numbers[0] <= numbers[1] if law.relation == "<=" else numbers[0] >= numbers[1]
