"""Keys of design totals beside a search over all ways to number the levels: equal sums, and they alone, share one."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from random import Random

import pytest

from momentalg.cumulants.terms import SIZE, Entry, Level, What, cell_of
from momentalg.cumulants.totals import canonical, components, entry_key, levels_of, relabelled, single
from momentalg.expr.nodes import Variable

X = What("total", ((Variable("column", "x"), 1),))
DENOMINATOR = What("named", (), single((), SIZE))
HERE, THERE = Level("user", "i"), Level("user", "k")
COLUMNS = ("user", "item", "day")


def random_total(rng):
    """Up to four levels, most of two columns, and entries over cells of them, some with a free level."""
    levels = [Level(rng.choice(COLUMNS[: rng.choice((1, 2, 2, 3))]), "", n) for n in range(rng.randint(2, 4))]
    entries = []
    for _ in range(rng.randint(2, 5)):
        places = [*levels, HERE, THERE]
        chosen = {v.column: v for v in rng.sample(places, rng.randint(1, min(3, len(places))))}
        entries.append(Entry(cell_of(chosen), rng.choice((SIZE, SIZE, X)), rng.choice((1, 1, 2))))
    return levels, entries


def renumbered(levels, entries, order):
    """The same sum with the levels numbered in this order."""
    new = {level: level._replace(number=n) for level, n in zip(levels, order, strict=True)}
    return list(new.values()), [e._replace(cell=tuple(new.get(v, v) for v in e.cell)) for e in entries]


def are_equal(one, other):
    """Whether some numbering of the levels of one makes it the other."""
    (levels, entries), (others, wanted) = one, other
    return any(
        Counter(renumbered(levels, entries, [v.number for v in order])[1]) == Counter(wanted)
        for order in permutations(others)
        if [v.column for v in order] == [v.column for v in levels]
    )


@pytest.mark.parametrize("seed", range(40))
def test_equal_sums_have_one_key_however_they_are_written(seed):
    rng = Random(seed)
    levels, entries = random_total(rng)
    wanted = canonical(levels, entries)
    for _ in range(6):
        again, shuffled = renumbered(levels, entries, rng.sample(range(10), len(levels)))
        assert canonical(rng.sample(again, len(again)), rng.sample(shuffled, len(shuffled))) == wanted


def test_unequal_sums_have_different_keys():
    rng, alike, apart = Random(5), 0, 0
    for _ in range(150):
        levels, entries = random_total(rng)
        changed = list(entries)
        n = rng.randrange(len(entries))
        swap = {v: rng.choice([u for u in levels if u.column == v.column]) for v in levels}
        changed[n] = entries[n]._replace(cell=tuple(swap.get(v, v) for v in entries[n].cell))
        equal = are_equal((levels, entries), (levels, changed))
        alike, apart = alike + equal, apart + (not equal)
        assert (canonical(levels, entries) == canonical(levels, changed)) == equal
    assert min(alike, apart) > 30


def test_a_key_is_the_sum_itself_with_its_levels_numbered_from_0():
    rng = Random(11)
    for _ in range(40):
        levels, entries = random_total(rng)
        key = canonical(levels, entries)
        assert are_equal((levels, entries), ([Level(c, "", n) for n, c in enumerate(key.levels)], list(key.entries)))
        assert list(key.entries) == sorted(key.entries, key=entry_key)


def test_the_four_cycle_is_not_two_pairs():
    """sum n_ij n_il n_kj n_kl looks the same from each level as sum n_ij^2 n_kl^2 written with powers 1."""
    (i, k), (j, m) = ((Level(c, "", n), Level(c, "", n + 1)) for c, n in (("user", 0), ("item", 2)))

    def product(*cells):
        return [Entry(cell_of({v.column: v for v in cell}), SIZE, 1) for cell in cells]

    cycle = canonical([i, k, j, m], product((i, j), (i, m), (k, j), (k, m)))
    assert cycle == canonical([m, k, j, i], product((k, m), (i, j), (k, j), (i, m)))
    assert cycle != canonical([i, k, j, m], product((i, j), (i, j), (k, m), (k, m)))


def test_what_shares_a_bound_level_is_together():
    u, v, w, t = Level("user", "", 0), Level("item", "", 1), Level("user", "", 2), Level("day", "", 3)
    first, second, third = Entry((v, u), SIZE, 1), Entry((u, HERE), X, 2), Entry((w, HERE), SIZE, 1)
    parts = components([u, v, w, t], [first, third, second])
    assert sorted((sorted(levels), sorted(entries)) for levels, entries in parts) == [
        ([t], []),
        (sorted([u, v]), sorted([first, second])),
        ([w], [third]),
    ]


def test_a_total_at_another_level_is_the_total_of_that_level():
    """What is sorted by the names of free levels is sorted anew; bound levels keep their numbers."""
    j = Level("item", "", 0)
    entries = [Entry((j, HERE), SIZE, 1), Entry((j, THERE), X, 1)]
    moved = relabelled(canonical([j], entries), {HERE: Level("user", "z")})
    assert moved == canonical([j], [Entry((j, Level("user", "z")), SIZE, 1), entries[1]])
    assert [level.name for level in levels_of(moved) if level.free] == ["k", "z"]
