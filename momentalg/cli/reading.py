"""Reading what is typed: pairs such as 'X=user', conditions such as 'N,X', and laws such as 'poisson(3)'."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError
from momentalg.expr.keys import split
from momentalg.expr.names import split_factor

if TYPE_CHECKING:
    from momentalg.model.model import Model


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Read 'a=1,b=2', once or several times: commas inside parentheses and back-quotes do not separate.

    Raises `ModelError` for what is not a pair, and for a name that is given twice.
    """
    found: dict[str, str] = {}
    for part in (p.strip() for text in texts for p in split(text, ",")):
        name, *value = (side.strip() for side in split(part, "="))
        if len(value) != 1 or not name or not value[0]:
            raise ModelError(f"{option} takes pairs such as name=value, with commas between them; found {part!r}")
        if name in found:
            raise ModelError(f"{option} gives {name} twice: {found[name]} and {value[0]}")
        found[name] = value[0]
    return found


def levels(texts: Iterable[str]) -> dict[str, str]:
    """Read 'X=user': the covariate X is constant within the levels of user. Odd names are back-quoted."""
    return {plain(name): factor for name, factor in pairs(texts, "--levels").items()}


def model(formula: str, declared: Mapping[str, Any]) -> Model:
    """The model of a formula, with the facts that the options of `options.declared` declare."""
    from momentalg.cli.meeting import incidence
    from momentalg.model.assumptions import nested, unreplicated
    from momentalg.model.model import Model

    facts = [nested(plain(a), plain(b)) for a, b in pairs(declared["nested"], "--nested").items()]
    return Model(
        formula,
        levels=levels(declared["levels"]),
        fixed=fixed(declared["fixed"]) or None,
        weights=declared["weights"] and plain(declared["weights"]),
        residual_by=declared["residual_by"] and plain(declared["residual_by"]),
        incidence=incidence(declared["incidence"]) if declared["incidence"] else None,
        assume=[*facts, *(unreplicated(factor) for factor in declared["unreplicated"])],
    )


def fixed(texts: Iterable[str]) -> dict[str, list[str] | None]:
    """Read 'drug=a b c', or 'drug' alone: a fixed factor, with its levels if they are to be known beforehand."""
    found: dict[str, list[str] | None] = {}
    for part in (p.strip() for text in texts for p in split(text, ",")):
        name, *known = (side.strip() for side in split(part, "="))
        if not name or len(known) > 1 or name in found:
            raise ModelError(f"--fixed takes a factor, once, with its levels: 'drug=a b c'; found {part!r}")
        found[plain(name)] = known[0].split() if known else None
    return found


def plain(name: str) -> str:
    """A column's name without its back-quotes."""
    return split_factor(name)[0] if name.startswith("`") and name.endswith("`") else name


def conditions(text: str | None, model: Model) -> list[Any]:
    """Read 'N,X': sizes, covariates, factors (their effects) and 'design', as `given` and `via` take them."""
    return [_condition(part.strip(), model) for part in split(text, ",")] if text else []


def _condition(text: str, model: Model) -> Any:
    from momentalg.expr.keys import variable_key
    from momentalg.expr.nodes import DESIGN
    from momentalg.model.resolving import all_variables

    names = dict.fromkeys(block.name for block in model.resolved.groups)
    first = next(iter(names))
    if text == "design":
        return DESIGN
    for factor in names:
        if text in (factor, plain(factor)):
            return factor
    if text == "N":
        not_a_covariate(text, model)
        return model.size(first)
    if match := re.match(r"(?:N|size)\((.+)\)\Z", text):
        return model.size(match[1])
    try:
        return model.covariate(plain(text))
    except ModelError:
        covariates = [variable_key(v) for v in all_variables(model.resolved) if v.kind != "size"]
        sizes = "N (the sizes)" if len(names) == 1 else ", ".join(f"N({factor}) (its sizes)" for factor in names)
        effects = [f"{factor} (its effects)" for factor in names]
        known = [sizes, *covariates, *effects, "design (everything about it)"]
        raise ModelError(f"cannot condition on {text!r}; there are {', '.join(known)}") from None


def not_a_covariate(name: str, model: Model) -> None:
    """Raise `ModelError` where a letter of ours is also a covariate of the model; back-quotes tell the two apart."""
    from momentalg.model.resolving import basic_variables

    if any(v.kind == "column" and v.name == name for v in basic_variables(model.resolved)):
        other = f", size({model.resolved.groups[0].name}) the sizes" if name == "N" else ""
        raise ModelError(
            f"{name} is a covariate of this model as well: `{name}` in back-quotes is the covariate{other}"
        )


def law(text: str) -> Any:
    """Read a law of the catalogue: 'poisson(3)', 'geometric(1/3)', 'finite(1:1/2, 3:1/2)', 'exponential'.

    Raises `ModelError` for a law that is not known, and for parameters that it does not take.
    """
    from momentalg.catalogue import discover

    known = {_loose(name): entry for name, entry in discover("momentalg.model.distributions", "DISTRIBUTION").items()}
    match = re.fullmatch(r"\s*([A-Za-z][A-Za-z _-]*?)\s*(?:\((.*)\))?\s*", text)
    entry = known.get(_loose(match[1])) if match else None
    if match is None or entry is None or entry.name == "empirical":
        names = ", ".join(e.name for e in known.values() if e.name != "empirical")
        raise ModelError(f"no law {text!r}; write a name, with parameters if it has any, as in poisson(3): {names}")
    if match[2] is None and entry.default is not None:
        return entry.default
    inside = [part.strip() for part in split(match[2] or "", ",") if part.strip()]
    if any(":" in part for part in inside):
        weights = [part.partition(":") for part in inside]
        return _made(entry, [{value.strip(): p.strip() for value, _, p in weights}], {})
    named = dict(_parameter(part) for part in inside if "=" in part)
    return _made(entry, [part for part in inside if "=" not in part], named)


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()


def _made(entry: Any, values: list[Any], named: dict[str, str]) -> Any:
    try:
        return entry.law(*values, **named)
    except TypeError as error:
        shown = " or ".join(_written(entry.name, example) for example in entry.examples[:2])
        raise ModelError(f"the law {entry.name} does not take these parameters; it is written as {shown}") from error


def _written(name: str, example: Any) -> str:
    """A law as it is typed here: finite(1: 1/2, 3: 1/2)."""
    return name + "".join(
        c for c in repr(example).partition("(")[1] + repr(example).partition("(")[2] if c not in "{}'"
    )


def effects(text: str | None, model: Model) -> dict[str, Any] | None:
    """Read the laws of the effects: one law for all of them and the residual, or pairs such as 'user=exponential'."""
    if text is None:
        return None
    if "=" not in re.sub(r"\(.*?\)", "", text):
        one = law(text)
        return {**{block.name: one for block in model.resolved.groups}, "residual": one}
    return {name: law(value) for name, value in pairs([text], "--effects").items()}


def _loose(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
