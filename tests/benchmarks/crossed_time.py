"""What crossed factors cost: derived, verified and solved in the first call, in units of `import sympy`.

As for one factor, the variance of a level's total is derived, every step of it verified, and the default equations are
solved. Dearer are the six variances and covariances of Gao and Owen's statistics, and their expectations with every
step, for two factors and for three with all two-way interactions. Reading the formula is not part of the ratio; its
time stands beside it, as `model`.
"""

from __future__ import annotations

from tests.benchmarks.import_time import IMPORT, REPEATS
from tests.benchmarks.timing import Measurement, interleaved_processes

START = """
import json, time
import momentalg as ma
FACTORS = {factors!r}
times = [time.perf_counter()]
def lap():
    times.append(time.perf_counter())
model = ma.Model("y ~ 1 + " + " + ".join(f"(1 | {{f}})" for f in FACTORS))
y, n, squares = model.y, model.size(), model.total(model.y**2)
U = [squares - ma.over(f, model.total(y, by=f)**2 / model.size(f)) for f in FACTORS]
U.append(n * squares - model.total(y)**2)
R = model.total(y, by=FACTORS[0])
lap()
"""
TOTAL = "derivations = [model.var(R, given=ma.design)]\n"
COVARIANCES = "derivations += [model.cov(u, v, given=ma.design) for i, u in enumerate(U) for v in U[: i + 1]]\n"
EXPECTATIONS = "derivations = [model.mean(u, given=ma.design) for u in U]\n"
END = """
lap()
for derivation in derivations:
    derivation.verify()
lap()
model.moment_equations({statistics!r}).solve()
lap()
parts = dict(zip(("model", "derive", "verify", "solve"), (b - a for a, b in zip(times, times[1:]))))
print(json.dumps({{"all": times[-1] - times[1], **parts}}))
"""
TWO, INTERACTIONS = ("a", "b"), ("a", "b", "c", "a:b", "a:c", "b:c")
SYSTEMS = {
    "two crossed factors: variance of a total, solution": (TWO, TOTAL, None, 0.25),
    "the same, and six (co)variances of Gao-Owen's U": (TWO, TOTAL + COVARIANCES, None, 0.4),
    "two crossed factors: expectations of Gao-Owen's U": (TWO, EXPECTATIONS, "gao_owen", 0.4),
    "three with two-way interactions: the same": (INTERACTIONS, EXPECTATIONS, "gao_owen", 3.0),
}


def code(factors: tuple[str, ...], derive: str, statistics: str | None) -> str:
    """The program that is timed."""
    return START.format(factors=factors) + derive + END.format(statistics=statistics)


def measure() -> list[Measurement]:
    """The ratios of the medians of nine."""
    codes = {what: code(*system[:3]) for what, system in SYSTEMS.items()}
    taken = interleaved_processes({**codes, "sympy": IMPORT.format("sympy")}, REPEATS)
    unit = taken["sympy"]["import"]
    return [
        Measurement(
            what=what,
            unit="import sympy",
            ratio=taken[what]["all"] / unit,
            limit=limit,
            seconds={**taken[what], "import sympy": unit},
        )
        for what, (_, _, _, limit) in SYSTEMS.items()
    ]
