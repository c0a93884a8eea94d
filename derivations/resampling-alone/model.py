"""Crossed factors fitted by resampling alone: the expected bootstrap variances of the mean are the equations."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Levels, LevelSum, Node, Parameter, Size

model = ma.Model("y ~ 1 + (1 | user) + (1 | item)", assume=[ma.unreplicated("user:item")])
mu, var_a, var_b, var_e = map(Parameter, model.parameters)

y, n = model.y, model.size()
users, items = Levels(("user",)), Levels(("item",))
N2, M2 = (ma.over(f, model.size(f) ** 2) for f in ("user", "item"))
N3, M3 = (ma.over(f, model.size(f) ** 3) for f in ("user", "item"))
MEETINGS = LevelSum(  # sum over the ratings of N_i M_j: how often large users meet large items
    (("user", "i"), ("item", "j")),
    Size(("user",), ("i",)) * Size(("user", "item"), ("i", "j")) * Size(("item",), ("j",)),
)

own_a, own_b = (N2 - 2 * N3 / n + N2**2 / n**2) / n**2, (M2 - 2 * M3 / n + M2**2 / n**2) / n**2
shared = (n + N2 * M2 / n**2 - 2 * MEETINGS / n) / n**2


def expected(of_a: Node, of_b: Node, of_e: Node) -> Node:
    """An expectation by its coefficients."""
    return of_a * var_a + of_b * var_b + of_e * var_e


rows = (1 / n - N2 / n**3, 1 / n - M2 / n**3, 1 / n - 1 / n**2)
by_user = (own_a, shared, 1 / n - N2 / n**3)
by_item = (shared, own_b, 1 / n - M2 / n**3)
both = [(1 - 1 / items) * u + (1 - 1 / users) * i + r for u, i, r in zip(by_user, by_item, rows, strict=True)]

OWEN = "A. B. Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics 1, 386-411"
MINQUE = (
    "H. O. Hartley, J. N. K. Rao and L. R. LaMotte (1978), A simple synthesis-based method of variance component "
    "estimation, Biometrics 34, 233-242, for one intercept, divided by the square of the number of observations"
)

EXAMPLE = WorkedExample(
    slug="resampling-alone",
    title="Crossed factors fitted by resampling alone",
    about="""
    Users rate items, $Y_{ij} = \\mu + \\alpha_i + \\beta_j + \\varepsilon_{ij}$, each pair at most once. How variable
    is the grand mean? A bootstrap of rows says one thing, a bootstrap of users another, a bootstrap of items a third:
    each sees other parts of the variance, and none of them is right. Given the ratings these answers need no
    resampling, since they are quadratic in the ratings: $\\sum (y - \\bar y)^2 / n^2$ for rows, and
    $\\sum_i (S_i - N_i \\bar y)^2 / n^2$, the variance of the linear part of the mean, for users with their ratings.

    Their expectations are three equations, and what they differ by are the components: a mixed model is fitted by
    resampling alone. The estimates are those of MINQUE(0). Resampling users and items together, the pigeonhole
    bootstrap, adds no equation: its variance is a combination of the other three.
    """,
    model=model,
    published=(
        Published(
            "The variance of the mean",
            model.var(model.total(y) / n, given=ma.design),
            expected(N2 / n**2, M2 / n**2, 1 / n),
            OWEN,
        ),
        Published(
            "What resampling rows says that it is, on average",
            model.mean(ma.bootstrap_variance(model), given=ma.design),
            expected(*rows),
            OWEN,
        ),
        Published(
            "What resampling users says",
            model.mean(ma.bootstrap_variance(model, "user"), given=ma.design),
            expected(*by_user),
            MINQUE,
        ),
        Published(
            "What resampling items says",
            model.mean(ma.bootstrap_variance(model, "item"), given=ma.design),
            expected(*by_item),
            MINQUE,
        ),
        Published(
            "What resampling both says",
            model.mean(ma.bootstrap_variance(model, ("user", "item")), given=ma.design),
            expected(*both),
            f"{OWEN}, for the weights of the squares; {MINQUE}, for their expectations",
        ),
    ),
    system=model.moment_equations("bootstrap"),
    parameters={"Intercept": 3, "var(1|user)": "1/2", "var(1|item)": "1/3", "var(residual)": "2/3"},
    rows=[{"user": user, "item": item} for user, item in zip("aabbbccd", "uvuvwwvu", strict=True)],
    simulation={
        "design": {
            "user": [user for user in range(12) for item in range(9) if (user * item + user) % 4],
            "item": [item for user in range(12) for item in range(9) if (user * item + user) % 4],
        },
        "effects": {"user": "exponential", "item": "uniform", "residual": "exponential"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
