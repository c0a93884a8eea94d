"""Runs in processes of their own: killed at any moment, told to end, on a disk that is full."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.data.files.samples import ratings, split
from tests.imports import ROOT

pytestmark = pytest.mark.xdist_group("killing")  # the runs are made once


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killing")
    split(ratings(600), folder / "y", 3)
    done = subprocess.run(
        [sys.executable, "-m", "tests.data.files.killing", str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_run_that_is_killed_at_any_moment_goes_on_to_the_same_bits(found):
    assert found["kill"][-1] == 0
    assert set(found["kill"][:-1]) == {-9}
    assert len(found["kill"]) > 3
    assert "kill" in found["same"]


@pytest.mark.parametrize("signal", ["term", "int"])
def test_a_run_that_is_told_to_end_writes_its_checkpoint_first(found, signal):
    assert found[signal][-1] == 0
    early = -15  # before the run began, when there was nothing to write
    assert {130} <= set(found[signal][:-1]) <= {130, early}
    assert signal in found["same"]


def test_a_full_disk_is_told_with_the_checkpoint_and_what_to_do_and_loses_nothing(found):
    assert found["full"] == 3
    assert "the checkpoint of 200 rows cannot be written: cannot write" in found["full error"]
    assert "the checkpoint of 190 rows is as it was: make room and run the same again" in found["full error"]
    assert found["left"] == ["error", "run"]
    assert found["after"] == 0
    assert "full" in found["same"]
