"""A fit as the command line gives it: a table, CSV or JSON, and a folder of pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from momentalg.errors import UnsupportedError

if TYPE_CHECKING:
    from momentalg.inference.result import FitResult


def shown(fit: FitResult, form: str) -> str:
    """A fit as "table", "csv" or "json", with standard errors, intervals of 95 % and what speaks against these."""
    if form == "table":
        return fit.summary()
    return _json(fit) if form == "json" else _csv(fit)


def _json(fit: FitResult) -> str:
    """One object; what is not known is null."""
    from momentalg.inference.tables import file_names

    rows, about = _parameters(fit), _about(fit)
    facts = {
        "model": fit.model.formula,
        "statistics": fit.statistics,
        "means": fit.system.means,
        "weighting": fit.weighting,
        "nobs": fit.nobs,
        "dropped": fit.dropped,
        "files": file_names(fit),
        "levels": dict(fit.n_groups),
        "covariance": about["Std. errors"],
        "df": fit.df if rows[0]["std_error"] is not None else None,
        "negative": list(fit.negative),
        "warnings": [f"{row['parameter']}: {row['warning']}" for row in rows if row["warning"]],
        "estimates": {row["parameter"]: row["estimate"] for row in rows},
        "truncated": {row["parameter"]: row["truncated"] for row in rows},
        "std_errors": {row["parameter"]: row["std_error"] for row in rows},
        "p_values": {row["parameter"]: row["p_value"] for row in rows},
        "intervals": {row["parameter"]: [row["conf_low"], row["conf_high"]] for row in rows},
    }
    return json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)


def _csv(fit: FitResult) -> str:
    """A row for each parameter; what is of the whole fit, its weighting and standard errors, is in every row."""
    import pandas as pd

    whole = {"weighting": fit.weighting, "covariance": _about(fit)["Std. errors"]}
    return str(pd.DataFrame([{**row, **whole} for row in _parameters(fit)]).to_csv(index=False)).rstrip("\n")


def _about(fit: FitResult) -> dict[str, str]:
    from momentalg.inference.tables import standard_errors

    return dict(standard_errors(fit))


def _parameters(fit: FitResult) -> list[dict[str, Any]]:
    """What is known of each parameter; None of the rest."""
    from momentalg.inference.tables import has_errors

    known = has_errors(fit)
    none: Mapping[str, float] = dict.fromkeys(fit.keys, math.nan)
    errors, statistics, tails = (fit.bse, fit.tvalues, fit.pvalues) if known else (none, none, none)
    bounds = fit.intervals() if known else {}
    return [
        {
            "parameter": key,
            "estimate": float(fit.estimates[key]),
            "std_error": _number(errors[key]),
            "statistic": _number(statistics[key]),
            "p_value": _number(tails[key]),
            "conf_low": _number(bounds[key].low if known else math.nan),
            "conf_high": _number(bounds[key].high if known else math.nan),
            "truncated": float(fit.truncated[key]),
            "warning": bounds[key].warning if known else None,
        }
        for key in fit.keys
    ]


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def write_pictures(fit: FitResult, folder: Path) -> None:
    """Write all pictures of a fit into a folder, which is made; say which need rows that are not in memory.

    Raises `UnsupportedError` without matplotlib.
    """
    from momentalg.catalogue import discover
    from momentalg.inference.canvas import require_matplotlib

    require_matplotlib()
    folder.mkdir(exist_ok=True)
    left_out: dict[str, list[str]] = {}
    for kind in discover("momentalg.inference.plots", "PLOT"):
        try:
            picture = fit.plot(kind)
        except UnsupportedError as error:
            left_out.setdefault(str(error), []).append(kind)
            continue
        picture.savefig(folder / f"{kind}.png", dpi=150)
        click.echo(f"wrote {folder / kind}.png", err=True)
    for why, kinds in left_out.items():
        click.echo(f"left out {', '.join(kinds)}: {why}", err=True)
