"""The ways in which a block of draws can have a joint cumulant: a mean, a shared effect, a residual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from momentalg.cumulants.design_symbols import Moment
from momentalg.cumulants.label_draws import LABEL, label_moment
from momentalg.cumulants.polynomial import UNIT, Powers
from momentalg.cumulants.terms import COVARIATE, OBSERVATION, RESIDUAL, RESPONSE, Draw
from momentalg.expr.nodes import Monomial
from momentalg.model.resolved import CovariateResponse, ResolvedModel


class Choice(NamedTuple):
    """What a block contributes: a parameter (None: 1), covariates for each of its draws, and what they share."""

    key: str | Moment | None
    covariates: tuple[Monomial, ...]
    share: tuple[str, ...] = ()  # the columns of a factor; the observation itself for the residual
    loading: Powers = UNIT  # coefficients of covariates that are responses of their own


def choices(draws: Sequence[Draw], model: ResolvedModel) -> Iterator[Choice]:
    """The ways in which a block of draws can have a non-zero joint cumulant."""
    if any(draw.kind == LABEL for draw in draws):
        moment = label_moment(draws, model)
        if moment is not None:
            yield Choice(moment, ((),) * len(draws), (OBSERVATION,) if len(draws) > 1 else ())
        return
    if model.responses:
        yield from choices_with_responses(draws, model)
        return
    if len(draws) == 1:
        if draws[0] == RESPONSE:
            yield from (Choice(column.key, (column.monomial,)) for column in model.mean)
        return
    for number, block in enumerate(model.groups):
        columns = range(len(block.coefficients))
        options = [
            columns
            if draw == RESPONSE
            else (draw.coefficient,)
            if (draw.kind, draw.block) == ("effect", number)
            else ()
            for draw in draws
        ]
        for picked in product(*options):
            names = tuple(str(block.coefficients[c].key) for c in picked)
            covariates = tuple(
                block.coefficients[c].monomial if draw == RESPONSE else ()
                for c, draw in zip(picked, draws, strict=True)
            )
            yield Choice(model.cumulant_key(block, names), covariates, block.factor)
    if all(draw.kind != "effect" for draw in draws):
        for key, monomial in model.residual_cumulants(len(draws)):
            yield Choice(key, (monomial, *((),) * (len(draws) - 1)), (OBSERVATION,))


def choices_with_responses(draws: Sequence[Draw], model: ResolvedModel) -> Iterator[Choice]:
    """The same, where covariates are responses: a draw of y is its own effects, and b1 times those of x."""
    of = {r.effect: r for r in model.responses}
    if len(draws) == 1:
        if draws[0] == RESPONSE:
            yield from (Choice(column.key, (column.monomial,)) for column in model.mean)
            yield from (Choice(r.mean, ((),), (), frozenset({(r.key, 1)})) for r in model.responses)
        elif draws[0].kind == COVARIATE:
            yield Choice(model.responses[draws[0].block].mean, ((),))
        return
    for number, block in enumerate(model.groups):
        names = [str(c.key) for c in block.coefficients]
        options = [
            range(len(names))
            if draw == RESPONSE
            else [n for n, name in enumerate(names) if of.get(name) == _response(draw, model)]
            if draw.kind == COVARIATE
            else ((draw.coefficient,) if (draw.kind, draw.block) == ("effect", number) else ())
            for draw in draws
        ]
        for picked in product(*options):
            chosen = tuple(names[c] for c in picked)
            loads = Counter(of[n].key for n, d in zip(chosen, draws, strict=True) if d == RESPONSE and n in of)
            monomials = [block.coefficients[c].monomial for c in picked]
            covariates = tuple(m if d == RESPONSE else () for m, d in zip(monomials, draws, strict=True))
            yield Choice(model.cumulant_key(block, chosen), covariates, block.factor, frozenset(loads.items()))
    if all(draw in (RESPONSE, RESIDUAL) for draw in draws):
        for key, monomial in model.residual_cumulants(len(draws)):
            yield Choice(key, (monomial, *((),) * (len(draws) - 1)), (OBSERVATION,))
    for r in model.responses:
        if not r.on_level and all(draw == RESPONSE or _response(draw, model) == r for draw in draws):
            times_y = sum(draw == RESPONSE for draw in draws)
            loading = frozenset({(r.key, times_y)}) if times_y else UNIT
            yield Choice(r.residual(len(draws)), ((),) * len(draws), (OBSERVATION,), loading)


def _response(draw: Draw, model: ResolvedModel) -> CovariateResponse | None:
    return model.responses[draw.block] if draw.kind == COVARIATE else None
