"""What can be asked of a fit beyond its tables: resampling, cumulants, normality, functions of the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from momentalg.inference.cumulants import Cumulants
    from momentalg.inference.functions import FunctionEstimate
    from momentalg.inference.normality import NormalityTests
    from momentalg.inference.resampling import Jackknife, Resamples
    from momentalg.inference.result import FitResult


class Analyses:
    """Further questions to a fit, each answered by a module of its own; `FitResult` has all of them."""

    @property
    def _fit(self) -> FitResult:
        return cast("FitResult", self)

    def bootstrap(self, kind: str = "cluster", **options: Any) -> Resamples:
        """Resample whole levels, or make new responses: `momentalg.inference.resampling.bootstrap`."""
        from momentalg.inference.resampling import bootstrap

        return bootstrap(self._fit, kind=kind, **options)

    def jackknife(self, **options: Any) -> Jackknife:
        """Leave out units, or levels of crossed factors: `momentalg.inference.resampling.jackknife`."""
        from momentalg.inference.resampling import jackknife

        return jackknife(self._fit, **options)

    def cumulants(self, order: int = 4, seed: int = 0) -> Cumulants:
        """Third and fourth cumulants of effects and residual: `momentalg.inference.cumulants.cumulants`."""
        from momentalg.inference.cumulants import cumulants

        return cumulants(self._fit, order, seed)

    def normality(self, replicates: int | None = None, seed: int = 0) -> NormalityTests:
        """Tests of normality of effects and residual: `momentalg.inference.normality.normality`."""
        from momentalg.inference.normality import normality

        return normality(self._fit, replicates, seed)

    def function(self, expression: Any, name: str = "", scale: str = "identity") -> FunctionEstimate:
        """A smooth function of the parameters by the delta method: `momentalg.inference.functions.function_of`."""
        from momentalg.inference.functions import function_of

        return function_of(self._fit, expression, name, scale)

    def icc(
        self, by: str | Iterable[str] | None = None, at: Mapping[str, Any] | None = None, residual: str | None = None
    ) -> FunctionEstimate:
        """The intraclass correlation: `momentalg.inference.shares.icc`."""
        from momentalg.inference.shares import icc

        return icc(self._fit, by, at, residual)

    def reliability(
        self,
        size: float,
        by: str | None = None,
        levels: Mapping[str, float] | None = None,
        at: Mapping[str, Any] | None = None,
        residual: str | None = None,
    ) -> FunctionEstimate:
        """The reliability of the mean of `size` observations: `momentalg.inference.shares.reliability`."""
        from momentalg.inference.shares import reliability

        return reliability(self._fit, size, by, levels, at, residual)
