"""`bootstrap`: resamples of units, of the levels of crossed factors, of effects and residuals, or of a fitted law."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentalg.data.files.whole import require_folder
from momentalg.errors import ModelError, NotIdentifiedError
from momentalg.inference.resampling.cells import FAILURES, Cells, Factor, named
from momentalg.inference.resampling.drawing import INNER, DrawnLevels
from momentalg.inference.resampling.equations import Asked, cells_of, data_of
from momentalg.inference.resampling.factors import crossed, unit
from momentalg.inference.resampling.resamples import Question, Resamples
from momentalg.inference.resampling.running import Plan, require_count, run
from momentalg.inference.resampling.storing import Run
from momentalg.inference.result import FitResult, keys_of

if TYPE_CHECKING:
    from momentalg.model.model import Model

KINDS = ("cluster", "pigeonhole", "residual", "parametric")


def bootstrap(
    of: FitResult | Model,
    data: Any = None,
    kind: str = "cluster",
    *,
    replicates: int = 1000,
    seed: int = 1,
    workers: int = 1,
    progress: bool = False,
    resume: str | os.PathLike[str] | None = None,
    by: str | None = None,
    inner: str = "none",
    effects: Mapping[str, object] | None = None,
    statistics: Any = None,
    means: str | None = None,
    weighting: str | None = None,
    missing: str = "refuse",
) -> Resamples:
    """The bootstrap of a fit, or of a model with the statistics that it is to be fitted by.

    A replicate costs one solution of the equations: for 1,000 units a millisecond or some, for crossed factors with
    weighting, whose solution is by matrices of the smaller factors, hundreds of them.

    Args:
        of: a `FitResult`, or a `Model`.
        data: the frame, or a list of frames; for the first two kinds also sums by cells, of `cell_sums`. A fit that
            keeps its data needs none.
        kind: what is drawn. "cluster": whole units, with replacement, from the table of their sums. "pigeonhole": for
            crossed factors, the levels of each on its own, a cell as often as the product says (Owen 2007, Ann. Appl.
            Stat. 1, 386-411); mildly conservative for means. Copies of a cell share their residual, so that replicates
            of components are not about the estimates: standard errors are too large, of the residual variance about
            twice (120 x 80 levels, 2,500 rows), and there are no percentiles. "residual": predicted effects and
            residuals, centred and reflated to the estimated variances, on the rows as they are (Carpenter, Goldstein
            and Rasbash 2003, J. R. Stat. Soc. C 52, 431-443). "parametric": effects and residuals of the laws
            `effects`, normal by default, with the estimates as parameters. The last two condition on the design and
            need the rows themselves.
        replicates: how many.
        seed: of the random numbers; replicate r has a stream of its own, so that `workers` and `resume` change nothing.
        workers: the number of processes.
        progress: show a progress bar where there is a terminal.
        resume: a file that replicates are written to while they come, and taken up from where it exists; a run with
            more `replicates` goes on where a shorter one ended.
        by: for "cluster", the factor of a crossed model whose levels are drawn, all else as if it were fixed.
        inner: standard errors within each replicate, for bootstrap-t intervals: "none", "formula" (those of the
            estimator itself, where it has them) or "jackknife" (of 20 groups of units; cluster only).
        effects: for "parametric", laws by factor and of "residual", as in ``model.check``.
        statistics: what the moment equations of a `Model` are made of, as in ``model.fit``; a fit has its own.
        means: likewise.
        weighting: likewise.
        missing: "refuse" or "drop" rows with missing values, as in ``model.fit``.

    Raises:
        UnsupportedError: units of a crossed model, the pigeonhole of one that is not, sums where rows are needed.
        NotIdentifiedError: data whose own estimates do not exist. A replicate without estimates is counted.

    """
    if kind not in KINDS:
        raise ModelError(f"kind={kind!r} is none of {', '.join(map(repr, KINDS))}")
    if inner not in INNER:
        raise ModelError(f"inner={inner!r} is none of {', '.join(map(repr, INNER))}")
    for what, value, where in (("by", by, "cluster"), ("effects", effects, "parametric")):
        if value is not None and kind != where:
            raise ModelError(f"{what}= goes with kind={where!r}, not with {kind!r}")
    require_count("replicates", replicates, 2)
    require_count("the seed", seed, 0)
    path = None if resume is None else Path(resume)
    if path is not None:
        require_folder(path)
    data, missing = data_of(of, data, missing)
    plan: Plan
    if kind in ("residual", "parametric"):
        from momentalg.inference.resampling.responses import plan_of

        if inner != "none":
            raise ModelError(f"inner={inner!r} goes with kind='cluster' or 'pigeonhole'")
        plan, running = plan_of(of, data, kind, seed, effects, Asked(statistics, means, weighting), missing)
        running.path = path
    else:
        model, system, cells = cells_of(of, data, Asked(statistics, means, weighting), missing)
        factors = (unit(model.resolved, by),) if kind == "cluster" else crossed(model.resolved)
        if inner == "jackknife" and len(factors) > 1:
            raise ModelError("inner='jackknife' leaves out units, which crossed factors have none of")
        observed = estimates_of(cells)
        plan = DrawnLevels(cells, factors, keys_of(model, system, observed), seed, inner)
        running = _run(plan, observed, kind, repr(model), path)
    running.take_up()
    missing_ones = [number for number in range(replicates) if number not in running.outcomes]
    try:
        run(plan, missing_ones, workers, progress, running.keep)
    finally:
        if missing_ones:
            running.save()
    return running.result().first(replicates)


def estimates_of(cells: Cells) -> dict[str, float]:
    """The estimates of the data themselves."""
    try:
        return cells.solve()
    except FAILURES as error:
        raise NotIdentifiedError(f"the data themselves have no estimates to resample: {error}") from error


def fingerprint(*parts: Any) -> str:
    """A digest of texts and arrays."""
    import numpy as np

    digest = sha256()
    for part in parts:
        if isinstance(part, Mapping):
            for name in sorted(part):
                digest.update(f"{name}:{fingerprint(part[name])};".encode())
        elif isinstance(part, str):
            digest.update(part.encode())
        else:
            array = np.asarray(part)
            content = repr(array.tolist()).encode() if array.dtype.hasobject else np.ascontiguousarray(array).tobytes()
            digest.update(f"{array.dtype}{array.shape}".encode() + content)
    return digest.hexdigest()


def _run(plan: DrawnLevels, observed: dict[str, float], kind: str, model: str, path: Path | None) -> Run:
    errors = plan.errors(plan.cells, observed)
    question = Question(
        kind=kind,
        described=_described(plan.cells, plan.factors),
        model=model,
        seed=plan.seed,
        inner=plan.inner,
        keys=plan.keys,
        fingerprint=fingerprint(plan.cells.estimator.source, plan.cells.sums),
    )
    own = {} if errors is None else dict(zip(plan.keys, errors, strict=True))
    estimates = {key: observed[key] for key in plan.keys}
    return Run(question, estimates, estimates, own, path)


def _described(cells: Cells, factors: tuple[Factor, ...]) -> str:
    counts = [f"{cells.level_count(f)} levels of {named([f])}" for f in factors]
    return f"drawn with replacement: {' and '.join(counts)}" + (", independently" if len(counts) > 1 else "")
