"""Estimators of any number of factors, slopes and codings: against exact arithmetic, and against dense matrices."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import momentalg as ma
from momentalg.emit.numpy import EstimatorModule, generate
from momentalg.errors import NotIdentifiedError
from momentalg.lower.estimator import lower
from tests.lower.systems import exact_estimates

DRUG = {"fixed": {"drug": ["p", "q", "r"]}}
SITE = {"residual_by": {"site": ["n", "s"]}}


@dataclass(frozen=True)
class Case:
    """A model with the statistics to estimate it by."""

    formula: str
    statistics: str | None = None
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.formula} {self.statistics or ''} {','.join(self.options)}"


CASES = [
    Case("y ~ 1 + (1 | a) + (1 | b)"),
    Case("y ~ 1 + (1 | a/b)"),
    Case("y ~ 1 + (1 | a/b/c)"),
    Case("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)"),
    Case("y ~ 1 + (1 | a) + (1 | b) + (1 | c) + (1 | a:b)"),
    Case("y ~ 1 + (1 | a) + (1 | b)", None, {"assume": [ma.nested("b", "a")]}),
    Case("y ~ 1 + x + (1 | a) + (1 | b)"),
    Case("y ~ 1 + x + (1 | a/b)"),
    Case("y ~ 1 + x + X + V + (1 | a) + (1 | b)", None, {"levels": {"X": "a", "V": "b"}}),
    Case("y ~ 1 + size(a) + x:size(b) + (1 | a) + (1 | b)"),
    Case("y ~ 1 + log(size(a)) + sqrt(x) + (1 | a) + (1 | b)"),
    Case("y ~ 1 + x + (1 + x | a)"),
    Case("y ~ 1 + x + (1 + x | a) + (1 | b)"),
    Case("y ~ 1 + x + (1 + x || a) + (1 | b)"),
    Case("y ~ 1 + x + (1 + x | a) + (0 + x | b)"),
    Case("y ~ 1 + x + z + (1 + x + z | a)"),
    Case("y ~ 1 + X + (1 + X | b) + (1 | a)", None, {"levels": {"X": "a"}}),
    Case("y ~ 1 + drug + x + (1 | a) + (1 | b)", None, DRUG),
    Case("y ~ 1 + drug * x + (1 + x | a)", None, DRUG),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", None, {"weights": "w"}),
    Case("y ~ 1 + x + (1 + x | a)", None, {"weights": "w"}),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", None, SITE),
    Case("y ~ 1 + drug + (1 + x | a)", None, {**SITE, **DRUG}),
    Case("y ~ 1 + (1 | a)", "minque0", SITE),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", None, {**SITE, "weights": "w"}),
    Case("y ~ 1 + (1 | a) + (1 | b)", "third_moments"),
    Case("y ~ 1 + (1 | a) + (1 | b)", "fourth_moments"),
    Case("y ~ 1 + (1 | a/b)", "fourth_moments"),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", "minque0"),
    Case("y ~ 1 + x + (1 + x | a) + (1 | b)", "minque0"),
    Case("y ~ 1 + x + (1 + x | a) + (1 + z | b)", "minque0"),
    Case("y ~ 1 + x + (1 | a)", "minque0", {"weights": "w"}),
    Case("y ~ 1 + x + (1 + x | a)", "perry"),
    Case("y ~ 1 + (1 | a) + (1 | b)", "gao_owen"),
    Case("y ~ 1 + x + (1 | a/b)", "type1"),
    Case("y ~ 1 + (1 | a) + (1 | b)", "henderson3"),
    Case("y ~ 1 + x + (1 | a) + (1 | b) + (1 | c)", "henderson3"),
    Case("y ~ 1 + x + z + (1 | a) + (1 | b)", "type2"),
    Case("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", "type2"),
    Case("y ~ 1 + x + (1 | a) + (0 + x | a) + (0 + x | b)", "henderson3"),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", "type2", {"weights": "w"}),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", "henderson3", {"weights": "w"}),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", "henderson3", SITE),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", "type1", {**SITE, "weights": "w"}),
    Case("y ~ 1 + (1 | a) + (1 | b) + (0 + x | a)", "henderson3", SITE),
    Case("y ~ 1 + (1 | a) + (1 | b)", "henderson1"),
    Case("y ~ 1 + (1 | a) + (1 | b)", "totals"),
    Case("y ~ 1 + (1 | a) + (1 | b)", "pairs"),
    Case("y ~ 1 + drug + (1 | a) + (1 | b)", "totals", DRUG),
]


@cache
def solution(case: Case) -> Any:
    means = "products" if case.statistics in ("totals", "pairs", "henderson1") else None
    return ma.Model(case.formula, **case.options).moment_equations(case.statistics, means=means).solve()


@cache
def module(case: Case) -> EstimatorModule:
    return generate(lower(solution(case)))


def table(rows: int, seed: int, offset: float = 0.0) -> dict[str, np.ndarray]:
    """Rows of an unbalanced design with empty, single and replicated cells; numbers are whole eighths."""
    random = np.random.default_rng(seed)
    a, b, c = random.integers(0, 5, rows), random.integers(0, 4, rows), random.integers(0, 3, rows)
    level = random.integers(1, 33, 5) / 4
    x = random.integers(1, 65, rows) / 8
    effects = random.integers(-8, 8, (3, 5))
    return {
        "a": np.array([f"a{v}" for v in a]),
        "b": b,
        "c": c + 7,
        "drug": np.array(["p", "q", "r"])[random.integers(0, 3, rows)],
        "site": np.array(["n", "s"])[random.integers(0, 2, rows)],
        "x": x,
        "z": random.integers(1, 33, rows) / 4,
        "X": level[a],
        "V": level[::-1][b] ** 2,
        "w": random.integers(1, 9, rows) / 2,
        "y": offset + effects[0][a] + effects[1][b] + x * effects[2][a] / 4 + random.integers(-40, 40, rows) / 8,
    }


def estimates(case: Case, columns: dict[str, np.ndarray]) -> dict[str, float]:
    loaded = module(case).load()
    found: dict[str, float] = loaded.solve(loaded.accumulate(columns))
    return found


def exactly(case: Case, columns: dict[str, np.ndarray]) -> dict[str, float]:
    """What reading the statistics literally gives."""
    model = solution(case).system.model
    labels = {name: columns[name].tolist() for name in model.columns}
    return exact_estimates(solution(case), labels, columns["y"], {k: columns[k] for k in "xzXVw"})


def agree(found: dict[str, float], expected: dict[str, float], tolerance: float = 1e-9) -> None:
    assert set(found) == set(expected)
    scale = max(map(abs, expected.values()))
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=tolerance, abs=tolerance * scale), key


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_estimates_are_those_of_exact_arithmetic(case, seed):
    columns = table(26, seed, offset=seed - 1.0)
    agree(estimates(case, columns), exactly(case, columns))


@pytest.mark.parametrize("case", [c for c in CASES if c.statistics in (None, "minque0")][::3], ids=str)
def test_a_response_far_from_zero_loses_no_digits(case):
    near, far = estimates(case, table(40, 5)), estimates(case, table(40, 5, offset=1e8))
    assert far.pop("Intercept") == pytest.approx(near.pop("Intercept") + 1e8, rel=1e-13)
    agree(far, near, 1e-8)


@pytest.mark.parametrize("statistics", ["within", "minque0"])
@pytest.mark.parametrize(
    "formula", ["y ~ 1 + x + (1 + x | a) + (1 | b)", "y ~ 1 + x + I(x**2) + (1 + x + I(x**2) | a)"]
)
def test_the_covariate_of_a_slope_far_from_zero_loses_no_digits(formula, statistics):
    """Effects are fitted with the covariate about its mean; their covariances are moved back, by exact algebra."""
    case, columns = Case(formula, statistics), table(40, 6)
    columns["x"] = 2000 + columns["x"]
    assert module(case).ir.rows[1].shifted
    found, exact = estimates(case, columns), exactly(case, columns)
    for key, value in exact.items():
        assert found[key] == pytest.approx(value, rel=1e-8), key


def test_a_slope_without_its_intercept_is_not_shifted():
    assert not module(Case("y ~ 1 + x + (0 + x | a) + (1 | b)")).ir.rows[1].shifted


@pytest.mark.parametrize("case", CASES, ids=str)
def test_any_parts_in_any_order_with_any_labels_give_the_same(case):
    loaded, columns = module(case).load(), table(60, 3)
    whole = loaded.solve(loaded.accumulate(columns))
    random = np.random.default_rng(4)
    order = random.permutation(60)
    cuts = np.sort(random.choice(np.arange(1, 60), 3, replace=False))
    parts = [{k: v[rows] for k, v in columns.items()} for rows in np.split(order, cuts)]
    sums = [loaded.accumulate(part) for part in parts]
    merged = loaded.combine(loaded.combine(sums[3], sums[1]), loaded.combine(sums[0], sums[2]))
    agree(loaded.solve(merged), whole)
    relabelled = {**columns, "b": np.array(["z", "k", "q", "a"])[columns["b"]], "c": -1.5 * columns["c"]}
    agree(loaded.solve(loaded.accumulate(relabelled)), whole)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_modules_test_themselves(case):
    module(case).load().self_test()


def test_normal_equations_of_too_many_levels_are_refused_with_the_alternative(monkeypatch):
    loaded = module(Case("y ~ 1 + (1 | a) + (1 | b)", "henderson3")).load()
    monkeypatch.setattr(loaded, "ABSORBED", 19)
    with pytest.raises(MemoryError, match=r"4 columns, of the levels of b, beside 5 of a .* statistics='within'"):
        loaded.solve(loaded.accumulate(table(40, 1)))


def test_traces_off_several_factors_may_be_taken_in_parts():
    """A million levels of an interaction do not fit beside the levels that are projected off."""
    case = Case("y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)", "type2")
    loaded, columns = module(case).load(), table(60, 2)
    source = module(case).source.replace("2**22 // max(self.weights.shape)", "3")
    parts = EstimatorModule(source, module(case).ir).load()
    assert parts.solve(parts.accumulate(columns)) == pytest.approx(loaded.solve(loaded.accumulate(columns)), rel=1e-12)


def test_a_cycle_of_levels_is_contracted_in_blocks_or_refused_by_name(monkeypatch):
    """Sum over the cells of a and b of the products of their totals: rows of the two meet in levels of c."""
    model = ma.Model("y ~ 1 + (1 | a) + (1 | b) + (1 | c)")
    total = partial(model.total, model.y)
    statistics = {
        "U": model.total(model.y**2) - ma.over("a", total(by="a") ** 2 / model.size("a")),
        "V": model.total(model.y**2) - ma.over("b", total(by="b") ** 2 / model.size("b")),
        "R": model.total(model.y**2) - total() ** 2 / model.size(),
        "T": ma.over("a:b", total(by="a") * total(by="b")),
        "G": total() ** 2,
    }
    solved = model.moment_equations(statistics).solve()
    generated, columns = generate(lower(solved)), table(60, 3)
    loaded = generated.load()
    loaded.self_test()
    expected = exact_estimates(solved, {name: columns[name].tolist() for name in "abc"}, columns["y"])
    for dense in (2**27, 25):
        monkeypatch.setattr(loaded, "DENSE", dense)
        agree(loaded.solve(loaded.accumulate(columns)), expected)
    monkeypatch.setattr(loaded, "DENSE", 11)
    with pytest.raises(
        MemoryError, match=r"sum over i of a, j of b, k of c of .* takes a table of more than 11 numbers"
    ):
        loaded.solve(loaded.accumulate(columns))


SMALL = [
    Case("y ~ 1 + (1 | a) + (1 | b)"),
    Case("y ~ 1 + x + (1 | a) + (1 | b)"),
    Case("y ~ 1 + x + (1 | a/b)"),
    Case("y ~ 1 + x + (1 + x | a)"),
    Case("y ~ 1 + x + (0 + x | a) + (1 | b)"),
    Case("y ~ 1 + (1 | a) + (1 | b)", "henderson3"),
    Case("y ~ 1 + x + (1 | a) + (1 | b)", "minque0"),
]


@pytest.mark.parametrize("case", SMALL, ids=str)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(-8, 8), st.integers(-3, 3)), min_size=5, max_size=14
    )
)
def test_any_small_design_agrees_or_is_refused_by_both(case, rows):
    """Levels may have one row, or no variation of the covariate; factors may be nested, or one and the same."""
    a, b, y, x = (np.array(values) for values in zip(*rows, strict=True))
    columns = {"a": a, "b": b, "y": y.astype(float), "x": x.astype(float)}
    labels = {name: columns[name].tolist() for name in solution(case).system.model.columns}
    loaded = module(case).load()
    try:
        exact = exact_estimates(solution(case), labels, columns["y"], {"x": columns["x"]})
    except NotIdentifiedError:
        with pytest.raises(ValueError, match=r"do not separate|do not identify"):
            loaded.solve(loaded.accumulate(columns))
        return
    agree(loaded.solve(loaded.accumulate(columns)), exact, 1e-7)


@pytest.mark.parametrize(
    ("case", "change"),
    [
        (Case("y ~ 1 + x + (1 + x | a)"), {"a": np.zeros(30)}),
        (Case("y ~ 1 + x + (1 + x | a)", "minque0"), {"a": np.zeros(30)}),
        (Case("y ~ 1 + x + (1 + x | a)"), {"x": np.repeat(np.arange(3.0), 10), "a": np.repeat(np.arange(3), 10)}),
        (Case("y ~ 1 + x + (1 | a) + (1 | b)", None, {"weights": "w"}), {"b": np.arange(30)}),
        (Case("y ~ 1 + drug + (1 + x | a)", None, {**SITE, **DRUG}), {"a": np.arange(30) // 2}),
        (Case("y ~ 1 + (1 | a) + (1 | b)", "type2"), {"b": np.arange(30)}),
        (Case("y ~ 1 + (1 | a) + (1 | b)"), {"b": np.zeros(30), "a": np.r_[0, np.ones(29)]}),  # 29**2 * (1 / 29) > 29
        (Case("y ~ 1 + (1 + x | a)", "minque0"), {"a": np.zeros(30)}),
    ],
    ids=str,
)
def test_what_is_rounding_is_no_information(case, change):
    """Constants that are zero in exact arithmetic are zero, however the rounding of their terms falls."""
    with pytest.raises(ValueError, match=r"do not separate|do not identify"):
        estimates(case, {**table(30, 2), **change})


def test_a_covariate_that_varies_within_its_factor_is_refused_within_and_across_parts():
    loaded = module(Case("y ~ 1 + x + X + V + (1 | a) + (1 | b)", None, {"levels": {"X": "a", "V": "b"}})).load()
    columns = table(40, 1)
    first, second = ({name: values[part] for name, values in columns.items()} for part in (slice(20), slice(20, 40)))
    loaded.combine(loaded.accumulate(first), loaded.accumulate(second))
    with pytest.raises(ValueError, match="'V' must be constant"):
        loaded.accumulate({**first, "V": np.arange(20.0)})
    with pytest.raises(ValueError, match=r"'X' must be constant on a level; at level a\d it is both"):
        loaded.combine(loaded.accumulate(first), loaded.accumulate({**second, "X": second["X"] + 1}))


# -- dense matrices ------------------------------------------------------------------------------------------------


def indicators(*labels: np.ndarray) -> np.ndarray:
    """A column of zeros and ones for each combination of labels that occurs."""
    codes = np.unique(np.array([np.unique(one, return_inverse=True)[1] for one in labels]), axis=1, return_inverse=True)
    return np.eye(codes[0].shape[1])[codes[1].reshape(-1)]


def left_by(columns: np.ndarray) -> np.ndarray:
    return np.eye(len(columns)) - columns @ np.linalg.pinv(columns)


def by_matrices(
    mean: np.ndarray, blocks: list[tuple[np.ndarray, list[np.ndarray]]], y: np.ndarray, family: str
) -> list[float]:
    """Components of all blocks, row by row of their covariances, and the residual variance, by forms and traces."""
    forms, covariances = [], []
    off_mean = left_by(mean)
    correlated = [b for b in blocks if len(b[1]) > 1]
    for z, covariates in blocks:
        for c, d in combinations_with_replacement(range(len(covariates)), 2):
            left, right = covariates[c][:, None] * z, covariates[d][:, None] * z
            kernel = (left @ right.T + right @ left.T) / 2
            covariances.append(kernel * (1 if c == d else 2))
            if family == "minque0" or len(covariates) > 1:
                forms.append(off_mean @ kernel @ off_mean)
            else:
                forms.append(left_by(np.hstack([mean, left])))
    if family == "within" and correlated:
        z, covariates = correlated[0]
        forms.append(left_by(np.hstack([mean, *(c[:, None] * z for c in covariates)])))
    else:
        forms.append(off_mean)
    covariances.append(np.eye(len(y)))
    matrix = [[np.trace(form @ v) for v in covariances] for form in forms]
    return list(np.linalg.solve(matrix, [y @ form @ y for form in forms]))


ONE = np.ones(50)


@pytest.mark.parametrize(
    ("formula", "mean", "blocks"),
    [
        ("y ~ 1 + (1 | a) + (1 | b)", [], [("a", []), ("b", [])]),
        ("y ~ 1 + x + (1 | a) + (1 | b) + (1 | a:b)", ["x"], [("a", []), ("b", []), ("ab", [])]),
        ("y ~ 1 + x + (1 | a/b/c)", ["x"], [("a", []), ("ab", []), ("abc", [])]),
        ("y ~ 1 + x + (1 + x | a) + (1 | b)", ["x"], [("a", ["x"]), ("b", [])]),
        ("y ~ 1 + x + z + (1 + x + z | a) + (1 + x | b)", ["x", "z"], [("a", ["x", "z"]), ("b", ["x"])]),
    ],
)
@pytest.mark.parametrize("family", ["within", "minque0"])
def test_estimates_are_those_of_dense_matrices(formula, mean, blocks, family):
    columns = table(50, 8)
    x = np.column_stack([ONE, *(columns[m] for m in mean)])
    built = [(indicators(*(columns[f] for f in factor)), [ONE, *(columns[c] for c in own)]) for factor, own in blocks]
    model = ma.Model(formula)
    found = model.fit(columns, statistics=family).params
    expected = by_matrices(x, built, columns["y"], family)
    components = [key for key in model.parameters if key not in ("Intercept", *mean)]
    assert found[components].tolist() == pytest.approx(expected, rel=1e-7, abs=1e-7)
    assert found[["Intercept", *mean]].tolist() == pytest.approx(np.linalg.lstsq(x, columns["y"], rcond=None)[0])
