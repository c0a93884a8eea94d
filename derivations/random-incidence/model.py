"""Random incidence: users who draw items, and the covariance of users that popular items make."""

from fractions import Fraction

import momentalg as ma
from derivations.worked_example import Published, RandomTables, WorkedExample
from momentalg.check.random_incidence import cell_tables, draw_tables
from momentalg.expr.nodes import E, Levels, LevelSum, Parameter, Value, Var, Variable

FORMULA = "y ~ 1 + (1 | user) + (1 | item)"
draws = ma.Model(FORMULA, incidence=ma.designs.draws("user", "item"))
cells = ma.Model(FORMULA, incidence=ma.designs.independent_cells("user", "item"))
mu, var_a, var_b, var_e = map(Parameter, draws.parameters)

y, N, n = draws.y, draws.size("user"), draws.size("user:item")
R, C, G = draws.total(y, by="user"), draws.total(y, by="item"), draws.total(y)
users, items = Levels(("user",)), Levels(("item",))
overlap = LevelSum((("item", "j"),), Value(Variable("law", "probability(item)"), "", ("j",)) ** 2)  # sum of q_j^2
sample_variance = (ma.over("user", R**2) - G**2 / users) / (users - 1)

SIZES = {1: Fraction(1, 2), 2: Fraction(1, 2)}
Q = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
DRAWN = RandomTables(
    ma.designs.draws("user", "item", SIZES, Q),
    draw_tables(SIZES, Q, 2),
    {"user": 2},
    ("user", "item"),
    {"user": 0, "k": 1, "item": 0},
)
COUNTS = {0: Fraction(1, 3), 1: Fraction(1, 2), 2: Fraction(1, 6)}
CELLS = RandomTables(
    ma.designs.independent_cells("user", "item", COUNTS),
    cell_tables(COUNTS, 2, 2),
    {"user": 2, "item": 2},
    ("user", "item"),
    {"user": 0, "k": 1, "item": 0},
)

TOTAL = "the law of total variance given the design; N. Weiss (2005), A Course in Probability, p. 385"
OWEN = (
    "A. B. Owen (2007), The pigeonhole bootstrap, Ann. Appl. Statist. 1, 386-411, for the part of coincidences in the "
    f"variance of crossed totals; here by {TOTAL}"
)

EXAMPLE = WorkedExample(
    slug="random-incidence",
    title="Random incidence of crossed factors",
    about="""
    User $i$ rates $N_i$ items, each time item $j$ with probability $q_j$. Which users meet which items is random, and
    yet users are not independent: two of them have rated the same popular items. Their totals have the covariance
    $(\\operatorname{E} N)^2 \\sum_j q_j^2 \\, \\sigma_{\\beta}^2$. With many items of equal popularity
    $\\sum_j q_j^2$ is small; with popular ones it is not negligible.

    Beside these draws, another law of the incidence: independent counts in all cells.
    """,
    model=draws,
    published=(
        Published(
            "Variance of the total of a user",
            draws.var(R),
            E(N**2) * var_a + (E(N) + (E(N**2) - E(N)) * overlap) * var_b + E(N) * var_e + mu**2 * Var(N),
            TOTAL,
            tables=DRAWN,
        ),
        Published(
            "Two users are not independent", draws.cov(R, R.at("k")), E(N) ** 2 * overlap * var_b, OWEN, tables=DRAWN
        ),
        Published(
            "The sample variance of the totals of the users",
            draws.mean(sample_variance),
            E(N**2) * var_a + (E(N) + overlap * (Var(N) - E(N))) * var_b + E(N) * var_e + mu**2 * Var(N),
            f"{TOTAL}; the variance of a total less the covariance of two",
            tables=DRAWN,
        ),
        Published(
            "Independent cells: variance of the total of a user",
            cells.var(R),
            (items * Var(n) + items**2 * E(n) ** 2) * var_a
            + items * E(n**2) * var_b
            + items * E(n) * var_e
            + mu**2 * items * Var(n),
            TOTAL,
            tables=CELLS,
        ),
        Published(
            "Independent cells: two users", cells.cov(R, R.at("k")), items * E(n) ** 2 * var_b, OWEN, tables=CELLS
        ),
        Published(
            "Independent cells: a user and an item",
            cells.cov(R, C),
            (Var(n) + items * E(n) ** 2) * var_a + (Var(n) + users * E(n) ** 2) * var_b + E(n) * var_e + mu**2 * Var(n),
            OWEN,
            tables=CELLS,
        ),
    ),
    system=draws.moment_equations("gao_owen"),
    parameters={
        "Intercept": 3,
        "var(1|user)": "1/2",
        "var(1|item)": "1/3",
        "var(residual)": "2/3",
    },
    rows=[
        {"user": user, "item": item}
        for user, item in [
            ("a", "u"),
            ("a", "u"),
            ("a", "v"),
            ("b", "u"),
            ("b", "w"),
            ("c", "v"),
            ("c", "w"),
            ("d", "u"),
        ]
    ],
    simulation={
        "design": ma.designs.draws("user", "item", ma.ZeroTruncatedPoisson(6), [Fraction(1, 15)] * 15),
        "units": {"user": 25},
        "effects": {"user": "exponential", "item": "uniform", "residual": "exponential"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
