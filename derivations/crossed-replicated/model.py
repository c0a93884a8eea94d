"""Two crossed factors with any number of observations in a cell: where N - R is no longer right."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Levels, LevelSum, Parameter, Size

model = ma.Model("y ~ 1 + (1 | row) + (1 | column)")
mu, var_a, var_b, var_e = map(Parameter, model.parameters)

y, n = model.y, model.size()
R, C = model.total(y, by="row"), model.total(y, by="column")
N, M, cell = model.size("row"), model.size("column"), model.size("row:column")
rows, columns = Levels(("row",)), Levels(("column",))
N2, M2, CELLS2 = ma.over("row", N**2), ma.over("column", M**2), ma.over("row:column", cell**2)

U_a = model.total(y**2) - ma.over("row", R**2 / N)
U_b = model.total(y**2) - ma.over("column", C**2 / M)
U_e = n * model.total(y**2) - model.total(y) ** 2
sample_variance = (ma.over("row", R**2) - model.total(y) ** 2 / rows) / (rows - 1)

shared = LevelSum(  # sum_j n_ij n_kj for two named rows
    (("column", "j"),), Size(("row", "column"), ("i", "j")) * Size(("row", "column"), ("k", "j"))
)

HENDERSON = (
    "C. R. Henderson (1953), Estimation of variance and covariance components, Biometrics 9, 226-252, method I; "
    "S. R. Searle, G. Casella and C. E. McCulloch (1992), Variance Components, section 5.3"
)
GRAYBILL = (
    "S. R. Searle, G. Casella and C. E. McCulloch (1992), Variance Components, appendix S.5: E[y'Ay] = tr(AV) + m'Am, "
    "for the sample variance of the row totals"
)

EXAMPLE = WorkedExample(
    slug="crossed-replicated",
    title="Two crossed factors with replicated cells",
    about="""
    A user may rate an item more than once: cell $(i, j)$ has $n_{ij}$ observations, 0, 1 or more. The coefficient of
    the column variance in $U_a$ is then $n - \\sum_{ij} n_{ij}^2/N_i$; the familiar $n - R$ holds where no cell has
    more than one observation.

    Row totals are not independent, either: rows that share columns have a covariance, and the expected sample variance
    of the row totals loses what they share. In a complete design nothing of the column variance is left in it.
    """,
    model=model,
    published=(
        Published(
            "Within rows",
            model.mean(U_a, given=ma.design),
            (n - ma.over("row:column", cell**2 / N)) * var_b + (n - rows) * var_e,
            HENDERSON,
        ),
        Published(
            "Within columns",
            model.mean(U_b, given=ma.design),
            (n - ma.over("row:column", cell**2 / M)) * var_a + (n - columns) * var_e,
            HENDERSON,
        ),
        Published(
            "All pairs",
            model.mean(U_e, given=ma.design),
            (n**2 - N2) * var_a + (n**2 - M2) * var_b + (n**2 - n) * var_e,
            HENDERSON,
        ),
        Published(
            "Two rows share columns",
            model.cov(R, R.at("k"), given=ma.design),
            shared * var_b,
            GRAYBILL,
            at={"row": "a", "k": "b"},
        ),
        Published(
            "The sample variance of the row totals",
            model.mean(sample_variance, given=ma.design),
            N2 / rows * var_a
            + n / rows * var_e
            + mu**2 * (N2 - n**2 / rows) / (rows - 1)
            + var_b * (CELLS2 / rows - (M2 - CELLS2) / (rows * (rows - 1))),
            GRAYBILL,
        ),
    ),
    system=model.moment_equations("gao_owen"),
    parameters={"Intercept": 3, "var(1|row)": "1/2", "var(1|column)": "1/3", "var(residual)": "2/3"},
    rows=[
        {"row": row, "column": column}
        for row, column in [
            ("a", "u"),
            ("a", "u"),
            ("a", "v"),
            ("b", "u"),
            ("b", "w"),
            ("b", "w"),
            ("c", "v"),
            ("c", "w"),
        ]
    ],
    simulation={
        "design": {
            "row": [r for r in range(10) for c in range(8) for _ in range((r * c + r + c) % 4)],
            "column": [c for r in range(10) for c in range(8) for _ in range((r * c + r + c) % 4)],
        },
        "effects": {"row": "exponential", "column": "uniform", "residual": "exponential"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
