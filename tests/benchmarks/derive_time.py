"""What the first derivation costs: the one-way model derived, verified and solved, in units of `import sympy`.

It is the first call in a fresh process, so the parts of the program that are loaded on first use count. Reading the
formula is not part of the ratio; its time stands beside it, as `model`.
"""

from __future__ import annotations

from tests.benchmarks.import_time import IMPORT, REPEATS
from tests.benchmarks.timing import Measurement, interleaved_processes

DERIVE = """
import json, time
import momentalg as ma
times = [time.perf_counter()]
def lap():
    times.append(time.perf_counter())
model = ma.Model("y ~ 1 + (1 | user)")
S = model.total(model.y, by="user")
lap()
derivation = model.var(S)
lap()
derivation.verify()
lap()
solution = model.moment_equations().solve()
lap()
parts = dict(zip(("model", "derive", "verify", "solve"), (b - a for a, b in zip(times, times[1:]))))
print(json.dumps({"all": times[-1] - times[1], **parts}))
"""


def measure() -> Measurement:
    """The ratio of the medians of nine."""
    taken = interleaved_processes({"momentalg": DERIVE, "sympy": IMPORT.format("sympy")}, REPEATS)
    return Measurement(
        what="derive, verify and solve the one-way model, first call",
        unit="import sympy",
        ratio=taken["momentalg"]["all"] / taken["sympy"]["import"],
        limit=0.2,
        seconds={**taken["momentalg"], "import sympy": taken["sympy"]["import"]},
    )
