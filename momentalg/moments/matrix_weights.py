"""Derived weights of slopes: for each level a matrix, the inverse of the covariance matrix of its least squares fit.

With A = Z'Z and t = Z'y of a level's deviations, b = A^-1 t has, when other factors are left out,

    Var(b) = A^-1 Var(t) A^-1 = G + var(residual) A^-1,     W = Var(b)^-1 = A Var(t)^-1 A.

Under normal effects the products b b' have covariances Var(b) x Var(b), twice over, and generalised least squares on
them, Aitken's equation, is  sum W b b' W = sum W Var(b) W: Swamy's statistics with the weights that are best for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from random import Random
from typing import TYPE_CHECKING, Any

from momentalg.derive.derivation import Derivation
from momentalg.derive.readable import Readable
from momentalg.derive.reading import Line, Section, readings
from momentalg.errors import RuleError
from momentalg.expr.monomials import multiply_monomials
from momentalg.expr.nodes import DESIGN, Cumulant, Effect, Factor, Letter, Monomial, Node, Over, Parameter, add, mul
from momentalg.model.model import Model
from momentalg.moments.deviations import random_design
from momentalg.moments.exact_matrices import inverted, inverted_on_range, plus, product, random_positive, scaled, times
from momentalg.moments.rational import Matrix, Vector
from momentalg.statistics.family import level_total, response_total

if TYPE_CHECKING:
    from momentalg.expr.notation import Notation

FIT, GRAM, TOTALS, WEIGHT = Letter("b"), Letter("A"), Letter("t"), Letter("W")
READ = (
    "A = Z'Z and t = Z'y, with the covariates of the level as the columns of Z and y about its known centre; b is "
    "least squares in the level, B = b b', I the unit matrix, and products of capitals are of matrices. The "
    "covariances of t are derived above."
)
GAUSS = (
    "Under normal effects Cov(b_c b_d, b_e b_f) = V_ce V_df + V_cf V_de with V = Var(b), so that generalised least "
    "squares on the products b b' has W on both sides of them (Aitken 1935; Swamy 1970)."
)
SINGULAR = (
    "W b = A Var(t)^-1 t and W = A Var(t)^-1 A need no inverse of A: levels with fewer observations than coefficients "
    "take part."
)
OVERLAP = "Ignored: that levels overlap in other factors, so that the fits of two levels are correlated."


@dataclass(frozen=True, repr=False)
class MatrixWeights(Readable):
    """The weight matrices of a factor with several coefficients, from the covariances of its totals t = Z'y.

    `covariances` derives Cov(t_c, t_d) by pair; `ignored` tells whether levels overlap in other factors.
    """

    model: Model
    factor: Factor
    monomials: tuple[Monomial, ...]
    covariances: Mapping[tuple[int, int], Derivation]
    ignored: bool

    @property
    def heading(self) -> Node:
        """The effects of the level, whose covariance matrix the weights are for."""
        return Cumulant((Effect(self.factor), Effect(self.factor)))

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """What the engine derived: the covariances of the totals t."""
        return tuple(self.covariances.values())

    @property
    def gram(self) -> tuple[tuple[Node, ...], ...]:
        """A = Z'Z of a level."""
        return tuple(
            tuple(level_total(self.factor, multiply_monomials(a, b)) for b in self.monomials) for a in self.monomials
        )

    def evaluate(self, parameters: Mapping[str, Any], data: Any) -> Any:
        """W of each level of the data, a Series of matrices (lists of rows); exact from exact parameters.

        Raises `NotIdentifiedError` where Var(t) is singular, with a variance of zero in a level of one observation.
        """
        found: dict[tuple[int, int], Any] = {}
        grams: dict[tuple[int, int], Any] = {}
        for pair, derivation in self.covariances.items():
            found[pair] = derivation.evaluate(parameters=parameters, data=data)
            gram = self.model.mean(self.gram[pair[0]][pair[1]], given=DESIGN)
            grams[pair] = gram.evaluate(parameters=parameters, data=data)
        index = next(iter(found.values())).index
        weights = [weight_matrix(self._matrix(grams, level), self._matrix(found, level)) for level in range(len(index))]
        return type(next(iter(found.values())))(weights, index=index, dtype=object)

    def verify(self, seed: int = 1) -> bool:
        """Replay; on a random design check W, and Aitken's equation against least squares on the products, exactly.

        Raises `RuleError` where something does not follow.
        """
        for derivation in self.derivations:
            derivation.verify()
        rng = Random(seed)  # noqa: S311 - numbers to check with
        grams = [random_positive(len(self.monomials), rng) for _ in range(4)]
        spread, residual = random_positive(len(self.monomials), rng), Fraction(rng.randint(1, 9), 2)
        variances, fits = [], []
        for gram in grams:
            totals = plus(product(gram, spread, gram), scaled(gram, residual))
            weight = weight_matrix(gram, totals)
            variances.append(inverted(weight))
            if variances[-1] != plus(spread, scaled(inverted(gram), residual)):
                raise RuleError("W is not the inverse of G + var(residual) A^-1")
            fits.append([Fraction(rng.randint(-9, 9)) for _ in self.monomials])
        if aitken(variances, fits, residual, grams) != on_products(variances, fits, residual, grams):
            raise RuleError("Aitken's equation is not least squares on the products")
        if self._is_alone:
            self._require_derived(rng)
        return True

    def _require_derived(self, rng: Random) -> None:
        """The engine's covariances of t on a design are A G A + var(residual) A, where nothing else is in the level."""
        resolved = self.model.resolved
        numbers = {k: Fraction(rng.randint(1, 9)) for k in self.model.parameters}
        data = random_design(resolved, rng)
        spread = [[Fraction(0) for _ in self.monomials] for _ in self.monomials]
        for block in resolved.groups:
            for a in block.coefficients:
                for b in block.coefficients:
                    key = resolved.cumulant_key(block, (str(a.key), str(b.key)))
                    spread[self.monomials.index(a.monomial)][self.monomials.index(b.monomial)] = numbers[key]
        residual = numbers["var(residual)"]
        derived = {pair: d.evaluate(parameters=numbers, data=data) for pair, d in self.covariances.items()}
        grams = {
            (n, m): self.model.mean(self.gram[n][m], given=DESIGN).evaluate(parameters=numbers, data=data)
            for n, m in self.covariances
        }
        for level in range(len(next(iter(derived.values())))):
            gram, found = self._matrix(grams, level), self._matrix(derived, level)
            if found != plus(product(gram, spread, gram), scaled(gram, residual)):
                raise RuleError("Var(t) is not A G A + var(residual) A")

    def _matrix(self, entries: Mapping[tuple[int, int], Any], level: int) -> Matrix:
        size = range(len(self.monomials))
        return [[Fraction(entries[min(n, m), max(n, m)].iloc[level]) for m in size] for n in size]

    def reading(self) -> tuple[Sequence[Section], Notation]:
        """The covariances of t, then the weights and Aitken's equation."""
        read = list(readings(self.derivations))
        derived = [section for part in read for section in part.sections]
        last = max((s.number for s in derived), default=0)
        fit, totals = Cumulant((FIT, FIT), (DESIGN,)), Cumulant((TOTALS, TOTALS), (DESIGN,))
        alone = add(mul(GRAM, Letter("G"), GRAM), mul(Parameter("var(residual)"), GRAM))
        lines = (
            Line(TOTALS, "least squares in the level", left=mul(GRAM, FIT)),
            Line(mul(GRAM, fit, GRAM), "covariances of linear forms", left=totals),
            *([Line(alone, "effects and residuals are independent")] if self._is_alone else []),
            Line(Letter("I"), "generalised least squares: Aitken", left=mul(WEIGHT, fit)),
            Line(
                Over(self.factor, mul(WEIGHT, fit, WEIGHT)),
                "Aitken's equation of the covariance matrix",
                left=Over(self.factor, mul(WEIGHT, Letter("B"), WEIGHT)),
            ),
        )
        remarks = (READ, GAUSS, SINGULAR, *([OVERLAP] if self.ignored else []))
        return (*derived, Section(last + 1, "Weight matrices", (), lines, remarks)), read[-1].notation

    @property
    def _is_alone(self) -> bool:
        """Whether a level has nothing but the factor's own effects in it, and residuals of one variance."""
        resolved = self.model.resolved
        plain = resolved.weights is None and not resolved.residual_by
        return plain and {b.factor for b in resolved.groups} == {self.factor}

    def __repr__(self) -> str:
        ignored = "; overlap of levels in other factors ignored" if self.ignored else ""
        return f"<Weight matrices of {':'.join(self.factor)}: W = inverse(Var(b)), b least squares in a level{ignored}>"


def matrix_weights(model: Model, factor: Factor) -> MatrixWeights:
    """Derive the weights of a factor with several coefficients; `model` is that of the deviations of its levels."""
    resolved = model.resolved
    own = [b for b in resolved.groups if set(b.factor) == set(factor)]
    monomials = tuple(c.monomial for b in own for c in b.coefficients)
    totals = [response_total(own[0].factor, monomial) for monomial in monomials]
    pairs = list(combinations_with_replacement(range(len(totals)), 2))
    covariances = {(n, m): model.cov(totals[n], totals[m], given=DESIGN) for n, m in pairs}
    ignored = any(not resolved.is_nested(b.factor, own[0].factor) for b in resolved.groups)
    return MatrixWeights(model, own[0].factor, monomials, covariances, ignored)


def weight_matrix(gram: Matrix, totals: Matrix) -> Matrix:
    """W = A Var(t)^-1 A."""
    return product(gram, inverted_on_range(totals), gram)


def aitken(variances: Sequence[Matrix], fits: Sequence[Vector], residual: Fraction, grams: Sequence[Matrix]) -> Vector:
    """G, row by row of its upper half, from sum W (b b' - residual A^-1 - G) W = 0, W the inverses of `variances`."""
    size = len(fits[0])
    pairs = list(combinations_with_replacement(range(size), 2))
    left = [[Fraction(0) for _ in pairs] for _ in pairs]
    right = [Fraction(0) for _ in pairs]
    for variance, fit, gram in zip(variances, fits, grams, strict=True):
        weight, known = inverted(variance), scaled(inverted(gram), residual)
        middle = [[fit[n] * fit[m] - known[n][m] for m in range(size)] for n in range(size)]
        target = product(weight, middle, weight)
        for row, (n, m) in enumerate(pairs):
            right[row] += target[n][m]
            for column, (p, q) in enumerate(pairs):
                left[row][column] += weight[n][p] * weight[q][m] + (weight[n][q] * weight[p][m] if p != q else 0)
    return times(inverted(left), right)


def on_products(
    variances: Sequence[Matrix], fits: Sequence[Vector], residual: Fraction, grams: Sequence[Matrix]
) -> Vector:
    """G by generalised least squares on the products b_c b_d, with the covariances that they have under normality."""
    size = len(fits[0])
    pairs = list(combinations_with_replacement(range(size), 2))
    left = [[Fraction(0) for _ in pairs] for _ in pairs]
    right = [Fraction(0) for _ in pairs]
    for v, fit, gram in zip(variances, fits, grams, strict=True):
        known = scaled(inverted(gram), residual)
        products = [fit[n] * fit[m] - known[n][m] for n, m in pairs]
        weight = inverted([[v[n][p] * v[m][q] + v[n][q] * v[m][p] for p, q in pairs] for n, m in pairs])
        for n in range(len(pairs)):
            right[n] += sum((w * x for w, x in zip(weight[n], products, strict=True)), Fraction(0))
            for m in range(len(pairs)):
                left[n][m] += weight[n][m]
    return times(inverted(left), right)
