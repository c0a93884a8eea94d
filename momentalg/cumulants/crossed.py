"""Crossed random designs: which part of a given-design result is random, and its cumulants under the incidence."""

from __future__ import annotations

from collections.abc import Sequence

from momentalg.cumulants.design_symbols import WITHIN, Known, Moment
from momentalg.cumulants.incidence import Totals, is_law_constant, joint_cumulant
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.cumulants.terms import OBSERVATION, SIZE, What
from momentalg.cumulants.totals import DesignTotal
from momentalg.errors import UnsupportedError
from momentalg.expr.names import join_factor
from momentalg.expr.nodes import Variable
from momentalg.model.incidence.base import Incidence
from momentalg.model.incidence.named import Named
from momentalg.model.resolved import ResolvedModel


def random_totals(
    monomial: Powers, start: int, known: Known, model: ResolvedModel
) -> tuple[Polynomial, Totals, int, bool]:
    """Split a monomial into its constants and its random totals; and whether it has a ratio, of no closed moment."""
    law = _incidence(model)
    if known and not counts_known(known, law):
        raise UnsupportedError(
            "over a random crossed design, moments given effects, or given a part of it other than the sizes of the "
            "levels that draw, are not derivable: ask for the unconditional moment, or for that given all of the "
            "design, with given=ma.design"
        )
    fixed = Polynomial.constant(1)
    totals: dict[DesignTotal, int] = {}
    for symbol, power in monomial:
        if not isinstance(symbol, DesignTotal) or _is_constant(symbol, law, model) or (known and _is_told(symbol, law)):
            fixed = fixed * Polynomial.symbol(symbol, power)
        elif _is_polynomial(symbol, power, law):
            totals[symbol] = power
        else:
            return fixed, frozenset(), start, True
    return fixed, frozenset(totals.items()), 0, False


def crossed_cumulant(summands: Sequence[tuple[Totals, int]], known: Known, model: ResolvedModel) -> Polynomial:
    """The joint cumulant of products of design totals of a crossed design, over its incidence."""
    products = [totals for totals, _ in summands]
    if not all(products):
        return Polynomial.constant(len(products) == 1)
    law = _incidence(model)
    if isinstance(law, Named):
        arguments = (tuple(sorted((("", What(WITHIN, (), t)), p) for t, p in totals)) for totals in products)
        return Polynomial.symbol(Moment(tuple(sorted(arguments)), tuple(sorted(known))))
    return joint_cumulant(products, law, model.may_be_empty, bool(known))


def counts_known(known: Known, law: Incidence) -> bool:
    """Whether the sizes of the levels that make the draws are known, and nothing else of the design."""
    return len(law.strata) == 1 and known == {Variable("size", join_factor(law.strata))}


def is_realised(symbol: object, model: ResolvedModel) -> bool:
    """Whether a symbol of a result over random designs is a value that one design has."""
    return isinstance(symbol, DesignTotal) and not _is_constant(symbol, _incidence(model), model)


def _incidence(model: ResolvedModel) -> Incidence:
    if model.incidence is None:
        raise UnsupportedError(f"no incidence is declared, and there are no units: {model.unit}")
    return model.incidence


def _is_constant(symbol: DesignTotal, law: Incidence, model: ResolvedModel) -> bool:
    """Whether a total is the same in all designs: a number of levels, probabilities, a fixed number of observations."""
    if not symbol.entries:
        return join_factor(symbol.levels) not in model.may_be_empty
    kind, _, detail = symbol.entries[0].what
    if not symbol.levels and kind in ("units", "named"):
        inner = [detail] if isinstance(detail, DesignTotal) else detail.symbols() if kind == "named" else ()
        return all(not isinstance(s, DesignTotal) or _is_constant(s, law, model) for s in inner)
    if all(is_law_constant(e.what) for e in symbol.entries):
        return True
    return not law.strata and not symbol.levels and symbol.entries[0][:2] == ((), SIZE)


def _is_told(symbol: DesignTotal, law: Incidence) -> bool:
    """Whether the counts of the strata tell a total: N_i, its powers, and their sums."""
    return bool(symbol.entries) and all(
        e.what == SIZE and {level.column for level in e.cell} in ({*law.strata}, set()) for e in symbol.entries
    )


def _is_polynomial(symbol: DesignTotal, power: int, law: Incidence) -> bool:
    """Whether a total is a sum of products of sizes; raises `UnsupportedError` for covariates and observations."""
    for entry in symbol.entries:
        if entry.what.monomial or any(level.column == OBSERVATION for level in entry.cell):
            raise UnsupportedError(
                f"{law!r} is a law of which levels meet, and says nothing of covariates or of single observations; "
                "ask for the moment given the design, with given=ma.design"
            )
    return power > 0 and bool(symbol.entries) and all(e.what == SIZE and e.power > 0 for e in symbol.entries)
