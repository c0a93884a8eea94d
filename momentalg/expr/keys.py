"""Keys: parameters, design moments and design totals as text, in formula syntax; written, read and compared here.

`key_of` is canonical where the mathematics is: factors of a monomial and arguments of a cumulant are sorted, so that
Cov(X, N) and Cov(N, X) have the one key ``cov(size(user),X)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from momentalg.errors import ModelError, MomentalgError
from momentalg.expr import nodes as n
from momentalg.expr.columns import is_kernel, is_levels
from momentalg.expr.names import join_factor, quote
from momentalg.expr.traversal import children


@dataclass(frozen=True)
class ParameterKey:
    """A key taken apart. `kind` says what it is a parameter of; for a mean column, the column is the key itself."""

    kind: str  # "mean" | "group" | "residual"
    order: int = 1
    coefficients: tuple[str, ...] = ()  # of a group: as written, `order` of them ("1" is the intercept)
    factor: str = ""  # of a group: its name in keys; of a residual: its class, if any


def split(text: str, separator: str) -> list[str]:
    """Split at `separator` outside back-quotes, parentheses and brackets."""
    parts, depth, quoted = [""], 0, False
    for character in text:
        if character == "`":
            quoted = not quoted
        elif not quoted:
            depth += (character in "([") - (character in ")]")
            if character == separator and depth == 0:
                parts.append("")
                continue
        parts[-1] += character
    return parts


def read_key(key: str) -> ParameterKey:
    """Take a parameter's key apart; what is not a variance, covariance or cumulant is a mean column's."""
    match = re.match(r"(var|cov|k([3-8]))\((.*)\)\Z", key, re.DOTALL)
    if match is None:
        return ParameterKey("mean")
    order = int(match[2] or 2)
    inside = split(match[3], "|")
    if len(inside) == 1:
        residual = re.match(r"residual(?:\[(.*)\]|(@.*))?\Z", inside[0], re.DOTALL)
        return (
            ParameterKey("residual", order, factor=residual[1] or residual[2] or "")
            if residual
            else ParameterKey("mean")
        )
    if len(inside) != 2:
        raise ModelError(f"cannot read the parameter key {key!r}: expected one '|', as in var(1|user)")
    coefficients = tuple(split(inside[0], ","))
    if len(coefficients) not in (1, order):
        raise ModelError(f"the parameter key {key!r} has {len(coefficients)} coefficients; give one, or {order}")
    return ParameterKey("group", order, coefficients * (order // len(coefficients)), inside[1])


def unknown(key: str) -> n.Node:
    """The node of an unknown of the equations: a parameter, or a product such as ``Intercept**2``, ``Intercept*x``.

    A quadratic form in the means has no symbol but its name, ``Q(drug)``; a column called so would be back-quoted.
    """
    if is_form(key):
        return n.Letter(key)
    factors: list[n.Node] = []
    parts = split(key, "*")
    for position, part in enumerate(parts):
        if part == "":  # the middle of "**"
            continue
        if position >= 2 and parts[position - 1] == "" and factors:
            factors[-1] = n.power(factors[-1], int(part))
        else:
            factors.append(n.Parameter(part))
    return n.mul(*factors)


def is_form(key: str) -> bool:
    """Whether an unknown is a quadratic form in the means that a sum of squares is about, ``Q(drug)``."""
    return key.startswith("Q(")


def product_key(first: str, second: str) -> str:
    """The key of a product of two mean parameters, in the order of the model: ``Intercept**2``, ``Intercept*x``."""
    return f"{first}**2" if first == second else f"{first}*{second}"


def variable_key(variable: n.Variable) -> str:
    """A covariate in keys: the quoted column, ``size(user)``, or the function's text."""
    if variable.kind == "size":
        return f"size({variable.name})"
    if variable.kind == "factor":
        return f"C({quote(variable.name)})"
    return variable.name if variable.kind in ("function", "fixed", "law") else quote(variable.name)


def monomial_key(monomial: n.Monomial) -> str:
    """A covariate monomial in keys, as in ``x*z^2``; the empty one is 1."""
    return "*".join(variable_key(v) + (f"^{p}" if p != 1 else "") for v, p in monomial) or "1"


def key_of(node: n.Node) -> str:
    """The key of a node: a parameter's own key, a design moment's, a design total's, or arithmetic of these.

    A quantity of one level that nothing binds carries its level in brackets, ``size(user)[i]``: it is a number per
    level, and differs from the parameter of the same column.
    """
    return _Writer()(node)


@dataclass(frozen=True)
class _Writer:
    bound: bool = False  # the default level is bound by an expectation or a sum
    hidden: frozenset[str] = frozenset()  # labels that need not be shown: the only ones of their column

    def __call__(self, node: n.Node) -> str:
        writer: Callable[[n.Node], str] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if writer is None:
            raise MomentalgError(f"{type(node).__name__} has no key; keys name parameters, design moments and totals")
        return writer(node)

    def _factor(self, node: n.Node) -> str:
        """The node as a factor of a product."""
        return f"({self(node)})" if isinstance(node, n.Add) else self(node)

    def _index(self, level: tuple[str, ...], by: int = 1) -> str:
        if not level:
            return "" if self.bound else "[" + ",".join("ijklmpqstuvw"[:by]) + "]"
        return "" if self.hidden.issuperset(level) else "[" + ",".join(level) + "]"

    def _number(self, node: n.Number) -> str:
        return str(node.value)

    def _add(self, node: n.Add) -> str:
        return " + ".join(sorted(self(a) for a in node.args))

    def _mul(self, node: n.Mul) -> str:
        powers: dict[str, tuple[n.Node, int]] = {}
        numbers: list[str] = []
        for factor in node.args:
            base, exponent = (factor.base, factor.exponent) if isinstance(factor, n.Pow) else (factor, 1)
            if isinstance(factor, n.Number):
                numbers.append(str(factor.value))
            else:
                powers[self(base)] = (base, powers.get(self(base), (base, 0))[1] + exponent)
        gathered = sorted((n.power(base, exponent) for base, exponent in powers.values()), key=self.rank)
        return "*".join((*numbers, *(self._factor(factor) for factor in gathered)))

    def _pow(self, node: n.Pow) -> str:
        compound = isinstance(node.base, n.Add | n.Mul | n.Pow)
        return f"({self(node.base)})^{node.exponent}" if compound else f"{self(node.base)}^{node.exponent}"

    def rank(self, node: n.Node) -> tuple[tuple[int, str, int], ...]:
        """The order of keys: sizes, then covariates, then totals, each by name and power; products compare so too."""
        ranked = []
        for factor in node.args if isinstance(node, n.Mul) else (node,):
            base, exponent = (factor.base, factor.exponent) if isinstance(factor, n.Pow) else (factor, 1)
            text = self(base)
            ranked.append((0 if text.startswith("size(") else 2 if isinstance(base, n.Total) else 1, text, exponent))
        return tuple(sorted(ranked))

    def _parameter(self, node: n.Parameter) -> str:
        return node.key

    def _letter(self, node: n.Letter) -> str:
        return quote(node.name)

    def _hat(self, node: n.Hat) -> str:
        return f"hat({self(node.body)})"

    def _average(self, node: n.Average) -> str:
        return f"mean({replace(self, bound=True)(node.body)})"

    def _size(self, node: n.Size) -> str:
        return f"size({join_factor(node.by)})" + self._index(node.level, len(node.by)) if node.by else "size()"

    def _levels(self, node: n.Levels) -> str:
        return f"levels({join_factor(node.by)})"

    def _value(self, node: n.Value) -> str:
        index = f"[{node.index}]" if node.index else self._index(node.level)
        return variable_key(node.variable) + index

    def _total(self, node: n.Total) -> str:
        body = replace(self, bound=True)(node.body)
        if not node.by:
            return f"total({body})"
        return f"total({body}|{join_factor(node.by)})" + self._index(node.level, len(node.by))

    def _function(self, node: n.Function) -> str:
        return f"{node.name}({self(node.body)})"

    def _indicator(self, node: n.Indicator) -> str:
        return f"({self(node.body)}=={node.label!r})"

    def _response(self, node: n.Response) -> str:
        return "response()" + (f"[{node.index}]" if node.index else "")

    def _cumulant(self, node: n.Cumulant) -> str:
        inside = replace(self, bound=True)
        args = [inside(a) for a in sorted(node.args, key=inside.rank)]
        order = len(args)
        name = "E" if order == 1 else f"k{order}" if order > 2 else "var" if args[0] == args[1] else "cov"
        shown = args[0] if len(set(args)) == 1 else ",".join(args)
        given = ",".join(sorted(inside(g) for g in node.given))
        return f"{name}({shown} given {given})" if given else f"{name}({shown})"

    def _design(self, node: n.Design) -> str:
        return "design"

    def _over(self, node: n.Over) -> str:
        body = replace(self, bound=True)(node.body)
        if node.by is None:
            return f"sum(observations: {body})"
        return f"sum({body})" if _same(node.by, node.body) else f"sum({join_factor(node.by)}: {body})"

    def _levelsum(self, node: n.LevelSum) -> str:
        columns = [column for column, _ in node.levels]
        if len(set(columns)) == len(columns):
            body = replace(self, hidden=self.hidden.union(label for _, label in node.levels))(node.body)
            return f"sum({body})" if _same(tuple(columns), node.body) else f"sum({join_factor(tuple(columns))}: {body})"
        bound = ",".join(f"{quote(column)}={label}" for column, label in node.levels)
        return f"sum[{bound}]({self(node.body)})"

    def _projected(self, node: n.Projected) -> str:
        kernel = f"; {matrix_key(node.kernel)}" if node.kernel else ""
        return f"rss({_columns(node.columns)}{kernel})"

    def _trace(self, node: n.Trace) -> str:
        kernels = "; ".join(matrix_key(v) if v else "1" for v in (node.kernel, node.of))
        return f"trace({_columns(node.columns)}; {kernels})"


def _columns(columns: tuple[n.Column, ...]) -> str:
    return ",".join(column_key(c) for c in columns)


def column_key(column: n.Column) -> str:
    """A column of a projection: a covariate monomial, or columns of levels as ``[user]`` and ``[x|user]``."""
    return f"[{_levels(column)}]" if is_levels(column) else monomial_key(column)


def _levels(column: n.LevelColumns) -> str:
    return (f"{monomial_key(column.monomial)}|" if column.monomial else "") + join_factor(column.factor)


def matrix_key(of: n.Kernel | n.Monomial) -> str:
    """Z_c Z_d' of a factor, as ``user`` or ``1,x|user``; a diagonal matrix by its covariates, ``diag(w)``."""
    if not is_kernel(of):
        return f"diag({monomial_key(of)})"
    left, right = of
    return _levels(left) if left == right else f"{monomial_key(left.monomial)},{_levels(right)}"


def _same(by: tuple[str, ...] | None, body: n.Node) -> bool:
    """Whether the levels that a sum runs over can be read off its body, which then need not repeat them."""
    named = {frozenset(f) for f in _factors(body)}
    return by is not None and named != set() and max(named, key=len) == frozenset(by)


def _factors(node: n.Node) -> Iterator[tuple[str, ...]]:
    if isinstance(node, n.Size | n.Total | n.Effect) and node.by:
        yield node.by
    for child in children(node):
        yield from _factors(child)
