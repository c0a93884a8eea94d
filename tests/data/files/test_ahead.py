"""Reading ahead changes when things are read, and nothing else."""

from __future__ import annotations

import threading

import pytest

from momentalg.data.files.ahead import ahead


def test_items_come_in_order_and_one_at_a_time_is_made_before_it_is_used():
    made: list[int] = []

    def items():
        for k in range(5):
            made.append(k)
            yield k

    used = []
    for k in ahead(items()):
        assert len(made) <= k + 2
        used.append(k)
    assert used == made == [0, 1, 2, 3, 4]


def test_an_error_comes_in_its_place():
    def items():
        yield 1
        yield 2
        raise ValueError("damaged")

    used = []
    with pytest.raises(ValueError, match="damaged"):
        used.extend(ahead(items()))
    assert used == [1, 2]


def test_the_thread_ends_with_the_run():
    found = ahead(iter(range(100)))
    next(found)
    found.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reading")]
