"""Statistics of the whole sample and of named observations, under other orders of the total laws."""

import pytest

import momentalg as ma
from momentalg.errors import UnsupportedError

ONE_WAY = ma.Model("y ~ 1 + (1 | user)")
S, N, T = ONE_WAY.total(ONE_WAY.y, by="user"), ONE_WAY.size("user"), ONE_WAY.total(ONE_WAY.y**2)
SSA = ma.over("user", S**2 / N) - ONE_WAY.total(ONE_WAY.y) ** 2 / ONE_WAY.size()
SSW = T - ma.over("user", S**2 / N)
PAIRS = ONE_WAY.total(ONE_WAY.y) ** 2 - ma.over("user", S**2)
POOLED = SSW / (ONE_WAY.size() - ma.over("user", 1))

COVARIATES = ma.Model("y ~ 1 + X + x + (1 | user)", levels={"X": "user"})
X, x = COVARIATES.covariate("X"), COVARIATES.covariate("x")


@pytest.mark.parametrize(
    ("args", "given", "via"),
    [
        ((SSA,), (ma.design,), ("user",)),
        ((SSA, SSA), (ma.design,), ("user",)),
        ((SSA,), (), (N, "user")),
        ((SSW, SSW), (), ("user",)),
        ((PAIRS,), (), ("user",)),
        ((POOLED,), (), (N,)),
        ((ONE_WAY.total(ONE_WAY.y),) * 2, (), ("user", N)),
    ],
)
def test_another_way_to_the_same_result(args, given, via):
    another = ONE_WAY.cumulant(*args, given=given, via=via)
    assert another.verify()
    assert another == ONE_WAY.cumulant(*args, given=given)


@pytest.mark.parametrize(("given", "via"), [((), (x, X, "user")), ((X,), (N,)), ((), ("user", X))])
def test_another_way_with_covariates(given, via):
    another = COVARIATES.var(S, given=given, via=via)
    assert another.verify()
    assert another == COVARIATES.var(S, given=given)


def test_a_ratio_over_the_sample_is_not_averaged_over_the_design_given_effects():
    with pytest.raises(UnsupportedError, match="condition on the design first"):
        ONE_WAY.mean(SSA, via=["user"])


@pytest.mark.parametrize(
    ("args", "parameters"),
    [
        ((ONE_WAY.y.at("j"), ONE_WAY.y.at("k")), ("var(1|user)",)),
        ((ONE_WAY.y.at("j"), ONE_WAY.y.at("k"), ONE_WAY.y.at("l")), ("k3(1|user)",)),
        ((ONE_WAY.y.at("j"), ONE_WAY.y.at("j")), ("var(1|user)", "var(residual)")),
    ],
)
def test_named_observations_of_a_level_are_different_ones(args, parameters):
    derivation = ONE_WAY.cumulant(*args, via=["user"])
    assert derivation.verify()
    assert derivation.result == sum(ONE_WAY.parameter(key) for key in parameters)


def test_two_levels_are_independent_units():
    difference = (S / N - S.at("k") / N.at("k")) ** 2
    derivation = ONE_WAY.mean(difference)
    assert derivation.verify()
    within = ONE_WAY.parameter("E(size(user)^-1)") * ONE_WAY.parameter("var(residual)")
    assert derivation.result.expand() == 2 * ONE_WAY.parameter("var(1|user)") + 2 * within
