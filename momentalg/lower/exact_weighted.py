"""The second step of a weighted estimator, by a second road: whole matrices of rows, in arithmetic of 60 digits.

Every form is y'A y, and its coefficients are tr(A V_h), A = P V_g P with V of all factors. The first step is given
exactly; fractions of inverses of whole matrices would have thousands of digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations_with_replacement

from momentalg.expr.nodes import LevelColumns, Variable
from momentalg.lower.exact import ExactRows
from momentalg.model.resolved import GroupBlock, ResolvedModel

DIGITS = 60

Vector = Sequence[Decimal]
Matrix = list[list[Decimal]]
ZERO = Decimal(0)


def two_step(model: ResolvedModel, rows: ExactRows, first: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """The estimates from those of the first step: components by weighted forms, then means by generalised squares.

    Raises ZeroDivisionError where the rows do not separate the components.
    """
    with localcontext() as context:
        context.prec = DIGITS
        parts = _parts(model, rows)
        start = dict(zip(parts, _decimals([first[key] for key in parts]), strict=True))
        mean = [_decimals(rows.vector(c.monomial)) for c in model.mean]
        y = _decimals([Fraction(v) for v in rows.response])
        projection, _ = _fitted(_covariance(parts, _ratios(model, rows, start)), mean, y)
        forms = [_times(_times(projection, part), projection) for part in parts.values()]
        traces = [[_dot_all(form, part) for part in parts.values()] for form in forms]
        found = _apply(_inverse(traces), [_dot(y, _apply(form, y)) for form in forms])
        components = dict(zip(parts, found, strict=True))
        _, slopes = _fitted(_covariance(parts, _ratios(model, rows, components)), mean, y)
        means = {str(c.key): Fraction(value) for c, value in zip(model.mean, slopes, strict=True)}
        return {**means, **{key: Fraction(value) for key, value in components.items()}}


def _decimals(values: Sequence[Fraction]) -> list[Decimal]:
    return [Decimal(v.numerator) / Decimal(v.denominator) for v in values]


def _parts(model: ResolvedModel, rows: ExactRows) -> dict[str, Matrix]:
    """What each component multiplies in the covariance of the response, by key; the residual variance last."""
    n = range(len(rows))
    found: dict[str, Matrix] = {}
    for block, (i, j), key in _entries(model):
        left, right = (rows.level_vectors(LevelColumns(block.factor, block.coefficients[k].monomial)) for k in (i, j))
        pairs = [(_decimals(a), _decimals(b)) for a, b in zip(left, right, strict=True)]
        entries = [[sum((a[s] * b[t] for a, b in pairs), ZERO) for t in n] for s in n]
        found[key] = entries if i == j else [[entries[s][t] + entries[t][s] for t in n] for s in n]
    scale = _weights(model, rows)
    found[_residual(model)] = [[1 / scale[s] if s == t else ZERO for t in n] for s in n]
    return found


def _entries(model: ResolvedModel) -> list[tuple[GroupBlock, tuple[int, int], str]]:
    """The variances and covariances of the effects: their block, their places in it, and their keys."""
    found = []
    for block in model.groups:
        names = [str(c.key) for c in block.coefficients]
        for i, j in combinations_with_replacement(range(len(names)), 2):
            found.append((block, (i, j), model.cumulant_key(block, (names[i], names[j]))))
    return found


def _residual(model: ResolvedModel) -> str:
    (key,) = (key for key, _ in model.residual_cumulants(2) if key is not None)
    return key


def _ratios(model: ResolvedModel, rows: ExactRows, components: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The components over the residual variance; a block that is no matrix of covariances gives way to the nearest."""
    residual, whole = components[_residual(model)], _mean_square(model, rows)
    residual = (max(residual, whole / 10**6) if residual > 0 else whole / 100) or Decimal(1)
    found = {_residual(model): Decimal(1)}
    for block in model.groups:
        size = range(len(block.coefficients))
        keys = {place: key for b, place, key in _entries(model) if b is block}
        matrix = [[components[keys[min(i, j), max(i, j)]] / residual for j in size] for i in size]
        columns = [_decimals(rows.vector(c.monomial)) for c in block.coefficients]
        scaled = [[a * w for a, w in zip(column, _weights(model, rows), strict=True)] for column in columns]
        nearest = _nearest(matrix, [[_dot(a, b) for b in columns] for a in scaled])
        found |= {key: nearest[i][j] for (i, j), key in keys.items()}
    return found


def _mean_square(model: ResolvedModel, rows: ExactRows) -> Decimal:
    """What least squares leaves of the squares of the response, per row."""
    weights, y = _weights(model, rows), _decimals([Fraction(v) for v in rows.response])
    diagonal = [[1 / w if s == t else ZERO for t in range(len(rows))] for s, w in enumerate(weights)]
    projection, _ = _fitted(diagonal, [_decimals(rows.vector(c.monomial)) for c in model.mean], y)
    return _dot(y, _apply(projection, y)) / len(rows)


def _weights(model: ResolvedModel, rows: ExactRows) -> list[Decimal]:
    if model.weights is None:
        return [Decimal(1)] * len(rows)
    return _decimals(rows.vector(((Variable("column", model.weights), 1),)))


def _nearest(matrix: Matrix, metric: Matrix) -> Matrix:
    """The positive semidefinite matrix nearest to a symmetric one, in the metric of its columns."""
    root = _cholesky(metric)
    back = _inverse(root)
    values, vectors = _eigen(_times(_times(_transposed(root), matrix), root))
    half = _times(
        _transposed(back), [[v * max(d, ZERO).sqrt() for v, d in zip(line, values, strict=True)] for line in vectors]
    )
    return _times(half, _transposed(half))


def _cholesky(matrix: Matrix) -> Matrix:
    """The lower triangular root of a positive definite matrix."""
    size = range(len(matrix))
    root = [[ZERO for _ in size] for _ in size]
    for i in size:
        for j in range(i + 1):
            left = matrix[i][j] - _dot(root[i][:j], root[j][:j])
            root[i][j] = left.sqrt() if i == j else left / root[j][j]
    return root


def _eigen(matrix: Matrix) -> tuple[list[Decimal], Matrix]:
    """Eigenvalues of a symmetric matrix, and its eigenvectors as columns, by Jacobi's rotations."""
    size = range(len(matrix))
    left, vectors = [list(line) for line in matrix], [[Decimal(int(i == j)) for j in size] for i in size]
    for i, j in [(i, j) for _ in range(30) for i in size for j in size if i < j]:
        if not left[i][j]:
            continue
        ratio = (left[j][j] - left[i][i]) / (2 * left[i][j])
        tangent = (1 if ratio >= 0 else -1) / (abs(ratio) + (ratio * ratio + 1).sqrt())
        cosine = 1 / (tangent * tangent + 1).sqrt()
        turn = [[Decimal(int(s == t)) for t in size] for s in size]
        turn[i][i] = turn[j][j] = cosine
        turn[i][j], turn[j][i] = tangent * cosine, -tangent * cosine
        left, vectors = _times(_times(_transposed(turn), left), turn), _times(vectors, turn)
    return [left[k][k] for k in size], vectors


def _transposed(matrix: Matrix) -> Matrix:
    return [list(line) for line in zip(*matrix, strict=True)]


def _covariance(parts: Mapping[str, Matrix], ratios: Mapping[str, Decimal]) -> Matrix:
    size = range(len(next(iter(parts.values()))))
    return [[sum((ratios[k] * part[s][t] for k, part in parts.items()), ZERO) for t in size] for s in size]


def _fitted(covariance: Matrix, mean: Sequence[Vector], y: Vector) -> tuple[Matrix, Vector]:
    """P = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, and the coefficients of y."""
    size = range(len(covariance))
    inverted = _inverse(covariance)
    if not mean:
        return inverted, []
    onto = [_apply(inverted, column) for column in mean]
    middle = _inverse([[_dot(a, column) for column in mean] for a in onto])
    slopes = _apply(middle, [_dot(a, y) for a in onto])
    lifted = [[_dot(line, [a[t] for a in onto]) for t in size] for line in middle]
    taken = [[sum((a[s] * b[t] for a, b in zip(onto, lifted, strict=True)), ZERO) for t in size] for s in size]
    return [[inverted[s][t] - taken[s][t] for t in size] for s in size], slopes


def _inverse(matrix: Matrix) -> Matrix:
    """By elimination with the largest pivots; ZeroDivisionError where one is nothing but rounding."""
    size = len(matrix)
    left = [[*line, *(Decimal(int(i == j)) for j in range(size))] for i, line in enumerate(matrix)]
    scale = max(abs(value) for line in matrix for value in line)
    for k in range(size):
        best = max(range(k, size), key=lambda i: abs(left[i][k]))
        left[k], left[best] = left[best], left[k]
        pivot = left[k][k]
        if abs(pivot) <= scale * Decimal(10) ** (10 - DIGITS):
            raise ZeroDivisionError("a matrix has no inverse")
        left[k] = [value / pivot for value in left[k]]
        for i, line in enumerate(left):
            if i != k and (share := line[k]):
                left[i] = [a - share * b for a, b in zip(line, left[k], strict=True)]
    return [line[size:] for line in left]


def _apply(matrix: Matrix, vector: Vector) -> list[Decimal]:
    return [_dot(line, vector) for line in matrix]


def _times(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return [[_dot(line, column) for column in columns] for line in left]


def _dot_all(left: Matrix, right: Matrix) -> Decimal:
    return sum((_dot(a, b) for a, b in zip(left, right, strict=True)), ZERO)


def _dot(a: Vector, b: Vector) -> Decimal:
    return sum((x * y for x, y in zip(a, b, strict=True) if x and y), ZERO)
