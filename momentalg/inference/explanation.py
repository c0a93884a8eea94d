"""A fit explains itself: which equations, which weights, which rows, what is not identified, which standard errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from momentalg.expr.escape import escape_html, escape_text, markdown_code
from momentalg.inference.covariance import exact_traces
from momentalg.inference.merged_facts import unseen
from momentalg.inference.rows import rows_of
from momentalg.inference.tables import Text, file_names, has_errors, standard_errors
from momentalg.moments.weighting import KURTOSIS

if TYPE_CHECKING:
    from momentalg.inference.result import FitResult

SHOWN = 10  # names of files, and labels of rows that were left out
Section = tuple[str, list[str]]


def explain(fit: FitResult) -> Text:
    """What was fitted and how, in sections."""
    sections = [_model(fit), _equations(fit), _weights(fit), _rows(fit), _identified(fit), _errors(fit)]
    text, html, markdown = [], [], []
    for title, sentences in sections:
        text += [title, *(f"  {escape_text(s)}" for s in sentences), ""]
        html.append(f"<dt>{title}</dt>" + "".join(f"<dd>{escape_html(s)}</dd>" for s in sentences))
        markdown += [f"**{title}**", "", *(f"- {_plain(s)}" for s in sentences), ""]
    return Text("\n".join(text).rstrip(), f"<dl>{''.join(html)}</dl>", "\n".join(markdown).rstrip())


def _plain(sentence: str) -> str:
    """A sentence for Markdown: as code, since keys and names hold its punctuation."""
    return markdown_code(sentence)


def _model(fit: FitResult) -> Section:
    return "Model", [
        f"{fit.model.formula}: effects and residuals of any distribution; no likelihood, no normality.",
        f"Parameters: {', '.join(fit.keys)}.",
    ]


def _equations(fit: FitResult) -> Section:
    system = fit.system
    definition = _definition(fit.statistics)
    step = "Statistics" if fit.weighting == "none" else "Statistics of the first step"
    found = [f"{step}: {fit.statistics}{f': {definition}' if definition else ''}."]
    found.append(
        f"{len(system.variance)} equations for {', '.join(system.unknowns)}: "
        f"{', '.join(e.name for e in system.variance)}, each set equal to its expectation given the design."
    )
    words = {
        "projection": "Mean parameters do not occur in them: what the common terms explain is projected off.",
        "products": "Products of mean parameters are unknowns of their own, so that nothing is plugged in.",
        "plug-in": "Estimates of the mean parameters are put in their place, which biases the components.",
    }
    found.append(words[system.means])
    if system.mean_keys and fit.weighting == "none":
        found.append(f"Normal equations, unweighted, for {', '.join(system.mean_keys)}.")
    elif system.mean_keys:
        found.append(f"Generalised least squares with the estimated components for {', '.join(system.mean_keys)}.")
    return "Equations", found


def _definition(name: str) -> str:
    from momentalg.catalogue import discover

    known = discover("momentalg.statistics", "STATISTIC")
    return str(known[name].definition).rstrip(".") if name in known else ""


def _weights(fit: FitResult) -> Section:
    if fit.weighting == "none":
        text = "None: the equations hold exactly in expectation, and with mean-free statistics estimates are unbiased."
        return "Weights", [text if fit.system.means != "plug-in" else "None."]
    first = _first_step(fit)
    found = [
        "Weights are functions of the design and of first estimates"
        + (f": {', '.join(f'{key} = {value:.6g}' for key, value in first.items())}." if first else ".")
    ]
    if fit.weighting == KURTOSIS:
        found.append(
            "These are of the two-step fit. Then come two statistics of every level, the squared mean and the sum of "
            "squares within of residuals from the fitted mean, by generalised least squares, with these fourth "
            "cumulants in their covariances; estimates of excess kurtosis are held within -1 and a bound that grows "
            "with the number of levels, or of rows."
        )
    elif fit.weighting == "iterated":
        found.append("Weights and estimates are iterated until they agree, which solves REML's equations by moments.")
    else:
        found.append(
            "Two steps: unweighted moments, then the same components from forms weighted by these; weights are renewed "
            "where the first step was more than a standard error off."
        )
    found.append(
        "Given the weights the coefficients are exact, whatever the laws: the working model affects efficiency alone. "
        "As the weights are estimated, the estimator is consistent, and not exactly unbiased."
        if exact_traces(fit)
        else "The coefficients are traces of matrices of all levels, too many here to be exact: they are averages over "
        "vectors of random signs, always the same ones, which moves estimates by some hundredths of a standard error. "
        "Covariances of the errors of predicted effects are approximate likewise, as a rule somewhat too large."
    )
    return "Weights", found


def _first_step(fit: FitResult) -> dict[str, float]:
    """The components by the first step, which weights are functions of, and fourth cumulants where they are."""
    if fit.sums is None or not hasattr(fit.sums.estimator.module, "first_step"):
        return {}
    found = fit.sums.estimator.module.first_step(fit.sums.prepared)
    fourth = [key for key in found if key.startswith("k4(")]
    return {key: float(found[key]) for key in (*fit.vcomp.index, *fourth) if key in found}


def _rows(fit: FitResult) -> Section:
    groups = ", ".join(f"{count} levels of {name}" for name, count in fit.n_groups.items())
    left_out = f"{fit.dropped} with missing values were left out{_which(fit)}." if fit.dropped else "None was left out."
    return "Rows", [f"{fit.nobs} observations, {groups}.", *_files(fit), left_out, *_believed(fit)]


def _files(fit: FitResult) -> list[str]:
    """The files that the rows are from, the first few by name."""
    names = file_names(fit)
    which = f"{len(names)} files" if len(names) > 1 else "a file"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return [f"They are from {which}: {', '.join(names[:SHOWN])}{more}."] if names else []


def _believed(fit: FitResult) -> list[str]:
    """What is declared of the design, and only checked in each part of the data."""
    if fit.sums is None or (fit.data is not None and not isinstance(fit.data, (list, tuple))):
        return []
    estimator = fit.sums.estimator
    return [
        f"That a level of {factor} has one observation at most was checked in each part of the data that was "
        "accumulated by itself; these sums do not tell whether it has one in several parts."
        for factor in unseen(estimator.model.resolved, estimator.generated.ir)
    ]


def _which(fit: FitResult) -> str:
    """The index labels of rows that were left out, if the data are at hand: the first few."""
    if fit.data is None:
        return ""
    labels = [str(label) for rows in rows_of(fit, "rows") for label in rows.left_out]
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return f": {', '.join(labels[:SHOWN])}{more}"


def _identified(fit: FitResult) -> Section:
    left = [key for key in fit.model.parameters if key not in fit.estimates]
    found = [f"Not estimated by these statistics: {', '.join(left)}."] if left else ["All parameters of the model are."]
    orders = {key[:2] for key in fit.keys}
    if not {"k3", "k4"} & orders:
        found.append("Third and fourth cumulants of effects and residuals are not estimated by these statistics.")
    if fit.negative:
        found.append(
            f"Negative: {', '.join(fit.negative)}. That is a legitimate value of an unbiased estimator; truncated "
            "values are beside it, and predictions of effects use these."
        )
    if fit.indefinite:
        found.append(
            f"{', '.join(fit.indefinite)} are no covariance matrix of effects together; the nearest values are beside "
            "them, and predictions of effects use these."
        )
    return "Identified", found


def _errors(fit: FitResult) -> Section:
    if not has_errors(fit):
        return "Standard errors", [standard_errors(fit)[0][1] + "."]
    (_, which), (_, reference), *missing = standard_errors(fit)
    about_variances = (
        f"Estimates are referred to {reference}: clusters less mean parameters. For variances there is no p-value, as "
        "the estimator of one that is 0 is skewed."
    )
    methods: dict[str, list[str]] = {}
    for key, interval in fit.intervals().items():
        if interval.method != "none":
            methods.setdefault(interval.method, []).append(key)
    return "Standard errors", [
        f"{which}.",
        f"{fit.covariance.meaning}.",
        about_variances,
        *(f"None for {text}." for _, text in missing),
        "Intervals: " + "; ".join(f"{method} ({', '.join(keys)})" for method, keys in methods.items()) + ".",
    ]
