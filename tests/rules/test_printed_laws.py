"""What each law says, in one line each: a law whose two sides are only printed can be read here.

The texts were read from what the package prints, and then checked by reading, each against the source of its law: they
guard against change, and are no second road to the law.
"""

from __future__ import annotations

import pytest

from momentalg.catalogue import discover
from momentalg.expr.text import text

LAWS = discover("momentalg.rules", "RULE")
THIRD = (
    "E[kappa(W_1, W_2, W_3 | K, U) | K] + Cov(Cov(W_1, W_2 | K, U), E[W_3 | K, U] | K)"
    " + Cov(Cov(W_1, W_3 | K, U), E[W_2 | K, U] | K) + Cov(E[W_1 | K, U], Cov(W_2, W_3 | K, U) | K)"
    " + kappa(E[W_1 | K, U], E[W_2 | K, U], E[W_3 | K, U] | K)"
)
PRINTED = {
    "cauchy_schwarz": "(sum_k w_k z_k)^2 <= (sum_k w_k) sum_k w_k z_k^2",
    "cell_in_margin": "n_ij <= N_i",
    "coincidence": "sum_{k=1..N} delta_jk f_k = f_j",
    "coincident_levels": "sum_{i,k} c_ik >= sum_i c_ii",
    "collection": "a c + b c = (a + b) c",
    "core_identity": "E[L_1 L_2 | design] = E[L_1 | design] E[L_2 | design]"
    " + sum_i D_1i D_2i sigma_f^2 + W_12 sigma_e^2",
    "cumulants_of_products": "E[X Y | K] = Cov(X, Y | K) + E[X | K] E[Y | K]",
    "cumulants_of_totals": "Cov(L_1, L_2 | design) = D_1 D_2 sigma_f^2 + W_12 sigma_e^2",
    "definition": "S = sum_{j=1..N} Y_j",
    "design_independence": "E[N X] = E[N] E[X]",
    "earlier_result": "E[W | K] = w",
    "effects": "Var(alpha | K) = sigma_alpha^2",
    "effects_of_levels": "Var(sum_j c_j u_j | K) = sum_j c_j^2 Var(u_j | K)",
    "expansion_of_sums": "Var(X + Y | K) = Var(X | K) + 2 Cov(X, Y | K) + Var(Y | K)",
    "iid_sum": "Var(sum_{j=1..N} e_j | K) = sum_{j=1..N} Var(e_j | K)",
    "iid_units": "Var(sum_i W_i) = r Var(W)",
    "independence": "Var(X + Y | K) = Var(X | K) + Var(Y | K)",
    "linearity": "E[X_1 + X_2 | K] = E[X_1 | K] + E[X_2 | K]",
    "model_equation": "Y_j = eta_j + alpha + e_j",
    "moments_of_incidence": "E[sum_i n_ij^2] = E[N] + Q_2 (E[N^2] - E[N])",
    "moments_of_size": "Cov(X, Y) = E[X Y] - E[X] E[Y]",
    "multilinearity": "Var(a X + b Y | K) = a^2 Var(X | K) + 2 a b Cov(X, Y | K) + b^2 Var(Y | K)",
    "multiplying_out": "c (a + b) = c a + c b",
    "row_over_cell": "N_i >= n_ij",
    "sample_analog": "Cov(X, Y) = (sum_i (X_i - mean(X)) (Y_i - mean(Y)))/(r - 1)",
    "shortcut": "S = N mu + N alpha",
    "sum_over_level": "sum_{j=1..N} (c + X_j) = N c + sum_{j=1..N} X_j",
    "sum_over_units": "Var(sum_i W_i | design) = sum_i Var(W_i | design)",
    "taking_out_known": "Cov(c X, d Y | K) = c d Cov(X, Y | K)",
    "total_covariance": "Cov(V, W | K) = E[Cov(V, W | K, U) | K] + Cov(E[V | K, U], E[W | K, U] | K)",
    "total_cumulance": f"kappa(W_1, W_2, W_3 | K) = {THIRD}",
    "total_expectation": "E[W | K] = E[E[W | K, U] | K]",
    "total_variance": "Var(W | K) = E[Var(W | K, U) | K] + Var(E[W | K, U] | K)",
    "tower": "E[E[X | K, U] | K] = E[X | K]",
}


def test_every_law_is_read():
    assert PRINTED.keys() == LAWS.keys()


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_law_is_printed_as_it_was_read(law):
    assert f"{text(law.left)} {law.relation} {text(law.right)}" == PRINTED[law.name]


def test_variadic_linearity_at_arity_one_and_three():
    assert text(LAWS["linearity"].law(1)[1]) == "E[X_1 | K]"
    assert text(LAWS["linearity"].law(3)[0]) == "E[X_1 + X_2 + X_3 | K]"
