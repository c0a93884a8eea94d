"""Derivations as people read them: the order of the talk, laws at the right, assumptions once, harmless names."""

from __future__ import annotations

import re
import xml.dom.minidom

import pytest

import momentalg as ma
from momentalg.catalogue import discover
from momentalg.derive.reading import reading, readings

MODEL = ma.Model("y ~ 1 + (1 | user)")
S, N, T = MODEL.total(MODEL.y, by="user"), MODEL.size("user"), MODEL.total(MODEL.y**2, by="user")
VARIANCE = MODEL.var(S)

ODD = "a_b%<b>$x$&\\input{x}"
ODD_MODEL = ma.Model(f"`{ODD}` ~ 1 + `<i>{{}}` + (1 | `#\\end{{align*}}`)")

COVARIATE = ma.Model("y ~ 1 + x + X + (1 | user)", levels={"X": "user"})


def odd_derivation():
    by = "#\\end{align*}"
    return ODD_MODEL.var(ODD_MODEL.total(ODD_MODEL.y, by=f"`{by}`"))


DERIVATIONS = {
    "variance": lambda: VARIANCE,
    "via": lambda: MODEL.var(S, via=["user"]),
    "given": lambda: MODEL.var(S, given=[N]),
    "squares": lambda: MODEL.var(T),
    "cumulant": lambda: MODEL.cumulant(S, S, S, S),
    "over": lambda: MODEL.mean(ma.over("user", S**2 / N) - MODEL.total(MODEL.y) ** 2 / MODEL.size(), given=ma.design),
    "levels": lambda: MODEL.cov(S, S.at("k"), given=ma.design),
    "design": lambda: MODEL.mean(N),
    "covariates": lambda: COVARIATE.var(COVARIATE.total(COVARIATE.y, by="user")),
    "odd": odd_derivation,
}


@pytest.fixture(params=DERIVATIONS, scope="module")
def derivation(request):
    return DERIVATIONS[request.param]()


def test_the_order_is_that_of_the_talk():
    headings = [section.heading for section in reading(VARIANCE).sections]
    assert headings == ["Definitions", "(1) Conditional mean", "(2) Conditional variance", "(3) Law of total variance"]


def test_the_last_section_in_latex():
    last = VARIANCE.latex().split(r"\subsubsection*{(3) Law of total variance}")[1]
    rows = [re.sub(r"\s+", " ", row) for row in last.splitlines() if "&" in row]
    assert rows[0].startswith(r"\operatorname{Var}(S) &= \operatorname{E}[\operatorname{Var}(S \mid N)]")
    assert "law of total variance" in rows[0]
    assert "earlier results, by (1) and (2)" in rows[1]
    right = r"\operatorname{E}[N^{2}] \, \sigma_{\alpha}^{2} + \operatorname{E}[N] \, \sigma_{\varepsilon}^{2}"
    assert rows[2].startswith(rf"&= {right} + \mu^{{2}} \operatorname{{Var}}(N)")


def test_every_step_is_shown_with_its_law(derivation):
    lines = [line for section in reading(derivation).sections for line in section.lines if line.law]
    laws = [line.law for line in lines]
    for step in derivation.steps:
        assert step.title.partition(":")[0] in laws
        assert step.after in [line.node for line in lines]


def test_an_assumption_is_stated_once_where_it_is_used_first(derivation):
    stated: list[int] = []
    for section in reading(derivation).sections:
        stated += [int(n) for remark in section.remarks for n in re.findall(r"Assumption A(\d+):", remark)]
        assert {line.assumption for line in section.lines} - {0} <= set(stated)
    assert stated == list(range(1, len(stated) + 1))
    text = derivation.text()
    for assumption in derivation.assumptions:
        assert " ".join(text.split()).count(f"{assumption}.") == 1


def test_results_are_used_after_they_are_derived(derivation):
    seen: set[int] = {0}
    for section in reading(derivation).sections:
        assert all(number in seen for line in section.lines for number in line.lemmas)
        seen.add(section.number)


def test_latex_is_balanced_ascii(derivation):
    code = derivation.latex()
    assert code.isascii()
    assert code.count(r"\begin{align*}") == code.count(r"\end{align*}") > 0
    bare = re.sub(r"\\[{}]", "", code)
    assert bare.count("{") == bare.count("}")
    assert code.count(r"\left") == code.count(r"\right")


def test_html_is_well_formed_and_needs_nothing(derivation):
    fragment = derivation.html()
    xml.dom.minidom.parseString(fragment.replace("<br>", "<br/>"))
    assert not re.search(r"<script|<link|<img|url\(|@import", fragment)
    assert "http" not in fragment.replace("http://www.w3.org/1998/Math/MathML", "")


def test_markdown_needs_no_font_commands_inside_text(derivation):
    code = derivation.markdown()
    assert r"\normalfont" not in code
    assert code.count("$$") % 2 == 0


def test_names_are_data():
    found = odd_derivation()
    assert "<i>" not in found.html()
    assert "\\input{x}" not in found.latex()
    assert "\\end{align*}" not in found.latex().replace("\n\\end{align*}\n", "")


def test_terms_that_the_next_law_acts_on_are_marked():
    sections = reading(VARIANCE).sections
    by_law = {line.law: line for line in sections[2].lines}
    assert by_law["cumulants of independent parts add"].acted == (0,)  # Var(alpha N | N): take out what is known
    assert by_law["definition"].acted == ()  # the next law acts on all there is
    assert 'class="acted"' in VARIANCE.html()


def test_long_lines_break():
    rows = [row for row in MODEL.var(T).latex().splitlines() if row.startswith(r"&\qquad {} ")]
    assert len(rows) > 5


def test_labels_tell_levels_apart():
    text = MODEL.cov(S, S.at("k"), given=ma.design).text()
    assert "Y_kj" in text
    assert "N_i N_k Cov(alpha_i, alpha_k | design)" in text


def test_a_covariate_that_is_conditioned_on_has_no_index():
    found = COVARIATE.var(COVARIATE.total(COVARIATE.y, by="user"))
    assert r"given $N$, $X$, $x$" in found.latex()
    assert r"\mid N, X, x)" in found.latex()
    assert r"\mid N, X, x_{j}" not in found.latex()


def test_one_derivation_after_the_other_repeats_nothing():
    first, second = readings([VARIANCE, MODEL.cov(S, N)])
    headings = [section.heading for section in (*first.sections, *second.sections)]
    assert headings[1:4] == ["(1) Conditional mean", "(2) Conditional variance", "(3) Law of total variance"]
    assert headings[4:] == ["(4) Conditional mean", "(5) Conditional covariance", "(6) Law of total covariance"]
    assert second.sections[-1].lines[1].lemmas == (1, 4, 5)
    assert [r for s in second.sections for r in s.remarks] == []


def test_a_notebook_shows_the_result_as_one_formula():
    shown = VARIANCE._repr_latex_()
    assert shown.startswith("$") and shown.endswith("$")  # noqa: PT018
    assert r"\operatorname{Var}(S) &= " in shown
    assert VARIANCE._repr_markdown_() == VARIANCE.markdown()
    assert VARIANCE._repr_html_().endswith(VARIANCE.html())


def test_repr_is_one_line():
    shown = "<Derivation Var(S) = E[N^2] var(1|user) + E[N] var(residual) + Intercept^2 Var(N); 18 steps>"
    assert repr(VARIANCE) == shown


def test_the_repr_of_a_long_result_is_cut():
    model = ma.Model("y ~ 1 + x + z + size(user) + (1 | user)")
    total = model.total(model.y, by="user")
    third = model.cumulant(total, total, total)
    assert repr(third).endswith(f" + ... ({len(third.node.args)} terms; .text() has all); {len(third.steps)} steps>")
    assert len(repr(third)) < 800


def test_titles_of_laws_are_plain_words():
    """They stand unescaped in formulas of notebooks."""
    for rule in discover("momentalg.rules", "RULE").values():
        assert re.fullmatch(r"[A-Za-z0-9 ,.()'-]+", rule.title.partition(":")[0]), rule.title


def test_views_are_the_same_every_time(derivation):
    assert derivation.latex() == derivation.latex()
    assert derivation.html() == derivation.html()


def test_a_step_that_changes_nothing_in_print_is_left_out():
    found = COVARIATE.mean(COVARIATE.total(COVARIATE.covariate("x") * COVARIATE.y), given=ma.design)
    for section in reading(found).sections:
        for line in section.lines:
            assert line.left is None or repr(line.left) != repr(line.node)
        shown = [line.node for line in section.lines]
        assert len(set(shown)) == len(shown)
    assert "definition" not in {line.law for line in reading(found).sections[1].lines}
