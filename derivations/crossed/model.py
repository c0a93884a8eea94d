"""Two crossed factors with at most one observation in a cell: Gao and Owen's U-statistics."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Levels, LevelSum, Parameter, Size

model = ma.Model("y ~ 1 + (1 | row) + (1 | column)", assume=[ma.unreplicated("row:column")])
mu, var_a, var_b, var_e = map(Parameter, model.parameters)
k4_b, k4_e = Parameter("k4(1|column)"), Parameter("k4(residual)")

y, n = model.y, model.size()
R, C = model.total(y, by="row"), model.total(y, by="column")
N, M, cell = model.size("row"), model.size("column"), model.size("row:column")
rows, columns = Levels(("row",)), Levels(("column",))
N2, M2 = ma.over("row", N**2), ma.over("column", M**2)

U_a = model.total(y**2) - ma.over("row", R**2 / N)
U_b = model.total(y**2) - ma.over("column", C**2 / M)
U_e = n * model.total(y**2) - model.total(y) ** 2


def count(row: str, column: str) -> Size:
    """n_ij, 0 or 1, for named levels."""
    return Size(("row", "column"), (row, column))


def inverse(row: str) -> Size:
    """1/N_i for a named row."""
    return Size(("row",), (row,)) ** -1


# What two rows have in common: pairs of columns that both meet, a four-cycle of the incidence, and single columns.
CYCLES = LevelSum(
    (("row", "i"), ("row", "k"), ("column", "j"), ("column", "l")),
    inverse("i") * inverse("k") * count("i", "j") * count("i", "l") * count("k", "j") * count("k", "l"),
)
PATHS = LevelSum(
    (("row", "i"), ("row", "k"), ("column", "j")), inverse("i") * inverse("k") * count("i", "j") * count("k", "j")
)
WEIGHTED = LevelSum((("row", "i"), ("column", "j")), inverse("i") * Size(("column",), ("j",)) * count("i", "j"))

GAO_OWEN = (
    "K. Gao and A. Owen (2017), Efficient moment calculations for variance components in large unbalanced crossed "
    "random effects models, Electronic Journal of Statistics 11, 1235-1296, section 4"
)
QUADRATIC = (
    "S. R. Searle, G. Casella and C. E. McCulloch (1992), Variance Components, appendix S.5, the variance of a "
    "quadratic form, with fourth cumulants as in Tukey (1957), Ann. Math. Statist. 28, 43-56"
)

EXAMPLE = WorkedExample(
    slug="crossed",
    title="Two crossed factors, at most one observation in a cell",
    about="""
    Rows and columns, users and items say, are crossed: $Y_{ij} = \\mu + \\alpha_i + \\beta_j + \\varepsilon_{ij}$ for
    those pairs that were observed. Everything about the design is given. No two rows are independent when they have
    columns in common.

    Gao and Owen's statistics are $U_a$, the sum of squares within rows, $U_b$, that within columns, and $U_e$, that of
    all pairs of observations. Their expectations identify the components; the exact variance of $U_a$ has a sum over
    the four-cycles of the incidence, which is what makes it dear.
    """,
    model=model,
    published=(
        Published("Within rows", model.mean(U_a, given=ma.design), (n - rows) * (var_b + var_e), GAO_OWEN),
        Published("Within columns", model.mean(U_b, given=ma.design), (n - columns) * (var_a + var_e), GAO_OWEN),
        Published(
            "All pairs",
            model.mean(U_e, given=ma.design),
            (n**2 - N2) * var_a + (n**2 - M2) * var_b + (n**2 - n) * var_e,
            GAO_OWEN,
        ),
        Published(
            "Variance of the sum of squares within rows",
            model.var(U_a, given=ma.design),
            2 * var_b**2 * (M2 - 2 * WEIGHTED + CYCLES)
            + 4 * var_b * var_e * (n - rows)
            + 2 * var_e**2 * (n - rows)
            + k4_b * (M2 - 2 * WEIGHTED + PATHS)
            + k4_e * (n - 2 * rows + ma.over("row", 1 / N)),
            QUADRATIC,
        ),
    ),
    system=model.moment_equations("gao_owen"),
    parameters={
        "Intercept": 3,
        "var(1|row)": "1/2",
        "var(1|column)": "1/3",
        "var(residual)": "2/3",
        "k3(1|row)": "1/3",
        "k3(1|column)": "1/7",
        "k3(residual)": "-1/4",
        "k4(1|row)": "1/5",
        "k4(1|column)": "2/5",
        "k4(residual)": "-3/7",
    },
    rows=[
        {"row": row, "column": column}
        for row, column in [
            ("a", "u"),
            ("a", "v"),
            ("b", "u"),
            ("b", "v"),
            ("b", "w"),
            ("c", "w"),
            ("c", "v"),
            ("d", "u"),
        ]
    ],
    simulation={
        "design": {
            "row": [row for row in range(12) for column in range(9) if (row * column + row) % 4],
            "column": [column for row in range(12) for column in range(9) if (row * column + row) % 4],
        },
        "effects": {"row": "exponential", "column": "uniform", "residual": "exponential"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
