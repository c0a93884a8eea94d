"""The matrix form of a second moment: what is quadratic in the mean parameters, as beta' M beta."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from momentalg.cumulants.display import parameter_rank, to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.level_names import with_letters
from momentalg.cumulants.polynomial import Polynomial
from momentalg.errors import UnsupportedError
from momentalg.expr.nodes import ZERO, Node, Parameter
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    from momentalg.derive.derivation import Derivation
    from momentalg.expr.notation import Notation


@dataclass(frozen=True, repr=False)
class MatrixForm:
    """asked = rest + beta' matrix beta, for the vector beta of the mean parameters `parameters`."""

    asked: Node
    parameters: tuple[str, ...]
    matrix: tuple[tuple[Node, ...], ...]
    rest: Node
    notation: Notation

    @property
    def sympy(self) -> tuple[Any, Any, Any]:
        """(rest, matrix, beta) as SymPy objects."""
        from momentalg.expr.sympy_door import to_sympy, to_sympy_matrix

        beta = to_sympy_matrix([[Parameter(key)] for key in self.parameters])
        return to_sympy(self.rest), to_sympy_matrix(self.matrix), beta

    def latex(self, notation: Notation | None = None) -> str:
        """The matrix form in LaTeX, in the letters of the model unless a notation is given."""
        from momentalg.expr.latex import latex

        known = notation or self.notation
        beta = r" \\ ".join(latex(Parameter(key), known) for key in self.parameters)
        rows = r" \\ ".join(" & ".join(latex(node, known) for node in row) for row in self.matrix)
        vector = rf"\begin{{pmatrix}} {beta} \end{{pmatrix}}"
        return rf"{latex(self.rest, known)} + {vector}^{{\top}} \begin{{pmatrix}} {rows} \end{{pmatrix}} {vector}"

    def _repr_latex_(self) -> str:
        from momentalg.expr.latex import latex

        return f"$\\displaystyle {latex(self.asked, self.notation)} = {self.latex()}$"

    def __repr__(self) -> str:
        from momentalg.expr.text import text

        beta = ", ".join(text(Parameter(key), self.notation) for key in self.parameters)
        rows = "], [".join(", ".join(text(node, self.notation) for node in row) for row in self.matrix)
        asked, rest = text(self.asked, self.notation), text(self.rest, self.notation)
        if all(node == ZERO for row in self.matrix for node in row):
            return f"<MatrixForm {asked} = {rest}; the matrix of ({beta}) is zero>"
        return f"<MatrixForm {asked} = {rest} + b' [[{rows}]] b; b = ({beta})>"


def matrix_form(derivation: Derivation) -> MatrixForm:
    """Read the quadratic form in the mean parameters off a second moment of linear statistics."""
    model = derivation.model.resolved
    rank = parameter_rank(model)
    keys = tuple(rank)
    rest = Polynomial()
    cells: dict[tuple[str, str], Polynomial] = {}
    for monomial, coefficient in derivation.polynomial.terms.items():
        means = frozenset((s, p) for s, p in monomial if s in rank)
        inner = Polynomial({monomial - means: coefficient})
        names = [str(s) for s, p in sorted(means, key=lambda pair: rank[str(pair[0])]) for _ in range(p)]
        if not names:
            rest = rest + inner
        elif len(names) == 2:
            a, b = names
            half = inner if a == b else inner.scale(Fraction(1, 2))
            for place in {(a, b), (b, a)}:
                cells[place] = cells.get(place, Polynomial()) + half
        else:
            raise UnsupportedError(
                "the result is not quadratic in the mean parameters: the matrix form is for Var and Cov of totals"
            )
    rows = tuple(tuple(_shown(cells.get((a, b), Polynomial()), model) for b in keys) for a in keys)
    _, notation = derivation.reading()
    return MatrixForm(derivation.asked, keys, rows, _shown(rest, model), notation)


def _shown(polynomial: Polynomial, model: ResolvedModel) -> Node:
    return with_letters(to_node(from_letters(polynomial, model), model), model)
