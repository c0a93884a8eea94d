"""Array expressions as NumPy code. Names of users never get here: expressions hold our own identifiers only."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from fractions import Fraction

from momentalg.emit.numpy_text import literal
from momentalg.lower import absorbed_arrays, level_arrays
from momentalg.lower import arrays as a
from momentalg.lower.assembling import plus, power, times
from momentalg.lower.shapes import table_of

_WIDTH = 108


def code(expr: a.Expr) -> str:
    """The NumPy expression of `expr`."""
    match expr:
        case a.Const(value):
            return _number(value)
        case a.Ref(name):
            return name
        case a.Plus(args):
            return _sum([code(t) for t in args])
        case a.Times(args):
            return _quotient(args)
        case a.Power(_, exponent) if exponent < 0:
            return _quotient((expr,))
        case a.Power(base, exponent):
            return f"{_atom(base)}**{exponent}"
        case a.Apply(function, arg):
            return f"np.{function}({code(arg)})"
        case level_arrays.SumLevels(arg):
            return f"np.sum({code(arg)})"
        case level_arrays.CountLevels(arg):
            return f"len({code(arg)})"
        case level_arrays.Gather(arg, positions):
            return f"{_atom(arg)}[{code(positions)}]"
        case level_arrays.Scatter(arg, positions):
            return f"np.bincount({code(positions)}, weights={code(arg)})"
        case a.Item(arg, index):
            return f"{_atom(arg)}[{index}]"
        case a.Vector(entries):
            return f"np.array([{', '.join(map(code, entries))}])"
        case a.Matrix(rows):
            return "np.array([" + ", ".join(f"[{', '.join(map(code, row))}]" for row in rows) + "])"
        case level_arrays.Columns(columns):
            return f"np.column_stack([{', '.join(_columns(columns))}])"
        case level_arrays.Blocks(rows):
            return "_blocks([" + ", ".join(f"[{', '.join(row)}]" for row in _rows(rows)) + "])"
        case a.Product(args):
            return " @ ".join(map(_atom, args))
        case a.Transposed(arg):
            return f"{_atom(arg)}.T"
        case a.TraceOf(arg):
            return f"np.trace({code(arg)})"
        case level_arrays.RowForms(left, matrix, right) if table_of(matrix):
            return f'np.einsum("lc,lcd,ld->l", {code(left)}, {code(matrix)}, {code(right)})'
        case level_arrays.RowForms(left, matrix, right):
            return f"np.sum(({_atom(left)} @ {_atom(matrix)}) * {_atom(right)}, axis=1)"
        case level_arrays.LevelInverses(blocks):
            return f"_level_inverses({code(blocks)})"
        case level_arrays.LevelProducts(blocks, columns):
            return f'np.einsum("lcd,ld->lc", {code(blocks)}, {code(columns)})'
        case level_arrays.LevelTraces(left, right):
            return f'np.einsum("lcd,ldc->", {code(left)}, {code(right)})'
        case level_arrays.LevelRanks(blocks):
            return f"_level_ranks({code(blocks)})"
        case a.GeneralisedInverse(matrix, scale):
            return f"_inverse({code(matrix)}, {code(scale)})"
        case a.Rank(matrix, scale):
            return f"_rank({code(matrix)}, {code(scale)})"
        case a.Solved(matrix, right):
            return f"_solution({code(matrix)}, {code(right)})"
        case level_arrays.KernelTrace(inverse, left, right, first, second):
            sides = (f"({code(c)}, {code(d)}, {_where(at)})" for c, d, at in (left, right))
            return f"_kernel_trace({', '.join([code(inverse), *sides, code(first), code(second)])})"
        case level_arrays.Filled(like, value):
            return f"np.full(len({code(like)}), {code(value)})"
        case level_arrays.Itself(levels):
            return f"np.arange({code(levels)})"
        case absorbed_arrays.AbsorbedSquares(equations, total):
            return f"{code(equations)}.squares({code(total)})"
        case absorbed_arrays.AbsorbedRank(equations):
            return f"{code(equations)}.rank()"
        case absorbed_arrays.AbsorbedDiagonal(equations, total, weighted):
            return f"{code(equations)}.diagonal({code(total)}, {code(weighted)})"
        case a.Diagonal(arg):
            return f"np.diag({code(arg)})"
        case a.Settled(value, scale):
            return f"_settled({code(value)}, {code(scale)})"
        case _:
            raise TypeError(f"no NumPy code for {type(expr).__name__}")


def assignment(name: str, expr: a.Expr) -> tuple[str, ...]:
    """The lines of ``name = expr``, one entry a line where they are too long for one."""
    if isinstance(expr, absorbed_arrays.Absorbed):
        return _absorbed(name, expr)
    if isinstance(expr, absorbed_arrays.AbsorbedTrace) or (
        isinstance(expr, a.Settled) and isinstance(expr.value, absorbed_arrays.AbsorbedTrace)
    ):
        return _absorbed_trace(name, expr)
    if isinstance(expr, level_arrays.Contracted):
        return _contracted(name, expr)
    line = f"{name} = {code(expr)}"
    if len(line) <= _WIDTH:
        return (line,)
    match expr:
        case a.Matrix(rows):
            inner = [line for row in rows for line in _bracketed("[", [code(e) for e in row], "],")]
            return (f"{name} = np.array([", *("    " + line for line in inner), "])")
        case level_arrays.Blocks(rows):
            inner = [line for row in _rows(rows) for line in _bracketed("[", row, "],")]
            return (f"{name} = _blocks([", *("    " + line for line in inner), "])")
        case a.Vector(entries):
            return (f"{name} = np.array([", *(f"    {code(e)}," for e in entries), "])")
        case level_arrays.Columns(columns):
            return (f"{name} = np.column_stack([", *(f"    {e}," for e in _columns(columns)), "])")
        case a.Plus(args):
            first, *rest = [code(t) for t in args]
            lines = (f"{name} = (", f"    {first}", *(f"    {_signed(t)}" for t in rest), ")")
            return lines if max(map(len, lines)) <= _WIDTH else _wrapped(name, code(expr))
        case _:
            return _wrapped(name, code(expr))


def _wrapped(name: str, text: str) -> tuple[str, ...]:
    """An assignment in parentheses, broken at spaces, of which expressions have none inside strings."""
    opening, inside = _call(text)
    lines = textwrap.wrap(inside, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return (f"{name} = {opening}", *(f"    {line}" for line in lines), ")")


def _call(text: str) -> tuple[str, str]:
    """The opening of a call and what is inside it; a parenthesis and all of it, where it is more than one call."""
    start, depth = text.find("("), 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and place > start:
            whole = place == len(text) - 1 and text[:start].replace(".", "").replace("_", "").isalnum()
            return (text[: start + 1], text[start + 1 : -1]) if whole else ("(", text)
    return "(", text


def _absorbed(name: str, expr: absorbed_arrays.Absorbed) -> tuple[str, ...]:
    """The normal equations of several factors: a line for each factor, and for each two of them."""
    lines = [f"{name} = _Absorbed("]
    for factor in expr.factors:
        parts = (repr(factor.factor), *map(_optional, (factor.blocks, factor.response, factor.common)))
        lines += ["    " + line for line in _bracketed("(", list(parts), "),")]
    lines.insert(1, "    [")
    lines = [*lines[:2], *("    " + line for line in lines[2:]), "    ],", "    {"]
    for cell in expr.cells:
        parts = tuple(map(code, (cell.first_positions, cell.second_positions, cell.blocks)))
        opening = f"({cell.first}, {cell.second}): ("
        lines += ["        " + line for line in _bracketed(opening, list(parts), "),")]
    return (*lines, "    },", f"    {_optional(expr.gram)},", f"    {_optional(expr.moments)},", ")")


def _contracted(name: str, expr: level_arrays.Contracted) -> tuple[str, ...]:
    """A sum over a cycle of levels: a line for each table that it takes."""
    pairs = zip(expr.operands, expr.positions, expr.subscripts, strict=True)
    lines = [f"    ({literal(letters)}, {code(o)}, [{', '.join(map(code, at))}])," for o, at, letters in pairs]
    return (f"{name} = _contracted([", *lines, f"], {literal(expr.formula)})")


def _absorbed_trace(name: str, expr: a.Expr) -> tuple[str, ...]:
    """A trace off several factors: a line for the cells of each of them with the levels of the trace."""
    trace = expr.value if isinstance(expr, a.Settled) else expr
    if not isinstance(trace, absorbed_arrays.AbsorbedTrace):
        raise TypeError(f"no trace off several factors: {type(trace).__name__}")
    lines = [
        f"{name} = {code(trace.equations)}.trace(",
        f"    {code(trace.total)},",
        f"    {code(trace.levels)},",
        "    [",
    ]
    for cell in trace.cells:
        parts = map(code, (cell.positions, cell.linked_positions, cell.left, cell.right))
        lines += ["        " + line for line in _bracketed("(", list(parts), "),")]
    lines += ["    ],", f"    {_optional(trace.left)},", f"    {_optional(trace.right)},", ")"]
    if isinstance(expr, a.Settled):
        lines.append(f"{name} = _settled({name}, {code(expr.scale)})")
    return tuple(lines)


def _where(positions: a.Expr | None) -> str:
    return "slice(None)" if positions is None else code(positions)


def _optional(expr: a.Expr | None) -> str:
    return "None" if expr is None else code(expr)


def _columns(columns: Sequence[a.Expr]) -> list[str]:
    """Columns of equal length."""
    return _rows((columns,))[0]


def _rows(rows: Sequence[Sequence[a.Expr]]) -> list[list[str]]:
    """Entries that are one number a level; a constant, as 0 is for products of two indicators, is filled in."""
    full = next((e for row in rows for e in row if not isinstance(e, a.Const)), None)
    if full is None:
        return [[code(e) for e in row] for row in rows]
    return [
        [f"np.full(len({code(full)}), {code(e)})" if isinstance(e, a.Const) else code(e) for e in row] for row in rows
    ]


def _bracketed(opening: str, entries: list[str], closing: str) -> list[str]:
    line = opening + ", ".join(entries) + closing
    return [line] if len(line) <= _WIDTH else [opening, *(f"    {e}," for e in entries), closing]


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"({value.numerator} / {value.denominator})"


def _sum(terms: list[str]) -> str:
    return " ".join([terms[0], *map(_signed, terms[1:])])


def _signed(term: str) -> str:
    return f"- {term[1:]}" if term.startswith("-") else f"+ {term}"


def _quotient(factors: tuple[a.Expr, ...]) -> str:
    sign, above, below = "", [], []
    for factor in factors:
        match factor:
            case a.Const(value):
                sign = "-" if value < 0 else ""
                above += [str(abs(value.numerator))] * (abs(value.numerator) != 1)
                below += [str(value.denominator)] * (value.denominator != 1)
            case a.Power(base, exponent) if exponent < 0:
                below.append(_divisor(base, -exponent))
            case _:
                above.append(_factor(factor))
    top = " * ".join(above) or "1"
    if not below:
        return sign + top
    return f"{sign}{top} / " + (below[0] if len(below) == 1 else f"({' * '.join(below)})")


def _divisor(base: a.Expr, exponent: int) -> str:
    """A power that divides; a difference that may be zero on some level is told from the rounding of its terms."""
    if not is_difference(base):
        return _factor(power(base, exponent))
    found = f"_apart({', '.join(code(t) for t in differing(base))})"
    return found if exponent == 1 else f"{found}**{exponent}"


def is_difference(expr: a.Expr) -> bool:
    """Whether an expression subtracts values of levels from one another; of N - 1 nothing is rounded."""
    if not isinstance(expr, a.Plus) or not table_of(expr):
        return False
    return any(code(t).startswith("-") and not isinstance(t, a.Const) for t in expr.args)


def differing(expr: a.Expr) -> tuple[a.Expr, a.Expr]:
    """What a difference adds up, and what it subtracts."""
    terms = expr.args if isinstance(expr, a.Plus) else (expr,)
    above = [t for t in terms if not code(t).startswith("-")]
    below = [times(a.const(-1), t) for t in terms if code(t).startswith("-")]
    return plus(*above), plus(*below)


def _factor(expr: a.Expr) -> str:
    return code(expr) if isinstance(expr, a.Power) and expr.exponent > 0 else _atom(expr)


def _atom(expr: a.Expr) -> str:
    """The expression's code, in parentheses where an operator beside it would tear it apart."""
    text = code(expr)
    compound = isinstance(expr, a.Plus | a.Times | a.Power | a.Product) or text.startswith("-")
    return f"({text})" if compound else text
