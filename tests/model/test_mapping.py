"""A mapping that cannot change."""

import pickle

import pytest

from momentalg.model.mapping import FrozenMapping


def test_it_is_a_mapping_by_content():
    made = FrozenMapping({"a": 1, "b": 2})
    assert made == {"b": 2, "a": 1} == dict(made)
    assert hash(made) == hash(FrozenMapping({"b": 2, "a": 1}))
    assert (list(made), len(made), made["b"], made.get("c")) == (["a", "b"], 2, 2, None)
    assert pickle.loads(pickle.dumps(made)) == made
    assert FrozenMapping() == {}


def test_it_does_not_follow_what_it_was_made_from():
    source = {"a": 1}
    made = FrozenMapping(source)
    source["a"] = 2
    assert made == {"a": 1}
    with pytest.raises(TypeError):
        made["a"] = 2
