"""What the template of numba modules places beside that of NumPy modules: one compiled pass for each table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from textwrap import wrap

from momentalg.emit.numpy_code import code
from momentalg.emit.numpy_context import Context
from momentalg.emit.numpy_context import context_of as numpy_context_of
from momentalg.emit.numpy_header import command
from momentalg.emit.numpy_text import docstring, literal, literals
from momentalg.emit.numpy_weighted import CROSSED, functions
from momentalg.expr.names import join_factor
from momentalg.lower import arrays
from momentalg.lower.ir import Accumulator, EstimatorIR, Powers, RowSymbol, TableSpec
from momentalg.lower.needed import names

WIDTH = 100
"""Of lines that calls and definitions are broken into."""


@dataclass(frozen=True)
class Kernel:
    """The compiled pass of a table: what a row adds to the record of its level, and to the totals.

    `opening` and `values` are the lines that define it and make the symbols from a row, `returned` those of the
    totals, and `call` those of what the function around it is given.
    """

    suffix: str
    factor: str
    opening: tuple[str, ...]
    opening_of_runs: tuple[str, ...]
    values: tuple[str, ...]
    sums: tuple[tuple[str, str], ...]
    totals: tuple[tuple[str, str], ...]
    returned: tuple[str, ...]
    call: tuple[str, ...]


@dataclass(frozen=True)
class NumbaContext(Context):
    """The context of a NumPy module, with what its compiled passes are made of."""

    kernels: tuple[Kernel, ...]
    compiled_totals: tuple[str, ...]
    columns_read: tuple[str, ...]
    means: tuple[tuple[str, str], ...]
    unshifted: tuple[tuple[str, str, str], ...]
    uses_total: bool
    uses_threads: bool


def _regenerate(ir: EstimatorIR) -> str:
    """The line of the header that makes the module again."""
    return "\n".join(docstring(line) for line in command(ir, {"backend": "numba"}).splitlines())


def context_of(ir: EstimatorIR) -> NumbaContext:
    """The context of an estimator's template."""
    given = replace(numpy_context_of(ir), regenerate=_regenerate(ir))
    is_crossed = given.second is not None and not given.second.nested
    if given.second is not None and is_crossed:
        given = replace(given, second=replace(given.second, functions=functions(CROSSED, "numba")))
    totals = [a for a in ir.accumulators if a.table is None]
    last, slopes = ir.tables[-1], {s.name for s in ir.unshifted_slopes}
    return NumbaContext(
        **{field.name: getattr(given, field.name) for field in fields(given)},
        kernels=tuple(_kernel(ir, table, totals if table is last else []) for table in ir.tables),
        compiled_totals=_bracketed("TOTALS = (", _tuple([f'"{a.name}"' for a in totals]), ")"),
        columns_read=tuple(_read(ir)),
        means=tuple((s.name, _mean(s)) for s in ir.rows if s.shifted),
        unshifted=tuple((s.name, *_about_its_mean(s)) for s in ir.rows if s.name in slopes),
        uses_total=bool(slopes) or any(s.shifted and s.value is not None for s in ir.rows),
        uses_threads=len(ir.tables) > 1 or is_crossed,
    )


def _kernel(ir: EstimatorIR, table: TableSpec, totals: Sequence[Accumulator]) -> Kernel:
    """The pass of one table, which takes the totals too where it is given any."""
    sums = [a for a in ir.accumulators if a.table == table.columns]
    factors = {name for a in (*sums, *totals) for name, _ in a.powers}
    shifted = [s.name for s in ir.rows if s.shifted and s.name in factors]
    below = {name for s in ir.rows if s.name in factors and s.value is not None for name in names(s.value)}
    used = [s for s in ir.rows if s.name in factors | below]
    arguments = [*dict.fromkeys(name for s in used for name in _arrays(ir, s)), *(f"shift_{s}" for s in shifted)]
    constant = [f'"{s.name}": {literal(s.column)}' for s in ir.levels if s.table == table.columns]
    given = ["columns", literals(table.columns), f"{{{', '.join(constant)}}}", f"RECORD{table.suffix}"]
    given += ["TOTALS" if totals else "()", f"_each_row{table.suffix}", f"_each_run{table.suffix}", *arguments]
    return Kernel(
        suffix=table.suffix,
        factor=docstring(join_factor(table.columns)),
        opening=_bracketed(f"def _each_row{table.suffix}(", ["table", "code", *arguments], "):"),
        opening_of_runs=_bracketed(f"def _each_run{table.suffix}(", ["table", "code", *arguments], "):"),
        values=tuple(_values(ir, used, shifted)),
        sums=tuple((a.name, product(a.powers)) for a in sums),
        totals=tuple((a.name, product(a.powers)) for a in totals),
        returned=_bracketed("return (", _tuple([a.name for a in totals]), ")") if totals else (),
        call=_bracketed("_table(", given, ")"),
    )


def _bracketed(opening: str, entries: Sequence[str], closing: str) -> tuple[str, ...]:
    """Entries between brackets, on one line if they fit, else in lines of their own."""
    line = ", ".join(entries)
    if len(opening + line + closing) <= WIDTH:
        return (opening + line + closing,)
    return (opening, *(f"    {inner}" for inner in wrap(line + ",", WIDTH, break_on_hyphens=False)), closing)


def _tuple(entries: Sequence[str]) -> list[str]:
    """The entries of a tuple: a comma ends that of one entry."""
    return [*entries[:-1], f"{entries[-1]}," if len(entries) == 1 else entries[-1]] if entries else []


def product(powers: Powers) -> str:
    """A product of the symbols of one row, and of reciprocals."""
    above = " * ".join(name for name, exponent in powers for _ in range(exponent))
    return (above or "1.0") + "".join(f" / {name}" for name, exponent in powers for _ in range(-exponent))


def _arrays(ir: EstimatorIR, symbol: RowSymbol) -> list[str]:
    """The array that a symbol is read from; none for a function of other symbols."""
    if symbol.column is not None:
        return [f"{symbol.name}_column"]
    return [_known(ir, symbol.value.column)] if isinstance(symbol.value, arrays.HasLabel) else []


def _values(ir: EstimatorIR, used: Sequence[RowSymbol], shifted: Sequence[str]) -> Iterator[str]:
    """The lines that make the symbols of one row, about their shifts; functions are of columns about 0."""
    below = {name for s in used if s.value is not None for name in names(s.value)}
    for s in used:
        about = f" - shift_{s.name}" if s.name in shifted and s.name not in below else ""
        yield f"{s.name} = {_value(ir, s)}{about}"
    yield from (f"{name} -= shift_{name}" for name in shifted if name in below)


def _value(ir: EstimatorIR, symbol: RowSymbol) -> str:
    """A symbol of one row, about 0."""
    if isinstance(symbol.value, arrays.HasLabel):
        place = next(c.labels for c in ir.coded if c.column == symbol.value.column).index(symbol.value.label)
        return f"np.float64({_known(ir, symbol.value.column)}[row] == {place})"
    return f"np.float64({symbol.name}_column[row])" if symbol.value is None else code(symbol.value)


def _known(ir: EstimatorIR, column: str) -> str:
    """The name of the array that tells which of its known labels a column holds."""
    return f"known_{[c.column for c in ir.coded].index(column)}"


def _read(ir: EstimatorIR) -> list[str]:
    """The lines that take the columns which the passes go over."""
    lines = [f"{s.name}_column = _values(columns, {literal(s.column)})" for s in ir.rows if s.column is not None]
    return [*lines, *(f"{_known(ir, c.column)} = _known(columns, {literal(c.column)})" for c in ir.coded)]


def _mean(symbol: RowSymbol) -> str:
    """The mean over all rows of a symbol."""
    if symbol.value is None:
        return f"float(np.mean({symbol.name}_column, dtype=float))"
    return f"{_total(symbol.value)} / n"


def _total(value: arrays.Expr) -> str:
    """The total over all rows of a function of columns."""
    read = sorted(names(value))
    return f"_total(lambda {', '.join(read)}: {code(value)}, {', '.join(f'{name}_column' for name in read)})"


def _about_its_mean(symbol: RowSymbol) -> tuple[str, str]:
    """The mean of the covariate of a slope, and its sum of squares about that."""
    squares = f'_total(lambda {symbol.name}: ({symbol.name} - sums["mean_{symbol.name}"]) ** 2, {symbol.name}_column)'
    return _mean(symbol), squares
