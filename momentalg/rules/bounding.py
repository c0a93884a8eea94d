"""What the laws share that bound dear design totals by cheap ones, for every design.

A total such as sum_ikjl n_ij n_il n_kj n_kl / (N_i N_k) needs a table that no pass over the data makes. A law offers
candidates that bound it; the simplest that is linear in the cells is taken. On an expression a law acts on the dear
totals of positive terms, in which everything else is a count, a variance or a square, so not negative.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from momentalg.cumulants.cost import indices
from momentalg.cumulants.display import to_node
from momentalg.cumulants.letters import from_letters
from momentalg.cumulants.normal_form import Unifier, normal_form
from momentalg.cumulants.polynomial import Polynomial, Powers
from momentalg.cumulants.terms import SIZE, Entry, Level, Term
from momentalg.cumulants.totals import DesignTotal
from momentalg.cumulants.value import value
from momentalg.expr.keys import read_key
from momentalg.expr.nodes import Node
from momentalg.model.resolved import ResolvedModel
from momentalg.rules.rule import Context, Rewrite

Candidates = Callable[[DesignTotal, ResolvedModel], Iterator[Powers | None]]


def is_dear(symbol: object) -> bool:
    """Whether a design total is more than linear in the cells."""
    return isinstance(symbol, DesignTotal) and indices(symbol) > 0


def is_count(entry: Entry) -> bool:
    """Whether an entry is a number of observations, to whatever power: not negative."""
    return entry.what == SIZE


def is_nonnegative(entry: Entry) -> bool:
    """Whether an entry is a number of observations, or a square."""
    return is_count(entry) or entry.power % 2 == 0


def has_known_sign(monomial: Powers) -> bool:
    """Whether everything in a term but its dear totals is a count, a variance or a square, so not negative."""
    return all(is_dear(s) or _is_nonnegative(s, p) for s, p in monomial)


def _is_nonnegative(symbol: object, power: int) -> bool:
    if power % 2 == 0:
        return True
    if isinstance(symbol, str):
        key = read_key(symbol)
        return key.order == 2 and len(set(key.coefficients)) <= 1
    return isinstance(symbol, DesignTotal) and all(map(is_nonnegative, symbol.entries))


def levels_of_sum(total: DesignTotal) -> list[Level]:
    """The levels that a design total sums over."""
    return [Level(column, "", n) for n, column in enumerate(total.levels)]


def at(entry: Entry, new: Mapping[Level, Level]) -> Entry:
    """The entry at other levels."""
    return entry._replace(cell=tuple(sorted(new.get(v, v) for v in entry.cell)))


def square_in(total: DesignTotal, p: Level, q: Level) -> tuple[list[Entry], list[Entry]] | None:
    """The summand and the weights of a total that is a sum of squares, each of a sum over p, written over p and q."""
    if p.column != q.column:
        return None
    mine = [e for e in total.entries if p in e.cell]
    rest = [e for e in total.entries if p not in e.cell and q not in e.cell]
    alike = Counter([*mine, *(at(e, {p: q}) for e in mine), *rest]) == Counter(total.entries)
    return (mine, rest) if alike and all(map(is_nonnegative, rest)) else None


def summed(entries: Sequence[Entry], bound: Sequence[Level], model: ResolvedModel) -> Powers | None:
    """The sum of a product of entries over levels, in normal form."""
    term = Term(Fraction(1), (), tuple(entries), frozenset(bound))
    return normal_form(term, model, Unifier(1 + max((v.number for v in bound), default=0)))


def simplest(law: Candidates, total: DesignTotal, model: ResolvedModel) -> Powers | None:
    """What a law puts in the place of a total: the cheap candidate with the fewest levels, then entries; or None."""
    cheap = [c for c in law(total, model) if c is not None and not any(is_dear(s) for s, _ in c)]
    return min(cheap, key=_size, default=None)


def _size(powers: Powers) -> tuple[object, ...]:
    totals = [s for s, _ in powers if isinstance(s, DesignTotal)]
    return sum(len(t.levels) for t in totals), sum(len(t.entries) for t in totals), sorted(map(repr, totals))


def bounding(law: Candidates) -> Rewrite:
    """The rewrite that puts cheap totals in the place of dear ones in all positive terms."""

    def rewrite(node: Node, context: Context) -> Node | None:
        before = from_letters(value(node, context.model), context.model)
        after = Polynomial()
        for monomial, number in before.terms.items():
            dear = [(s, p) for s, p in monomial if isinstance(s, DesignTotal) and is_dear(s)]
            single = len(dear) == 1 and dear[0][1] == 1 and number > 0 and has_known_sign(monomial)
            cheap = simplest(law, dear[0][0], context.model) if single else None
            kept = {monomial: number} if cheap is None else {monomial.difference(dear): number}
            after = after + Polynomial(kept) * Polynomial({cheap or frozenset(): Fraction(1)})
        return None if after == before else to_node(after, context.model)

    return rewrite
