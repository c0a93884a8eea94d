"""Three crossed factors: the formula for any number of factors."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Levels, Node, Parameter

model = ma.Model("y ~ 1 + (1 | rater) + (1 | item) + (1 | day)")
FACTORS = ("rater", "item", "day")
mu, *components, var_e = map(Parameter, model.parameters)

y, n = model.y, model.size()


def within(by: str) -> Node:
    """U, the sum of squares within the levels of a factor."""
    return model.total(y**2) - ma.over(by, model.total(y, by=by) ** 2 / model.size(by))


def coefficient(within_levels_of: str, of: str) -> Node:
    """n less the sum over the cells of n_lh^2/n_l: what the effects of one factor add within the levels of another."""
    cell = f"{within_levels_of}:{of}"
    return n - ma.over(cell, model.size(cell) ** 2 / model.size(within_levels_of))


def published(by: str) -> Node:
    """The expected sum of squares within the levels of a factor."""
    others = [coefficient(by, of) * v for of, v in zip(FACTORS, components, strict=True) if of != by]
    return sum(others, start=(n - Levels((by,))) * var_e)


GENERAL = (
    "H. O. Hartley (1967), Expectations, variances and covariances of ANOVA mean squares by 'synthesis', Biometrics "
    "23, 105-114; K. Gao and A. Owen (2017), Electronic Journal of Statistics 11, 1235-1296, for two factors"
)

EXAMPLE = WorkedExample(
    slug="three-factor",
    title="Three crossed factors",
    about="""
    A rater rates items on days, with any of the combinations missing or repeated:
    $Y = \\mu + \\alpha_i + \\beta_j + \\gamma_k + \\varepsilon$. Within the levels of a factor, the effects of each
    other factor add $n - \\sum_{l, h} n_{lh}^2/n_l$ times their variance. What is needed of the data are the counts of
    pairs of levels, never of triples.
    """,
    model=model,
    published=(
        *(
            Published(f"Within the levels of {by}", model.mean(within(by), given=ma.design), published(by), GENERAL)
            for by in FACTORS
        ),
        Published(
            "All pairs",
            model.mean(n * model.total(y**2) - model.total(y) ** 2, given=ma.design),
            sum(
                ((n**2 - ma.over(by, model.size(by) ** 2)) * v for by, v in zip(FACTORS, components, strict=True)),
                start=(n**2 - n) * var_e,
            ),
            GENERAL,
        ),
    ),
    system=model.moment_equations("gao_owen"),
    parameters={
        "Intercept": 3,
        "var(1|rater)": "1/2",
        "var(1|item)": "1/3",
        "var(1|day)": "1/5",
        "var(residual)": "2/3",
    },
    rows=[
        {"rater": rater, "item": item, "day": day}
        for rater, item, day in [
            ("a", "u", 1),
            ("a", "u", 2),
            ("a", "v", 1),
            ("b", "u", 1),
            ("b", "w", 2),
            ("b", "w", 2),
            ("c", "v", 3),
            ("c", "w", 1),
            ("c", "u", 3),
            ("b", "v", 3),
        ]
    ],
    simulation={
        "design": {
            name: [
                {"rater": i, "item": j, "day": (i * j + i) % 6}[name]
                for i in range(10)
                for j in range(8)
                for _ in range((i * j + i + j) % 3)
            ]
            for name in FACTORS
        },
        "effects": {"rater": "exponential", "item": "uniform", "residual": "exponential"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
