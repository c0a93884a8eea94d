"""What all tests share: hypothesis profiles, the long tests, and engines that may be absent.

A test that needs an optional package says so, ``@pytest.mark.engine("polars")``. Where the package is absent the
test is skipped by that name, and the end of the run counts them. There is no other reason to skip.

A property test does not fix `max_examples`: the profile decides (make test, make test-long).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Generator

import pytest
from hypothesis import HealthCheck, settings

# NumPy reads this when it is imported, here and in the programs that tests start. Matrices are small: a second thread
# takes the core of another worker, and the whole more time of both (measured: two to three times).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

LONG = os.environ.get("MOMENTALG_LONG", "") not in ("", "0")

# The same examples every time in CI; new ones, and many, in the long run.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=30, database=None)
settings.register_profile(
    "long", deadline=None, max_examples=500, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("long" if LONG else "ci")

PACKAGES = {
    "arrow": "pyarrow",
    "dask": "distributed",
    "duckdb": "duckdb",
    "flint": "flint",
    "formulaic": "formulaic",
    "ipython": "IPython",
    "matplotlib": "matplotlib",
    "numba": "numba",
    "polars": "polars",
    "sklearn": "sklearn",
    "spark": "pyspark",
    "sqlglot": "sqlglot",
    "statsmodels": "statsmodels",
    "typst": "typst",
}
PROGRAMS = {"latexmk": "latexmk", "lme4": "Rscript", "spark": "java"}
COLUMNS = 100  # of the terminal, for everything that prints as wide as it
ABSENT = "engine absent: "


def is_present(engine: str) -> bool:
    """Whether the package and the program called `engine` here can be used, without importing it."""
    if engine in PACKAGES and importlib.util.find_spec(PACKAGES[engine]) is None:
        return False
    return engine not in PROGRAMS or shutil.which(PROGRAMS[engine]) is not None


@pytest.fixture(scope="session", autouse=True)
def terminal() -> Generator[None]:
    """Set one width for all: that of the terminal in which the tests run must not change what they see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(COLUMNS))
        yield


def forget() -> None:
    """Forget what functions of the package remember."""
    for name, module in list(sys.modules.items()):
        if name.startswith("momentalg."):
            for thing in list(vars(module).values()):
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[[object, str, object], None]]:
    """Plant a mistake in the package for one test; what was remembered before it, and with it, is forgotten."""

    def planted(module: object, name: str, mistake: object) -> None:
        monkeypatch.setattr(module, name, mistake)
        forget()

    yield planted
    forget()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests unless asked; mark the tests of absent engines as skipped."""
    if not LONG:
        long = [item for item in items if item.get_closest_marker("long")]
        if long:
            items[:] = [item for item in items if not item.get_closest_marker("long")]
            config.hook.pytest_deselected(items=long)
    for item in items:
        for mark in item.iter_markers("engine"):
            (engine,) = mark.args
            if engine not in PACKAGES and engine not in PROGRAMS:
                raise pytest.UsageError(f"{item.nodeid}: no engine is called {engine!r}; name it in tests/conftest.py")
            if not is_present(engine):
                item.add_marker(pytest.mark.skip(reason=ABSENT + engine))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Count the skipped tests of each absent engine, after everything else that is summarised."""
    yield
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])]
    counts = Counter(reason.split(ABSENT)[1] for reason in reasons if ABSENT in reason)
    terminalreporter.section("engines")
    for engine, count in sorted(counts.items()):
        terminalreporter.write_line(f"{engine} is absent: {count} test{'s' * (count > 1)} skipped")
    terminalreporter.write_line(f"{len(counts)} engines absent, {counts.total()} tests skipped for them")
    others = len(reasons) - counts.total()
    if others:
        terminalreporter.write_line(f"{others} tests skipped for another reason: see the summary above")
