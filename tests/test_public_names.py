"""The public names: all there, imported when first named, and none hidden by a module of the same name."""

import subprocess
import sys

import pytest

import momentalg as ma
from momentalg.catalogue import discover


@pytest.mark.parametrize("name", ma.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ma, name) is getattr(ma, name)
    assert name in dir(ma)


def test_public_names_are_sorted_and_complete():
    made_here = {n for n, value in vars(ma).items() if getattr(value, "__module__", "").startswith("momentalg.")}
    assert sorted(set(ma.__all__)) == ma.__all__
    assert made_here <= {*ma.__all__, "discover", "DESIGN", "OBSERVATIONS"}
    assert set(ma._LATER) | set(ma._MODULES) <= set(ma.__all__)


def test_completion_offers_what_is_public():
    assert {name for name in dir(ma) if not name.startswith("_")} == set(ma.__all__)


def test_another_name_is_an_error():
    with pytest.raises(AttributeError, match="module 'momentalg' has no attribute 'Modle'"):
        ma.Modle  # noqa: B018 - naming it is the test


def test_the_list_of_statistics_is_not_hidden_by_its_package():
    code = "import momentalg.statistics.totals, momentalg as ma; print('totals' in ma.statistics())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "True"


def test_importing_loads_no_data_library():
    code = "import momentalg, sys; print({'sympy', 'numpy', 'pandas', 'narwhals'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_every_law_of_the_catalogue_is_a_public_name():
    """A file adds a law, and the law is there: no list has to be edited."""
    for entry in discover("momentalg.model.distributions", "DISTRIBUTION").values():
        assert getattr(ma, entry.law.__name__) is entry.law
