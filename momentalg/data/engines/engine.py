"""`Engine`: what accumulates the sums of an estimator from data of some kind.

All engines give the same sums, which are those of the generated NumPy module: `combine` of that module merges parts
whichever engine they are from, and its `solve` finishes. Adding an engine is adding a file to this package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from momentalg.catalogue import discover
from momentalg.data.refusals import require_missing
from momentalg.errors import UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from momentalg.lower.ir import EstimatorIR
    from momentalg.model.resolved import ResolvedModel

BUILT_IN = "numpy"
"""The engine that is always there, and takes what no other one does."""


@dataclass(frozen=True)
class Task:
    """What is accumulated: `ir` says it, `module` is generated from it in the engine's language.

    `missing` is "refuse" or "drop": what is done with rows that have a null or NaN in a needed column.
    """

    model: ResolvedModel
    ir: EstimatorIR
    module: ModuleType
    missing: str

    def __post_init__(self) -> None:
        require_missing(self.missing)


@dataclass(frozen=True)
class Part:
    """The sums of some data, in the format of generated modules, with the rows that are in them and those dropped."""

    table: dict[str, Any]
    nobs: int
    dropped: int


@dataclass(frozen=True)
class Engine:
    """One way of accumulating: `accumulate` takes a task and data, and gives a `Part`.

    `takes` says, without importing anything, whether data are of the engine's own kind, so that it is chosen for
    them; other data it converts, or refuses by `DataError`. `scan` opens files as data that `accumulate` takes, the
    names of the label columns beside them: one, or several whose columns have the same types; None where files are
    read in pieces. `needs` are the packages that must be
    there, from the extra of the same name as the engine unless `extra` says otherwise.
    """

    name: str
    title: str
    takes: Callable[[Any], bool]
    accumulate: Callable[[Task, Any], Part]
    scan: Callable[[Sequence[Path], tuple[str, ...]], Any] | None = None
    needs: tuple[str, ...] = ()
    extra: str | None = None
    language: str = "numpy"

    @property
    def is_present(self) -> bool:
        """Whether its packages are installed; none is imported."""
        return not self.absent

    @property
    def absent(self) -> tuple[str, ...]:
        """The packages that it needs and that are not there."""
        return tuple(package for package in self.needs if find_spec(package) is None)


def engines() -> Mapping[str, Engine]:
    """The engines, by name."""
    return discover("momentalg.data.engines", "ENGINE")


def named(name: str) -> Engine:
    """The engine of a name; raises `UnsupportedError` for one that is not known, or whose packages are absent."""
    found = engines()
    if name not in found:
        close = get_close_matches(str(name).lower(), found, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnsupportedError(f"no engine {name!r}{f'{hint} There' if hint else '; there'} are {', '.join(found)}")
    engine = found[name]
    if not engine.is_present:
        raise UnsupportedError(
            f"the engine {name!r} needs {' and '.join(engine.absent)}: pip install 'momentalg[{engine.extra or name}]'"
        )
    return engine


def chosen(data: Any, name: str | None = None) -> Engine:
    """The engine that is asked for by name, else the one whose own kind the data are, else the built-in one."""
    if name is not None:
        return named(name)
    return next((e for e in engines().values() if e.name != BUILT_IN and e.takes(data)), engines()[BUILT_IN])


def is_from(data: Any, package: str, *kinds: str) -> bool:
    """Whether data are of a class called one of `kinds` of a package, or of a subclass, without importing it."""
    return any(t.__module__.split(".")[0] == package and t.__name__ in kinds for t in type(data).__mro__)
