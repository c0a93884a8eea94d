"""What needs a symbol: the inventory of a model, or of an expression that comes without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from momentalg.expr import nodes as n
from momentalg.expr.columns import is_kernel, level_columns, linked_factor, monomials
from momentalg.expr.keys import read_key, split
from momentalg.expr.names import split_factor

STRUCTURE = {  # what the letters of the design and the response are
    "response": "Y",
    "level total": "S",
    "total of squares": "T",
    "noise": "varepsilon",
    "variance": "sigma",
    "cumulant": "kappa",
    "delta": "delta",
    "levels": "r",
    "size": "N",
    "grand size": "n",
    "second size": "M",
    "third size": "L",
}
SIZES = ("size", "second size", "third size")  # of the levels of the first, second and third of several columns


class _Column(Protocol):
    @property
    def key(self) -> str | None: ...
    @property
    def monomial(self) -> n.Monomial: ...


class NamedBlock(Protocol):
    """What a notation needs of a block of effects."""

    @property
    def factor(self) -> tuple[str, ...]: ...
    @property
    def coefficients(self) -> tuple[_Column, ...]: ...


class _Response(Protocol):
    @property
    def column(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def mean(self) -> str: ...


class NamedModel(Protocol):
    """What a notation needs of a model: as `ResolvedModel` has it; expr is a layer before model."""

    @property
    def response(self) -> str: ...
    @property
    def mean(self) -> tuple[_Column, ...]: ...
    @property
    def groups(self) -> tuple[NamedBlock, ...]: ...
    @property
    def terms(self) -> Sequence[_Column]: ...
    @property
    def responses(self) -> Sequence[_Response]: ...
    @property
    def definitions(self) -> Mapping[n.Variable, n.Node]: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def constant_on(self) -> Mapping[n.Variable, tuple[str, ...]]: ...
    @property
    def symbols(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Inventory:
    """What needs a symbol. `means` are keys, `blocks` the factors with effects, `structure` the letters in use."""

    means: tuple[str, ...] = ()
    blocks: tuple[tuple[str, ...], ...] = ()
    columns: tuple[str, ...] = ()
    covariates: tuple[n.Variable, ...] = ()
    factors: tuple[tuple[str, ...], ...] = ()
    letters: tuple[str, ...] = ()
    structure: frozenset[str] = frozenset(STRUCTURE) - frozenset(SIZES[1:])

    @classmethod
    def of_model(cls, model: NamedModel) -> Inventory:
        """What a model speaks of."""
        variables = dict.fromkeys(v for term in model.terms for v, _ in term.monomial)
        variables.update(dict.fromkeys((*model.constant_on, *model.definitions)))
        variables.update((n.Variable("column", r.column), None) for r in model.responses)
        blocks = tuple(dict.fromkeys(block.factor for block in model.groups))
        responses = (key for r in model.responses for key in (r.key, r.mean))
        return cls(
            means=(*(c.key for c in model.mean if c.key is not None), *responses),
            blocks=blocks,
            columns=model.columns,
            covariates=tuple(v for v in variables if v.kind != "size"),
            factors=blocks,
            structure=frozenset(STRUCTURE) - frozenset(SIZES[max(1, len(model.columns)) :]),
        )

    @classmethod
    def of_nodes(cls, nodes: Sequence[n.Node]) -> Inventory:
        """Find what a bare expression speaks of."""
        factors: dict[tuple[str, ...], None] = {}
        blocks: dict[tuple[str, ...], None] = {}
        covariates: dict[n.Variable, None] = {}
        means: dict[str, None] = {}
        structure = {"variance", "cumulant", "delta"}
        for node in nodes:
            structure |= _structure_of(node)
            for by in _factors_of(node):
                factors[by] = None
            if isinstance(node, n.Effect):
                blocks[node.by] = None
            elif isinstance(node, n.Value):
                covariates[node.variable] = None
            elif isinstance(node, n.Parameter):
                for key in (k for k in split(node.key, "*") if k and not k.isdigit()):
                    parsed = read_key(key)
                    if parsed.kind == "mean":
                        means[key] = None
                    elif parsed.kind == "group":
                        blocks[split_factor(parsed.factor)] = None
            for monomial in _monomials_of(node):
                covariates.update(dict.fromkeys(v for v, _ in monomial))
        everything = tuple(dict.fromkeys((*factors, *blocks)))
        columns = tuple(dict.fromkeys(c for by in everything for c in by))
        if "size" in structure:
            structure.update(SIZES[: len(columns)])
        return cls(
            means=tuple(sorted(means, key=lambda key: key != "Intercept")),
            blocks=tuple(blocks),
            columns=columns,
            covariates=tuple(v for v in covariates if v.kind != "size"),
            factors=everything,
            letters=tuple(dict.fromkeys(node.name for node in nodes if isinstance(node, n.Letter))),
            structure=frozenset(structure),
        )


def _structure_of(node: n.Node) -> set[str]:
    """The structural letters that a node's printed form may use."""
    match node:
        case n.Total():
            return {"level total", "total of squares", "size", "grand size", "response"}
        case n.Size():
            return {"size", "grand size"}
        case n.Sum():
            return {"size", "grand size"}
        case n.Response() | n.Projected():
            return {"response"}
        case n.Noise():
            return {"noise"}
        case n.Levels() | n.Average():
            return {"levels"}
        case n.Value(variable=n.Variable(kind="size")):
            return {"size"}
        case n.Parameter():
            return {"noise"}
    return set()


def _factors_of(node: n.Node) -> Iterator[tuple[str, ...]]:
    if isinstance(node, n.Size | n.Total | n.Sum | n.Over | n.Levels | n.Effect) and node.by:
        yield node.by
    elif isinstance(node, n.LevelSum):
        yield tuple(dict.fromkeys(column for column, _ in node.levels))
    elif isinstance(node, n.Value) and node.variable.kind == "size":
        yield split_factor(node.variable.name)
    elif isinstance(node, n.Projected | n.Trace):
        yield from (f for v in _matrices_of(node) if (f := linked_factor(v)) is not None)
        yield from (c.factor for c in level_columns(node.columns))


def _monomials_of(node: n.Node) -> tuple[n.Monomial, ...]:
    if not isinstance(node, n.Projected | n.Trace):
        return ()
    linked = [m for v in _matrices_of(node) if v for m in ([c.monomial for c in v] if is_kernel(v) else [v])]
    return (*monomials(node.columns), *(c.monomial for c in level_columns(node.columns)), *linked)


def _matrices_of(node: n.Projected | n.Trace) -> tuple[n.Kernel | n.Monomial | None, ...]:
    return (node.kernel, node.of) if isinstance(node, n.Trace) else (node.kernel,)
