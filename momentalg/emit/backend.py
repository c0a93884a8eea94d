"""Backends: what writes an `EstimatorIR` down as a program. One module of this package each, found by `BACKEND`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from momentalg.catalogue import discover
from momentalg.errors import UnsupportedError
from momentalg.lower.estimator import lower

if TYPE_CHECKING:
    from momentalg.moments.solution import Solution
    from momentalg.moments.system import MomentSystem


@dataclass(frozen=True)
class Backend:
    """A language that estimators are generated in; `generate` may take options, by name."""

    name: str
    title: str
    generate: Callable[..., Any]


def backends() -> Mapping[str, Backend]:
    """The backends, by name."""
    return discover("momentalg.emit", "BACKEND")


def estimator(system: MomentSystem | Solution, backend: str = "numpy", by_cells: bool = False, **options: Any) -> Any:
    """Generate the estimator of a moment system, or of a solution of one for chosen targets.

    With `by_cells` all its sums are kept on the finest table, as resampling needs them. `options` are the backend's.
    """
    found = backends()
    if backend not in found:
        raise UnsupportedError(f"no backend {backend!r}; there are {', '.join(found)}")
    known = list(signature(found[backend].generate).parameters)[1:]  # after the representation
    strange = [name for name in options if name not in known]
    if strange:
        raise UnsupportedError(
            f"the backend {backend!r} has no option {strange[0]!r}; it has {', '.join(known) or 'none'}"
        )
    solution = system.solve() if hasattr(system, "solve") else system
    return found[backend].generate(lower(solution, by_cells), **options)
