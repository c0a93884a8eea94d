"""We still get the same answer: sizes as random, with sample moments in place of theirs, and sizes as fixed."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Cov, E, Levels, Node, Parameter, Var

model = ma.Model("y ~ 1 + (1 | user)")
covariate = ma.Model("y ~ 1 + X + (1 | user)", levels={"X": "user"})
mu, var_a, var_e = map(Parameter, model.parameters)
b = Parameter("X")

y, N = model.y, model.size("user")
S, G, n, users = model.total(y, by="user"), model.total(y), model.size(), Levels(("user",))
X = covariate.covariate("X")
N2 = ma.over("user", N**2)


def sample_variance(total: Node) -> Node:
    """s^2 of the totals, with divisor r - 1."""
    return (ma.over("user", total**2) - G**2 / users) / (users - 1)


MATLOFF = (
    "N. Matloff (2016), New Computational Approaches to Large/Complex Mixed Effects Models, talk at the Joint "
    "Statistical Meetings: we still get the same answer"
)
VARDEMAN = (
    "S. B. Vardeman and J. R. Wendelberger (2005), The expected sample variance of uncorrelated random variables with "
    "a common mean and some applications in unbalanced random effects models, J. Statist. Educ. 13"
)

EXAMPLE = WorkedExample(
    slug="same-answer",
    title="The same answer, whether the sizes are random or fixed",
    about="""
    Is it allowed to treat group sizes as random when they were fixed by design, or the other way round? Put sample
    moments of the sizes in the place of $\\operatorname{E} N$, $\\operatorname{E} N^2$ and $\\operatorname{Var} N$ in
    the equation for $\\operatorname{Var}(S)$, and the sample variance of the totals on its left side: the result is the
    equation that holds given the sizes, for every data set. The estimates are the same numbers.

    The divisor counts: a sample variance has $r - 1$, of the totals as of the sizes. With $r$ the two differ, and the
    estimate is biased.
    """,
    model=model,
    published=(
        Published(
            "The sample variance of the totals, given the sizes",
            model.mean(sample_variance(S), given=ma.design),
            N2 / users * var_a + n / users * var_e + mu**2 * (N2 - n**2 / users) / (users - 1),
            VARDEMAN,
        ),
        Published(
            "The variance of a total, the sizes random",
            model.var(S),
            E(N**2) * var_a + E(N) * var_e + mu**2 * Var(N),
            MATLOFF,
            same_as=model.mean(sample_variance(S), given=ma.design),
        ),
        Published(
            "With a covariate of the users",
            covariate.var(S),
            E(N**2) * var_a + E(N) * var_e + mu**2 * Var(N) + 2 * mu * b * Cov(N, N * X) + b**2 * Var(N * X),
            MATLOFF,
            law=[
                {"p": "1/2", "size(user)": 1, "X": 0},
                {"p": "1/3", "size(user)": 2, "X": 3},
                {"p": "1/6", "size(user)": 4, "X": -1},
            ],
            same_as=covariate.mean(sample_variance(S), given=ma.design),
        ),
    ),
    system=model.moment_equations("totals"),
    parameters={"Intercept": 3, "X": "1/4", "var(1|user)": "1/2", "var(residual)": "2/3"},
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
