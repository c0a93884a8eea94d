"""The one-way layout with random group sizes: Matloff's equations."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import E, Parameter, Var

model = ma.Model("y ~ 1 + (1 | user)")
mu, var_a, var_e = map(Parameter, model.parameters)

y, N = model.y, model.size("user")
S, T = model.total(y, by="user"), model.total(y**2, by="user")

MATLOFF = (
    "N. Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, talk at the Joint "
    "Statistical Meetings, the slides on random group sizes"
)
WALD = "A. Wald (1944), On cumulative sums of random variables, Ann. Math. Statist. 15, 283-296, for {}"

EXAMPLE = WorkedExample(
    slug="one-way-random-sizes",
    title="One-way layout with random group sizes",
    about="""
    User $i$ gives $N_i$ ratings $Y_{ij} = \\mu + \\alpha_i + \\varepsilon_{ij}$. The users are a sample, and so are
    their numbers of ratings: $(N_i, \\alpha_i, \\varepsilon_{i1}, \\varepsilon_{i2}, \\dots)$ are independent and
    identically distributed over $i$. Hence so are the totals $S_i$ of the ratings of a user, whose variance has a term
    from the sizes alone.

    No distribution is assumed, of the effects, of the residuals or of the sizes.
    """,
    model=model,
    published=(
        Published("Variance of a total", model.var(S), E(N**2) * var_a + E(N) * var_e + mu**2 * Var(N), MATLOFF),
        Published("Variance of a total, given its size", model.var(S, given=[N]), N**2 * var_a + N * var_e, MATLOFF),
        Published(
            "The same variance by another path",
            model.var(S, via=["user"]),
            E(N**2) * var_a + E(N) * var_e + mu**2 * Var(N),
            f"{MATLOFF}; here the effect of the user is given first, then the size",
        ),
        Published("Mean of a total", model.mean(S), mu * E(N), WALD.format("the ratings")),
        Published(
            "Mean of a total of squares",
            model.mean(T),
            E(N) * (mu**2 + var_a + var_e),
            WALD.format("the squares of the ratings"),
        ),
    ),
    system=model.moment_equations("totals"),
    parameters={"Intercept": 3, "var(1|user)": "1/2", "var(residual)": "2/3"},
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
