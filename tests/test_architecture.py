"""The layers of momentalg, kept true: imports are read from the source, and nothing is run.

The order of the layers, the methods that may reach forward, the doors to SymPy and the long modules are listed
here, each with its reason. A list that no longer matches the source fails as well.
"""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from momentalg import pipeline
from tests.imports import PACKAGE, ROOT, Import, functions, imports, sources

LAYERS = (
    "errors catalogue datasets expr model statistics cumulants rules derive moments lower data emit inference check "
    "pipeline cli demo __main__"
).split()

# Public methods that hand over to a later layer, which they import inside their body.
DELEGATES = {
    "momentalg/derive/derivation.py": {"Derivation.evaluate"},
    "momentalg/model/model.py": {
        "Model._derive",  # behind mean, var, cov and cumulant
        "Model.check",
        "Model.derived_weights",
        "Model.fit",
        "Model.identified",
        "Model.load_sums",
        "Model.moment_equations",
        "Model.plan",
        "Model.pooling",
        "Model.report",
        "Model.size_effect",
        "Model.sizes",
        "Model.sums",
        "Model.with_levels",
    },
    "momentalg/inference/resampling/responses.py": {"_responses", "_rows"},  # the simulator of model.check
    "momentalg/moments/system.py": {"MomentSystem.coefficients", "MomentSystem.estimator"},
    "momentalg/statistics/family.py": {"StatisticFamily.cost"},
}

# The only modules and folders that may import SymPy; a folder ends with a slash.
SYMPY_DOORS = {
    "momentalg/model/distributions/": "moments of a law with a free parameter",
    "momentalg/expr/sympy_door.py": "results and model.parameter: the symbol of a key",
}

# Modules of more than 300 lines, and why they are not split.
LONG_MODULES = {
    "momentalg/expr/nodes.py": "the whole node language in one place; two thirds are declarations",
    "momentalg/model/model.py": "all that a model offers on one page; half of it methods that hand over in a line",
}

HEAVY = (
    "pandas numpy matplotlib narwhals jinja2 click rich polars scipy duckdb pyarrow dask pyspark numba sqlglot".split()
)
FORBIDDEN_CALLS = {"eval", "exec", "compile", "sympify", "parse_expr", "simplify", "nsimplify", "__import__"}
INDEPENDENT_ROAD = {"cumulants", "rules", "derive"}  # what check/ must not know

# Modules of check/ that test a finished estimator from outside, and so may use what the engine made.
CHECKS_OF_THE_WHOLE: set[str] = set()

SOURCES = sources()
IMPORTS = [found for module, tree in SOURCES.items() for found in imports(module, tree)]


def layer(path: str) -> str:
    """The layer of a module, momentalg/expr/nodes.py or momentalg.expr.nodes."""
    return path.removesuffix(".py").replace("/", ".").split(".")[1]


def is_ours(found: Import) -> bool:
    return found.target.startswith("momentalg.") and found.module != "momentalg/__init__.py"


def reaches_forward(found: Import) -> bool:
    return LAYERS.index(layer(found.target)) > LAYERS.index(layer(found.module))


def files_of(target: str) -> set[str]:
    """The modules that importing `target` runs: the module itself and the packages around it, `momentalg` apart."""
    parts = target.split(".")
    paths = ["/".join(parts[:n]) for n in range(2, len(parts) + 1)]
    return {name for path in paths for name in (f"{path}.py", f"{path}/__init__.py") if name in SOURCES}


def test_every_module_belongs_to_a_layer():
    assert {layer(module) for module in SOURCES} - {"__init__"} <= set(LAYERS)


def test_nothing_imports_the_package_as_a_whole():
    """`from momentalg import X` would go through the public names, which are exempt from the order."""
    inner = {name for name in LAYERS if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()}
    through = [f for f in IMPORTS if is_ours(f) and layer(f.target) not in inner]
    outer = {"momentalg/cli/program.py", "momentalg/demo.py", "momentalg/__main__.py"}  # they use what a user uses
    bare = [f for f in IMPORTS if f.target == "momentalg" and f.module not in outer]
    assert [str(f) for f in through if f.module not in outer] == []
    assert [str(f) for f in bare] == []


def test_imports_at_module_level_go_to_earlier_layers():
    forward = [f for f in IMPORTS if is_ours(f) and layer(f.target) in LAYERS and reaches_forward(f)]
    wrong = [str(f) for f in forward if not f.function and not f.typing_only]
    assert wrong == []


def test_only_the_listed_methods_reach_forward():
    found: dict[str, set[str]] = {}
    for f in IMPORTS:
        if is_ours(f) and layer(f.target) in LAYERS and reaches_forward(f) and f.function:
            found.setdefault(f.module, set()).add(f.function)
    assert found == DELEGATES


def test_types_of_later_layers_are_named_only_where_a_method_hands_over():
    wrong = [
        str(f)
        for f in IMPORTS
        if is_ours(f)
        and f.typing_only
        and layer(f.target) in LAYERS
        and reaches_forward(f)
        and f.module not in DELEGATES
    ]
    assert wrong == []


def test_a_method_that_hands_over_only_hands_over():
    for module, names in DELEGATES.items():
        for name in names:
            body = functions(SOURCES[module])[name].body
            statements = [s for s in body if not isinstance(s, (ast.Import, ast.ImportFrom))]
            if isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant):
                statements = statements[1:]
            assert len(statements) <= 2, f"{module}: {name} does more than hand over"
            assert isinstance(statements[-1], ast.Return), f"{module}: {name} returns nothing"


def test_check_is_an_independent_road():
    inside = [f for f in IMPORTS if layer(f.module) == "check" and is_ours(f)]
    assert [str(f) for f in inside if layer(f.target) in INDEPENDENT_ROAD] == []


def test_the_oracles_reach_the_engine_by_no_detour():
    """Whatever an oracle imports, directly or through others, is free of cumulants, rules and derive."""
    for oracle in (m for m in SOURCES if layer(m) == "check" and m not in CHECKS_OF_THE_WHOLE):
        reached, queue = {oracle}, [oracle]
        while queue:
            module = queue.pop()
            handing_over = DELEGATES.get(module, set())
            used = {f.target for f in IMPORTS if f.module == module and is_ours(f) and f.function not in handing_over}
            new = {name for target in used for name in files_of(target)} - reached
            reached |= new
            queue += new
        assert {m for m in reached if layer(m) in INDEPENDENT_ROAD} == set(), f"reached from {oracle}"


def test_sympy_is_reached_through_its_doors_only():
    importers = {f.module for f in IMPORTS if f.target.split(".")[0] == "sympy" and not f.typing_only}
    assert {m for m in importers if not m.startswith(tuple(SYMPY_DOORS))} == set()
    assert {door for door in SYMPY_DOORS if not any(m.startswith(door) for m in importers)} == set(), "not used"


def test_only_emit_imports_jinja():
    assert {layer(f.module) for f in IMPORTS if f.target.split(".")[0] == "jinja2"} <= {"emit"}


def test_lower_knows_neither_numpy_nor_jinja():
    wrong = [str(f) for f in IMPORTS if layer(f.module) == "lower" and f.target.split(".")[0] in ("numpy", "jinja2")]
    assert wrong == []


def test_nothing_evaluates_text_or_simplifies_blindly():
    """User text never becomes code, and the engine never needs `simplify`; `re.compile` is not `compile`."""
    wrong = []
    for module, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called != "re.compile" and called.split(".")[-1] in FORBIDDEN_CALLS:
                    wrong.append(f"{module}:{node.lineno} calls {called}")
    wrong += [str(f) for f in IMPORTS if f.target.split(".")[-1] in FORBIDDEN_CALLS]
    assert wrong == []


@pytest.mark.parametrize("module", SOURCES)
def test_every_module_says_what_it_is(module):
    docstring = ast.get_docstring(SOURCES[module]) or ""
    assert len(docstring.split()) >= 3, f"{module} needs a docstring that says what it is for"


def test_long_modules_have_a_reason():
    lengths = {m: len((ROOT / m).read_text(encoding="utf-8").splitlines()) for m in SOURCES}
    assert {m for m, n in lengths.items() if n > 300} == set(LONG_MODULES)


def test_the_pipeline_names_every_layer_in_order():
    words = pipeline.__doc__.split("The layers, in the order")[1].replace(",", " ").replace(".", " ").split()
    named = [word for word in words if word in LAYERS]
    expected = [name for name in LAYERS if name not in ("datasets", "demo", "__main__")]
    assert named[: len(expected)] == expected


def test_a_plain_import_loads_nothing_heavy():
    code = "import sys, momentalg; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) & set(HEAVY) == set()
