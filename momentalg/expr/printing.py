"""The one traversal behind the printers: what a node looks like, with parentheses exactly where they are needed.

A printer fills in how the parts are drawn (`Drawing`): a symbol, a fraction, a fence, a big sum. This class decides
which parts a node has. A new kind of node is one method here, named after its class: ``show_total`` for `Total`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from momentalg.errors import MomentalgError
from momentalg.expr import nodes as n
from momentalg.expr.columns import is_kernel
from momentalg.expr.drawing import Box, Drawing, Level, Term
from momentalg.expr.keys import split, unknown
from momentalg.expr.matrices import RESPONSES, column_symbols, linking, projector, symmetric_part
from momentalg.expr.notation import Notation
from momentalg.expr.products import positive, take_apart
from momentalg.expr.scope import Scope
from momentalg.expr.symbols import Glyph, Symbol


class Printer(Drawing):
    """Base of the printers; one instance prints with one notation."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation

    # -- entry points ----------------------------------------------------------------------------------------------

    def draw(self, node: n.Node) -> Box:
        """Print a whole expression."""
        return self.show(node, Scope.of(node, self.notation))

    def draw_terms(self, node: n.Node) -> list[Term]:
        """Print the terms of a sum one by one, for breaking it over lines; a node that is no sum is one term."""
        return self._terms(node, Scope.of(node, self.notation))

    def show(self, node: n.Node, scope: Scope) -> Box:
        """Print a node: a symbol if it has one, else by the method named after its class."""
        symbol = self._leaf(node, scope)
        if symbol is not None:
            return self.symbol(symbol)
        method: Callable[[n.Node, Scope], Box] | None = getattr(self, f"show_{type(node).__name__.lower()}", None)
        if method is None:
            raise MomentalgError(f"no printed form for {type(node).__name__}; add show_{type(node).__name__.lower()}")
        return method(node, scope)

    def at_least(self, box: Box, level: Level) -> Box:
        """The box, in parentheses if it holds together less tightly than `level`."""
        return box if box.level >= level else self.fence(box)

    # -- symbols ---------------------------------------------------------------------------------------------------

    def _leaf(self, node: n.Node, scope: Scope) -> Symbol | None:
        """The symbol that stands for the node, if one does; powers and hats of symbols are symbols."""
        notation = self.notation
        match node:
            case n.Pow(base, exponent) if exponent > 0 and not isinstance(base, n.Pow):
                symbol = self._leaf(base, scope)
                return symbol and replace(symbol, power=symbol.power * exponent)
            case n.Hat(body) if not isinstance(body, n.Pow | n.Hat):
                symbol = self._leaf(body, scope)
                return symbol and replace(symbol, hat=True)
            case n.Parameter(key):
                return notation.parameter(key) if len(split(key, "*")) == 1 else None
            case n.Response(index):
                return notation.get("response").at(*scope.observation(index))
            case n.Noise(index, of):
                return notation.noise(of).at(*scope.observation(index))
            case n.Value(variable):
                return notation.covariate(variable).at(*scope.value(node))
            case n.Effect(by, coefficient):
                return notation.effect(by, coefficient).at(*scope.effect(node))
            case n.Size(by, level):
                symbol = notation.size(by)
                cell = symbol == notation.size(()) and len(by) > 1
                return symbol.at(*(scope.cell(by, level) if cell else scope.level(by, level)))
            case n.Total(body, by, level):
                symbol = self._total(body)
                return symbol and symbol.at(*scope.cell(by, level, total=True))
            case n.Levels(by):
                return notation.levels(by)
            case n.Delta(first, second):
                return notation.get("delta").at(notation.label(first), notation.label(second))
            case n.Letter(name):
                return notation.letter(name)
            case n.Design():
                return Symbol(Glyph("upright", "design"), "design")
            case n.Observations():
                return Symbol(Glyph("upright", "observations"), "observations")
        return None

    def _total(self, body: n.Node) -> Symbol | None:
        """S for the total of the response, T for that of its square, S_{x^2} for that of a covariate monomial."""
        match body:
            case n.Response(""):
                return self.notation.get("level total")
            case n.Pow(n.Response(""), 2):
                return self.notation.get("total of squares")
        monomial: list[Symbol] = []
        for factor in body.args if isinstance(body, n.Mul) else (body,):
            base, exponent = (factor.base, factor.exponent) if isinstance(factor, n.Pow) else (factor, 1)
            if not isinstance(base, n.Value) or base.index or base.level or exponent < 1:
                return None
            monomial.append(replace(self.notation.covariate(base.variable), power=exponent))
        return self.notation.get("level total").at(*monomial)

    # -- arithmetic ------------------------------------------------------------------------------------------------

    def show_number(self, node: n.Number, scope: Scope) -> Box:
        """A fraction, with its sign."""
        return self._product(abs(node.value), [], [], scope, negative=node.value < 0)

    def show_add(self, node: n.Add, scope: Scope) -> Box:
        """Terms with merged signs: a - b, not a + -1 b."""
        terms = self._terms(node, scope)
        return Box(self.add(terms), Level.SUM, tall=any(box.tall for _, box in terms))

    def _terms(self, node: n.Node, scope: Scope) -> list[Term]:
        if isinstance(node, n.Add):
            return [term for a in node.args for term in self._terms(a, scope)]
        if isinstance(node, n.Number | n.Mul):
            coefficient, above, below = take_apart(node)
            box = self._product(abs(coefficient), above, below, scope)
            return [(coefficient < 0, self.at_least(box, Level.OPEN))]
        box = self.show(node, scope)
        return [(False, self.at_least(box, Level.OPEN))]

    def show_mul(self, node: n.Mul, scope: Scope) -> Box:
        """A product; negative powers are gathered below one bar."""
        coefficient, above, below = take_apart(node)
        return self._product(abs(coefficient), above, below, scope, negative=coefficient < 0)

    def show_pow(self, node: n.Pow, scope: Scope) -> Box:
        """A power; a negative one is a fraction."""
        if node.exponent < 0:
            return self._product(Fraction(1), [], [positive(node)], scope)
        return self.raised(self.at_least(self.show(node.base, scope), Level.ATOM), node.exponent)

    def _product(
        self, coefficient: Fraction, above: list[n.Node], below: list[n.Node], scope: Scope, negative: bool = False
    ) -> Box:
        """Print coefficient * above / below."""
        if negative:
            box = self.at_least(self._product(coefficient, above, below, scope), Level.OPEN)
            return replace(box, code=self.add([(True, box)]), level=Level.SUM)
        upper = [self.show(f, scope) for f in above]
        lower = [self.show(f, scope) for f in below]
        beside: list[Box] = []
        if self.splits_fractions and upper and not lower:  # a numeric fraction stands before the product
            beside, upper = upper, []
        elif self.splits_fractions and lower and upper and upper[-1].level == Level.OPEN:
            beside, upper = upper[-1:], upper[:-1]  # 1/n times a long sum: the sum stands beside the bar
        if coefficient.numerator != 1 or not upper:
            upper.insert(0, self.integer(coefficient.numerator))
        if coefficient.denominator != 1:
            lower.insert(0, self.integer(coefficient.denominator))
        if not lower:
            whole = [*upper, *beside] if coefficient != 1 or not beside else beside
            return self._juxtaposed(whole)
        fraction = self.ratio(self._juxtaposed(upper), self._juxtaposed(lower))
        return self._juxtaposed([fraction, *beside])

    def _juxtaposed(self, factors: list[Box]) -> Box:
        """A product of boxes; a big sum may stand at the end without parentheses."""
        if len(factors) == 1:
            return factors[0]
        inner = [self.at_least(f, Level.PRODUCT) for f in factors[:-1]]
        last = self.at_least(factors[-1], Level.OPEN if factors[-1].level == Level.OPEN else Level.PRODUCT)
        level = min(Level.PRODUCT, last.level)
        boxes = [*inner, last]
        tall = any(b.tall for b in boxes)
        return Box(self.juxtapose(boxes), level, tall, boxes[0].opens, boxes[-1].closes, boxes[0].digit)

    def show_parameter(self, node: n.Parameter, scope: Scope) -> Box:
        """A product of mean parameters, such as ``Intercept*x``; a single one has a symbol."""
        return self.show(unknown(node.key), scope)

    def show_function(self, node: n.Function, scope: Scope) -> Box:
        """A function of covariates, as in log(x)."""
        return self.call(node.name, [self.show(node.body, scope)])

    def show_indicator(self, node: n.Indicator, scope: Scope) -> Box:
        """1 at the observations of a level of a fixed factor."""
        label = Symbol(Glyph("upright", str(node.label)), str(node.label))
        return self.call("1", [self.show(node.body, scope), self.symbol(label)])

    # -- moments ---------------------------------------------------------------------------------------------------

    def show_cumulant(self, node: n.Cumulant, scope: Scope) -> Box:
        """E, Var, Cov; kappa_k of one thing k times, kappa of several."""
        args = [self.show(a, scope) for a in node.args]
        given = [self.condition(g, scope) for g in node.given]
        order, alike = len(args), len(set(node.args)) == 1
        if order <= 2:
            head = "E" if order == 1 else "Var" if alike else "Cov"
            return self.call(head, args[:1] if alike else args, given)
        kappa = self.notation.get("cumulant")
        if not alike:
            return self.call(kappa, args, given)
        return self.call(kappa.at(Symbol(Glyph("upright", str(order)), str(order))), args[:1], given)

    def condition(self, node: n.Node, scope: Scope | None = None) -> Box:
        """What is conditioned on; covariates by observation, and effects, stand for all values, and have no index."""
        if isinstance(node, n.Effect) and len(self.notation.columns) > 1:
            return self.symbol(self.notation.effect(node.by, node.coefficient))
        where = (self.notation.constant_on or {}).get(node.variable) if isinstance(node, n.Value) else ()
        if isinstance(node, n.Value) and where is None and not node.index and node.variable.kind != "size":
            return self.symbol(self.notation.covariate(node.variable))
        return self.show(node, scope or Scope.of(node, self.notation))

    def show_hat(self, node: n.Hat, scope: Scope) -> Box:
        """The estimate of an expression that is no single symbol."""
        return self.decorated("hat", self.show(node.body, scope))

    def show_average(self, node: n.Average, scope: Scope) -> Box:
        """A bar over a product, 1/r times a sum over the units otherwise."""
        by = self.notation.columns[:1]
        if not isinstance(node.body, n.Add) or not by:
            return self.decorated("bar", self.show(node.body, scope))
        return self.show(n.mul(n.power(n.Levels(by), -1), n.Over(by, node.body)), scope)

    # -- sums ------------------------------------------------------------------------------------------------------

    def show_total(self, node: n.Total, scope: Scope) -> Box:
        """A total that has no letter of its own, as a sum over the observations of its level."""
        return self._observation_sum("", node.body, node.by, node.level, scope)

    def show_sum(self, node: n.Sum, scope: Scope) -> Box:
        """A sum over the observations of a level."""
        return self._observation_sum(node.index, node.body, node.by, node.level, scope)

    def _observation_sum(
        self, index: str, body: n.Node, by: tuple[str, ...], level: tuple[str, ...], scope: Scope
    ) -> Box:
        inner, labels = scope.observing(index, by, level, body)
        whole = bool(by) and set(by) == set(self.notation.columns)
        below = [self.symbol(label) for label in labels]
        above = self.show(n.Size(by, level), scope) if whole else None
        return self.big_sum(below, whole, above, self._body(body, inner))

    def show_over(self, node: n.Over, scope: Scope) -> Box:
        """A sum over the levels of a factor, or over all observations."""
        if node.by is None:
            return self._observation_sum("", node.body, (), (), scope)
        inner, labels = scope.binding(node.by, node.body)
        return self.big_sum([self.symbol(label) for label in labels], False, None, self._body(node.body, inner))

    def show_levelsum(self, node: n.LevelSum, scope: Scope) -> Box:
        """A design total."""
        inner, labels = scope.summing(node.levels)
        return self.big_sum([self.symbol(label) for label in labels], False, None, self._body(node.body, inner))

    def _body(self, body: n.Node, scope: Scope) -> Box:
        return self.at_least(self.show(body, scope), Level.OPEN)

    # -- projections -----------------------------------------------------------------------------------------------

    def show_projected(self, node: n.Projected, scope: Scope) -> Box:
        """A residual sum of squares, or y'P Z Z' P y."""
        if node.kernel is None:
            return self.call("RSS", [self._symbols(column) for column in column_symbols(node.columns, self.notation)])
        p, y = self.symbol(projector(node.columns, self.notation)), self.symbol(RESPONSES)
        parts = [self.symbol(replace(RESPONSES, prime=True)), p, *self._matrix(node.kernel, node), p, y]
        return Box(self.juxtapose(parts), Level.PRODUCT)

    def show_trace(self, node: n.Trace, scope: Scope) -> Box:
        """A trace tr(P K P V); P P = P where K is the identity."""
        p = self.symbol(projector(node.columns, self.notation))
        parts = [box for v in (node.kernel, node.of) if v for box in (p, *self._matrix(v, node))] or [p]
        if node.kernel and not node.of:
            parts.append(p)
        return self.call("tr", [Box(self.juxtapose(parts), Level.PRODUCT)])

    def _matrix(self, of: n.Kernel | n.Monomial, node: n.Projected | n.Trace) -> list[Box]:
        """K or V of a trace; Z_c Z_d' stands for its symmetric part, unless the other one is not symmetric either."""
        if not is_kernel(of):
            return [self.call("diag", [self._symbols(self.notation.monomial(of))])]
        matrices = (node.kernel, node.of) if isinstance(node, n.Trace) else (None,)
        mixed = all(is_kernel(v) and v[0] != v[1] for v in matrices)
        found = [symmetric_part(of, self.notation)] if mixed and of is node.kernel else linking(of, self.notation)
        return [self.symbol(s) for s in found]

    def _symbols(self, symbols: Sequence[Symbol]) -> Box:
        return self._juxtaposed([self.symbol(s) for s in symbols])
