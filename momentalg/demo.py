"""`python -m momentalg.demo FOLDER`: from a declared model to a checked estimator, stage by stage.

Every number that is printed is computed while it runs. The files that it writes are left in FOLDER.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import momentalg as ma
from momentalg.expr.text import text

if TYPE_CHECKING:
    from momentalg.check.verdict import SimulationCheck
    from momentalg.moments.system import MomentSystem

TRUTH = {"Intercept": 2, "var(1|user)": "1/3", "var(residual)": 1}
REPLICATES = 2000
STAGES = 9
USAGE = "usage: python -m momentalg.demo FOLDER"


def main(arguments: list[str]) -> int:
    """Run all stages; the exit code is 0 when everything that is checked holds."""
    if arguments in (["-h"], ["--help"]):
        print(f"{USAGE}\n\nFrom a declared model to a checked estimator, stage by stage; FOLDER is made for its files.")
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    model = ma.Model("rating ~ 1 + (1 | user)")
    derive(model)
    equations(model)
    estimator = generate(model, folder)
    dyestuff(folder)
    litters()
    crossed = penicillin(folder)
    others()
    good, wrong = checks(model)
    report(model, folder, good)
    print(f"\nDone in {time.perf_counter() - begun:.0f} s. In {folder}:")
    for path in sorted(folder.iterdir()):
        print(f"  {path.name:<22} {path.stat().st_size:>8,} bytes")
    print(f"\nRead {folder / 'matloff.html'} in a browser. For your own data, with the columns user and rating:")
    print(f"  {shown(Path(sys.executable))} {estimator} data.csv")
    if good.passed and crossed.passed and not wrong.passed:
        return 0
    print("The checks by simulation did not turn out as they should.", file=sys.stderr)
    return 1


def stage(number: int, title: str) -> None:
    """Say what comes."""
    print(f"\n[{number}/{STAGES}] {title}\n", flush=True)


def derive(model: ma.Model) -> None:
    """Matloff's moments of S, the sum of a user's ratings, with the number N of ratings known and random."""
    stage(1, f"Derive: the moments of S, the sum of the N ratings of a user, in {model.formula}")
    user = model.total(model.y, by="user")
    size = model.size("user")
    whole = model.var(user)
    print(whole.text())
    steps = 0
    for derivation in (model.mean(user, given=[size]), model.var(user, given=[size]), whole):
        steps += derivation.verify().steps
        _, notation = derivation.reading()
        print(f"  {text(derivation.asked, notation):<10} = {text(derivation.node, notation)}")
    print(f"\n  verified: {steps} steps replayed, each keeps the value")


def equations(model: ma.Model) -> None:
    """Moment equations and their solution."""
    stage(2, "Solve: the equations of ANOVA (Henderson III), and the estimators that they give")
    system = model.moment_equations()
    print(system.text())
    print(system.solve().text())


def generate(model: ma.Model, folder: Path) -> Path:
    """The estimator as a standalone module, run in a fresh process."""
    stage(3, "Generate: a standalone NumPy module, run as a program with its self-test")
    path: Path = model.moment_equations().estimator().write(folder / "ratings_estimator.py")
    print(f"  $ {shown(Path(sys.executable))} {path} --self-test")
    command = [sys.executable, "-I", str(path), "--self-test"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own file
    print(f"  {done.stdout.strip()}")
    return path


def dyestuff(folder: Path) -> None:
    """The classical balanced data."""
    stage(4, "Fit: Davies' Dyestuff, 5 yields of each of 6 batches")
    data = ma.datasets.load("Dyestuff")
    model = ma.Model("Yield ~ 1 + (1 | Batch)")
    fit = model.fit(data)
    print(indented(fit.summary()))
    model.report(folder / "dyestuff.html", data=data, fit=fit)


def litters() -> None:
    """Data in which the size of a group matters."""
    stage(5, "Group size matters: birth weights of rat pups, in litters of 2 to 18")
    data = ma.datasets.load("RatPupWeight")
    without = ma.Model("weight ~ 1 + (1 | Litter)").fit(data)
    within = ma.Model("weight ~ 1 + size(Litter) + (1 | Litter)").fit(data)
    print(indented(within.summary()))
    slope = within.params["size(Litter)"]
    before, after = (fit.params["var(1|Litter)"] for fit in (without, within))
    print(f"\n  Each further pup in the litter goes with {slope:+.3f} g: larger litters have lighter pups.")
    print(f"  Variance between litters: {before:.3f} without size(Litter) in the model, {after:.3f} with it.")


def penicillin(folder: Path) -> SimulationCheck:
    """Two crossed factors: the equations for any design, the expected mean squares of these data, fit and check."""
    stage(6, "Crossed factors: diameters of 144 zones on 24 plates, each with 6 samples of penicillin")
    data = ma.datasets.load("Penicillin")
    model = ma.Model("diameter ~ 1 + (1 | plate) + (1 | sample)")
    system = model.moment_equations()
    print(indented(equations_of(system)))
    print("\n  Expected mean squares of these data:\n")
    print(indented(system.coefficients(data, mean_squares=True).round(4).to_string()))
    fit = model.fit(data)
    print()
    print(indented(fit.summary()))
    check: SimulationCheck = model.check(
        parameters=dict(fit.params),
        design=data,
        effects={"plate": "exponential", "sample": "exponential"},
        replicates=REPLICATES // 4,
        progress=sys.stderr.isatty(),
    )
    model.report(folder / "penicillin.html", data=data, fit=fit, check=check)
    print(
        f"\n  Check with {REPLICATES // 4} simulated data sets of this design and skewed effects: it {check.verdict}."
    )
    return check


def equations_of(system: MomentSystem) -> str:
    """The equations of the variance components, as text."""
    return system.text().partition("Equations of the variance components\n")[2].partition("  Means:")[0].rstrip("\n")


def others() -> None:
    """Nested factors, and effects that are correlated."""
    stage(7, "Nested factors, and random slopes: the same calls")
    for formula, name, about in (
        ("strength ~ 1 + (1 | batch/cask)", "Pastes", "casks of paste in batches"),
        ("Reaction ~ 1 + Days + (1 + Days | Subject)", "sleepstudy", "days of little sleep"),
    ):
        fit = ma.Model(formula).fit(ma.datasets.load(name))
        print(f"  {name}, {about}: {formula}")
        print(f"    {', '.join(f'{key} = {value:.6g}' for key, value in fit.params.items())}")


def checks(model: ma.Model) -> tuple[SimulationCheck, SimulationCheck]:
    """The estimator under skewed effects and random sizes, and a wrong one, which fails."""
    stage(8, f"Check: {REPLICATES} simulated data sets; exponential effects, a Poisson number of ratings of each user")
    settings: dict[str, Any] = {
        "parameters": TRUTH,
        "design": {"size(user)": ma.Poisson(3)},
        "units": {"user": 40},
        "effects": {"user": "exponential", "residual": "exponential"},
        "replicates": REPLICATES,
        "seed": 1,
    }
    good: SimulationCheck = model.check(**settings, progress=sys.stderr.isatty())
    print(indented(good.summary()))
    print("\n  The same with a wrong estimator: the variance of the users' means, which forgets var(residual)/N.\n")
    wrong: SimulationCheck = model.check(**settings, estimator=variance_of_means, progress=sys.stderr.isatty())
    print(indented(wrong.summary()))
    print("\n  It fails, as it should." if not wrong.passed else "\n  It passes, and should not.")
    return good, wrong


def variance_of_means(columns: dict[str, Any]) -> dict[str, float]:
    """A mistake that is often made: the variance of the level means as the variance of the effects."""
    import numpy as np

    y, level = columns["rating"], columns["user"]
    size = np.bincount(level)
    means = np.bincount(level, y) / size
    within = ((y - means[level]) ** 2).sum() / (len(y) - len(size))
    return {"Intercept": y.mean(), "var(1|user)": means.var(ddof=1), "var(residual)": within}


def report(model: ma.Model, folder: Path, check: SimulationCheck) -> None:
    """The whole story as pages."""
    stage(9, "Report: model, assumptions, derivation, equations, solution, generated code and check, as pages")
    for suffix in ("html", "tex", "md"):
        path = folder / f"matloff.{suffix}"
        model.report(path, check=check)
        print(f"  wrote {path}")


def shown(path: Path) -> str:
    """The path as it is typed here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def indented(table: str) -> str:
    """The lines of a table, indented."""
    return "\n".join(f"  {line}".rstrip() for line in table.splitlines())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
