"""A covariate of the user, not of the rating: joint moments with the group size stay joint."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Cov, E, Parameter, Var

model = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
unrelated = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"}, assume=ma.independent("X", "size(user)"))
b0, b1, var_a, var_e = map(Parameter, model.parameters)

N, X = model.size("user"), model.covariate("X")
S = model.total(model.y, by="user")

MATLOFF = (
    "N. Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, talk at the Joint "
    "Statistical Meetings, the slides on covariates"
)
LEAST_SQUARES = "S. R. Searle (1971), Linear Models, chapter 3: the normal equations of least squares on $(1, X_i)$"
BY_USER = f"{MATLOFF}, for the total; the mean by the same laws"

EXAMPLE = WorkedExample(
    slug="level-covariate",
    title="A covariate of the level",
    about="""
    User $i$ has a covariate $X_i$, age say, and gives $N_i$ ratings
    $Y_{ij} = \\beta_0 + \\beta_1 X_i + \\alpha_i + \\varepsilon_{ij}$. The pair $(N_i, X_i)$ is random and may be
    dependent: the old may rate less. Hence the moments of $N_i$ and $X_i$ stay joint, unless the two are declared
    independent.

    The variance of a total is a quadratic form in $(\\beta_0, \\beta_1)$, whose matrix is the covariance matrix of
    $(N_i, N_i X_i)$.
    """,
    model=model,
    published=(
        Published(
            "Variance of a total",
            model.var(S),
            E(N**2) * var_a + E(N) * var_e + b0**2 * Var(N) + 2 * b0 * b1 * Cov(N, N * X) + b1**2 * Var(N * X),
            MATLOFF,
            matrix=((Var(N), Cov(N, N * X)), (Cov(N, N * X), Var(N * X))),
        ),
        Published(
            "The same, where the covariate and the size are independent",
            unrelated.var(S),
            E(N**2) * var_a
            + E(N) * var_e
            + b0**2 * Var(N)
            + 2 * b0 * b1 * E(X) * Var(N)
            + b1**2 * (E(N**2) * E(X**2) - E(N) ** 2 * E(X) ** 2),
            MATLOFF,
            law=[
                {"p": "1/3", "size(user)": 1, "X": 0},
                {"p": "1/6", "size(user)": 3, "X": 0},
                {"p": "1/3", "size(user)": 1, "X": 2},
                {"p": "1/6", "size(user)": 3, "X": 2},
            ],
        ),
        Published("Mean of a total", model.mean(S), b0 * E(N) + b1 * E(N * X), LEAST_SQUARES),
        Published(
            "Mean of a total times the covariate",
            model.mean(S * X),
            b0 * E(N * X) + b1 * E(N * X**2),
            LEAST_SQUARES,
        ),
        Published("Covariance of a mean with the covariate", model.cov(S / N, X), b1 * Var(X), BY_USER),
        Published("Variance of a mean", model.var(S / N), b1**2 * Var(X) + var_a + E(N**-1) * var_e, BY_USER),
    ),
    system=model.moment_equations("henderson3"),
    parameters={"Intercept": 3, "X": "-1/5", "var(1|user)": "1/2", "var(residual)": "2/3"},
    law=[
        {"p": "1/2", "size(user)": 1, "X": 2},
        {"p": "1/3", "size(user)": 2, "X": 0},
        {"p": "1/6", "size(user)": 4, "X": 1},
    ],
    simulation={
        "design": [
            {"p": "1/4", "size(user)": 2, "X": 3},
            {"p": "1/4", "size(user)": 3, "X": 2},
            {"p": "1/4", "size(user)": 4, "X": 0},
            {"p": "1/4", "size(user)": 6, "X": 1},
        ],
        "units": {"user": 30},
        "effects": {"user": "exponential", "residual": "uniform"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
