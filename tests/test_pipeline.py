"""The architecture document is kept true: the places, the types and the methods that it names are there."""

from __future__ import annotations

import importlib
import re

import pytest

import momentalg as ma
from momentalg import pipeline
from momentalg.data.engines.engine import Part, engines
from momentalg.data.files.datafiles import DataFiles
from momentalg.emit.backend import backends

TABLE = re.findall(r"^    (.*?) -> (.*?) {2,}([a-z_.A-Z]+) {2,}", pipeline.__doc__, re.MULTILINE)


def resolve(dotted: str) -> object:
    """A module of the package, or an attribute of one."""
    try:
        return importlib.import_module(f"momentalg.{dotted}")
    except ModuleNotFoundError:
        module, _, name = dotted.rpartition(".")
        return getattr(importlib.import_module(f"momentalg.{module}"), name)


def test_the_table_is_read():
    assert len(TABLE) == 19


@pytest.mark.parametrize("place", [row[2] for row in TABLE])
def test_every_stage_is_where_it_is_said_to_be(place):
    assert resolve(place) is not None


@pytest.mark.parametrize("place", re.findall(r"`((?:check|expr)\.[a-z.]+)`", pipeline.__doc__))
def test_the_oracles_are_where_they_are_said_to_be(place):
    assert resolve(place) is not None


@pytest.mark.engine("sqlglot")
def test_the_stages_give_the_types_that_are_named():
    model = ma.Model("Yield ~ 1 + (1 | Batch)")
    system = model.moment_equations()
    module = system.estimator()
    frame = ma.datasets.load("Dyestuff")
    derivation = model.var(model.total(model.y, by="Batch"))
    truth = {"Intercept": 1, "var(1|Batch)": 1, "var(residual)": 1}
    found = {
        type(part).__name__
        for part in (
            model,
            model.resolved,
            derivation,
            derivation.polynomial,
            system,
            system.solve(),
            module.ir,
            system.estimator("sql"),
            DataFiles(()),
            Part({}, 0, 0),
            model.sums(frame),
            model.fit(frame),
            model.fit(frame).bootstrap(replicates=3, seed=1),
            model.check(parameters=truth, design=frame, replicates=2),
        )
    }
    named = {word for _, output, _ in TABLE for word in re.findall(r"\b[A-Z]\w+", output)}
    assert found == named


def test_the_backends_and_the_engines_are_those_that_are_there():
    text = " ".join(pipeline.__doc__.split())
    for before, known in (("language that it is generated in, ", backends()), ("is what accumulates: ", engines())):
        said = re.split("[.;]", text.partition(before)[2])[0]
        assert sorted(re.split(r", | or ", said)) == sorted(known)


@pytest.mark.parametrize("place", re.findall(r"\((data\.[a-z]+)\)", pipeline.__doc__))
def test_what_engines_share_is_where_it_is_said_to_be(place):
    assert resolve(place) is not None


def test_every_method_of_a_user_is_there():
    model = ma.Model("Yield ~ 1 + (1 | Batch)")
    methods = re.findall(r"``(model|system)\.(\w+)``", pipeline.__doc__)
    assert len(methods) == 7
    for owner, name in methods:
        assert callable(getattr(model if owner == "model" else model.moment_equations(), name))
