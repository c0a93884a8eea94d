"""The numeric core of crossed designs against matrices of all rows, a direct maximisation of REML, and simulation."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import optimize

PART = Path(__file__).parents[2] / "templates" / "numpy" / "parts" / "crossed.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("crossed_part", PART)
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
def test_probes_give_the_same_forms_but_for_covariances_between_levels(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, thetas = design(name)
    thetas[-1] = thetas[-1] * 0
    crossed = case.cells(np.random.default_rng(2).normal(size=len(case.columns)))
    exact = part._forms(crossed, crossed.covariances(thetas), 0.7)
    monkeypatch.setattr(part, "DENSE", -1)
    monkeypatch.setattr(part, "PROBES", 400)
    probed = part._forms(crossed, crossed.covariances(thetas), 0.7)
    np.testing.assert_allclose(probed[1], exact[1], rtol=1e-6)
    scale = np.sqrt(np.outer(np.diag(exact[0]), np.diag(exact[0])))
    np.testing.assert_allclose(probed[0] / scale, exact[0] / scale, atol=0.05)
    for one, two in zip(probed[2], exact[2], strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)
    for one, two in zip(probed[3], exact[3], strict=True):
        np.testing.assert_allclose(one, two, atol=0.25 * abs(two).max())


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
    for (factor, columns), theta, (effects, errors) in zip(case.blocks, thetas, found, strict=True):
        Z = [case.Z(factor, column) for column in columns]
        np.testing.assert_allclose(effects, np.array([z.T @ P @ y for z in Z]).T @ theta, rtol=1e-7, atol=1e-9)
        for level in range(len(effects)):
            own = np.array([z[:, level] for z in Z])
            np.testing.assert_allclose(errors[level], theta - theta @ own @ P @ own.T @ theta, rtol=1e-7, atol=1e-9)
    swept = part._MixedModel(crossed, crossed.covariances(thetas), 0.7).effects
    for (factor, place), (effects, _) in zip(crossed.places, found, strict=True):
        np.testing.assert_allclose(swept[factor][:, place], effects, rtol=1e-6, atol=1e-8)


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
    found = part._crossed_solution(case.cells(y), [np.eye(len(t)) for t in thetas], 1.0, iterated=True)
    np.testing.assert_allclose(found, reml(case, y, components(thetas, 0.7)), rtol=1e-5, atol=1e-6)
