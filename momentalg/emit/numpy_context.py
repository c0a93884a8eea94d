"""What the template of NumPy modules places: every field of the context, from an `EstimatorIR`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from momentalg.emit.numpy_code import assignment, code, is_difference
from momentalg.emit.numpy_header import Content, command, contents, file_name, shift_note
from momentalg.emit.numpy_rows import read_lines, row_product
from momentalg.emit.numpy_text import docstring, literal, literals, wrapped
from momentalg.emit.numpy_weighted import SecondStep, second_step_of
from momentalg.expr.escape import escape_text
from momentalg.expr.names import join_factor
from momentalg.lower import absorbed_arrays, arrays, level_arrays
from momentalg.lower.ir import (
    Accumulator,
    CodedColumn,
    EstimatorIR,
    FactorLevels,
    Margin,
    Quantity,
    RankCheck,
    TableSpec,
)
from momentalg.lower.needed import parts
from momentalg.lower.reweighting import second_step


@dataclass(frozen=True)
class Step:
    """A named quantity of `solve`: its formula, and the lines that compute it."""

    formula: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table that is kept: its label columns, what the names of its sums end in, its sums, values of its levels."""

    columns: str
    factor: str
    suffix: str
    sums: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]
    names: str


@dataclass(frozen=True)
class Context:
    """What the template places. Every field is text, or lists of text, that is safe where it is put."""

    title: str
    regenerate: str
    file_name: str
    definitions: tuple[str, ...]
    equations: tuple[str, ...]
    assumptions: tuple[str, ...]
    statistics: str
    shift_note: str
    size_note: str
    contents: tuple[Content, ...]
    width: int
    needed: str
    response: str
    labels: str
    level_names: str
    variances: str
    numeric: str
    read: tuple[str, ...]
    shifts: tuple[str, ...]
    moved: tuple[str, ...]
    tables: tuple[Table, ...]
    totals: tuple[tuple[str, str], ...]
    unshifted_slopes: tuple[tuple[str, str, int], ...]
    sums_moved: tuple[str, ...]
    recentred: tuple[str, ...]
    unpacked: tuple[str, ...]
    sizes: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    estimates: tuple[tuple[str, str], ...]
    second: SecondStep | None
    uses_packed: bool
    uses_positions: bool
    uses_through: bool
    uses_values: bool
    coded: tuple[tuple[str, str], ...]
    text: str
    uses_blocks: bool
    uses_absorbed: bool
    uses_kernels: bool
    uses_contracted: bool
    uses_level_inverses: bool
    uses_level_ranks: bool
    uses_inverse: bool
    uses_settled: bool
    uses_apart: bool
    uses_rank: bool
    uses_solution: bool
    test_columns: tuple[tuple[str, str], ...]
    test_size: int
    exact: tuple[tuple[str, str], ...]


def context_of(ir: EstimatorIR) -> Context:
    """The context of an estimator's template."""
    shifted = [s for s in ir.rows if s.shifted]
    tables = tuple(_table(ir, t) for t in ir.tables)
    totals = [acc for acc in ir.accumulators if acc.table is None]
    steps = [_step(s) for s in ir.steps]
    found = [part for value in _values(ir) for part in parts(value)]
    margins = [s for s in ir.steps if isinstance(s, Margin)]
    listed = contents(ir)
    sizes = tuple((literal(f.factor), _sizes(f)) for f in ir.factors)
    uses_positions = any(not m.through for m in margins) or any("_positions" in size for _, size in sizes)
    return Context(
        title=docstring(ir.formula),
        regenerate="\n".join(docstring(line) for line in command(ir).splitlines()),
        file_name=file_name(ir),
        definitions=tuple(line for text in ir.definitions for line in wrapped(docstring(text))),
        equations=tuple(line for text in ir.equations for line in wrapped(docstring(text))),
        assumptions=tuple(line for text in ir.assumptions for line in wrapped(docstring(text))),
        statistics=docstring(ir.statistics),
        shift_note=shift_note(ir),
        size_note="; N[a] is that of the level of a" if any("N[" in text for text in ir.equations) else "",
        contents=listed,
        width=max(12, *(len(c.name) for c in listed)),
        needed=literals(_columns(ir)),
        response=literal(ir.response),
        labels=literals(_label_columns(ir)),
        level_names="{" + ", ".join(f'"level{t.suffix}": {literals(t.columns)}' for t in ir.tables) + "}",
        variances=literals([e.key for e in ir.estimates if e.is_variance]),
        numeric=literals([c for c in _columns(ir) if c not in (*_label_columns(ir), *(d.column for d in ir.coded))]),
        coded=tuple((literal(c.column), _list(c.labels)) for c in ir.coded),
        text=literals(list(dict.fromkeys([*_label_columns(ir), *(c.column for c in ir.coded if _is_text(c))]))),
        read=tuple(read_lines(ir)),
        shifts=tuple(s.name for s in shifted),
        moved=tuple(f"{s.name} = _About({s.name}, shift_{s.name})" for s in shifted),
        tables=tables,
        totals=tuple((a.name, row_product(a.powers)) for a in totals),
        unshifted_slopes=tuple((s.name, literal(s.column), s.farthest) for s in ir.unshifted_slopes),
        sums_moved=_moved_sums(ir),
        recentred=tuple(line for a in _in_tables(ir) for line in assignment(f'moved["{a.name}"]', a.recentred)),
        unpacked=tuple(_unpacked(ir)),
        sizes=sizes,
        steps=tuple(steps),
        estimates=tuple((literal(e.key), code(e.value)) for e in ir.estimates),
        second=second_step_of(ir),
        uses_packed=any(len(t.columns) > 1 for t in ir.tables),
        uses_positions=uses_positions,
        uses_through=any(m.through for m in margins) or bool(ir.reweighting and ir.reweighting.nested),
        uses_values=bool(ir.levels),
        uses_blocks=any(isinstance(p, level_arrays.Blocks) for p in found),
        uses_contracted=any(isinstance(p, level_arrays.Contracted) for p in found),
        uses_kernels=any(isinstance(p, level_arrays.KernelTrace) for p in found),
        uses_absorbed=any(isinstance(p, absorbed_arrays.Absorbed) for p in found),
        uses_level_inverses=any(isinstance(p, level_arrays.LevelInverses | absorbed_arrays.Absorbed) for p in found),
        uses_level_ranks=any(isinstance(p, level_arrays.LevelRanks | absorbed_arrays.Absorbed) for p in found),
        uses_inverse=any(isinstance(p, arrays.GeneralisedInverse | absorbed_arrays.Absorbed) for p in found),
        uses_settled=any(isinstance(p, arrays.Settled) for p in found),
        uses_apart=any(isinstance(p, arrays.Power) and p.exponent < 0 and is_difference(p.base) for p in found),
        uses_rank=any(isinstance(p, arrays.Rank | absorbed_arrays.Absorbed) for p in found),
        uses_solution=ir.reweighting is not None or any(isinstance(p, arrays.Solved) for p in found),
        test_columns=_test_columns(ir),
        test_size=len(ir.self_test.rows),
        exact=tuple((literal(key), _exact(value)) for key, value in ir.self_test.exact),
    )


def _step(step: Quantity | Margin | RankCheck) -> Step:
    match step:
        case RankCheck(matrix, keys, of_means):
            return Step((), _checked(code(matrix), [literal(key) for key in keys], "" if of_means else ", sums"))
        case Margin(name, _, _, _, formula, (first, second)):
            return Step(wrapped(escape_text(formula)), (f"{name} = _through({first}, {second})",))
        case Margin(name, _, fine, places, formula):
            lines = (f'{name} = _positions(sums["level{fine}"], {list(places)})',)
            return Step(wrapped(escape_text(formula)), lines)
        case Quantity(name, value, formula):
            return Step(wrapped(escape_text(formula)), assignment(name, value))


def _checked(matrix: str, keys: list[str], sums: str) -> tuple[str, ...]:
    line = f"_check_rank({matrix}, [{', '.join(keys)}]{sums})"
    return (line,) if len(line) <= 108 else (f"_check_rank({matrix}, [", *(f"    {key}," for key in keys), f"]{sums})")


def _values(ir: EstimatorIR) -> list[arrays.Expr]:
    """Every expression that `solve` computes."""
    found = [step.value for step in ir.steps if isinstance(step, Quantity)]
    found += [step.matrix for step in ir.steps if isinstance(step, RankCheck)]
    return [*found, *(second_step(ir.reweighting) or [e.value for e in ir.estimates])]


def _table(ir: EstimatorIR, spec: TableSpec) -> Table:
    sums = tuple((a.name, row_product(a.powers)) for a in ir.accumulators if a.table == spec.columns)
    return Table(
        columns=literals(spec.columns),
        factor=docstring(join_factor(spec.columns)),
        suffix=spec.suffix,
        sums=sums,
        values=tuple((s.name, literal(s.column)) for s in ir.levels if s.table == spec.columns),
        names=", ".join(f'"{name}"' for name in (f"size{spec.suffix}", *(name for name, _ in sums))),
    )


def _in_tables(ir: EstimatorIR) -> list[Accumulator]:
    """The accumulators, those of the tables first."""
    order = [t.columns for t in ir.tables]
    return sorted(ir.accumulators, key=lambda a: len(order) if a.table is None else order.index(a.table))


def _moved_sums(ir: EstimatorIR) -> tuple[str, ...]:
    """The names that re-centring reads."""
    sizes = [f"size{t.suffix}" for t in ir.tables]
    used = {p.name for a in ir.accumulators for p in parts(a.recentred) if isinstance(p, arrays.Ref)}
    return tuple(name for name in (*sizes, *(a.name for a in _in_tables(ir))) if name in used)


def _sizes(factor: FactorLevels) -> str:
    """The sizes of the levels of a factor, from the sums."""
    size = f'sums["size{factor.kept}"]'
    if factor.suffix == factor.kept:
        return size
    return f'np.bincount(_positions(sums["level{factor.kept}"], {list(factor.places)}), weights={size})'


def _label_columns(ir: EstimatorIR) -> list[str]:
    """The columns of labels, in the order of the tables."""
    return list(dict.fromkeys(c for t in ir.tables for c in t.columns))


def _columns(ir: EstimatorIR) -> list[str]:
    covariates = [s.column for s in ir.rows if s.column is not None and s.column != ir.response]
    covariates += [c.column for c in ir.coded]
    return list(dict.fromkeys([*_label_columns(ir), ir.response, *covariates, *(s.column for s in ir.levels)]))


def _unpacked(ir: EstimatorIR) -> list[str]:
    """The sums that `solve` uses, as local names."""
    used = {part.name for value in _values(ir) for part in parts(value) if isinstance(part, arrays.Ref)}
    lines = [f'size{t.suffix} = sums["size{t.suffix}"].astype(float)' for t in ir.tables if f"size{t.suffix}" in used]
    lines += [f'shift_{s.name} = sums["shift_{s.name}"]' for s in ir.rows if s.shifted and f"shift_{s.name}" in used]
    lines += [f'{a.name} = sums["{a.name}"]' for a in ir.accumulators if a.name in used]
    lines += [f'{s.name} = sums["{s.name}"]' for s in ir.levels if s.name in used]
    return lines


def _is_text(column: CodedColumn) -> bool:
    return isinstance(column.labels[0], str)


def _list(labels: Sequence[str | int | float]) -> str:
    return ", ".join(literal(label) if isinstance(label, str) else repr(label) for label in labels)


def _test_columns(ir: EstimatorIR) -> tuple[tuple[str, str], ...]:
    columns = []
    width = len(ir.self_test.rows[0].labels)
    for position, name in enumerate(ir.self_test.columns):
        if position < width:
            values = [_list([row.labels[position]]) for row in ir.self_test.rows]
        else:
            values = [str(row.values[position - width]) for row in ir.self_test.rows]
        columns.append((literal(name), ", ".join(values)))
    return tuple(columns)


def _exact(value: Fraction) -> str:
    """An exact answer: as a fraction while it can be read, else its correctly rounded float."""
    if len(str(value)) <= 60:
        return f"Fraction({value.numerator}, {value.denominator})"
    return repr(value.numerator / value.denominator)
