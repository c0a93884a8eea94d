"""Check of an estimator by simulation: known parameters in, estimates out, and how far their mean is from the truth.

Every replicate has its own random stream, a child of the seed, so that any of them can be drawn again alone. The
estimator is the generated module, or any function from columns to estimates; a wrong one fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from momentalg.check.drawing import Drawing, FrameDesign, UnitDesign, read_covariates
from momentalg.check.meeting import IncidenceDesign
from momentalg.check.responses import Responses
from momentalg.check.tally import Estimator, Replicate, Tally
from momentalg.check.verdict import SimulationCheck
from momentalg.errors import ModelError, UnsupportedError
from momentalg.model import describe
from momentalg.model.distributions.base import Law
from momentalg.model.distributions.empirical import EmpiricalUnits
from momentalg.model.distributions.exact import ExactLike
from momentalg.model.distributions.joint import JointLaw
from momentalg.model.incidence.base import Incidence
from momentalg.model.marginals import MarginalLaws
from momentalg.model.resolved import ResolvedModel

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Simulation:
    """Data sets of a model with known parameters, one for each number of a replicate."""

    model: ResolvedModel
    design: Drawing
    responses: Responses
    seed: int

    def replicates(self, numbers: Iterable[int]) -> Iterator[Replicate]:
        """Draw the replicates with these numbers, one at a time."""
        import numpy as np

        respond = self.responses.sampler()
        for number in numbers:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))
            rows = self.design.draw(rng)
            response = respond(rows, rng)
            largest = int(np.bincount(rows.level(self.model.groups[0].factor, self.model)).max(initial=0))
            yield Replicate(number, {self.model.response: response, **rows.columns}, rows.empty, largest)

    def columns(self, number: int) -> dict[str, Array]:
        """The data of one replicate: the response, labels and covariates."""
        return next(self.replicates([number])).columns


def simulation(
    model: Any,
    *,
    parameters: Mapping[str, ExactLike],
    design: Any = None,
    effects: Mapping[str, object] | None = None,
    residual: object = None,
    covariates: Mapping[str, object] | None = None,
    units: Mapping[str, int] | None = None,
    seed: int = 1,
) -> Simulation:
    """The data sets that `check` uses, for looking at them; `model` is a `Model` or a resolved one."""
    resolved: ResolvedModel = getattr(model, "resolved", model)
    laws = read_covariates(covariates, resolved)
    resolved = getattr(_with_levels(model, design, laws), "resolved", resolved)
    responses = Responses.read(resolved, parameters, effects, residual)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ModelError(f"the seed must be a whole number of 0 or more; found {seed!r}")
    design = _design(design, resolved)
    if isinstance(design, Incidence):
        return Simulation(resolved, IncidenceDesign.read(design, resolved, units, laws), responses, seed)
    if _is_law(design):
        if not resolved.has_unit:
            crossed = " and ".join(dict.fromkeys(block.name for block in resolved.groups))
            raise UnsupportedError(
                f"{crossed} are crossed, and the law of one unit says nothing of which levels meet: give a frame as "
                "the design, with the labels of its rows, or one of ma.designs, such as ma.designs.draws(...)"
            )
        return Simulation(resolved, UnitDesign.read(design, resolved, units, laws), responses, seed)
    if units is not None:
        raise ModelError(f"units={units!r} goes with a law as the design; a frame says itself how many units it has")
    return Simulation(resolved, FrameDesign.read(design, resolved, laws), responses, seed)


def check(
    model: Any,
    *,
    parameters: Mapping[str, ExactLike],
    design: Any = None,
    effects: Mapping[str, object] | None = None,
    residual: object = None,
    covariates: Mapping[str, object] | None = None,
    units: Mapping[str, int] | None = None,
    replicates: int = 2000,
    seed: int = 1,
    statistics: Any = None,
    means: str | None = None,
    weighting: str = "none",
    progress: bool = False,
    estimator: Estimator | None = None,
    allow_failures: bool | int = False,
) -> SimulationCheck:
    """Simulate data of `model` with known parameters, and compare the mean of the estimates with the truth.

    Args:
        model: a `Model`.
        parameters: all its parameters by key; int, Fraction, ``"1/3"`` or float.
        design: a frame, whose labels and covariates stay as they are; or the law of one unit, such as
            ``{"size(user)": ma.Poisson(3)}``, a list of atoms or ``ma.empirical(frame)``, with `units`; or one of
            `ma.designs`, with the numbers of levels as `units`; by default the model's own incidence.
        effects: the law of the effects by factor, and of ``"residual"``: a law or its name; normal by default. Every
            law is centred and scaled to the variance in `parameters`. Correlated effects are combinations of
            independent ones with these laws; ``{"user": {"1": "exponential", "x": "normal"}}`` gives each its own.
        residual: the law of the residual, if it is not in `effects`.
        covariates: laws of covariates that are drawn independently of everything else.
        units: the number of units of a random design, ``{"user": 40}``, or of levels, ``{"user": 40, "item": 30}``.
        replicates: the number of data sets.
        seed: the seed of the random numbers; the same seed gives the same result.
        statistics: what the moment equations are made of, as in ``model.moment_equations``.
        means: how they treat the mean parameters, likewise.
        weighting: "none", or how they are weighted, likewise: with estimated weights an estimator is consistent only.
        progress: show a progress bar.
        estimator: a function from columns to estimates by key, in place of the generated module. Labels are given as
            whole numbers.
        allow_failures: replicates that may fail, a number or True for any; they are counted and left out.

    Raises:
        ModelError: parameters, laws or covariates that are missing or unknown.
        CheckError: a replicate on which the estimator fails, by its number and seed.

    """
    if isinstance(replicates, bool) or not isinstance(replicates, int) or replicates < 2:
        raise ModelError(f"a check needs at least 2 replicates; found {replicates!r}")
    model = _with_levels(model, design, covariates or ())
    settings = simulation(
        model,
        parameters=parameters,
        design=design,
        effects=effects,
        residual=residual,
        covariates=covariates,
        units=units,
        seed=seed,
    )
    plugged: tuple[str, ...] = ()
    if estimator is None:
        estimator, plugged = _generated(model, statistics, means, weighting)
    allowed = replicates if allow_failures is True else int(allow_failures)
    tally = Tally(replicates, allowed, seed, plugged, weighting != "none")
    for replicate in _shown(settings.replicates(range(replicates)), replicates, progress):
        tally.add(replicate, estimator)
    return SimulationCheck(
        rows=tally.rows(settings.responses),
        model=describe.formula(settings.model),
        design=settings.design.describe(),
        effects=settings.responses.describe(),
        replicates=replicates,
        failed=len(tally.failures),
        seed=seed,
        notes=tuple(tally.notes()),
    )


def _design(design: Any, model: ResolvedModel) -> Any:
    """The design that was given, or the incidence of the model."""
    if design is not None:
        return design
    if model.incidence is None:
        raise ModelError(
            "a check needs a design: a frame, the law of a unit such as {'size(user)': ma.Poisson(3)}, or one of "
            "ma.designs"
        )
    return model.incidence


def _with_levels(model: Any, design: Any, drawn: Collection[str]) -> Any:
    """The model with the levels that its fixed factors have in the frame of the design."""
    if design is None or isinstance(design, Incidence) or _is_law(design) or not hasattr(model, "with_levels"):
        return model
    return model.with_levels(design, drawn)


def _is_law(design: Any) -> bool:
    """Whether a design is the law of a unit; anything else is taken for a frame."""
    if isinstance(design, (Law, JointLaw, MarginalLaws, EmpiricalUnits, list, tuple)):
        return True
    return isinstance(design, Mapping) and any(str(key).startswith("size(") for key in design)


def _generated(model: Any, statistics: Any, means: str | None, weighting: str) -> tuple[Estimator, tuple[str, ...]]:
    """The generated module as an estimator, and what its equations put estimates in place of."""
    if not hasattr(model, "moment_equations"):
        raise ModelError("a resolved model has no generated estimator; pass a Model, or estimator=")
    system = model.moment_equations(statistics, means=means, weighting=weighting)
    module = system.estimator().load()
    return lambda columns: module.solve(module.accumulate(columns)), tuple(getattr(system, "plugged_in", ()))


def _shown(replicates: Iterator[Replicate], total: int, progress: bool) -> Iterable[Replicate]:
    if not progress:
        return replicates
    from rich.console import Console
    from rich.progress import track

    return track(replicates, "simulating", total, console=Console(stderr=True), transient=True)
