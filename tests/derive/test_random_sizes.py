"""Derivations with random sizes against the formulas of theory.md, sections 2.2, 3, 4, 5 and 8, symbolically."""

from __future__ import annotations

import pytest
import sympy

import momentalg as ma
from tests.derive.theory import Letters, agrees

ONE = ma.Model("y ~ 1 + (1 | user)")
y, N = ONE.y, ONE.size("user")
S, T = ONE.total(y, by="user"), ONE.total(y**2, by="user")
D, P = T - S**2 / N, S**2 - T
L = Letters(ONE)
mu, sa, se, k3a, k3e, k4a, k4e, E, kappa = L.mu, L.sa, L.se, L.k3a, L.k3e, L.k4a, L.k4e, L.E, L.kappa
n1, n2, n3 = {"N": 1}, {"N": 2}, {"N": 3}
VAR_N = kappa(n1, n1)


def holds(derivation, expected):
    """The derivation verifies, and its result, printed and canonical, is the formula."""
    assert derivation.verify()
    assert agrees(derivation.canonical, expected)
    assert derivation.steps


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        (S, mu * E(N=1)),
        (S * N, mu * E(N=2)),
        (S**2, (mu**2 + sa) * E(N=2) + se * E(N=1)),
        (T, E(N=1) * (mu**2 + sa + se)),
        (P, (E(N=2) - E(N=1)) * (mu**2 + sa)),
        (D, (E(N=1) - 1) * se),
        (S / N, mu),
        (S**2 / N, E(N=1) * (mu**2 + sa) + se),
        (D**2, k4e * (E(N=1) - 2 + E(N=-1)) + (E(N=2) - 1) * se**2),
        (S**3, E(N=3) * (mu**3 + 3 * mu * sa + k3a) + 3 * E(N=2) * mu * se + E(N=1) * k3e),
    ],
    ids=str,
)
def test_expectations(statistic, expected):
    holds(ONE.mean(statistic), expected)


def test_matloffs_variance_as_published():
    """Var(S) = E[N^2] sigma_a^2 + E[N] sigma_e^2 + mu^2 Var(N), word for word."""
    derivation = ONE.var(S)
    assert derivation.verify()
    assert derivation.result == E(N=2) * sa + E(N=1) * se + mu**2 * ONE.parameter("var(size(user))")
    holds(derivation, E(N=2) * sa + E(N=1) * se + mu**2 * VAR_N)


def test_matloffs_conditional_variance_as_published():
    """Var(S | N) = N^2 Var(alpha) + N sigma_e^2, word for word."""
    derivation = ONE.var(S, given=[N])
    assert derivation.verify()
    (size,) = {s for s in derivation.result.free_symbols if "size" in str(s)}
    assert derivation.result == size**2 * sa + size * se


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (S, N, mu * VAR_N),
        (S / N, S / N, sa + E(N=-1) * se),
        (S / N, N, sympy.Integer(0)),
        (S - N * 3, S - N * 3, E(N=2) * sa + E(N=1) * se + (mu - 3) ** 2 * VAR_N),
        (S, T, 2 * mu * (E(N=2) * sa + E(N=1) * se) + E(N=2) * k3a + E(N=1) * k3e + mu * (mu**2 + sa + se) * VAR_N),
        (S, D, k3e * (E(N=1) - 1) + mu * se * VAR_N),
        (S * N, S, E(N=3) * sa + E(N=2) * se + mu**2 * kappa(n2, n1)),
        (D, D, k4e * (E(N=1) - 2 + E(N=-1)) + 2 * se**2 * (E(N=1) - 1) + se**2 * VAR_N),
    ],
    ids=str,
)
def test_variances_and_covariances(first, second, expected):
    holds(ONE.var(first) if first == second else ONE.cov(first, second), expected)


def test_variance_of_the_sum_of_squares_and_of_pairs():
    v = sa + se
    cov_jk = sa**2 * 2 + k4a + 4 * mu**2 * sa + 4 * mu * k3a  # Cov(Y_j^2, Y_k^2)
    var_j = k4a + k4e + 2 * v**2 + 4 * mu**2 * v + 4 * mu * (k3a + k3e)
    holds(ONE.var(T), E(N=1) * var_j + (E(N=2) - E(N=1)) * cov_jk + (mu**2 + v) ** 2 * VAR_N)
    # P given N: sums over ordered pairs of products; their covariances by the number of observations shared
    m2 = mu**2 + sa
    pairs = E(N=2) - E(N=1)
    threes = E(N=3) - 3 * E(N=2) + 2 * E(N=1)
    fours = E(N=4) - 6 * E(N=3) + 11 * E(N=2) - 6 * E(N=1)
    apart = k4a + 2 * sa**2 + 4 * mu**2 * sa + 4 * mu * k3a
    one = se * m2
    expected = fours * apart + 4 * threes * (apart + one) + 2 * pairs * (apart + 2 * one + se**2)
    holds(ONE.var(P), expected + m2**2 * kappa({"N": 2}, {"N": 2}) - 2 * m2**2 * kappa(n2, n1) + m2**2 * VAR_N)


def test_third_cumulant_of_a_total():
    expected = E(N=3) * k3a + E(N=1) * k3e + 3 * mu * (kappa(n1, n2) * sa + VAR_N * se) + mu**3 * kappa(n1, n1, n1)
    holds(ONE.cumulant(S, S, S), expected)


def test_fourth_cumulant_of_a_total():
    spread = kappa(n2, n2) * sa**2 + 2 * kappa(n1, n2) * sa * se + VAR_N * se**2
    expected = (
        E(N=4) * k4a
        + E(N=1) * k4e
        + 4 * mu * (kappa(n1, n3) * k3a + VAR_N * k3e)
        + 3 * spread
        + 6 * mu**2 * (kappa(n1, n1, n2) * sa + kappa(n1, n1, n1) * se)
        + mu**4 * kappa(n1, n1, n1, n1)
    )
    holds(ONE.cumulant(S, S, S, S), expected)


def test_cumulants_of_a_mean():
    mean = S / N
    holds(ONE.cumulant(mean, mean, mean), k3a + k3e * E(N=-2))
    holds(ONE.cumulant(mean, mean, mean, mean), k4a + k4e * E(N=-3) + 3 * se**2 * kappa({"N": -1}, {"N": -1}))


def test_observations_of_a_level_by_which_of_them_coincide():
    """Moments of r = Y - mu over distinct observations of a level; here mu is put to 0 afterwards."""
    mu4a, mu4e = k4a + 3 * sa**2, k4e + 3 * se**2
    j, k, m, p = (y.at(name) for name in "jkmp")
    table = {
        j**3: k3a + k3e,
        j**2 * k: k3a,
        j * k * m: k3a,
        j * k * m * p: mu4a,
        j**2 * k * m: mu4a + sa * se,
        j**2 * k**2: mu4a + 2 * sa * se + se**2,
        j**3 * k: mu4a + 3 * sa * se,
        j**4: mu4a + 6 * sa * se + mu4e,
    }
    for product, expected in table.items():
        found = ONE.mean(product)
        assert found.verify()
        assert agrees(found.canonical.subs(mu, 0), expected)


def test_two_observations_are_enough_for_the_residuals_third_and_fourth_cumulants():
    j, k = y.at("j"), y.at("k")
    third = ONE.mean((j - k) ** 2 * (j + k))
    assert agrees(third.canonical, 2 * k3e + 4 * mu * se)
    assert agrees(ONE.mean((j - k) ** 4).canonical, 2 * k4e + 12 * se**2)
    assert agrees(ONE.cov(j, k).canonical, sa)
    assert agrees(ONE.cov(j, k, via=["user"]).canonical, sa)


SIZED = ma.Model("y ~ 1 + size(user) + (1 | user)")


def test_size_as_covariate():
    total, size = SIZED.total(SIZED.y, by="user"), SIZED.size("user")
    letters = Letters(SIZED)
    c1, c2 = letters.mu, SIZED.parameter("size(user)")
    holds(SIZED.mean(total), c1 * E(N=1) + c2 * E(N=2))
    holds(SIZED.mean(total * size), c1 * E(N=2) + c2 * E(N=3))
    holds(SIZED.mean(total / size), c1 + c2 * E(N=1))
    holds(SIZED.cov(total / size, size), c2 * VAR_N)
    holds(
        SIZED.var(total),
        E(N=2) * sa + E(N=1) * se + c1**2 * VAR_N + 2 * c1 * c2 * kappa(n1, n2) + c2**2 * kappa(n2, n2),
    )
    holds(SIZED.var(total / size), c2**2 * VAR_N + sa + E(N=-1) * se)
    squares = SIZED.total(SIZED.y**2, by="user")
    holds(SIZED.mean(squares), c1**2 * E(N=1) + 2 * c1 * c2 * E(N=2) + c2**2 * E(N=3) + (sa + se) * E(N=1))


def level_model(*facts):
    model = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"}, assume=list(facts))
    return model, model.total(model.y, by="user"), model.size("user"), model.covariate("X")


def test_level_covariate_keeps_joint_moments():
    model, total, size, x = level_model()
    letters = Letters(model)
    b0, b1, e, kap = letters.mu, model.parameter("X"), letters.E, letters.kappa
    nx = {"N": 1, "X": 1}
    holds(model.mean(total), b0 * e(N=1) + b1 * e(N=1, X=1))
    holds(model.mean(total * x), b0 * e(N=1, X=1) + b1 * e(N=1, X=2))
    holds(model.mean(total * size), b0 * e(N=2) + b1 * e(N=2, X=1))
    variance = e(N=2) * sa + e(N=1) * se + b0**2 * VAR_N + 2 * b0 * b1 * kap(n1, nx) + b1**2 * kap(nx, nx)
    holds(model.var(total), variance)
    holds(model.var(total, via=[size, x]), variance)
    holds(model.var(total, via=[x, size]), variance)
    holds(model.cov(total / size, x), b1 * kap({"X": 1}, {"X": 1}))
    holds(model.var(total / size), b1**2 * kap({"X": 1}, {"X": 1}) + sa + e(N=-1) * se)


def test_level_covariate_declared_independent_of_size():
    model, total, _, x = level_model(ma.independent("X", "size(user)"))
    letters = Letters(model)
    b0, b1, e = letters.mu, model.parameter("X"), letters.E
    squares = e(N=2) * e(X=2) - (e(N=1) * e(X=1)) ** 2
    expected = e(N=2) * sa + e(N=1) * se + b0**2 * VAR_N + 2 * b0 * b1 * e(X=1) * VAR_N + b1**2 * squares
    holds(model.var(total), expected)
    holds(model.mean(total * x), e(N=1) * (b0 * e(X=1) + b1 * e(X=2)))
    assert not agrees(level_model()[0].var(total).canonical, expected)


def test_observation_covariate():
    model = ma.Model("y ~ 1 + x + (1 | user)")
    letters, total, size = Letters(model), model.total(model.y, by="user"), model.size("user")
    b0, b1, e, kap = letters.mu, model.parameter("x"), letters.E, letters.kappa
    s = {"s": 1}
    holds(model.mean(total), b0 * e(N=1) + b1 * e(s=1))
    holds(
        model.var(total),
        e(N=2) * sa + e(N=1) * se + b0**2 * VAR_N + 2 * b0 * b1 * kap(n1, s) + b1**2 * kap(s, s),
    )
    holds(model.cov(total, size), b0 * VAR_N + b1 * kap(n1, s))


def test_products_and_powers_of_covariates():
    model = ma.Model("y ~ 1 + X:size(user) + I(X**2) + (1 | user)", levels={"X": "user"})
    letters, total = Letters(model), model.total(model.y, by="user")
    interaction, square = model.parameter("X:size(user)"), model.parameter("I(X**2)")
    holds(
        model.mean(total),
        letters.mu * E(N=1) + interaction * letters.E(N=2, X=1) + square * letters.E(N=1, X=2),
    )
