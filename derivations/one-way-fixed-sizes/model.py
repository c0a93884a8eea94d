"""The one-way layout with fixed group sizes: the analysis of variance, balanced or not."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Cov, Hat, Levels, Parameter, Var

model = ma.Model("y ~ 1 + (1 | batch)")
mu, var_a, var_e = map(Parameter, model.parameters)
k4_a, k4_e = Parameter("k4(1|batch)"), Parameter("k4(residual)")

y, N = model.y, model.size("batch")
S, G, n, m = model.total(y, by="batch"), model.total(y), model.size(), Levels(("batch",))
N1, N2, N3, N4 = (ma.over("batch", N**k) for k in (-1, 2, 3, 4))  # sums over the batches of 1/N, N^2, N^3 and N^4

between = ma.over("batch", S**2 / N) - G**2 / n
within = model.total(y**2) - ma.over("batch", S**2 / N)
f = n - N2 / n
estimator_e = within / (n - m)
estimator_a = (between - (m - 1) / (n - m) * within) / f

SCM = "S. R. Searle, G. Casella and C. E. McCulloch (1992), Variance Components, section 3.6"
TUKEY = (
    "J. M. Hammersley (1949), The unbiased estimate and standard error of the interclass variance, Metron 15, 189-205; "
    "J. W. Tukey (1957), Variances of variance components II, Ann. Math. Statist. 28, 43-56"
)

# The kurtosis of the residuals enters by the squared diagonal of the estimator's matrix, (1/N - 1/n - c (1 - 1/N)) / f
# for each observation of a batch, c = (m - 1)/(n - m); it is 0 when the sizes are equal.
c = (m - 1) / (n - m)
kurtosis_e = (1 + c) ** 2 * N1 - 2 * (1 + c) * (c + 1 / n) * m + (c + 1 / n) ** 2 * n

EXAMPLE = WorkedExample(
    slug="one-way-fixed-sizes",
    title="One-way layout with fixed group sizes: the analysis of variance",
    about="""
    Batch $i$ of $r$ gives $N_i$ measurements $Y_{ij} = \\mu + \\alpha_i + \\varepsilon_{ij}$; the sizes need not be
    equal. Everything about the design is given: $N_1, \\dots, N_r$ are numbers, and $n$ is their sum.

    The expected sums of squares are those of the analysis of variance, which is Henderson's method I. The variances of
    the estimators hold for effects and residuals of any distribution: normality only makes the fourth cumulants zero.
    """,
    model=model,
    published=(
        Published("Between batches", model.mean(between, given=ma.design), f * var_a + (m - 1) * var_e, SCM),
        Published("Within batches", model.mean(within, given=ma.design), (n - m) * var_e, SCM),
        Published(
            "Variance of the estimator of the residual variance",
            model.var(estimator_e, given=ma.design),
            2 * var_e**2 / (n - m) + k4_e * (n - 2 * m + N1) / (n - m) ** 2,
            TUKEY,
            statement=Var(Hat(var_e), (ma.design,)),
        ),
        Published(
            "Variance of the estimator of the batch variance",
            model.var(estimator_a, given=ma.design),
            2 * n**2 * (n - 1) * (m - 1) / ((n - m) * (n**2 - N2) ** 2) * var_e**2
            + 4 * n / (n**2 - N2) * var_e * var_a
            + 2 * (n**2 * N2 + N2**2 - 2 * n * N3) / (n**2 - N2) ** 2 * var_a**2
            + k4_a * (N2 - 2 * N3 / n + N4 / n**2) / f**2
            + k4_e * kurtosis_e / f**2,
            f"{SCM}, for the terms without fourth cumulants; {TUKEY}, for those with them",
            statement=Var(Hat(var_a), (ma.design,)),
        ),
        Published(
            "Covariance of the two estimators",
            model.cov(estimator_a, estimator_e, given=ma.design),
            -2 * (m - 1) * var_e**2 / ((n - m) * f)
            + k4_e * ((1 + c) * (m - N1) - (c + 1 / n) * (n - m)) / (f * (n - m)),
            f"{SCM}, for the terms without fourth cumulants; {TUKEY}, for those with them",
            statement=Cov(Hat(var_a), Hat(var_e), (ma.design,)),
        ),
    ),
    system=model.moment_equations("henderson1"),
    parameters={
        "Intercept": 3,
        "var(1|batch)": "1/2",
        "var(residual)": "2/3",
        "k3(1|batch)": "1/3",
        "k3(residual)": "-1/4",
        "k4(1|batch)": "1/5",
        "k4(residual)": "-3/7",
    },
    law=[{"p": "1/3", "size(batch)": 1}, {"p": "1/3", "size(batch)": 2}, {"p": "1/3", "size(batch)": 3}],
    simulation={
        "design": {"batch": ["a"] * 2 + ["b"] * 3 + ["c"] * 4 + ["d"] * 5 + ["e"] * 6, "y": [0] * 20},
        "effects": {"batch": "exponential", "residual": "uniform"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
