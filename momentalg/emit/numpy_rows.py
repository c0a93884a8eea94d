"""Code of what a NumPy module does row by row: it reads columns, and makes products and their totals."""

from __future__ import annotations

from momentalg.emit.numpy_code import code
from momentalg.emit.numpy_text import literal
from momentalg.lower import arrays
from momentalg.lower.ir import EstimatorIR, Powers


def read_lines(ir: EstimatorIR) -> list[str]:
    """The lines that read columns and compute what is made of them, row by row."""
    lines = []
    for symbol in ir.rows:
        if symbol.column is not None:
            lines.append(f"{symbol.name} = _numbers(columns, {literal(symbol.column)})")
        elif isinstance(symbol.value, arrays.HasLabel):
            column, label = literal(symbol.value.column), symbol.value.label
            shown = literal(label) if isinstance(label, str) else repr(label)
            lines.append(f"{symbol.name} = _has_label(columns, {column}, {shown})")
        elif symbol.value is not None:
            lines.append(f"{symbol.name} = {code(symbol.value)}")
    return lines


def row_product(powers: Powers) -> str:
    """A product of symbols at some rows, and of reciprocals."""
    above = [f"{name}[rows] ** 2" for name, exponent in powers for _ in range(exponent // 2)]
    above += [f"{name}[rows]" for name, exponent in powers if exponent > 0 and exponent % 2]
    below = "".join(f" / {name}[rows]" for name, exponent in powers for _ in range(-exponent))
    return (" * ".join(above) or "1.0") + below
