"""The legend of a notation: what each symbol stands for, as reports list it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, combinations_with_replacement

from momentalg.expr import nodes as n
from momentalg.expr.inventory import NamedBlock
from momentalg.expr.keys import read_key, variable_key
from momentalg.expr.names import join_factor, split_factor
from momentalg.expr.notation import Notation


def legend(
    notation: Notation, blocks: Sequence[NamedBlock] = (), residuals: Sequence[str] = ("var(residual)",)
) -> tuple[tuple[n.Node, str, str], ...]:
    """What each symbol stands for: (node, key, meaning), parameters first, then the design.

    `blocks` tells the coefficients of the effects; factors without are taken to have random intercepts. `residuals` are
    the keys of the residual variances, one for each class.
    """
    means = [name for role, name in notation.symbols if role == "mean"]
    rows: list[tuple[n.Node, str, str]] = [(n.Parameter(key), key, _mean_meaning(key, means)) for key in means]
    for role, name in notation.symbols:
        if role == "effect":
            mine = [b for b in blocks if join_factor(b.factor) == name]
            keys = [tuple(str(c.key) for c in b.coefficients) for b in mine] or [("1",)]
            rows += [row for block in keys for row in _effects(split_factor(name), block)]
    rows.append((n.Noise(notation.observation_label), "residual", "residual of an observation"))
    for key in residuals:
        of_class = read_key(key).factor
        rows.append((n.Parameter(key), key, f"variance of the residuals{of_class and f' of class {of_class}'}"))
    rows.append((n.Response(notation.observation_label), notation.response or "response", "response of an observation"))
    factors = [split_factor(name) for role, name in notation.symbols if role == "effect"]
    for by in factors:
        name = join_factor(by)
        rows.append((n.Size(by), f"size({name})", f"number of observations in a level of {name}"))
        response = f"total of the response over a level of {name}"
        rows.append((n.Total(n.Response(), by), f"total(response|{name})", response))
        squares = f"total of the squared response over a level of {name}"
        rows.append((n.Total(n.power(n.Response(), 2), by), f"total(response^2|{name})", squares))
        rows.append((n.Levels(by), f"levels({name})", f"number of levels of {name}"))
    for a, b in combinations([by for by in factors if len(by) == 1], 2):
        if not any(set(by) == {*a, *b} for by in factors):
            meaning = f"number of observations in a cell of {join_factor(a)} and {join_factor(b)}"
            rows.append((n.Size((*a, *b)), f"size({join_factor((*a, *b))})", meaning))
    rows.append((n.Size(()), "size()", "number of observations"))
    for variable in [v for v in _variables(notation) if v.kind != "size"]:
        on = (notation.constant_on or {}).get(variable)
        where = f"constant within {join_factor(on)}" if on else "by observation"
        meaning = f"constant of the random design, by {join_factor(on or ())}" if variable.kind == "law" else where
        what = "" if variable.kind == "law" else "covariate, "
        rows.append((n.Value(variable), variable_key(variable), what + meaning))
    return tuple(rows)


def _effects(by: n.Factor, keys: tuple[str, ...]) -> Iterator[tuple[n.Node, str, str]]:
    """The effects of a block, their variances and covariances."""
    name = join_factor(by)
    what = {key: f"effect of {name}" if key == "1" else f"slope of {key} by {name}" for key in keys}
    for key in keys:
        yield n.Effect(by, key), name if key == "1" else f"{key}|{name}", f"random {what[key]}"
    for a, b in combinations_with_replacement(keys, 2):
        if a == b:
            yield n.Parameter(f"var({a}|{name})"), f"var({a}|{name})", f"variance of the random {what[a]}"
        else:
            parameter = f"cov({a},{b}|{name})"
            yield n.Parameter(parameter), parameter, f"covariance of the random {what[a]} and {what[b]}"


def _variables(notation: Notation) -> Iterator[n.Variable]:
    found = dict.fromkeys(v for monomial in notation.monomials.values() for v, _ in monomial)
    found.update(dict.fromkeys(notation.constant_on or {}))
    yield from found


def _mean_meaning(key: str, means: list[str]) -> str:
    if means == ["Intercept"]:
        return "overall mean"
    meaning = "intercept" if key == "Intercept" else f"coefficient of {key}"
    line = means[0] == "Intercept" and len(means) == 2 and means[1].startswith("size(")
    return f"{meaning}; the mean is a line in the group size" if line else meaning
