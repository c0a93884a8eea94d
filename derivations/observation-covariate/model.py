"""A covariate of the rating: within users, the slope is free of the effects of the users."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Cov, E, Parameter, Var

model = ma.Model("y ~ 1 + x + (1 | user)")
b0, b1, var_a, var_e = map(Parameter, model.parameters)

y, x, N = model.y, model.covariate("x"), model.size("user")
S, S_x = model.total(y, by="user"), model.total(x, by="user")

# Sums of squares and products about the means of the users.
D_xx = model.total(x**2, by="user") - S_x**2 / N
D_xy = model.total(x * y, by="user") - S_x * S / N
D_yy = model.total(y**2, by="user") - S**2 / N
W_xx = model.total(x**2) - ma.over("user", S_x**2 / N)  # and their totals over all users
W_xy = model.total(x * y) - ma.over("user", S_x * S / N)

MATLOFF = (
    "N. Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, talk at the Joint "
    "Statistical Meetings, the slides on covariates"
)
MUNDLAK = "Y. Mundlak (1978), On the pooling of time series and cross section data, Econometrica 46, 69-85"

EXAMPLE = WorkedExample(
    slug="observation-covariate",
    title="A covariate of the observation",
    about="""
    Rating $j$ of user $i$ has a covariate $x_{ij}$, and
    $Y_{ij} = \\beta_0 + \\beta_1 x_{ij} + \\alpha_i + \\varepsilon_{ij}$. The total of a user depends on the covariate
    through its total $S_x$, which is random together with $N$: a user with many ratings has a large $S_x$.

    Within users the effects cancel. Products and squares about the means of a user give the slope and the residual
    variance, whatever the effects are.
    """,
    model=model,
    published=(
        Published(
            "Variance of a total",
            model.var(S),
            E(N**2) * var_a + E(N) * var_e + b0**2 * Var(N) + 2 * b0 * b1 * Cov(N, S_x) + b1**2 * Var(S_x),
            MATLOFF,
        ),
        Published("Products within a user", model.mean(D_xy, given=ma.design), b1 * D_xx, MUNDLAK),
        Published("Squares within a user", model.mean(D_yy, given=ma.design), b1**2 * D_xx + (N - 1) * var_e, MUNDLAK),
        Published("Mean of the slope within users", model.mean(W_xy / W_xx, given=ma.design), b1, MUNDLAK),
        Published(
            "Variance of the slope within users", model.var(W_xy / W_xx, given=ma.design), var_e / W_xx, MUNDLAK
        ),
    ),
    system=model.moment_equations("henderson3"),
    parameters={"Intercept": 3, "x": "-1/5", "var(1|user)": "1/2", "var(residual)": "2/3"},
    law=[
        {"p": "1/2", "size(user)": 1, "x": [2]},
        {"p": "1/3", "size(user)": 2, "x": [0, 1]},
        {"p": "1/6", "size(user)": 3, "x": [1, 0, 3]},
    ],
    simulation={
        "design": {"size(user)": ma.ZeroTruncatedPoisson(3)},
        "units": {"user": 30},
        "covariates": {"x": ma.Exponential(1)},
        "effects": {"user": "exponential", "residual": "uniform"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
