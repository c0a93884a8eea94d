"""The data sets are the published ones, and they are described completely."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pandas as pd
import pytest

from momentalg import datasets
from momentalg.errors import DataError

CHECKSUMS = {
    "Dyestuff": "4fa4c10f8db617562965d43014e2bb15df244f2cc0a1f83f47b3cd4ac40c17a1",
    "Dyestuff2": "89a3b0b90c777b66b45cd1468dfebec3ec4b11928d226f674ec39087fe8db368",
    "Pastes": "1ccc038f2636384688511818410a6e5b4a3d61d2f23cda657e43b2596ffd1331",
    "Penicillin": "9a26c574d34d1b6d5a6fcb31d296ffa65fe0339eea4b77f502d90b7f2b4eca24",
    "RatPupWeight": "c778b54f33bc684971f484a77438385d1b60265f46c32595d899ea67f0b264b1",
    "sleepstudy": "0a002bec8be2fa9d40dbbf3d5038e614d113a4fd5bf8813f6f4271c3d6294675",
}


def anova(frame: pd.DataFrame, response: str, factor: str) -> tuple[float, float]:
    """The moment estimates of a balanced one-way layout, from its mean squares."""
    groups = frame.groupby(factor)[response]
    levels, size = groups.ngroups, len(frame) // groups.ngroups
    within = groups.var(ddof=1).mean()
    between = size * groups.mean().var(ddof=1)
    assert (groups.size() == size).all()
    assert levels == frame[factor].nunique()
    return (between - within) / size, within


def test_the_catalogue_has_exactly_these():
    assert set(datasets.catalogue()) == set(CHECKSUMS)


@pytest.mark.parametrize("name", CHECKSUMS)
def test_bytes_are_those_published(name):
    assert hashlib.sha256(datasets.path(name).read_bytes()).hexdigest() == CHECKSUMS[name]


@pytest.mark.parametrize("name", CHECKSUMS)
def test_description_matches_the_file(name):
    frame, entry = datasets.load(name), datasets.catalogue()[name]
    assert list(entry.columns) == list(frame.columns)
    assert entry.rows == len(frame)
    assert not frame.isna().any().any()
    assert entry.description.endswith(".")
    assert any(year in entry.citation for year in ("1972", "1973", "2000", "2003"))


@pytest.mark.parametrize(
    ("name", "response", "factor", "between", "within"),
    [
        ("Dyestuff", "Yield", "Batch", 1764.05, 2451.25),
        ("Dyestuff2", "Yield", "Batch", -1.32191, 14.9459),
    ],
)
def test_published_variance_components(name, response, factor, between, within):
    assert anova(datasets.load(name), response, factor) == pytest.approx((between, within), rel=5e-6)


def test_litters_of_unequal_size():
    frame = datasets.load("RatPupWeight")
    sizes = frame.groupby("Litter").size()
    assert (len(sizes), sizes.min(), sizes.max()) == (27, 2, 18)
    assert (frame["Lsize"] == frame["Litter"].map(sizes)).all()


def test_each_load_is_a_new_frame():
    first = datasets.load("Dyestuff")
    first.loc[0, "Yield"] = 0
    assert datasets.load("Dyestuff").loc[0, "Yield"] == 1545


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(DataError, match="did you mean 'Dyestuff'"):
        datasets.load("dyestuf")
    with pytest.raises(DataError, match=r"The data sets are: Dyestuff, .*sleepstudy\."):
        datasets.path("../../pyproject")


def test_a_description_cannot_be_changed():
    with pytest.raises(TypeError):
        datasets.catalogue()["Dyestuff"].columns["Yield"] = "x"


def test_descriptions_do_not_load_pandas():
    code = "import sys; from momentalg import datasets; datasets.catalogue(); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
