"""The second step of a weighted estimator as NumPy: what its functions are given, and its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from momentalg.emit.numpy_code import code
from momentalg.emit.numpy_text import docstring, literal
from momentalg.emit.templates import template_root
from momentalg.lower.arrays import Expr
from momentalg.lower.ir import EstimatorIR, Reweighting
from momentalg.lower.shift import INTERCEPT

NESTED = ("nested",)
CROSSED = ("crossed", "crossed_links", "crossed_sweeps", "crossed_elimination", "crossed_forms", "crossed_estimates")
"""The files of templates/numpy/parts that a module has, in the order in which they build on one another."""

MOST_TURNS = 500
"""How often weights are renewed before they are said not to settle."""

FEW_TURNS = 5
"""How often those of a second step are, where the first is more than a standard error away from what they lead to."""


@dataclass(frozen=True)
class SecondStep:
    """What the template of weighted estimators places."""

    nested: bool
    turns: int
    near: int
    weighting: str
    keys: str
    unit: str
    suffix: str
    given: tuple[str, ...]
    intercept: str
    functions: str


def second_step_of(ir: EstimatorIR) -> SecondStep | None:
    """The second step of an estimator, if it has one."""
    step = ir.reweighting
    if step is None:
        return None
    shifted = any(row.name == ir.rows[0].name and row.shifted for row in ir.rows)
    return SecondStep(
        nested=step.nested,
        turns=MOST_TURNS if step.iterated else FEW_TURNS,
        near=0 if step.iterated else 1,
        weighting="iterated" if step.iterated else "two-step",
        keys=_listed(literal(key) for key in (*step.mean_keys, *step.keys)),
        unit=docstring(step.factors[-1].name),
        suffix=step.suffix,
        given=tuple(_given(step, shifted)),
        intercept=str(step.mean_keys.index(INTERCEPT)) if shifted else "",
        functions=functions(NESTED if step.nested else CROSSED),
    )


def _given(step: Reweighting, shifted: bool) -> list[str]:
    """The entries of the dictionary that the functions of the second step are given."""
    effects = []
    for block in step.blocks:
        names = _listed(map(literal, block.coefficients))
        back = _moving(block.back, len(block.coefficients))
        effects.append(f"({literal(block.name)}, {block.factor}, {_numbers(block.places)}, {names}, {back})")
    return [
        *(_chained(step) if step.nested else _cells(step)),
        f'"mean": {_numbers(step.mean)},  # the columns of the mean',
        '"components": [  # for each component its factor, and its columns among those of the factor',
        *(f"    ({f}, {c}, {d})," for f, c, d in step.components),
        "],",
        f'"keys": [{", ".join(map(literal, step.keys))}],',
        f'"first": {code(step.first)},',
        f'"mean_back": {_moving(step.mean_back, len(step.mean))},',
        '"effects": [  # for each block its factor, its columns there, their names, and what moves them back',
        *(f"    {line}," for line in effects),
        "],",
        '"labels": [',
        *(f"    ({_position(f.positions)}, {_numbers(f.labels)})," for f in step.factors),
        "],",
        *(['"shift": sums["shift_y"],'] if shifted else []),
    ]


def _chained(step: Reweighting) -> list[str]:
    """The factors of a chain, the finest first."""
    factors = (f"({_position(f.positions)}, {code(f.levels)}, {_numbers(f.columns)})" for f in step.factors)
    return [f"**_arranged({code(step.cells)}, {code(step.sizes)}, [{', '.join(factors)}]),"]


def _cells(step: Reweighting) -> list[str]:
    """The cells of crossed factors, with the level of each block's factor in which each of them lies."""
    lines = []
    for block in step.blocks:
        factor = step.factors[block.factor]
        codes = f"np.arange({code(factor.levels)})" if factor.positions is None else code(factor.positions)
        lines.append(f"    ({codes}, {_numbers([factor.columns[place] for place in block.places])}),")
    return [f'"crossed": _Crossed({code(step.cells)}, {code(step.sizes)}, {_numbers(step.mean)}, [', *lines, "]),"]


def functions(parts: Iterable[str], backend: str = "numpy") -> str:
    """The functions of templates/numpy/parts, as they are there, without what a module of their own begins with.

    Another backend has files of its own for some of the parts.
    """
    own, shared = (template_root() / name / "parts" for name in (backend, "numpy"))
    files = (own / f"{part}.py" if (own / f"{part}.py").exists() else shared / f"{part}.py" for part in parts)
    texts = (file.read_text(encoding="utf-8") for file in files)
    return "\n\n\n".join(text.partition("import numpy as np\n")[2].strip("\n") for text in texts)


def _position(positions: Expr | None) -> str:
    return "None" if positions is None else code(positions)


def _moving(matrix: Expr | None, size: int) -> str:
    return f"np.eye({size})" if matrix is None else code(matrix)


def _numbers(values: Sequence[int]) -> str:
    return f"[{', '.join(map(str, values))}]"


def _listed(texts: Iterable[str]) -> str:
    found = list(texts)
    return f"({found[0]},)" if len(found) == 1 else f"({', '.join(found)})"
