"""momentalg: derive, solve, generate and check the moment equations of mixed models.

The public names are those of `__all__`. What needs a heavy library or a later layer is imported when it is first named.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from momentalg.catalogue import discover
from momentalg.errors import (
    AssumptionError,
    CheckError,
    DataError,
    FormulaError,
    ModelError,
    MomentalgError,
    NothingLeftError,
    NotIdentifiedError,
    RuleError,
    StatisticError,
    UnsupportedError,
)
from momentalg.expr.nodes import DESIGN, OBSERVATIONS, over
from momentalg.model.assumptions import goes_with, independent, may_be_empty, nested, unreplicated
from momentalg.model.model import Model
from momentalg.model.terms import Covariate, Group, Intercept, Size

if TYPE_CHECKING:
    from momentalg.model.distributions.base import Distribution
    from momentalg.statistics.family import StatisticFamily

design, observations = DESIGN, OBSERVATIONS

__all__ = [
    "AssumptionError",
    "CheckError",
    "Constant",
    "Covariate",
    "DataError",
    "Exponential",
    "Finite",
    "FormulaError",
    "Geometric",
    "Group",
    "Intercept",
    "LogNormal",
    "Model",
    "ModelError",
    "MomentRegressor",
    "MomentalgError",
    "NegativeBinomial",
    "Normal",
    "NotIdentifiedError",
    "NothingLeftError",
    "Poisson",
    "RuleError",
    "Size",
    "StatisticError",
    "StudentT",
    "TwoPoint",
    "Uniform",
    "UnsupportedError",
    "ZeroTruncatedNegativeBinomial",
    "ZeroTruncatedPoisson",
    "alchemy",
    "bootstrap_variance",
    "compare",
    "datasets",
    "design",
    "designs",
    "empirical",
    "goes_with",
    "icc",
    "independent",
    "may_be_empty",
    "nested",
    "observations",
    "over",
    "relative_efficiency",
    "reliability",
    "statistics",
    "unreplicated",
    "variance_shares",
]

_LATER = {
    "MomentRegressor": "momentalg.inference.regressor",
    "alchemy": "momentalg.inference.resampling.alchemy",
    "bootstrap_variance": "momentalg.statistics.bootstrap_variances",
    "compare": "momentalg.derive.compare",
    "empirical": "momentalg.model.distributions.empirical",
    "icc": "momentalg.inference.shares",
    "relative_efficiency": "momentalg.derive.efficiency",
    "reliability": "momentalg.inference.shares",
    "variance_shares": "momentalg.inference.shares",
}
"""Public names that are imported when they are first named, and the module of each."""

_MODULES = {"datasets": "momentalg.datasets", "designs": "momentalg.model.incidence"}
"""Public names that are modules, and where they are."""

import_module("momentalg.statistics")  # first, or importing it later would hide the function of the same name
for _part in ("momentalg.derive.engine", "momentalg.moments.system"):  # light, and what a session starts with
    import_module(_part)
discover("momentalg.rules", "RULE")
discover("momentalg.statistics", "STATISTIC")


def statistics() -> Mapping[str, StatisticFamily]:
    """The named statistics by name, each with its definition, its source and what it assumes.

    ``ma.statistics()["henderson3"].definition``; any of the names is one for ``model.moment_equations("henderson3")``.
    """
    return discover("momentalg.statistics", "STATISTIC")


def __getattr__(name: str) -> Any:
    """Import a public name of a later layer on first use."""
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name == "__version__":
        return _version()
    laws = {} if name.startswith("_") else {d.law.__name__: d.law for d in _distributions().values()}
    if name in laws:
        return laws[name]
    raise AttributeError(f"module 'momentalg' has no attribute {name!r}")


def _distributions() -> Mapping[str, Distribution]:
    """The laws of sizes, effects and covariates: each file of the catalogue adds one to the public names."""
    return discover("momentalg.model.distributions", "DISTRIBUTION")


def _version() -> str:
    """The version of the installed package; of a checkout that is not installed, none is known."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("momentalg")
    except PackageNotFoundError:
        return "0+unknown"


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__version__"]
