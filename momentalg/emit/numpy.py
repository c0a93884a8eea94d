"""The NumPy backend: an `EstimatorIR` becomes a standalone module that imports NumPy and the standard library.

The module is data until it is asked for: `source` is its text, `write` puts it in a file at once or not at all, and
`load` imports it from a temporary file as any module is imported. Nothing is ever passed to exec.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import ModuleType

from momentalg.emit.backend import Backend
from momentalg.emit.environment import render
from momentalg.emit.numpy_context import context_of
from momentalg.emit.writing import write_whole
from momentalg.errors import UnsupportedError
from momentalg.lower.ir import EstimatorIR

TEMPLATE = "numpy/estimator.py.j2"
_LOADING = Lock()  # threads that ask for one module wait for it


@dataclass(frozen=True, repr=False)
class EstimatorModule:
    """A generated estimator: its text, and the representation it was made from.

    `needs` are the packages beside NumPy that it imports, each of an extra of the same name.
    """

    source: str
    ir: EstimatorIR
    needs: tuple[str, ...] = ()

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the module to `path`, whole or not at all, and return the path."""
        return write_whole(path, self.source)

    def __repr__(self) -> str:
        return f"<EstimatorModule: {self.source.count(chr(10))} lines of Python; .source, .write(path), .load()>"

    def load(self) -> ModuleType:
        """Import the module; the same object for the same text. Raises `UnsupportedError` where a package is absent."""
        for package in self.needs:
            if importlib.util.find_spec(package) is None:
                raise UnsupportedError(f"this module needs {package}: pip install 'momentalg[{package}]'")
        return self._loaded

    @cached_property
    def _loaded(self) -> ModuleType:
        name = f"momentalg_estimator_{sha256(self.source.encode()).hexdigest()[:16]}"
        with _LOADING:
            if name in sys.modules:  # what is compiled for it is not compiled again
                return sys.modules[name]
            with tempfile.TemporaryDirectory(prefix="momentalg-") as folder:
                path = self.write(Path(folder) / f"{name}.py")
                spec = importlib.util.spec_from_file_location(name, path)
                if spec is None or spec.loader is None:
                    raise ImportError(f"cannot import {path}")
                module = importlib.util.module_from_spec(spec)
                sys.modules[name] = module  # picklable functions, for process pools
                try:
                    spec.loader.exec_module(module)
                except BaseException:
                    del sys.modules[name]
                    raise
        return module


def generate(ir: EstimatorIR) -> EstimatorModule:
    """Generate the module of an estimator."""
    return EstimatorModule(render(TEMPLATE, context_of(ir)), ir)


BACKEND = Backend("numpy", "a standalone module that imports NumPy and the standard library", generate)
