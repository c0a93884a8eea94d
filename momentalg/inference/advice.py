"""What to do when data do not separate the parameters: the nearest fit that works on them, as code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from momentalg.errors import MomentalgError
from momentalg.expr.names import quote, split_factor
from momentalg.expr.nodes import Variable
from momentalg.model import describe
from momentalg.model.expansion import expand
from momentalg.model.formula import parse_formula
from momentalg.model.resolved import Column, ResolvedModel
from momentalg.moments.system import default_statistics

if TYPE_CHECKING:
    from momentalg.model.model import Model


CANDIDATES = 12  # simpler models whose equations are tried
FITS = 3  # of those that pass, how many are fitted


@dataclass(frozen=True)
class Data:
    """The data of a fit that failed, to try other models on with their default statistics.

    `plausible` is cheap and may err, `works` is a fit. `constants` are the covariates with one value in all rows.
    """

    plausible: Callable[[Model], bool]
    works: Callable[[Model], bool]
    constants: tuple[str, ...] = ()

    def first(self, models: Iterable[Model]) -> Model | None:
        """The first of a few models that fits."""
        likely = (m for m in islice(models, CANDIDATES) if self.plausible(m))
        return next((m for m in islice(likely, FITS) if self.works(m)), None)


def advice(
    model: Model, sizes: Mapping[str, Any], statistics: str, data: Data | None, about_means: bool = False
) -> str:
    """The nearest thing that works, as code.

    `sizes` are the sizes of the levels by factor, `statistics` those that were asked for. Without `data` they are no
    longer there to try anything on. `about_means` says that the common terms are what is not separated.
    """
    resolved = model.resolved
    alone = len(resolved.groups) == 1
    simpler = data.first(_simpler(resolved)) if data and not (alone or about_means) else None
    without = f"; or leave the term out, as in {describe.code(simpler.resolved)}.fit(frame)" if simpler else ""
    for name, size in () if about_means else sizes.items():
        between, residual = f"var(1|{name})", "var(residual)"
        if len(size) == 1:
            rest = f"{residual} alone: {_residual_variance(resolved)}; " if alone and size[0] > 1 else ""
            return (
                f"there is one level of {name}, so that {between} is confounded with the mean; {rest}for both, at "
                f"least two levels are needed, one of them with two rows{without}"
            )
        if (size == 1).all():
            sum_of_both = f": {_residual_variance(resolved)}" if alone else ""
            return (
                f"only {between} + {residual}, the sum alone{sum_of_both}; for both, some level of {name} needs two "
                f"rows or more: frame.groupby({_grouped(name)}).size(){without}"
            )
    if data is None:
        return "fit from the data themselves, model.fit(frame), which tries simpler models and names one"
    default = default_statistics(resolved)
    if statistics != default and data.works(model):
        return f"{describe.code(resolved)}.fit(frame), by {default}, which is free of the means"
    one_value = f"there is {' and '.join(data.constants)} with one value in all rows; " if data.constants else ""
    found = simpler or data.first(_simpler(resolved))
    if found is None:
        return (
            f"{one_value}none of the models with a term less is identified by these rows either: a variance between "
            f"levels of {' or '.join(sizes)} needs two of them or more, some with several rows, that the common terms "
            "leave something of"
        )
    return f"{one_value}leave out what the other terms already say, as in {describe.code(found.resolved)}.fit(frame)"


def _grouped(name: str) -> str:
    """What ``frame.groupby`` takes for the levels of a factor."""
    columns = split_factor(name)
    return repr(columns[0] if len(columns) == 1 else list(columns))


def _simpler(model: ResolvedModel) -> Iterator[Model]:
    """The model with less, the nearest first.

    Without one of its mean terms, the last one first; without one coefficient of a group; without one covariate,
    wherever it stands; with the intercept alone as its mean; without a group term.

    Terms are those of the formula: a fixed factor is left out with all its levels.
    """
    found = expand(parse_formula(describe.formula(model)))
    mean, groups = found.mean, found.groups
    terms = [c for c in mean if c.monomial]
    for left_out in reversed(terms):
        yield _fewer(model, tuple(c for c in mean if c is not left_out), groups)
    for block in reversed(groups):
        for coefficient in reversed(block.coefficients if len(block.coefficients) > 1 else ()):
            kept = replace(block, coefficients=tuple(c for c in block.coefficients if c is not coefficient))
            yield _fewer(model, mean, tuple(kept if b is block else b for b in groups))
    slopes = dict.fromkeys(v for block in groups for c in block.coefficients for v, _ in c.monomial)
    for variable in slopes:
        kept_mean, kept_groups = (_without(variable, columns) for columns in (mean, groups))
        if len(kept_mean) < len(mean) and kept_groups:
            yield _fewer(model, kept_mean, kept_groups)
    if len(terms) > 1:
        yield _fewer(model, tuple(c for c in mean if not c.monomial), groups)
    for block in reversed(groups if len(groups) > 1 else ()):
        yield _fewer(model, mean, tuple(b for b in groups if b is not block))


def _without(variable: Variable, terms: tuple[Any, ...]) -> tuple[Any, ...]:
    """Mean columns, or group terms, without what a covariate stands in; a group term that is left empty is left out."""
    found: list[Any] = []
    for term in terms:
        if isinstance(term, Column):
            found += [term] * (variable not in dict(term.monomial))
        elif kept := _without(variable, term.coefficients):
            found.append(replace(term, coefficients=kept))
    return tuple(found)


def _fewer(model: ResolvedModel, mean: tuple[Any, ...], groups: tuple[Any, ...]) -> Model:
    """The model with fewer terms; what else it says stays where it is about columns that are left."""
    from momentalg.model.model import Model

    columns = [*mean, *(c for block in groups for c in block.coefficients)]
    used = {v.name for c in columns for v, _ in c.monomial}
    said = describe.arguments(model)
    for name in ("levels", "fixed"):
        if isinstance(said.get(name), dict):
            said[name] = {k: v for k, v in said[name].items() if {k, f"C({quote(k)})"} & used}
    kept = {name: said[name] for name in ("levels", "fixed", "weights", "residual_by") if said.get(name)}
    formula = describe.formula(ResolvedModel(model.response, mean, groups))
    try:
        return Model(formula, assume=said.get("assume", ()), **kept)
    except MomentalgError:  # a fact about what is left out
        return Model(formula, **kept)


def _residual_variance(model: ResolvedModel) -> str:
    """The residual variance of least squares without the factor, as code where it is short."""
    response = f"frame[{model.response!r}]"
    columns = [c.monomial for c in model.mean]
    if columns == [()]:
        return f"{response}.var()"
    plain = [m[0][0].name if len(m) == 1 and m[0][1] == 1 and m[0][0].kind == "column" else None for m in columns if m]
    if None in plain:
        return "the residual variance of ordinary least squares"
    ones = ["np.ones(len(frame))"] * (() in columns)
    matrix = f"np.column_stack([{', '.join([*ones, *(f'frame[{name!r}]' for name in plain)])}])"
    return f"np.linalg.lstsq({matrix}, {response}, rcond=None)[1] / (len(frame) - {len(columns)})"


def identified(fit: Callable[[], object]) -> bool:
    """Whether a fit goes through."""
    try:
        fit()
    except (MomentalgError, ValueError, FloatingPointError, MemoryError):  # the generated module has none of ours
        return False
    return True
