"""`MomentRegressor`: a mixed model as a regressor of scikit-learn, for pipelines, cross-validation and searches.

scikit-learn is optional, ``pip install 'momentalg[sklearn]'``; without it the class is there, and its `fit` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from momentalg.errors import ModelError, UnsupportedError
from momentalg.model.model import Model
from momentalg.model.terms import Covariate, Group

try:
    from sklearn.base import BaseEstimator, RegressorMixin
except ImportError:  # the class can be named without scikit-learn, as all public names can

    class BaseEstimator:  # type: ignore[no-redef]
        """In place of scikit-learn's."""

    class RegressorMixin:  # type: ignore[no-redef]
        """In place of scikit-learn's."""


if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


class MomentRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """y = X b + sum of u_f(level of f) + e by moments: random intercepts for the columns `groups`, slopes by a formula.

    ``MomentRegressor(groups=["user"]).fit(X, y)`` fits ``y ~ 1 + (other columns) + (1 | user)``. Predictions have the
    predicted effects (BLUPs) of the levels that were seen, and the mean of the population for others.

    Args:
        formula: a model of the columns of X, a DataFrame, ``"y ~ x + (x | user)"``; the left side names y.
        groups: the columns of X that hold labels, by name or by index; one, or several (crossed) factors. Without
            groups and formula there are no effects, and the fit is ordinary least squares.
        statistics: the statistics of the equations, as in ``model.fit(frame, statistics=...)``.
        effects: whether predictions have the effects of seen levels; otherwise they are X b.

    Attributes:
        coef_: shape (p,), the coefficients of the columns that are not groups; only without a formula.
        intercept_: the intercept; only without a formula.
        result_: the `FitResult`, with standard errors, effects and summary; None for least squares.
        n_features_in_, feature_names_in_: of X, as in scikit-learn.

    ``MomentRegressor()`` passes ``sklearn.utils.estimator_checks.check_estimator``, and so does one with groups where
    the first column of the checks' data is made three labels. As it is, each row of that column has a label of its own,
    the variance between groups is not identified, and with ``groups=[0]`` checks that need estimates
    end in `NotIdentifiedError`, as they should; the tests name them.

    """

    def __init__(
        self,
        formula: str | None = None,
        groups: Sequence[str | int] | str | int | None = None,
        statistics: Any = None,
        effects: bool = True,
    ) -> None:
        self.formula = formula
        self.groups = groups
        self.statistics = statistics
        self.effects = effects

    def fit(self, X: Any, y: Any) -> MomentRegressor:  # noqa: N803 - scikit-learn's name
        """Estimate the model; `X` is a DataFrame or an array (n, columns), `y` has shape (n,).

        Raises:
            ValueError: X or y that scikit-learn refuses: missing or infinite numbers, other shapes.
            NotIdentifiedError: data that do not separate the parameters.
            ModelError: both a formula and groups; a formula with an array.

        """
        validate = _validation()
        if self.formula is not None and self.groups is not None:
            raise ModelError("give formula= or groups=, not both: groups are the short form of (1 | group)")
        if self.formula is None and self.groups is None:
            X, y = validate(self, X, y, y_numeric=True)  # noqa: N806
            self._least_squares(X, y)
            return self
        if y is None:
            raise ValueError("MomentRegressor requires y to be passed, but the target y is None")
        frame, response = self._frame(X), self._response(X)
        y = _numbers(y, len(frame))
        self.model_ = Model(self.formula) if self.formula is not None else self._model(frame, response)
        self.result_: Any = self.model_.fit(frame.assign(**{response: y}), statistics=self.statistics)
        if self.formula is None:
            estimates = self.result_.fe_params
            self.intercept_ = float(estimates["Intercept"])
            self.coef_ = estimates.drop("Intercept").to_numpy()
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """The predictions of rows, shape (n,), in the unit of y."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        if self.result_ is None:
            X = _validation()(self, X, reset=False)  # noqa: N806
            found: Array = X @ self.coef_ + self.intercept_
            return found
        values: Array = self.result_.predict(self._frame(X, reset=False), effects=self.effects).to_numpy()
        return values

    def _least_squares(self, x: Array, y: Array) -> None:
        """Ordinary least squares about the means, of least norm where the columns do not separate coefficients."""
        import numpy as np

        mean, centre = x.mean(axis=0), y.mean()
        self.coef_ = np.linalg.lstsq(x - mean, y - centre, rcond=None)[0]
        self.intercept_ = float(centre - mean @ self.coef_)
        self.result_ = None

    def _frame(self, x: Any, reset: bool = True) -> pd.DataFrame:
        """X as a DataFrame whose columns have names; columns that are not groups are checked to be finite numbers."""
        import pandas as pd
        from sklearn.utils import check_array

        if isinstance(x, pd.DataFrame):
            frame = x.set_axis(list(map(str, x.columns)), axis=1)
        elif self.formula is not None:
            raise ModelError("a formula names columns: X has to be a DataFrame, or give groups= by index")
        else:
            values = check_array(x, dtype=None, ensure_all_finite=False, ensure_min_samples=1 + reset)
            frame = pd.DataFrame(values, columns=[f"x{n}" for n in range(values.shape[1])])
        _validation()(self, x, reset=reset, skip_check_array=True)
        if self.formula is not None:
            return frame
        if wrong := [name for name in self._names(frame) if not _are_labels(frame[name])]:
            raise ValueError(f"the groups in {wrong[0]!r} contain NaN, another missing value or infinity")
        if rest := [c for c in frame if c not in self._names(frame)]:
            numbers = check_array(frame[rest], dtype="numeric")
            frame = frame.assign(**{str(name): numbers[:, n] for n, name in enumerate(rest)})
        return frame

    def _names(self, frame: pd.DataFrame) -> list[str]:
        """The names of the group columns."""
        given = [self.groups] if isinstance(self.groups, (str, int)) else list(self.groups or ())
        return [frame.columns[g] if isinstance(g, int) else g for g in given]

    def _model(self, frame: pd.DataFrame, response: str) -> Model:
        groups = self._names(frame)
        common = [Covariate(name) for name in frame.columns if name not in groups]
        return Model(response=response, common=common, group=[Group(name) for name in groups])

    def _response(self, x: Any) -> str:
        """The name of the response: the formula's, or one that no column has."""
        if self.formula is not None:
            return Model(self.formula).resolved.response
        taken = set(map(str, getattr(x, "columns", ())))
        name = "y"
        while name in taken:
            name += "_"
        return name


def _validation() -> Any:
    """scikit-learn's ``validate_data``."""
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:
        raise UnsupportedError(
            "MomentRegressor needs scikit-learn 1.6 or later: pip install 'momentalg[sklearn]'; without it, "
            "ma.Model(formula).fit(frame) gives the same estimates"
        ) from None
    return validate_data


def _are_labels(values: pd.Series[Any]) -> bool:
    """Whether no label is missing or infinite."""
    import numpy as np

    return not bool(values.isna().any() or values.isin([np.inf, -np.inf]).any())


def _numbers(y: Any, rows: int) -> Array:
    """The response as finite numbers, one for each row."""
    from sklearn.utils import check_array, column_or_1d

    found: Array = column_or_1d(check_array(y, ensure_2d=False, dtype="numeric"), warn=True)
    if len(found) != rows:
        raise ValueError(f"X has {rows} rows and y {len(found)}")
    return found
