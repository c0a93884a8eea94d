"""Samples within batches: the unbalanced two-level nested analysis of variance, and random subsampling."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import E, Levels, LevelSum, Parameter, Size, Var

model = ma.Model("y ~ 1 + (1 | batch/cask)")
mu, var_a, var_b, var_e = map(Parameter, model.parameters)

y, n = model.y, model.size()
S, K = model.total(y, by="batch"), model.total(y, by="batch:cask")
N, cell = model.size("batch"), model.size("batch:cask")
batches, casks = Levels(("batch",)), Levels(("batch", "cask"))

T_0, T_a, T_b = model.total(y) ** 2 / n, ma.over("batch", S**2 / N), ma.over("batch:cask", K**2 / cell)
N2, CELLS2, k = ma.over("batch", N**2), ma.over("batch:cask", cell**2), ma.over("batch:cask", cell**2 / N)

squares_in_batch = LevelSum((("cask", "j"),), Size(("batch", "cask"), ("i", "j")) ** 2)  # sum of n_ij^2 in one batch

GANGULI = (
    "M. Ganguli (1941), A note on nested sampling, Sankhya 5, 449-452; S. R. Searle, G. Casella and C. E. McCulloch "
    "(1992), Variance Components, section 5.3"
)

EXAMPLE = WorkedExample(
    slug="nested-two-level",
    title="Two nested factors: casks within batches",
    about="""
    Batch $i$ has some casks, and cask $j$ of batch $i$ gives $n_{ij}$ measurements
    $Y_{ijk} = \\mu + \\alpha_i + \\beta_{ij} + \\varepsilon_{ijk}$; the numbers need not be equal. Cask 1 of one batch
    has nothing to do with cask 1 of another: the second factor has the pairs (batch, cask) for levels, and that is all
    there is to nesting.
    """,
    model=model,
    published=(
        Published(
            "Between batches",
            model.mean(T_a - T_0, given=ma.design),
            (n - N2 / n) * var_a + (k - CELLS2 / n) * var_b + (batches - 1) * var_e,
            GANGULI,
        ),
        Published(
            "Between casks within batches",
            model.mean(T_b - T_a, given=ma.design),
            (n - k) * var_b + (casks - batches) * var_e,
            GANGULI,
        ),
        Published("Within casks", model.mean(model.total(y**2) - T_b, given=ma.design), (n - casks) * var_e, GANGULI),
        Published(
            "The total of a batch, its casks and their sizes random",
            model.var(S),
            E(N**2) * var_a + E(squares_in_batch) * var_b + E(N) * var_e + mu**2 * Var(N),
            "the law of total variance given the sizes; N. Weiss (2005), A Course in Probability, p. 385",
            law=[{"p": "1/3", "size(batch:cask)": [1, 2]}, {"p": "2/3", "size(batch:cask)": [3]}],
        ),
    ),
    system=model.moment_equations("henderson1"),
    parameters={"Intercept": 3, "var(1|batch)": "1/2", "var(1|batch:cask)": "1/3", "var(residual)": "2/3"},
    rows=[
        {"batch": batch, "cask": cask}
        for batch, cask in [("a", 1), ("a", 1), ("a", 2), ("b", 1), ("b", 2), ("b", 2), ("b", 3), ("c", 1), ("c", 1)]
    ],
    simulation={
        "design": {
            "batch": [i for i in range(15) for j in range(1 + i % 4) for _ in range(1 + (i + j) % 3)],
            "cask": [j for i in range(15) for j in range(1 + i % 4) for _ in range(1 + (i + j) % 3)],
        },
        "effects": {"batch": "exponential", "batch:cask": "uniform", "residual": "exponential"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
