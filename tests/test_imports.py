"""The reader of imports, on which the architecture test stands, sees every kind of import."""

from __future__ import annotations

import ast

from tests.imports import functions, imports

EXAMPLE = """
import numpy as np
from momentalg.expr import nodes
if TYPE_CHECKING:
    import pandas
else:
    import polars
class Model:
    import inner
    def fit(self):
        from momentalg.inference.fit import fit
        def deeper():
            return discover("momentalg.rules", "RULE")
        return importlib.import_module(name)
"""


def test_imports_with_their_place():
    found = [(f.target, f.function, f.typing_only) for f in imports("momentalg/x.py", ast.parse(EXAMPLE))]
    assert found == [
        ("numpy", "", False),
        ("momentalg.expr.nodes", "", False),
        ("pandas", "", True),
        ("polars", "", False),
        ("inner", "", False),
        ("momentalg.inference.fit.fit", "Model.fit", False),
        ("momentalg.rules", "Model.fit.deeper", False),
    ]


def test_functions_by_dotted_name():
    assert list(functions(ast.parse(EXAMPLE))) == ["Model.fit", "Model.fit.deeper"]
