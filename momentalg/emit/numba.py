"""The numba backend: the module of the NumPy backend, with the pass over the rows as compiled code.

For each table the pass keeps one record a level, of its size and all its sums, so that a row touches one place in
memory; shifts, functions and products are computed in registers, from columns of any width as they are. The rest of
the module is the same text. Compiling takes about a second when the pass is first used in a process, and a few tenths
of one for each further combination of types of columns; a module that is written to a file keeps the compiled code
beside it.
"""

from __future__ import annotations

from momentalg.emit.backend import Backend
from momentalg.emit.environment import render
from momentalg.emit.numba_context import context_of
from momentalg.emit.numpy import EstimatorModule
from momentalg.lower.ir import EstimatorIR

TEMPLATE = "numba/estimator.py.j2"


def generate(ir: EstimatorIR) -> EstimatorModule:
    """Generate the module of an estimator; numba is needed when it is loaded, and not before."""
    return EstimatorModule(render(TEMPLATE, context_of(ir)), ir, needs=("numba",))


BACKEND = Backend("numba", "a standalone module whose pass over the rows is compiled by numba", generate)
