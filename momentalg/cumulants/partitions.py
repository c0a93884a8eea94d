"""Set partitions: the sums of the moment-cumulant formulas (Leonov and Shiryaev 1959; Speed 1983)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import cache

Blocks = tuple[tuple[int, ...], ...]


@cache
def set_partitions(size: int) -> tuple[Blocks, ...]:
    """All partitions of {0, ..., size - 1}; blocks and their elements in increasing order."""
    if size == 0:
        return ((),)
    last = size - 1
    grown: list[Blocks] = []
    for smaller in set_partitions(last):
        grown.extend((*smaller[:n], (*block, last), *smaller[n + 1 :]) for n, block in enumerate(smaller))
        grown.append((*smaller, (last,)))
    return tuple(grown)


def connects(blocks: Sequence[Sequence[int]], group: Sequence[int], groups: int) -> bool:
    """Whether the blocks tie all the groups together: the partition is indecomposable."""
    label = list(range(groups))
    for block in blocks:
        first = label[group[block[0]]]
        for element in block[1:]:
            other = label[group[element]]
            if other != first:
                label = [first if x == other else x for x in label]
    return len(set(label)) == 1


def counted_partitions(kind: Sequence[Hashable], group: Sequence[int], groups: int) -> Iterator[tuple[int, Blocks]]:
    """The indecomposable partitions, those alike but for interchangeable elements once, with their number.

    Elements of one `kind` (same observation, or observations that nothing tells apart) are interchangeable.
    """
    code = {k: n for n, k in enumerate(dict.fromkeys(kind))}
    codes = tuple(code[k] for k in kind)
    yield from _counted(codes, tuple(group), groups)


@cache
def _counted(codes: tuple[int, ...], group: tuple[int, ...], groups: int) -> tuple[tuple[int, Blocks], ...]:
    number: Counter[tuple[tuple[int, ...], ...]] = Counter()
    example: dict[tuple[tuple[int, ...], ...], Blocks] = {}
    for blocks in set_partitions(len(codes)):
        if connects(blocks, group, groups):
            shape = tuple(sorted(tuple(sorted(codes[e] for e in block)) for block in blocks))
            number[shape] += 1
            example.setdefault(shape, blocks)
    return tuple((number[shape], blocks) for shape, blocks in example.items())


@cache
def falling_factorial(blocks: int, fixed: int) -> tuple[int, ...]:
    """Coefficients in m of (m - fixed)(m - fixed - 1)...: the ways to give `blocks` distinct units, lowest first."""
    coefficients = [1]
    for step in range(fixed, fixed + blocks):
        shifted = [0, *coefficients]
        coefficients = [a - step * b for a, b in zip(shifted, [*coefficients, 0], strict=True)]
    return tuple(coefficients)
