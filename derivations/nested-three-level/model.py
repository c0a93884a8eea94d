"""Three nested factors, by the formula for any number of factors."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Levels, Node, Parameter

model = ma.Model("y ~ 1 + (1 | plant/batch/cask)")
FACTORS = ("plant", "plant:batch", "plant:batch:cask")
mu, *components, var_e = map(Parameter, model.parameters)

y, n = model.y, model.size()


def fitted(by: str) -> Node:
    """T, the sum over the levels of the squared total divided by the size."""
    return ma.over(by, model.total(y, by=by) ** 2 / model.size(by))


def k(inner: str, outer: str) -> Node:
    """The sum over the levels of `inner` of n^2 divided by the size of the level of `outer` that contains it."""
    return ma.over(inner, model.size(inner) ** 2 / model.size(outer))


def squares(by: str) -> Node:
    """The sum of squared sizes."""
    return ma.over(by, model.size(by) ** 2)


plants, batches, casks = (Levels(tuple(by.split(":"))) for by in FACTORS)
a, b, c = FACTORS
var_a, var_b, var_c = components

GATES = (
    "C. E. Gates and C. Shiue (1962), The analysis of variance of the S-stage hierarchal classification, Biometrics "
    "18, 529-536; S. R. Searle, G. Casella and C. E. McCulloch (1992), Variance Components, section 5.3"
)

EXAMPLE = WorkedExample(
    slug="nested-three-level",
    title="Three nested factors: casks within batches within plants",
    about="""
    Measurements of casks of batches of plants, $Y = \\mu + \\alpha_i + \\beta_{ij} + \\gamma_{ijk} + \\varepsilon$,
    with any numbers of each. One formula serves any number of stages: where a factor is nested in another, its effects
    drop out of the sums of squares within the levels of the finer one, which the algebra finds by itself.
    """,
    model=model,
    published=(
        Published(
            "Between plants",
            model.mean(fitted(a) - model.total(y) ** 2 / n, given=ma.design),
            (n - squares(a) / n) * var_a
            + (k(b, a) - squares(b) / n) * var_b
            + (k(c, a) - squares(c) / n) * var_c
            + (plants - 1) * var_e,
            GATES,
        ),
        Published(
            "Between batches within plants",
            model.mean(fitted(b) - fitted(a), given=ma.design),
            (n - k(b, a)) * var_b + (k(c, b) - k(c, a)) * var_c + (batches - plants) * var_e,
            GATES,
        ),
        Published(
            "Between casks within batches",
            model.mean(fitted(c) - fitted(b), given=ma.design),
            (n - k(c, b)) * var_c + (casks - batches) * var_e,
            GATES,
        ),
        Published(
            "Within casks", model.mean(model.total(y**2) - fitted(c), given=ma.design), (n - casks) * var_e, GATES
        ),
    ),
    system=model.moment_equations("henderson1"),
    parameters={
        "Intercept": 3,
        "var(1|plant)": "1/2",
        "var(1|plant:batch)": "1/3",
        "var(1|plant:batch:cask)": "1/5",
        "var(residual)": "2/3",
    },
    rows=[
        {"plant": plant, "batch": batch, "cask": cask}
        for plant, batch, cask in [
            ("p", 1, "u"),
            ("p", 1, "u"),
            ("p", 1, "v"),
            ("p", 2, "u"),
            ("q", 1, "u"),
            ("q", 1, "v"),
            ("q", 1, "v"),
            ("q", 2, "u"),
            ("q", 3, "u"),
            ("r", 1, "u"),
        ]
    ],
    simulation={
        "design": {
            name: [
                {"plant": i, "batch": j, "cask": k}[name]
                for i in range(12)
                for j in range(2 + i % 3)
                for k in range(1 + (i + j) % 3)
                for _ in range(1 + (i + j + k) % 2)
            ]
            for name in ("plant", "batch", "cask")
        },
        "effects": {"plant": "exponential", "plant:batch": "uniform", "residual": "exponential"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
