"""The numeric core of crossed designs against matrices of all rows, a direct maximisation of REML, and simulation."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import optimize

from momentalg.emit.numpy_weighted import CROSSED, functions


def load() -> ModuleType:
    """The files of crossed factors as one module, as they are in an estimator."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "crossed_part.py"
        path.write_text(f"import numpy as np\n\n{functions(CROSSED)}\n", encoding="utf-8")
        spec = importlib.util.spec_from_file_location("crossed_part", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


part = load()


@dataclass
class Design:
    """A small design as rows, for matrices of all rows, and as cells, for the part."""

    labels: np.ndarray  # (factors, n)
    columns: np.ndarray  # (n, k - 1), rows times the roots of their weights
    mean: list[int]
    blocks: list[tuple[int, list[int]]]

    def cells(self, y: np.ndarray) -> Any:
        rows = np.column_stack([self.columns, y])
        levels, place = np.unique(self.labels.T, axis=0, return_inverse=True)
        products = np.zeros((len(levels), rows.shape[1], rows.shape[1]))
        np.add.at(products, place.ravel(), rows[:, :, None] * rows[:, None, :])
        blocks = [(levels[:, factor], columns) for factor, columns in self.blocks]
        return part._Crossed(products, np.bincount(place.ravel()), self.mean, blocks)

    @property
    def X(self) -> np.ndarray:
        return self.columns[:, self.mean]

    def Z(self, factor: int, column: int) -> np.ndarray:
        codes = self.labels[factor]
        return np.eye(codes.max() + 1)[codes] * self.columns[:, [column]]

    def pairs(self) -> list[tuple[int, int, int]]:
        return [(f, c[i], c[j]) for f, c in self.blocks for i in range(len(c)) for j in range(i, len(c))]

    def derivatives(self) -> list[np.ndarray]:
        """dV/d component, the residual's last."""
        found = []
        for factor, c, d in self.pairs():
            once = self.Z(factor, c) @ self.Z(factor, d).T
            found.append(once if c == d else once + once.T)
        return [*found, np.eye(len(self.columns))]

    def brought(self, thetas: list[np.ndarray]) -> dict[int, np.ndarray]:
        """The covariance matrix that each factor brings to the rows."""
        found: dict[int, np.ndarray] = {}
        for (factor, columns), theta in zip(self.blocks, thetas, strict=True):
            for i, c in enumerate(columns):
                for j, d in enumerate(columns):
                    once = theta[i, j] * self.Z(factor, c) @ self.Z(factor, d).T
                    found[factor] = found.get(factor, 0.0) + once
        return found


def projector(V: np.ndarray, X: np.ndarray) -> np.ndarray:
    W = np.linalg.inv(V)
    return W - W @ X @ np.linalg.pinv(X.T @ W @ X) @ X.T @ W


def components(thetas: list[np.ndarray], residual: float) -> np.ndarray:
    return np.array(
        [*(theta[i, j] for theta in thetas for i in range(len(theta)) for j in range(i, len(theta))), residual]
    )


CASES = {
    "two factors": ((7, 5), [(0, [0]), (1, [0])]),
    "slope": ((7, 5), [(0, [0, 1]), (1, [0])]),
    "two slopes": ((6, 5), [(0, [0, 1]), (1, [0, 2])]),
    "independent slope": ((6, 5), [(0, [0]), (0, [1, 2]), (1, [0])]),
    "three factors": ((6, 5, 4), [(0, [0]), (1, [0]), (2, [0])]),
    "three factors, slopes": ((6, 5, 4), [(0, [0, 1]), (1, [0]), (2, [0, 2])]),
    "interaction": ((5, 4, -1), [(0, [0]), (1, [0]), (2, [0])]),
    "nested and crossed": ((4, 5, -2), [(0, [0]), (1, [0]), (2, [0])]),
    "slope without intercept": ((7, 5), [(0, [1]), (1, [0])]),
}


def design(name: str, rows: int = 60, seed: int = 1) -> tuple[Design, list[np.ndarray]]:
    """Random labels with replicated and empty cells, two covariates, weights; and a covariance matrix per block."""
    rng = np.random.default_rng(seed)
    sizes, blocks = CASES[name]
    labels = [rng.integers(0, size, rows) for size in sizes if size > 0]
    if sizes[-1] == -1:
        labels.append(labels[0] * 10 + labels[1])  # a:b
    elif sizes[-1] == -2:
        labels.append(labels[0] * 10 + rng.integers(0, 3, rows))  # within the first factor
    labels = [np.unique(one, return_inverse=True)[1] for one in labels]
    columns = np.column_stack([np.ones(rows), rng.normal(size=(rows, 2))]) * rng.uniform(0.7, 1.4, (rows, 1))
    thetas = []
    for _, chosen in blocks:
        root = rng.normal(size=(len(chosen), len(chosen)))
        thetas.append(root @ root.T + 0.1 * np.eye(len(chosen)))
    return Design(np.array(labels), columns, [0, 1, 2], blocks), thetas


@pytest.mark.parametrize("sparse", [0, 1e9])
@pytest.mark.parametrize("name", CASES)
def test_forms_are_minque_with_all_factors(name: str, sparse: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "SPARSE", sparse)
    case, thetas = design(name)
    thetas[-1] = thetas[-1] * 0  # a component of 0 is a weight like another
    y = np.random.default_rng(2).normal(size=len(case.columns))
    crossed = case.cells(y)
    matrix, right, scores, information = part._forms(crossed, crossed.covariances(thetas), 0.7)
    V = sum(case.brought(thetas).values()) + 0.7 * np.eye(len(y))
    P = projector(V, case.X)
    derivatives = case.derivatives()
    expected = np.array([[np.trace(P @ one @ P @ two) for two in derivatives] for one in derivatives])
    np.testing.assert_allclose(matrix, expected, rtol=1e-8, atol=1e-9 * abs(expected).max())
    np.testing.assert_allclose(right, [y @ P @ one @ P @ y for one in derivatives], rtol=1e-9)
    for factor, columns in case.blocks:
        k, place = crossed.places[case.blocks.index((factor, columns))]
        Z = np.array([case.Z(factor, column) for column in columns])
        np.testing.assert_allclose(scores[k][:, place], np.einsum("cnl,n->lc", Z, P @ y), rtol=1e-8, atol=1e-9)
        expected = np.einsum("cnl,nm,dml->lcd", Z, P, Z)
        np.testing.assert_allclose(information[k][:, place[:, None], place], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_probes_of_each_level_on_its_own_give_the_same_forms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case, thetas = design(name)
    thetas[-1] = thetas[-1] * 0
    crossed = case.cells(np.random.default_rng(2).normal(size=len(case.columns)))
    exact = part._forms(crossed, crossed.covariances(thetas), 0.7)
    monkeypatch.setattr(part, "DENSE", -1)
    monkeypatch.setattr(part, "PROBES", 100)
    probed = part._forms(crossed, crossed.covariances(thetas), 0.7)
    np.testing.assert_allclose(probed[1], exact[1], rtol=1e-6)
    np.testing.assert_allclose(probed[0], exact[0], rtol=1e-5, atol=1e-6 * abs(exact[0]).max())
    for k in (2, 3):
        for one, two in zip(probed[k], exact[k], strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_probes_of_random_signs_change_estimates_by_little_of_their_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    labels = np.array([rng.integers(0, 150, 2000), rng.integers(0, 110, 2000)])
    columns = np.column_stack([np.ones(2000), rng.normal(size=2000)])
    thetas = [np.array([[0.5, 0.1], [0.1, 0.3]]), np.array([[0.4]])]
    crossed = Design(labels, columns, [0, 1], [(0, [0, 1]), (1, [0])]).cells(rng.normal(size=2000))
    exact = part._forms(crossed, crossed.covariances(thetas), 1.0)[0]
    monkeypatch.setattr(part, "DENSE", -1)
    probed = part._forms(crossed, crossed.covariances(thetas), 1.0)[0]
    truth = components(thetas, 1.0)
    off = np.linalg.solve(probed, exact @ truth) - truth  # what the estimates are off on average
    assert (abs(off) < 0.15 * np.sqrt(2 * np.diag(np.linalg.inv(exact)))).all()
    assert (abs(probed - exact) > 1e-9 * abs(exact)).any()


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_means_and_predictions_are_those_of_all_rows(name: str, zero: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "SPARSE", 0 if zero else 1e9)
    case, thetas = design(name)
    if zero:
        thetas[0] = thetas[0] * 0
    y = np.random.default_rng(2).normal(size=len(case.columns))
    crossed = case.cells(y)
    V = sum(case.brought(thetas).values()) + 0.7 * np.eye(len(y))
    W, P, X = np.linalg.inv(V), projector(V, case.X), case.X
    beta, covariance = part._crossed_means(crossed, thetas, 0.7)
    np.testing.assert_allclose(beta, np.linalg.solve(X.T @ W @ X, X.T @ W @ y), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(covariance, np.linalg.inv(X.T @ W @ X), rtol=1e-7, atol=1e-9)
    found = part._crossed_effects(crossed, thetas, 0.7)
    for (factor, columns), theta, (k, place) in zip(case.blocks, thetas, crossed.places, strict=True):
        effects, errors = found[k][0][:, place], found[k][1][:, place[:, None], place]
        Z = [case.Z(factor, column) for column in columns]
        np.testing.assert_allclose(effects, np.array([z.T @ P @ y for z in Z]).T @ theta, rtol=1e-7, atol=1e-9)
        for level in range(len(effects)):
            own = np.array([z[:, level] for z in Z])
            np.testing.assert_allclose(errors[level], theta - theta @ own @ P @ own.T @ theta, rtol=1e-7, atol=1e-9)
    swept = part._MixedModel(crossed, crossed.covariances(thetas), 0.7).effects
    for one, (effects, _) in zip(swept, found, strict=True):
        np.testing.assert_allclose(one, effects, rtol=1e-6, atol=1e-8)


def reml(case: Design, y: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The maximum of the restricted likelihood over the components, from matrices of all rows."""
    derivatives = case.derivatives()

    def negative(theta: np.ndarray) -> float:
        V = sum(t * one for t, one in zip(theta, derivatives, strict=True))
        sign, size = np.linalg.slogdet(V)
        if sign <= 0 or np.linalg.eigvalsh(V)[0] <= 0:
            return np.inf
        W = np.linalg.inv(V)
        XWX = case.X.T @ W @ case.X
        return float(size + np.linalg.slogdet(XWX)[1] + y @ projector(V, case.X) @ y) / 2

    def gradient(theta: np.ndarray) -> np.ndarray:
        P = projector(sum(t * one for t, one in zip(theta, derivatives, strict=True)), case.X)
        return np.array([np.trace(P @ one) - y @ P @ one @ P @ y for one in derivatives]) / 2

    found = optimize.minimize(negative, start, jac=gradient, method="BFGS", options={"gtol": 1e-9})
    return found.x


@pytest.mark.parametrize("name", ["two factors", "slope", "three factors", "nested and crossed"])
def test_iterated_weights_solve_remls_equations(name: str) -> None:
    case, thetas = design(name, rows=120, seed=5)
    rng = np.random.default_rng(7)
    root = np.linalg.cholesky(sum(case.brought(thetas).values()) + 0.7 * np.eye(len(case.columns)))
    y = case.X @ [1.0, 2.0, -1.0] + root @ rng.normal(size=len(case.columns))
    found = part._crossed_solution(case.cells(y), [np.eye(len(t)) for t in thetas], 1.0, turns=100, near=0)
    np.testing.assert_allclose(found, reml(case, y, components(thetas, 0.7)), rtol=1e-5, atol=1e-6)


def test_iterated_weights_agree_with_statsmodels() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 12, 150), rng.integers(0, 8, 150)
    y = rng.normal(size=12)[a] + rng.normal(size=8)[b] + rng.normal(size=150)
    case = Design(np.array([a, b]), np.ones((150, 1)), [0], [(0, [0]), (1, [0])])
    found = part._crossed_solution(case.cells(y), [[[1.0]], [[1.0]]], 1.0, turns=100, near=0)
    frame = pd.DataFrame({"y": y, "a": a, "b": b, "one": 1})
    model = smf.mixedlm("y ~ 1", frame, groups="one", vc_formula={"a": "0 + C(a)", "b": "0 + C(b)"})
    theirs = model.fit(reml=True, method=["bfgs"], gtol=1e-9)
    np.testing.assert_allclose(found, [*theirs.vcomp, theirs.scale], rtol=1e-4)  # as far as their optimiser goes


@pytest.mark.parametrize("seed", range(30))
def test_iterations_settle_where_slopes_have_little_or_no_variance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = [np.unique(rng.integers(0, size, 200), return_inverse=True)[1] for size in (40, 10)]
    columns = np.column_stack([np.ones(200), rng.normal(size=200) + 1])
    y = rng.normal(size=200) + 0.5 * rng.normal(size=40)[labels[0]] + 0.3 * rng.normal(size=10)[labels[1]]
    crossed = Design(np.array(labels), columns, [0, 1], [(0, [0, 1]), (1, [0])]).cells(y)
    found = part._crossed_solution(crossed, [np.eye(2), [[1.0]]], 1.0, turns=100, near=0)
    matrix, right, _, _ = part._forms(crossed, *part._working(crossed, *part._by_block(crossed, found)))
    np.testing.assert_allclose(matrix @ found, right, rtol=1e-6, atol=1e-6 * abs(right).max())


@pytest.mark.parametrize("exact", [True, False])
def test_estimates_have_no_bias_and_their_covariance_is_right_on_average(
    exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Skewed effects and a skewed, sparse design; z-scores."""
    if not exact:
        monkeypatch.setattr(part, "DENSE", -1)
        monkeypatch.setattr(part, "PROBES", 8)
    rng = np.random.default_rng(11)
    labels = [
        np.unique(rng.choice(size, 900, p=rng.dirichlet(np.full(size, 2.0))), return_inverse=True)[1]
        for size in (150, 120)
    ]
    case = Design(np.array(labels), np.ones((900, 1)), [0], [(0, [0]), (1, [0])])
    truth = np.array([1.0, 0.5, 0.4, 1.0])
    estimates, covariances = [], []
    for _ in range(300 if exact else 120):
        y = 1.0 + rng.normal(size=900)
        for codes, variance in zip(labels, truth[1:3], strict=True):
            y += np.sqrt(variance) * (rng.exponential(size=codes.max() + 1) - 1)[codes]
        crossed = case.cells(y)
        thetas, residual = [truth[1:2, None], truth[2:3, None]], 1.0
        found = part._crossed_solution(crossed, thetas, residual)
        estimates.append([part._crossed_means(crossed, thetas, residual)[0][0], *found])
        covariances.append(part._crossed_covariance(crossed, thetas, residual))
    deviations = np.array(estimates) - truth
    z = deviations.mean(axis=0) / deviations.std(axis=0) * np.sqrt(len(deviations))
    assert abs(z).max() < 3.5
    products = deviations[:, :, None] * deviations[:, None, :] - np.array(covariances)
    z = products.mean(axis=0) / products.std(axis=0) * np.sqrt(len(products))
    z[0, 3] = z[3, 0] = 0.0  # rests on the third cumulant of the residual, which is left out; here that is 0 anyway
    assert abs(z).max() < 4


@pytest.mark.parametrize("dense", [2e10, -1])
def test_what_cannot_be_told_is_refused_and_the_rest_stands_at_the_boundary(
    dense: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "DENSE", dense)
    rng = np.random.default_rng(1)
    labels, y = np.array([rng.integers(0, 20, 300), np.zeros(300, dtype=int)]), rng.normal(size=300)
    case = Design(labels, np.ones((300, 1)), [0], [(0, [0]), (1, [0])])
    with pytest.raises(ValueError, match="do not separate the variance components"):
        part._crossed_solution(case.cells(y), [[[1.0]], [[1.0]]], 1.0)
    case.labels[1] = rng.integers(0, 15, 300)
    for thetas, residual in [([[[0.0]], [[0.0]]], 1.0), ([[[-0.1]], [[-0.1]]], 1.0), ([[[0.1]], [[0.1]]], -1.0)]:
        crossed = case.cells(y)
        found = part._crossed_solution(crossed, thetas, residual)
        covariance = part._crossed_covariance(crossed, thetas, residual)
        assert abs(found - [0, 0, 1]).max() < 0.3
        assert np.linalg.eigvalsh(covariance)[0] > 0
    constant = case.cells(np.zeros(300))
    np.testing.assert_array_equal(part._crossed_solution(constant, [[[0.0]], [[0.0]]], 0.0), 0)
    assert np.isfinite(part._crossed_covariance(constant, [[[0.0]], [[0.0]]], 0.0)).all()


def test_errors_of_predictions_without_the_dense_forms_are_close_and_not_too_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    labels = np.array([rng.integers(0, 100, 1500), rng.integers(0, 60, 1500)])
    columns = np.column_stack([np.ones(1500), rng.normal(size=1500)])
    crossed = Design(labels, columns, [0, 1], [(0, [0, 1]), (1, [0])]).cells(rng.normal(size=1500))
    thetas = [np.array([[0.5, 0.1], [0.1, 0.2]]), np.array([[0.3]])]
    exact = part._crossed_effects(crossed, thetas, 1.0)
    monkeypatch.setattr(part, "DENSE", -1)
    for (_, one), (_, two) in zip(part._crossed_effects(crossed, thetas, 1.0), exact, strict=True):
        ratio = np.einsum("lcc->lc", one) / np.einsum("lcc->lc", two)
        assert ratio.min() > 0.99
        assert ratio.max() < 1.2


@pytest.mark.parametrize(("law", "third"), [("exponential", 2.0), ("normal", 0.0)])
def test_the_third_cumulant_of_the_residual_ties_the_mean_to_the_residual_variance(law: str, third: float) -> None:
    """Cov(intercept, s_e^2) is kappa_3 (sum of the rows' weights in the intercept, 1)/n to first order."""
    random = np.random.default_rng(11)
    n = 8_000
    labels = np.stack([random.integers(0, 80, n), random.integers(0, 50, n)])
    residuals = random.exponential(size=n) if law == "exponential" else random.normal(size=n)
    y = random.normal(size=80)[labels[0]] + random.normal(size=50)[labels[1]] + residuals
    crossed = Design(labels, np.ones((n, 1)), [0], [(0, [0]), (1, [0])]).cells(y)
    assert crossed.sizes.max() > 3  # cells of several rows
    found = part._crossed_covariance(crossed, [np.eye(1), np.eye(1)], 1.0)
    assert n * found[0, -1] == pytest.approx(third, abs=0.6)
    assert found[-1, 0] == found[0, -1]
