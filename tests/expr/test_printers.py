"""What the printers write: examples by hand, arithmetic read back, and user names that cannot break out."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction as F
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import momentalg as ma
from momentalg.errors import MomentalgError
from momentalg.expr import nodes
from momentalg.expr.columns import same_level
from momentalg.expr.latex import latex, latex_aligned
from momentalg.expr.mathml import mathml, mathml_aligned
from momentalg.expr.nodes import (
    DESIGN,
    OBSERVATIONS,
    Add,
    Average,
    Cov,
    Cumulant,
    Delta,
    E,
    Effect,
    Function,
    Hat,
    Indicator,
    Letter,
    LevelColumns,
    Levels,
    LevelSum,
    Mul,
    Node,
    Noise,
    Number,
    Over,
    Parameter,
    Pow,
    Projected,
    Response,
    Size,
    Sum,
    Total,
    Trace,
    Value,
    Var,
    Variable,
    over,
)
from momentalg.expr.notation import Notation
from momentalg.expr.text import text
from momentalg.expr.traversal import walk
from momentalg.model.resolved import ResolvedModel
from tests.expr.models import COVARIATES, CROSSED, ONE_WAY, SIZED, SLOPE, USER, N, S, T, X_i, Y, column, group, x, x_j
from tests.expr.test_escape import NASTY, balanced

MU, VA, VE = Parameter("Intercept"), Parameter("var(1|user)"), Parameter("var(residual)")
N_i = Size(USER, ("i",))
N2 = LevelSum((("user", "i"),), N_i**2)

EXAMPLES: list[tuple[ResolvedModel, Node, str, str]] = [
    (
        ONE_WAY,
        E(N**2) * VA + E(N) * VE + MU**2 * Var(N),
        "E[N^2] var(1|user) + E[N] var(residual) + Intercept^2 Var(N)",
        (
            r"\operatorname{E}[N^{2}] \, \sigma_{\alpha}^{2} + \operatorname{E}[N] \, \sigma_{\varepsilon}^{2}"
            r" + \mu^{2} \operatorname{Var}(N)"
        ),
    ),
    (ONE_WAY, Var(S, (N,)), "Var(S | N)", r"\operatorname{Var}(S \mid N)"),
    (
        ONE_WAY,
        Cov(S, S.at("k"), (DESIGN,)),
        "Cov(S, S_k | design)",
        r"\operatorname{Cov}(S, S_{k} \mid \mathrm{design})",
    ),
    (ONE_WAY, Cumulant((S, S, S)), "kappa_3(S)", r"\kappa_{3}(S)"),
    (ONE_WAY, Cumulant((S, T, N)), "kappa(S, T, N)", r"\kappa(S, T, N)"),
    (ONE_WAY, S**2 / N, "S^2/N", r"\frac{S^{2}}{N}"),
    (ONE_WAY, -((S - N * MU) ** 2) / (2 * N), "-(S - N Intercept)^2/(2 N)", r"-\frac{(S - N \mu)^{2}}{2 N}"),
    (ONE_WAY, VA**2 / 2, "var(1|user)^2/2", r"\frac{1}{2} \sigma_{\alpha}^{4}"),
    (ONE_WAY, Hat(VA) ** 2, "hat(var(1|user))^2", r"\hat{\sigma}_{\alpha}^{4}"),
    (ONE_WAY, Hat(MU * VA), "hat(Intercept var(1|user))", r"\widehat{\mu \sigma_{\alpha}^{2}}"),
    (ONE_WAY, Parameter("Intercept**2"), "Intercept^2", r"\mu^{2}"),
    (
        ONE_WAY,
        Total(Y**2, ()) - Over(USER, S**2 / N),
        "T_all - sum_i S_i^2/N_i",
        r"T_{\bullet} - \sum_{i} \frac{S_{i}^{2}}{N_{i}}",
    ),
    (
        ONE_WAY,
        Over(None, (Y - S / N) ** 4),
        "sum_{i,j} (Y_ij - S_i/N_i)^4",
        r"\sum_{i,j} \left(Y_{i j} - \frac{S_{i}}{N_{i}}\right)^{4}",
    ),
    (
        ONE_WAY,
        Over(USER, S * Over(USER, S)),
        "sum_i S_i sum_k S_k",
        r"\sum_{i} S_{i} \sum_{k} S_{k}",
    ),
    (
        ONE_WAY,
        Sum("j", Sum("k", Delta("j", "k") * VE + VA, USER), USER),
        "sum_{j=1..N} sum_{k=1..N} (delta_jk var(residual) + var(1|user))",
        r"\sum_{j=1}^{N} \sum_{k=1}^{N} (\delta_{j k} \sigma_{\varepsilon}^{2} + \sigma_{\alpha}^{2})",
    ),
    (ONE_WAY, Sum("j", Response("j"), USER, ("k",)), "sum_{j=1..N_k} Y_kj", r"\sum_{j=1}^{N_{k}} Y_{k j}"),
    (ONE_WAY, Size(()) - N2 / Size(()), "n - (sum_i N_i^2)/n", r"n - \frac{1}{n} \sum_{i} N_{i}^{2}"),
    (ONE_WAY, N2 * VA, "(sum_i N_i^2) var(1|user)", r"\left(\sum_{i} N_{i}^{2}\right) \, \sigma_{\alpha}^{2}"),
    (
        ONE_WAY,
        (Letter("SSA") - (Levels(USER) - 1) * Hat(VE)) / Size(()),
        "(SSA - (r - 1) hat(var(residual)))/n",
        r"\frac{\mathrm{SSA} - (r - 1) \, \hat{\sigma}_{\varepsilon}^{2}}{n}",
    ),
    (
        ONE_WAY,
        Average(N) * Average(N**2),
        "mean(N) mean(N^2)",
        r"\overline{N} \, \overline{N^{2}}",
    ),
    (COVARIATES, Function("log", x_j) * 2, "2 log(x_j)", r"2 \operatorname{log}(x_{j})"),
    (ONE_WAY, Average(N**2), "mean(N^2)", r"\overline{N^{2}}"),
    (ONE_WAY, Average(N**2 - N), "(sum_i (N_i^2 - N_i))/r", r"\frac{1}{r} \sum_{i} (N_{i}^{2} - N_{i})"),
    (
        SIZED,
        MU * E(N) + Parameter("size(user)") * E(N**2),
        "Intercept E[N] + beta(size(user)) E[N^2]",
        r"c_{1} \operatorname{E}[N] + c_{2} \operatorname{E}[N^{2}]",
    ),
    (
        COVARIATES,
        Parameter("X") * E(N * X_i) + Parameter("x") * E(Total(x_j, USER)),
        "beta(X) E[N X] + beta(x) E[S_x]",
        r"\beta_{1} \operatorname{E}[N X] + \beta_{2} \operatorname{E}[S_{x}]",
    ),
    (
        COVARIATES,
        Total(x_j * Y, ()) - Total(x_j**2, USER) * Total(x_j * X_i, USER),
        "sum_{i,j} x_ij Y_ij - S[x^2] S_xX",
        r"\sum_{i,j} x_{i j} Y_{i j} - S_{x^{2}} S_{x X}",
    ),
    (COVARIATES, Total(x_j, ()) * Total(x_j**2, ()), "S_all[x] S_all[x^2]", r"S_{x,\bullet} S_{x^{2},\bullet}"),
    (COVARIATES, Over(USER, X_i * S), "sum_i X_i S_i", r"\sum_{i} X_{i} S_{i}"),
    (
        COVARIATES,
        Projected(((), ((x, 1),), LevelColumns(USER))),
        "RSS(1, x, user)",
        r"\operatorname{RSS}(1, x, \mathrm{user})",
    ),
    (
        COVARIATES,
        Projected(((), ((x, 1),)), same_level(USER)),
        "y' P[1, x] Z[alpha] Z[alpha]' P[1, x] y",
        r"\mathbf{y}' \mathbf{P}_{1,x} \mathbf{Z}_{\alpha} \mathbf{Z}_{\alpha}' \mathbf{P}_{1,x} \mathbf{y}",
    ),
    (
        COVARIATES,
        Trace(((),), None, same_level(USER)),
        "tr(P_1 Z[alpha] Z[alpha]')",
        r"\operatorname{tr}(\mathbf{P}_{1} \mathbf{Z}_{\alpha} \mathbf{Z}_{\alpha}')",
    ),
    (SLOPE, Parameter("cov(1,x|user)"), "cov(1,x|user)", r"\sigma_{\alpha,x}"),
    (SLOPE, Parameter("var(x|user)"), "var(x|user)", r"\sigma_{\alpha,x x}"),
    (SLOPE, Parameter("k3(1|user)"), "k3(1|user)", r"\kappa_{3,\alpha}"),
    (SLOPE, Effect(USER) + Effect(USER, "x") * Value(x), "alpha + alpha_x x_j", r"\alpha + \alpha_{x} x_{j}"),
    (
        CROSSED,
        Over(("a",), Total(Y, ("a",)) ** 2 / Size(("a",))),
        "sum_i S_i.^2/N_i",
        r"\sum_{i} \frac{S_{i \bullet}^{2}}{N_{i}}",
    ),
    (
        CROSSED,
        Y - Effect(("b",)) - Effect(("a", "b")),
        "Y_ijt - beta_j - (alpha beta)_ij",
        r"Y_{i j t} - \beta_{j} - (\alpha \beta)_{i j}",
    ),
]


@pytest.mark.parametrize(("model", "node", "plain", "tex"), EXAMPLES, ids=[e[2] for e in EXAMPLES])
def test_examples(model: ResolvedModel, node: Node, plain: str, tex: str) -> None:
    notation = Notation.of(model)
    assert text(node, notation) == plain
    assert latex(node, notation) == tex


def test_several_units_are_subscripted() -> None:
    notation = Notation.of(ONE_WAY, units=2)
    assert latex(S * S.at("k") + Y, notation) == "S_{i} S_{k} + Y_{i j}"
    assert latex(S * over("user", S), notation) == r"S_{i} \sum_{k} S_{k}"


def test_without_a_model_the_expression_names_its_own_symbols() -> None:
    law = Var(E(Letter("W"), (Letter("U"),))) + E(Var(Letter("W"), (Letter("U"),)))
    assert text(law) == "Var(E[W | U]) + E[Var(W | U)]"
    assert latex(Letter("N")) == "N"
    assert text(Letter("N") * N) == "`N` N"  # a letter keeps clear of what the expression uses


def test_every_kind_of_node_prints() -> None:
    body = Size(USER)
    samples: dict[str, Node] = {type(part).__name__: part for e in EXAMPLES for part in walk(e[1])}
    more = [Number(F(1, 2)), Noise("j"), OBSERVATIONS, Function("nonempty", body), Levels(USER), Delta("j", "k")]
    more.append(Indicator(Value(Variable("column", "drug")), "b"))
    samples.update({type(node).__name__: node for node in more})
    kinds = {name for name, kind in vars(nodes).items() if isinstance(kind, type) and issubclass(kind, Node)}
    assert kinds - set(samples) <= {"Node", "_Levelled"}
    for node in samples.values():
        for show in (text, latex, mathml):
            assert show(node)


def test_unknown_nodes_are_named() -> None:
    @dataclass(frozen=True)
    class Strange(Node):
        pass

    with pytest.raises(MomentalgError, match="Strange"):
        latex(Strange(), Notation.of(ONE_WAY))


# -- arithmetic, read back ------------------------------------------------------------------------------------------

VALUES = {letter: F(p, q) for letter, p, q in [("a", 2, 3), ("b", -5, 7), ("c", 11, 2), ("d", 3, 1)]}
numbers = st.builds(F, st.integers(-4, 4), st.integers(1, 4)).map(Number)
arithmetic = st.recursive(
    st.one_of(st.sampled_from([Letter(name) for name in VALUES]), numbers),
    lambda below: st.one_of(
        st.lists(below, min_size=2, max_size=3).map(lambda args: Add(tuple(args))),
        st.lists(below, min_size=2, max_size=3).map(lambda args: Mul(tuple(args))),
        st.builds(Pow, below, st.sampled_from([-2, -1, 2, 3])),
        st.builds(lambda a, b: a - b, below, below),
    ),
    max_leaves=12,
)


def evaluate(node: Node) -> F:
    """The value of arithmetic over the letters, by the meaning of its nodes."""
    match node:
        case Letter(name):
            return VALUES[name]
        case Number(value):
            return value
        case Add(args):
            return sum((evaluate(a) for a in args), F(0))
        case Mul(args):
            product = F(1)
            for a in args:
                product *= evaluate(a)
            return product
        case Pow(base, exponent):
            return evaluate(base) ** exponent
    raise AssertionError(node)


class Reader:
    """Reads printed arithmetic as a person would: juxtaposition is a product, a/b c never occurs."""

    def __init__(self, code: str) -> None:
        code = re.sub(r"\\left|\\right|\\,|\\cdot", " ", code)
        self.tokens = re.findall(r"\\frac|[a-d]|\d+|[-+/^(){}]", code)
        assert "".join(self.tokens) == re.sub(r"\s", "", code), code

    def next(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, expected: str = "") -> str:
        token = self.tokens.pop(0)
        assert expected in ("", token)
        return token

    def sum(self) -> F:
        total = -self.product() if self.next() == "-" and self.take() else self.product()
        while self.next() in ("+", "-"):
            total += self.product() if self.take() == "+" else -self.product()
        return total

    def product(self) -> F:
        value = self.power()
        while self.next() and self.next() not in "+-/)}":
            value *= self.power()
        if self.next() == "/":
            self.take()
            value /= self.power()
            assert self.next() in ("", "+", "-", ")", "}")
        return value

    def power(self) -> F:
        base = self.base()
        if self.next() != "^":
            return base
        self.take()
        if self.next() != "{":
            return base ** int(self.take())
        exponent = int(self.tokens[1])
        self.tokens = self.tokens[3:]
        return base**exponent

    def group(self, left: str, right: str) -> F:
        self.take(left)
        value = self.sum()
        self.take(right)
        return value

    def base(self) -> F:
        if self.next() == "(":
            return self.group("(", ")")
        token = self.take()
        if token == r"\frac":
            above = self.group("{", "}")
            return above / self.group("{", "}")
        return VALUES[token] if token in VALUES else F(int(token))


@given(arithmetic)
def test_printed_arithmetic_means_what_the_nodes_mean(node: Node) -> None:
    try:
        value = evaluate(node)
    except ZeroDivisionError:
        assume(False)
    for code in (text(node), latex(node)):
        reader = Reader(code)
        assert reader.sum() == value
        assert reader.tokens == []


@given(arithmetic)
def test_no_doubled_signs_or_parentheses(node: Node) -> None:
    for code in (text(node), latex(node)):
        assert not re.search(r"[-+] *[-+]|\(\(([^()]*)\)\)", code)


# -- names are data -------------------------------------------------------------------------------------------------


@given(NASTY.filter(bool), NASTY.filter(bool), NASTY.filter(bool))
def test_names_never_break_out(covariate: str, factor: str, label: str) -> None:
    variable = Variable("column", covariate)
    model = ResolvedModel(
        "y", (column("Intercept"), column("slope", variable)), (group((factor,)),), symbols={factor: label}
    )
    node = (
        Value(variable) * Total(Value(variable) ** 2, (factor,)) / Size((factor,), (label,))
        + Parameter(f"k3(1|{model.groups[0].name})")
        + Projected(((), ((variable, 1),), LevelColumns((factor,))))
        + Hat(Letter(label))
        + Levels((factor,))
    )
    for notation in (Notation.of(model), None):
        code = latex(node, notation)
        assert code.isascii()
        assert code.isprintable()
        assert balanced(code)
        assert not re.search(r"(?<!\\)[$#%&]", code.replace("\\\\", ""))
        element = ET.fromstring(mathml(node, notation))
        assert {e.tag.split("}")[1] for e in element.iter()} <= ALLOWED
        assert element[0][-1].text == code
        assert text(node, notation).isprintable()


ALLOWED = set(
    "math semantics annotation mrow mi mn mo mtext msub msup msubsup mfrac mover munder munderover mspace".split()
)
ALLOWED |= {"mtable", "mtr", "mtd"}


@pytest.mark.parametrize(("model", "node"), [e[:2] for e in EXAMPLES], ids=[e[2] for e in EXAMPLES])
def test_mathml_is_core_with_the_latex_beside_it(model: ResolvedModel, node: Node) -> None:
    notation = Notation.of(model)
    element = ET.fromstring(mathml(node, notation, display="block"))
    assert element.get("display") == "block"
    assert {e.tag.split("}")[1] for e in element.iter()} <= ALLOWED
    for e in element.iter():  # the children that each layout element must have
        arity = {"mfrac": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}
        assert len(e) == arity.get(e.tag.split("}")[1], len(e))
    assert element[0][-1].text == latex(node, notation)


# -- long equations -------------------------------------------------------------------------------------------------


def test_long_sums_are_broken_at_their_own_signs() -> None:
    terms = [E(N**p) * MU**p * VA * (-1) ** p for p in range(2, 12)]
    long = sum(terms[1:], start=terms[0])
    notation = Notation.of(ONE_WAY)
    rows = latex_aligned(Var(S), [long, MU], notation, width=40, notes=["a & b", ""])
    assert rows[0].startswith(r"\operatorname{Var}(S) &= ")
    assert rows[0].endswith(r" && \text{a \& b}")
    assert rows[-1].startswith(r"&= \mu")
    assert len(rows) > 3
    assert all(row.startswith((r"&\qquad {} + ", r"&\qquad {} - ")) for row in rows[1:-1])
    joined = " ".join(re.sub(r"^.*?&(= |\\qquad \{\} )| && .*$", "", row) for row in rows[:-1])
    assert joined == latex(long, notation)


def test_the_table_has_the_rows_of_the_align() -> None:
    long = sum((E(N**p) * VA for p in range(2, 20)), start=MU)
    notation = Notation.of(ONE_WAY)
    element = ET.fromstring(mathml_aligned(Var(S), [long, MU * X_i], notation, width=40, notes=["<law>", "b"]))
    rows = [e for e in element.iter() if e.tag.endswith("mtr")]
    assert len(rows) == len(latex_aligned(Var(S), [long, MU * X_i], notation, width=40))
    assert rows[0][2][0].text == "<law>"


# -- compiled -------------------------------------------------------------------------------------------------------


@pytest.mark.engine("latexmk")
def test_the_latex_compiles(tmp_path: Path) -> None:
    odd = Variable("column", "\\x{ $&#%_^~`'\"<>|--\n\x1b éßαł中 }")
    factor = ("a\\{b",)
    mean = (column("Intercept"), column("odd", odd))
    model = ResolvedModel("y", mean, (group(factor),), symbols={factor[0]: "50%"})
    notation = Notation.of(model)
    node = Value(odd) * Total(Value(odd), factor) + Hat(Parameter("var(1|`a\\{b`)")) + Total(Y, factor, ("#1",))
    formulas = [latex(node, notation), *(tex for _, _, _, tex in EXAMPLES)]
    rows = latex_aligned(Total(Y, factor), [node, MU], notation, width=10, notes=["a & b_c", "100%"])
    source = (
        r"\documentclass{article}\usepackage{amsmath}\begin{document}"
        + "\n\n".join(f"${formula}$" for formula in formulas)
        + r"\begin{align*}"
        + r" \\".join(rows)
        + r"\end{align*}\end{document}"
    )
    (tmp_path / "formulas.tex").write_text(source, encoding="ascii")
    command = "latexmk -pdf -interaction=nonstopmode -halt-on-error -no-shell-escape formulas.tex".split()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "formulas.log").read_text(errors="replace")


def test_a_statistic_prints_as_it_is_written():
    model = ma.Model("y ~ 1 + x + (1 | user)")
    S, N = model.total(model.y, by="user"), model.size("user")
    assert str(model.total(model.y**2) - ma.over("user", S**2 / N)) == "T_all - sum_i S_i^2/N_i"
