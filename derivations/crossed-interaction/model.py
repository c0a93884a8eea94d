"""Two crossed factors and their interaction: Henderson's method I."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Levels, Parameter

model = ma.Model("y ~ 1 + (1 | row) + (1 | column) + (1 | row:column)")
mu, var_a, var_b, var_ab, var_e = map(Parameter, model.parameters)

y, n = model.y, model.size()
R, C, K = (model.total(y, by=by) for by in ("row", "column", "row:column"))
N, M, cell = (model.size(by) for by in ("row", "column", "row:column"))
rows, columns, cells = (Levels(by) for by in (("row",), ("column",), ("row", "column")))
N2, M2, CELLS2 = ma.over("row", N**2), ma.over("column", M**2), ma.over("row:column", cell**2)

T_0, T_a, T_b = model.total(y) ** 2 / n, ma.over("row", R**2 / N), ma.over("column", C**2 / M)
T_ab = ma.over("row:column", K**2 / cell)
in_rows, in_columns = ma.over("row:column", cell**2 / N), ma.over("row:column", cell**2 / M)

HENDERSON = (
    "C. R. Henderson (1953), Estimation of variance and covariance components, Biometrics 9, 226-252, method I; "
    "S. R. Searle, G. Casella and C. E. McCulloch (1992), Variance Components, section 5.3"
)

EXAMPLE = WorkedExample(
    slug="crossed-interaction",
    title="Two crossed factors with interaction: Henderson's method I",
    about="""
    $Y_{ijk} = \\mu + \\alpha_i + \\beta_j + (\\alpha\\beta)_{ij} + \\varepsilon_{ijk}$, with $n_{ij}$ observations in
    cell $(i, j)$, some of them none. The interaction is a factor like the others: its levels are the cells.

    Henderson's sums of squares are those of the balanced analysis, with the actual numbers of observations as weights.
    """,
    model=model,
    published=(
        Published(
            "Between rows",
            model.mean(T_a - T_0, given=ma.design),
            (n - N2 / n) * var_a + (in_rows - M2 / n) * var_b + (in_rows - CELLS2 / n) * var_ab + (rows - 1) * var_e,
            HENDERSON,
        ),
        Published(
            "Between columns",
            model.mean(T_b - T_0, given=ma.design),
            (in_columns - N2 / n) * var_a
            + (n - M2 / n) * var_b
            + (in_columns - CELLS2 / n) * var_ab
            + (columns - 1) * var_e,
            HENDERSON,
        ),
        Published(
            "Interaction",
            model.mean(T_ab - T_a - T_b + T_0, given=ma.design),
            (N2 / n - in_columns) * var_a
            + (M2 / n - in_rows) * var_b
            + (n - in_rows - in_columns + CELLS2 / n) * var_ab
            + (cells - rows - columns + 1) * var_e,
            HENDERSON,
        ),
        Published(
            "Within cells", model.mean(model.total(y**2) - T_ab, given=ma.design), (n - cells) * var_e, HENDERSON
        ),
    ),
    system=model.moment_equations("henderson1"),
    parameters={
        "Intercept": 3,
        "var(1|row)": "1/2",
        "var(1|column)": "1/3",
        "var(1|row:column)": "1/5",
        "var(residual)": "2/3",
    },
    rows=[
        {"row": row, "column": column}
        for row, column in [
            ("a", "u"),
            ("a", "u"),
            ("a", "v"),
            ("b", "u"),
            ("b", "v"),
            ("b", "v"),
            ("b", "w"),
            ("c", "w"),
            ("c", "u"),
        ]
    ],
    simulation={
        "design": {
            "row": [r for r in range(12) for c in range(10) for _ in range((r * c + r + c) % 4)],
            "column": [c for r in range(12) for c in range(10) for _ in range((r * c + r + c) % 4)],
        },
        "effects": {"row": "exponential", "column": "uniform", "residual": "exponential"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
