"""The class of models that can be derived now; what parses and lies outside it is refused by name."""

from __future__ import annotations

from momentalg.errors import ModelError, UnsupportedError
from momentalg.model.expansion import Expanded

LATER_ARGUMENTS = {
    "family": "generalised linear mixed models",
    "kernels": "known relatedness between levels",
}
"""Arguments of `Model` that belong to later versions, and what each would declare."""


def refuse_argument(name: str) -> UnsupportedError:
    """The error for an argument of `LATER_ARGUMENTS`."""
    return UnsupportedError(f"{name}= is not available yet ({LATER_ARGUMENTS[name]}); leave it out")


def require_derivable(expanded: Expanded, text: str) -> None:
    """Raise `ModelError` without a group term."""
    if not expanded.groups:
        raise ModelError(f"no group term in {text!r}: this is not a mixed model; add one, such as (1 | user)")
