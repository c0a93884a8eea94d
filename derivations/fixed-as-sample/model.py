"""A fixed factor as a sample from its levels: known labels, sampled labels, and a random factor, which is neither."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import ZERO, E, Parameter, Total, Value

model = ma.Model("y ~ 0 + drug + (1 | user)", fixed={"drug": ["a", "b", "c"]})
tau_a, tau_b, tau_c, var_a, var_e = map(Parameter, model.parameters)

y, n, N = model.y, model.size(), model.size("user")
is_b = model.covariate("drug[b]")
S, B, n_b = model.total(y, by="user"), model.total(is_b * y), model.total(is_b)
p_a, p_b, p_c = (E(Value(model.covariate(f"drug[{level}]").variable, "t")) for level in "abc")  # of an observation
per_user = Total(is_b, ("user",))  # n_ib, the observations of a user at level b
N2 = ma.over("user", N**2)

LEGENDRE = (
    "A.-M. Legendre (1805): the normal equation of an indicator; with sampled labels by the law of total expectation"
)
COCHRAN = (
    "W. G. Cochran (1977), Sampling Techniques, section 2.12, totals over subpopulations, for independent rows; "
    "with effects of users by the law of total variance"
)
SEARLE = "S. R. Searle, G. Casella and C. E. McCulloch (1992), Variance Components, section 1.4, fixed or random"
deviation = p_a * tau_a**2 + p_b * tau_b**2 + p_c * tau_c**2 - (p_a * tau_a + p_b * tau_b + p_c * tau_c) ** 2

EXAMPLE = WorkedExample(
    slug="fixed-as-sample",
    title="A fixed factor as a sample from its levels",
    about="""
    Observations get one of three drugs, whose effects $\\tau_a, \\tau_b, \\tau_c$ are fixed. Think of the labels as a
    sample, with probability $p_k$ for drug $k$: the total at a level has expectation $n p_k \\tau_k$, and with the
    share of the observations in place of $p_k$ this is the equation given the labels: the estimates are the same.

    What is not the same are variances. Sampled labels add $\\sum_k p_k (\\tau_k - \\bar\\tau)^2$ to the variance of an
    observation, and nothing to the covariance of two. This is not what a random factor does, which adds its variance
    to the covariance of any two observations at the same level: a fixed factor is not a variance component.
    """,
    model=model,
    published=(
        Published(
            "The total at a level",
            model.mean(B, as_random=["drug"]),
            n_b * tau_b,
            LEGENDRE,
            sampled=n * p_b * tau_b,
        ),
        Published(
            "The variance of the total at a level",
            model.var(B, as_random=["drug"]),
            ma.over("user", per_user**2) * var_a + n_b * var_e,
            COCHRAN,
            sampled=(p_b**2 * (N2 - n) + p_b * n) * var_a + n * p_b * var_e + n * p_b * (1 - p_b) * tau_b**2,
        ),
        Published(
            "The variance of the total of a user",
            model.var(S, as_random=["drug"]),
            N**2 * var_a + N * var_e,
            SEARLE,
            sampled=N**2 * var_a + N * var_e + N * deviation,
        ),
        Published(
            "Two users have nothing in common",
            model.cov(S, S.at("k"), as_random=["drug"]),
            ZERO,
            SEARLE,
            at={"user": "u", "k": "v"},
            sampled=ZERO,
        ),
    ),
    system=model.moment_equations(),
    parameters={"drug[a]": 3, "drug[b]": "1/2", "drug[c]": -1, "var(1|user)": "1/2", "var(residual)": "2/3"},
    rows=[
        {"user": user, "drug": drug}
        for user, drug in [
            ("u", "a"),
            ("u", "b"),
            ("u", "b"),
            ("v", "a"),
            ("v", "c"),
            ("w", "c"),
            ("w", "b"),
            ("w", "b"),
        ]
    ],
    simulation={
        "design": {
            "user": [i for i in range(30) for _ in range(2 + i % 4)],
            "drug": ["abc"[(i * j + i + j) % 3] for i in range(30) for j in range(2 + i % 4)],
        },
        "effects": {"user": "exponential", "residual": "uniform"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
