"""The group size as a covariate: do frequent users give lower ratings?"""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Cov, E, Parameter, Var

model = ma.Model("y ~ 1 + size(user) + (1 | user)")
c1, c2, var_a, var_e = map(Parameter, model.parameters)

N = model.size("user")
S = model.total(model.y, by="user")

MATLOFF = (
    "N. Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, talk at the Joint "
    "Statistical Meetings, the slides on the group size as a covariate"
)
LEAST_SQUARES = "S. R. Searle (1971), Linear Models, chapter 3: the normal equations of least squares on $(1, N_i)$"
BY_USER = f"{MATLOFF}, for the total; the mean by the same laws"

EXAMPLE = WorkedExample(
    slug="size-as-covariate",
    title="The group size as a covariate",
    about="""
    User $i$ gives $N_i$ ratings $Y_{ij} = c_1 + c_2 N_i + \\alpha_i + \\varepsilon_{ij}$: those who rate often may rate
    lower. The size is random and enters twice, as the number of terms of the total $S_i$ and in their mean, so that
    moments of the size up to the fourth occur.

    The coefficient of the size is estimable as soon as two sizes occur.
    """,
    model=model,
    published=(
        Published(
            "Variance of a total",
            model.var(S),
            E(N**2) * var_a + E(N) * var_e + c1**2 * Var(N) + 2 * c1 * c2 * Cov(N, N**2) + c2**2 * Var(N**2),
            MATLOFF,
        ),
        Published("Mean of a total", model.mean(S), c1 * E(N) + c2 * E(N**2), LEAST_SQUARES),
        Published("Mean of a total times the size", model.mean(S * N), c1 * E(N**2) + c2 * E(N**3), LEAST_SQUARES),
        Published("Covariance of a mean with the size", model.cov(S / N, N), c2 * Var(N), BY_USER),
        Published("Variance of a mean", model.var(S / N), c2**2 * Var(N) + var_a + E(N**-1) * var_e, BY_USER),
    ),
    system=model.moment_equations("henderson3"),
    parameters={"Intercept": 3, "size(user)": "-1/5", "var(1|user)": "1/2", "var(residual)": "2/3"},
    law=[{"p": "1/2", "size(user)": 1}, {"p": "1/3", "size(user)": 2}, {"p": "1/6", "size(user)": 4}],
    simulation={
        "design": {"size(user)": ma.ZeroTruncatedPoisson(3)},
        "units": {"user": 30},
        "effects": {"user": "exponential", "residual": "uniform"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
