"""What is resampled for: the moment equations of a fit or of a model, with their sums by cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from momentalg.data.levels import with_levels
from momentalg.errors import ModelError
from momentalg.inference import sums as fitting
from momentalg.inference.resampling.cells import Cells, names_by_cells
from momentalg.inference.result import FitResult

if TYPE_CHECKING:
    from momentalg.emit.numpy import EstimatorModule
    from momentalg.model.model import Model
    from momentalg.moments.system import MomentSystem


@dataclass(frozen=True)
class CellEstimator:
    """A model with its moment equations, generated with all sums by cells; equal by the text of the module."""

    text: str
    digest: str
    model: Model = field(compare=False, repr=False)
    system: MomentSystem = field(compare=False, repr=False)

    @classmethod
    def of(cls, model: Model, system: MomentSystem) -> CellEstimator:
        """Generate the module, or find it again."""
        return cls(repr(model), sha256(_generated(system).source.encode()).hexdigest(), model, system)

    @property
    def described(self) -> str:
        """The model and the statistics, for messages."""
        return f"{self.text} with {self.system.statistics or 'statistics of your own'}, by cells"

    @property
    def generated(self) -> EstimatorModule:
        """The module with the representation it was made from."""
        return _generated(self.system)

    @property
    def module(self) -> ModuleType:
        """The generated module."""
        return self.generated.load()


_made: dict[int, tuple[MomentSystem, EstimatorModule]] = {}  # by identity: systems hold dictionaries
MOST = 64  # modules that are kept


def _generated(system: MomentSystem) -> EstimatorModule:
    from momentalg.emit.backend import estimator

    if id(system) not in _made:
        while len(_made) >= MOST:
            del _made[next(iter(_made))]
        _made[id(system)] = system, estimator(system, by_cells=True)  # the system is kept, and with it its identity
    return _made[id(system)][1]


@dataclass(frozen=True)
class Asked:
    """What the equations of a model that is not fitted yet are to be, in the words of ``model.fit``."""

    statistics: Any = None
    means: str | None = None
    weighting: str | None = None

    @property
    def is_default(self) -> bool:
        """Whether nothing was asked for."""
        return self.statistics is self.means is self.weighting is None


def cell_sums(
    of: FitResult | Model,
    data: Any,
    statistics: Any = None,
    means: str | None = None,
    missing: str = "refuse",
    weighting: str | None = None,
) -> fitting.Sums:
    """The sums of a frame, or of a list of frames, by cells: all that the jackknife and bootstraps of levels need.

    They add up as the sums of a fit do, and serve any number of resamples:
    ``bootstrap(fit, cell_sums(fit, frame))``.
    """
    return _cell_sums(of, data, Asked(statistics, means, weighting), missing)


def _cell_sums(of: FitResult | Model, data: Any, asked: Asked, missing: str) -> fitting.Sums:
    model, system, data = equations(of, data, asked)
    return fitting.sums_of(cast(fitting.Estimator, CellEstimator.of(model, system)), data, missing)


def equations(of: FitResult | Model, data: Any, asked: Asked) -> tuple[Model, MomentSystem, Any]:
    """The model, its moment equations, and the data, of a fit or of a model that is not fitted yet."""
    if isinstance(of, FitResult):
        if not asked.is_default:
            raise ModelError("a fit says itself which statistics it is by; give a model to choose others")
        return of.model, of.system, data
    of, data = with_levels(of, data)
    return of, fitting.estimator_of(of, asked.statistics, asked.means, asked.weighting).system, data


def cells_of(
    of: FitResult | Model, data: Any, asked: Asked | None = None, missing: str = "refuse"
) -> tuple[Model, MomentSystem, Cells]:
    """The model, its equations and the cells of data: a frame, a list of frames, or sums by cells."""
    asked = asked or Asked()
    found = data if isinstance(data, fitting.Sums) else _cell_sums(of, data, asked, missing)
    estimator: Any = found.estimator
    model, system, _ = equations(of, found, asked)
    own = CellEstimator.of(model, system)
    if not isinstance(estimator, CellEstimator):  # the sums of a fit, some of which are kept by cells all the same
        if estimator.system is system and set(names_by_cells(own.generated.ir)) <= set(found.table):
            return model, system, Cells(own.generated, found.table)
        raise ModelError(
            f"these sums are of {estimator.described}, not by cells, which resampling needs: give the frame, or "
            "cell_sums(fit, frame), which add up over parts as other sums do"
        )
    if own != estimator:
        raise ModelError(f"these sums are of {estimator.described}; the resamples are of {own.described}")
    return model, system, Cells(own.generated, found.table)


def data_of(of: FitResult | Model, data: Any, missing: str) -> tuple[Any, str]:
    """The data that were given, or those that a fit keeps, with how it treated missing values."""
    if data is not None:
        return data, missing
    if not isinstance(of, FitResult):
        raise ModelError("resampling needs data beside a model, as in bootstrap(model, frame)")
    if of.data is not None:
        return of.data, of.missing
    if of.sums is not None:
        return of.sums, missing
    raise ModelError("resampling needs data, which this fit does not keep: give the frame, or cell_sums(fit, frame)")
