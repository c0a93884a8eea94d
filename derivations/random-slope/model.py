"""A random intercept and a random slope, correlated: moments of pairs of observations of a group."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Parameter

model = ma.Model("y ~ 1 + x + (1 + x | user)")
centred = ma.Model("y ~ 0 + (1 + x | user)")  # the response about its mean: r = y - X beta
g11, g12, g22, var_e = map(Parameter, centred.parameters)

r, x, N = centred.y, centred.covariate("x"), centred.size("user")
s1, s2, s3, s4 = (centred.total(x**k, by="user") for k in (1, 2, 3, 4))
R0, R1 = centred.total(r, by="user"), centred.total(x * r, by="user")

P00 = ma.over("user", R0**2 - centred.total(r**2, by="user"))
P01 = ma.over("user", R0 * R1 - centred.total(x * r**2, by="user"))
P11 = ma.over("user", R1**2 - centred.total(x**2 * r**2, by="user"))

PAIRS = (
    "J. K. Haseman and R. C. Elston (1972), Behavior Genetics 2, 3-19, for products of pairs; "
    "P. O. Perry (2017), Fast moment-based estimation for hierarchical models, JRSS B 79, 267-291, for slopes"
)
MIXED = (
    "N. M. Laird and J. H. Ware (1982), Random-effects models for longitudinal data, Biometrics 38, 963-974, section 2"
)

EXAMPLE = WorkedExample(
    slug="random-slope",
    title="A random slope, correlated with the random intercept",
    about="""
    User $i$ has an intercept and a slope of his own,
    $Y_{ij} = \\beta_0 + \\beta_1 x_{ij} + \\alpha_i + \\gamma_i x_{ij} + \\varepsilon_{ij}$, with covariance matrix $G$
    of $(\\alpha_i, \\gamma_i)$. Products of pairs of different observations of one user have expectations that are
    linear in $G$ alone: the residual variance does not enter, whatever it is.

    The published equations are for the response about its mean, $r = y - \\beta_0 - \\beta_1 x$. The estimators project
    the mean off.
    """,
    model=model,
    published=(
        Published(
            "Pairs",
            centred.mean(P00, given=ma.design),
            ma.over("user", N**2 - N) * g11
            + 2 * ma.over("user", (N - 1) * s1) * g12
            + ma.over("user", s1**2 - s2) * g22,
            PAIRS,
        ),
        Published(
            "Pairs, one times its covariate",
            centred.mean(P01, given=ma.design),
            ma.over("user", (N - 1) * s1) * g11
            + ma.over("user", N * s2 + s1**2 - 2 * s2) * g12
            + ma.over("user", s1 * s2 - s3) * g22,
            PAIRS,
        ),
        Published(
            "Pairs, both times their covariates",
            centred.mean(P11, given=ma.design),
            ma.over("user", s1**2 - s2) * g11
            + 2 * ma.over("user", s1 * s2 - s3) * g12
            + ma.over("user", s2**2 - s4) * g22,
            PAIRS,
        ),
        Published(
            "Squares",
            centred.mean(centred.total(r**2), given=ma.design),
            centred.size() * (g11 + var_e) + 2 * centred.total(x) * g12 + centred.total(x**2) * g22,
            MIXED,
        ),
        Published(
            "The total of a user",
            centred.var(R0, given=ma.design),
            N**2 * g11 + 2 * N * s1 * g12 + s1**2 * g22 + N * var_e,
            MIXED,
        ),
    ),
    system=model.moment_equations(),
    parameters={
        "Intercept": 3,
        "x": "1/2",
        "var(1|user)": "1/2",
        "cov(1,x|user)": "1/5",
        "var(x|user)": "1/3",
        "var(residual)": "2/3",
    },
    rows=[
        {"user": user, "x": x}
        for user, x in [
            ("a", 0),
            ("a", 1),
            ("a", 3),
            ("b", 1),
            ("b", 2),
            ("c", -1),
            ("c", 2),
            ("c", 4),
            ("d", 0),
            ("d", 5),
        ]
    ],
    simulation={
        "design": {
            "user": [i for i in range(30) for _ in range(2 + i % 5)],
            "x": [(3 * i + 2 * j) % 7 for i in range(30) for j in range(2 + i % 5)],
        },
        "effects": {"user": "exponential", "residual": "uniform"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
