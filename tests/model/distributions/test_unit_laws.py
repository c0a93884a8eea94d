"""Laws of one unit: atoms, single variables and the empirical law of a frame; exact, and never assumed independent."""

from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from momentalg.errors import AssumptionError, DataError, ModelError
from momentalg.expr.nodes import Variable
from momentalg.model.designs import read_law
from momentalg.model.distributions.constant import Constant
from momentalg.model.distributions.empirical import empirical
from momentalg.model.distributions.joint import JointLaw
from momentalg.model.distributions.normal import Normal
from momentalg.model.distributions.poisson import Poisson
from momentalg.model.resolved import Column, GroupBlock, Independence, ResolvedModel

N, X, XO = Variable("size", "user"), Variable("column", "X"), Variable("column", "x")
ATOMS = [
    {"p": "1/2", "size(user)": 1, "X": 0, "x": [5]},
    {"p": "1/3", "size(user)": 3, "X": "1/2", "x": [0, 1, 2]},
    {"p": "1/6", "size(user)": 2, "X": 4, "x": [1, 1]},
]


def model(*variables, independent=()):
    mean = (Column("Intercept"), *(Column(v.name, ((v, 1),)) for v in variables))
    group = GroupBlock(("user",), (Column("1"),))
    return ResolvedModel(
        "y", mean, (group,), MappingProxyType({X: ("user",)}), independent=tuple(Independence(i) for i in independent)
    )


def test_atoms_give_exact_joint_expectations():
    law = read_law(ATOMS, model(X, XO))
    assert law.expectation(lambda a: a["size(user)"] * a["X"]) == Fraction(1, 3) * Fraction(3, 2) + Fraction(8, 6)
    assert law.moment({"size(user)": 1, "X": 1}) == Fraction(1, 2) + Fraction(4, 3)
    assert law.moment({"size(user)": -1}) == Fraction(1, 2) + Fraction(1, 9) + Fraction(1, 12)
    assert law.moment({"total(x|user)": 2}) == Fraction(25, 2) + Fraction(9, 3) + Fraction(4, 6)
    assert law.moment({"total(X|user)": 1}) == law.moment({"size(user)": 1, "X": 1})
    assert law.moment({}) == 1
    drawn = law.sample(np.random.default_rng(1), 12_000)
    assert abs(np.mean(drawn == 0) - 0.5) < 5 * 0.5 / 12_000**0.5


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        ([], "at least one atom"),
        ([{"p": 1, "X": 2}], "must give the size"),
        ([{"size(user)": 2}], "no probability"),
        ([{"p": "1/2", "size(user)": 2}], "sum to 1/2"),
        ([{"p": 0.5, "size(user)": 2}], "must be exact"),
        ([{"p": 1, "size(user)": "5/2"}], "whole number"),
        ([{"p": 1, "size(user)": -2}], "whole number"),
        ([{"p": 1, "size(user)": 2, "x": [1, 2, 3]}], "lists 3 values for a unit of size 2"),
        ([{"p": 1, "size(user)": 2, "x": [1]}], "lists 1 values for a unit of size 2"),
        ([{"p": "1/2", "size(user)": 2}, {"p": "1/2", "size(user)": 1, "X": 1}], "differ in their variables: X"),
        ([{"p": "1/2", "size(user)": 1, "x": [1]}, {"p": "1/2", "size(user)": 1, "x": 1}], "list in some atoms"),
        ([{"p": 2, "size(user)": 2}, {"p": -1, "size(user)": 1}], "is negative"),
        (["size"], "must be a dict"),
    ],
)
def test_wrong_atoms_are_refused(atoms, message):
    with pytest.raises(ModelError, match=message):
        JointLaw.from_atoms(atoms)


def test_atoms_must_say_what_the_model_needs():
    with pytest.raises(ModelError, match="says nothing about X"):
        read_law([{"p": 1, "size(user)": 2}], model(X))
    with pytest.raises(ModelError, match="x varies by observation: give a list"):
        read_law([{"p": 1, "size(user)": 2, "x": 1}], model(XO))
    with pytest.raises(ModelError, match="X is constant on the unit"):
        read_law([{"p": 1, "size(user)": 2, "X": [1, 1]}], model(X))
    with pytest.raises(ModelError, match="the model's units are those of size"):
        read_law([{"p": 1, "size(item)": 2}], model())
    with pytest.raises(ModelError, match=r"nothing about total\(z\|user\)"):
        read_law(ATOMS, model()).moment({"total(z|user)": 1})


def test_empty_units_have_no_negative_moments_until_truncated():
    law = JointLaw.from_atoms([{"p": "1/4", "size(user)": 0, "x": []}, {"p": "3/4", "size(user)": 2, "x": [1, 2]}])
    with pytest.raises(AssumptionError, match="P\\(size\\(user\\) = 0\\) > 0"):
        law.moment({"size(user)": -1, "total(x|user)": 2})
    assert law.truncated().moment({"size(user)": -1, "total(x|user)": 2}) == Fraction(9, 2)


def test_single_variables():
    assert read_law({"size(user)": {1: "1/2", 3: "1/2"}}, model()).moment({"size(user)": 2}) == 5
    assert read_law({"size(user)": 4}, model()).moment({"size(user)": -1}) == Fraction(1, 4)
    assert read_law(Constant(4), model()).moment({"size(user)": 1}) == 4
    law = read_law({"size(user)": Poisson(3)}, model())
    assert law.moment({"size(user)": 2}) == 12
    assert law.truncated().moment({"size(user)": 1}).contains(law.truncated().size.mean.value)
    with pytest.raises(AssumptionError, match="truncated"):
        law.moment({"size(user)": -1})


def test_independence_is_declared_never_assumed():
    laws = {"size(user)": Poisson(3), "X": Normal(1, 2)}
    with pytest.raises(AssumptionError, match="does not follow from the law of each"):
        read_law(laws, model(X)).moment({"size(user)": 2, "X": 2})
    assert read_law(laws, model(X, independent=[(N, X)])).moment({"size(user)": 2, "X": 2}) == 12 * 3
    assert read_law(laws, model(X)).moment({"X": 2, "size(user)": 0}) == 3
    with pytest.raises(AssumptionError, match="does not follow"):
        read_law(laws, model(X)).truncated()
    with pytest.raises(ModelError, match="nothing about z"):
        read_law(laws, model(X)).moment({"z": 1})


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ({"X": Normal()}, "must give the size"),
        ({"size(user)": Normal()}, "whole numbers"),
        ({"size(user)": {"1/2": 1}}, "whole numbers"),
        ({"size(user)": "many"}, "must be a law"),
        ("poisson", "found str"),
        (pd.DataFrame({"user": [1]}), "found DataFrame"),
    ],
)
def test_what_is_not_a_law_is_refused(law, message):
    with pytest.raises(ModelError, match=message):
        read_law(law, model())


FRAME = {"user": ["a", "b", "a", "c"], "X": [1, 2.5, 1, 2.5], "x": [0.1, 3, -1, 3], "other": ["?"] * 4}


@pytest.mark.parametrize("frame", [FRAME, pd.DataFrame(FRAME)], ids=["mapping", "pandas"])
def test_the_empirical_law_of_a_frame_is_exact(frame):
    law = empirical(frame).bind(model(X, XO))
    assert law == read_law(empirical(frame), model(X, XO))
    assert len(law.atoms) == 2  # b and c are equal units
    assert law.moment({"size(user)": 1}) == Fraction(4, 3)
    assert law.moment({"size(user)": -1, "X": 1}) == Fraction(1, 3) * (Fraction(1, 2) + 5)
    assert law.moment({"total(x|user)": 1}) == Fraction(1, 3) * (Fraction(0.1) - 1 + 6)


def test_numbers_of_numpy_are_read_as_what_they_are():
    frame = {"user": np.array([1, 1, 2]), "X": np.array([2**62] * 3), "x": np.array([0.1, 1, 2], dtype=np.float32)}
    law = empirical(frame).bind(model(X, XO))
    assert law.moment({"X": 4}) == 2**248
    assert law.moment({"total(x|user)": 1}) == (Fraction(float(np.float32(0.1))) + 3) / 2
    flags = empirical({"user": [1, 2], "X": np.array([True, False]), "x": [1, 2]}).bind(model(X, XO))
    assert flags.moment({"X": 1}) == Fraction(1, 2)
    atom = {"p": 1, "size(user)": np.int64(2), "x": np.array([1, 4]), "X": np.int64(3)}
    assert read_law([atom], model(X, XO)).moment({"total(x|user)": 2, "X": 1}) == 75


def test_frames_that_cannot_be_read_are_refused():
    def bind(**columns):
        return empirical({**FRAME, **columns}).bind(model(X, XO))

    with pytest.raises(DataError, match="declared constant on 'user', but takes 2 values in level 'a'"):
        bind(X=[1, 2, 3, 4])
    with pytest.raises(DataError, match="no value in row 2"):
        bind(x=[1, 2, float("nan"), 3])
    with pytest.raises(DataError, match="finite numbers; found inf"):
        bind(x=[1, 2, float("inf"), 3])
    with pytest.raises(DataError, match="finite numbers; found 'red'"):
        bind(x=[1, 2, "red", 3])
    with pytest.raises(DataError, match="no label in row 1"):
        bind(user=["a", None, "b", "c"])
    with pytest.raises(DataError, match="differ in length"):
        bind(user=["a"])
    with pytest.raises(DataError, match="has no column 'X'"):
        empirical({"user": [1], "x": [1]}).bind(model(X, XO))
    with pytest.raises(DataError, match="no rows"):
        empirical({"user": [], "X": [], "x": []}).bind(model(X, XO))
    with pytest.raises(DataError, match="data frame or a list of sizes"):
        empirical(3)
    with pytest.raises(DataError, match="at least one size"):
        empirical([])
