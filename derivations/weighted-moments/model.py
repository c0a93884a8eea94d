"""Weighted moments of one factor: the variances that give the weights, and equations that are exact with any."""

import momentalg as ma
from derivations.worked_example import Published, WorkedExample
from momentalg.expr.nodes import Parameter

model = ma.Model("y ~ 1 + (1 | user)")
mu, var_a, var_e = map(Parameter, model.parameters)
k4_a, k4_e = Parameter("k4(1|user)"), Parameter("k4(residual)")

centred = ma.Model("y ~ 0 + (1 | user)")  # the response measured from its mean, which is taken as known
y, N = model.y, model.size("user")
S, T = model.total(y, by="user"), model.total(y**2, by="user")
q, D = (S / N) ** 2, T - S**2 / N

# Equations with weights for theta = var(1|user)/var(residual) = 1, and the weighted average of the means as the centre.
w = N / (1 + N)
centre = ma.over("user", w * S / N) / ma.over("user", w)
deviation = S / N - centre
F = ma.over("user", w**2 * deviation**2)
H = model.total(y**2) - ma.over("user", S**2 / N) + ma.over("user", w**2 * deviation**2 / N)

W1, W2, W3 = (ma.over("user", w**k) for k in (1, 2, 3))
V2, V3 = (ma.over("user", w**k / N) for k in (2, 3))
X2, X3 = (ma.over("user", w**k / N**2) for k in (2, 3))

# Var(Ybar_i - centre) is v_i - 2 w_i v_i / sum w + sum w^2 v / (sum w)^2, with v = var_a + var_e/N; F has it times w^2.
of_a = W2 - 2 * W3 / W1 + W2**2 / W1**2
of_e = V2 - 2 * V3 / W1 + W2 * V2 / W1**2
within_a = V2 - 2 * V3 / W1 + V2 * W2 / W1**2
within_e = model.size() - ma.over("user", 1) + X2 - 2 * X3 / W1 + V2**2 / W1**2

CUMULANTS = (
    "A. Stuart and J. K. Ord (1994), Kendall's Advanced Theory of Statistics, volume 1, chapters 3 and 12: the "
    "variance of the square of a variable with mean zero is its fourth cumulant and twice the square of its second; "
    "the variance of a k-statistic, and its covariance with the mean"
)
RAO = (
    "C. R. Rao (1971), Estimation of variance and covariance components: MINQUE theory, J. Multivariate Anal. 1, "
    "257-275, with the prior ratio 1"
)

EXAMPLE = WorkedExample(
    slug="weighted-moments",
    title="Weighted moments of one factor",
    about="""
    How much should each user count? About a known mean, the squared average $q = (S/N)^2$ of a user's deviations
    estimates $\\sigma_\\alpha^2 + \\sigma_\\varepsilon^2/N$, and its variance is what the engine derives. By the
    inequality of Cauchy and Schwarz the weights with the least variance are one over it: for normal effects
    $w^2$ up to a constant, $w = N/(1 + N \\theta)$ with $\\theta = \\sigma_\\alpha^2/\\sigma_\\varepsilon^2$. The sum
    of squares $D$ within a user does not covary with $q$ unless residuals have a fourth cumulant.

    With any number in place of $\\theta$, here 1, and the weighted average of the users' means as the centre, the two
    sums are MINQUE's forms, and their expectations hold exactly: a wrong $\\theta$ costs efficiency, nothing else.
    The equations at the end are the first step, which needs no weights, and from which $\\theta$ is estimated.
    """,
    model=model,
    published=(
        Published("The expectation of a squared mean", centred.mean(q, given=[N]), var_a + var_e / N, CUMULANTS),
        Published(
            "The variance of a squared mean",
            centred.var(q, given=[N]),
            2 * (var_a + var_e / N) ** 2 + k4_a + k4_e / N**3,
            CUMULANTS,
        ),
        Published(
            "The variance of the sum of squares within a user",
            centred.var(D, given=[N]),
            2 * (N - 1) * var_e**2 + k4_e * (N - 1) ** 2 / N,
            CUMULANTS,
        ),
        Published("Their covariance", centred.cov(q, D, given=[N]), k4_e * (N - 1) / N**2, CUMULANTS),
        Published("The form for users", model.mean(F, given=ma.design), of_a * var_a + of_e * var_e, RAO),
        Published("The form for residuals", model.mean(H, given=ma.design), within_a * var_a + within_e * var_e, RAO),
    ),
    system=model.moment_equations("henderson3"),
    parameters={
        "Intercept": 3,
        "var(1|user)": "1/2",
        "var(residual)": "2/3",
        "k3(1|user)": "1/3",
        "k3(residual)": "-1/4",
        "k4(1|user)": "1/5",
        "k4(residual)": "-3/7",
    },
    law=[{"p": "1/2", "size(user)": 1}, {"p": "1/3", "size(user)": 2}, {"p": "1/6", "size(user)": 4}],
    simulation={
        "design": {"size(user)": ma.ZeroTruncatedPoisson(3)},
        "units": {"user": 30},
        "effects": {"user": "exponential", "residual": "uniform"},
        "replicates": 500,
        "seed": 1,
    },
)

build = EXAMPLE.build
