"""The worked examples: the published answers, and the generated estimators as programs and as estimators."""

from __future__ import annotations

import csv
import importlib.util
import os
import runpy
import shlex
import subprocess
import sys
from dataclasses import replace

import pytest

from derivations.worked_example import Disagreement
from momentalg.check.simulation import simulation
from momentalg.expr.nodes import ZERO, Number, Parameter
from tests.golden import DERIVATIONS

SLUGS = sorted(path.parent.name for path in DERIVATIONS.glob("*/model.py"))


@pytest.fixture(scope="module", params=SLUGS)
def example(request):
    return runpy.run_path(str(DERIVATIONS / request.param / "model.py"))["EXAMPLE"]


def run(example, *arguments):
    program = DERIVATIONS / example.slug / "estimator.py"
    return subprocess.run([sys.executable, "-I", str(program), *arguments], capture_output=True, text=True, check=False)


def test_the_examples_are_those_that_the_project_promises():
    assert set(SLUGS) >= {
        "crossed",
        "crossed-interaction",
        "crossed-replicated",
        "fixed-as-sample",
        "level-covariate",
        "nested-three-level",
        "nested-two-level",
        "observation-covariate",
        "one-way-fixed-sizes",
        "one-way-random-sizes",
        "random-incidence",
        "random-slope",
        "same-answer",
        "size-as-covariate",
        "three-factor",
    }


def test_the_folder_is_named_after_the_example(example):
    assert example.slug in SLUGS


def test_every_derivation_ends_in_the_published_answer(example):
    for answer in example.published:
        assert answer.derived.verify()
        assert answer.agrees(), answer.name


def test_a_wrong_published_answer_is_noticed(example):
    """Every answer is changed: by a term, in one parameter's coefficient, and by a factor."""
    for answer in example.published:
        for wrong in (
            answer.answer + Parameter("var(residual)"),
            answer.answer - Parameter("Intercept"),
            answer.answer * Number(2) if answer.answer != ZERO else Parameter("Intercept"),
        ):
            assert not replace(answer, answer=wrong).agrees(), answer.name
    last = example.published[-1]
    with pytest.raises(Disagreement, match=last.name):
        replace(example, published=(replace(last, answer=last.answer + 1),)).build()


def test_a_biased_estimator_is_noticed(example):
    """Matloff's statistics with the square of the estimated means plugged in are biased; theory gives by how much."""
    plugged = example.model.moment_equations("totals", means="plug-in")
    if plugged.solve().variance is None:
        pytest.skip("solved numerically: no formula whose expectation could be enumerated")
    with pytest.raises(Disagreement, match="has expectation"):
        replace(example, system=plugged).check()


def test_a_wrong_equation_is_noticed(example):
    """The coefficient of the residual variance is doubled in one equation."""
    first, *others = example.system.variance
    doubled = {**first.coefficients, "var(residual)": first.coefficients["var(residual)"] * 2}
    wrong = replace(example.system, variance=(replace(first, coefficients=doubled), *others))
    with pytest.raises(Disagreement, match="the equation of"):
        replace(example, system=wrong).check()


def test_the_generated_program_passes_its_self_test(example):
    done = run(example, "--self-test")
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_the_line_that_a_program_records_makes_it_again(example, tmp_path):
    kept = (DERIVATIONS / example.slug / "estimator.py").read_text(encoding="utf-8")
    (line,) = [line for line in kept.splitlines() if line.startswith("    momentalg generate ")]
    command = [sys.executable, "-m", *shlex.split(line)]
    environment = {**os.environ, "PYTHONPATH": str(DERIVATIONS.parent)}
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    (made,) = tmp_path.iterdir()
    assert made.read_text(encoding="utf-8") == kept


def test_the_generated_program_estimates_from_a_file(example, tmp_path):
    settings = {key: value for key, value in example.simulation.items() if key != "replicates"}
    wanted = {key: example.parameters[key] for key in example.model.parameters}
    columns = simulation(example.model, parameters=wanted, **settings).columns(0)
    path = tmp_path / "data.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))
    done = run(example, str(path))
    assert done.returncode == 0, done.stderr
    assert all(key in done.stdout for key in example.model.parameters)


def test_the_generated_file_passes_a_check_by_simulation(example):
    spec = importlib.util.spec_from_file_location(
        f"estimator_{example.slug.replace('-', '_')}", DERIVATIONS / example.slug / "estimator.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wanted = {key: example.parameters[key] for key in example.model.parameters}
    settings = {**example.simulation, "replicates": 200, "seed": 7}

    def estimate(columns):
        return module.solve(module.accumulate(columns))

    def wrong(columns):
        return {**estimate(columns), "var(residual)": 3 * estimate(columns)["var(residual)"]}

    check = example.model.check(parameters=wanted, estimator=estimate, **settings)
    assert check.passed, check.summary()
    assert {row.parameter for row in check.rows} >= set(example.model.parameters)
    assert not example.model.check(parameters=wanted, estimator=wrong, **settings).passed
