"""The one Jinja environment: strict, deterministic, with a frozen context per template.

Templates place, loop and indent; they compute nothing. A name that a template uses and the context lacks is an
error, and so is a field of the context that the template, with what it includes, does not use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import meta

from momentalg.emit.templates import template_root
from momentalg.errors import MomentalgError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@cache
def environment() -> jinja2.Environment:
    """The environment of all templates; those for HTML escape what they are given."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_root()),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(enabled_extensions=("html", "html.j2"), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def names_used(template: str) -> frozenset[str]:
    """The names that `template` and everything it includes, imports or extends take from the context."""
    found: set[str] = set()
    for name in _family(template):
        found |= meta.find_undeclared_variables(environment().parse(_source(name)))
    return frozenset(found)


def render(template: str, context: DataclassInstance) -> str:
    """Render `template` with the fields of a frozen dataclass, which must be exactly the names that it uses."""
    given = {f.name: getattr(context, f.name) for f in fields(context)}
    used = names_used(template)
    if used != set(given):
        missing, idle = sorted(used - set(given)), sorted(set(given) - used)
        raise MomentalgError(
            f"{template} and {type(context).__name__} do not agree: missing {missing}, not used {idle}"
        )
    return environment().get_template(template).render(**given)


def _source(name: str) -> str:
    loader: Any = environment().loader
    source, _, _ = loader.get_source(environment(), name)
    return str(source)


def _family(template: str) -> Iterator[str]:
    """`template` and the templates that it names, each once."""
    waiting, seen = [template], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        for other in meta.find_referenced_templates(environment().parse(_source(name))):
            if other is None:
                raise MomentalgError(f"{name} includes a template whose name is computed; name it plainly")
            waiting.append(other)
