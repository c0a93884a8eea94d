"""Reading formulas: what is accepted, what is refused and where the caret stands, and text and tree agree."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentalg.errors import FormulaError, ModelError
from momentalg.model.expansion import expand
from momentalg.model.formula import parse_formula, parse_key
from momentalg.model.syntax import Bar, Binary, Call, Name, Numeral, Unary, text_of


def caret(error: pytest.ExceptionInfo) -> tuple[str, int]:
    """The formula shown in an error, and the column of its caret."""
    _, shown, mark, *_ = str(error.value).split("\n")
    assert shown.startswith("    ")
    assert mark.strip() == "^"
    return shown[4:], mark.index("^") - 4


@pytest.mark.parametrize(
    ("formula", "column", "says"),
    [
        ("y ~ x w z", 6, "no operator before 'w'"),
        ("y ~ x 2", 6, "no operator before '2'"),
        ("y ~ x `w`", 6, "no operator before `w`"),
        ("y ~ 2x", 5, "no operator before 'x'"),
        ("y ~ (x)(z)", 7, "no operator"),
        ("(1|g", 0, "not closed"),
        ("y ~ x + (1|g", 8, "not closed"),
        ("y ~ log(x", 7, "not closed"),
        ("y ~ `a (` + (1|g", 12, "not closed"),
        ("y ~ x)", 5, "never opened"),
        ("y ~ x | g", 6, "outside parentheses"),
        ("y ~ x || g", 6, "outside parentheses"),
        ("y ~ (x | g | h)", 11, "outside parentheses"),
        ("y ~ x ~ z", 6, "'~' stands where it cannot"),
        ("y ~ ~ z", 4, "no term before '~'"),
        ("~ x", 0, "no term before '~'"),
        ("y", 1, "there is no '~'"),
        ("y + x  ", 5, "there is no '~'"),
        ("y ~", 3, "text ends"),
        ("y ~ x + ", 7, "text ends"),
        ("y ~ x + * z", 8, "a term is expected before '*'"),
        ("y ~ * z", 4, "a term is expected before '*'"),
        ("y ~ ()", 5, "a term is expected before ')'"),
        ("y ~ x, z", 5, "',' cannot stand here"),
        ("y ~ `x", 4, "back-quote is not closed"),
        ("y ~ ``", 4, "back-quote"),
        ("y ~ 'x'", 4, "cannot quote"),
        ('y ~ "x"', 4, "cannot quote"),
        ("y ~ .", 4, "other columns"),
        ("y ~ x $ z", 6, "no meaning"),
        ("y ~ x = z", 6, "no meaning"),
        ("y ~ x &\n z", 6, "no meaning"),
        ("y ~ x\n+ z w", 10, "no operator before 'w'"),
        ("y ~ I(x*" + "9" * 5000 + ")", 48, "no operator"),
    ],
)
def test_unreadable_formulas_are_refused_at_their_place(formula, column, says):
    with pytest.raises(FormulaError) as error:
        parse_formula(formula)
    assert caret(error) == (formula.replace("\n", " "), column)
    assert says in str(error.value).split("\n")[0]


@pytest.mark.parametrize(
    ("formula", "column", "says"),
    [
        ("y ~ x*(1|g)", 6, "a group term cannot be part of an interaction"),
        ("y ~ (1|g):x", 4, "a group term cannot be part of an interaction"),
        ("y ~ (x + (1|g))*z", 9, "a group term cannot be part of an interaction"),
        ("y ~ x - (1|g)", 8, "cannot be taken away"),
        ("y ~ ((1|a)|b)", 5, "stands inside another"),
        ("y ~ x (1|g)", 4, "the function x() is not known"),
        ("y ~ sin(x)", 4, "the function sin() is not known"),
        ("y ~ np.log(x)", 4, "the function np.log() is not known"),
        ("y ~ log(sin(x))", 8, "the function sin() is not known"),
        ("y ~ log(x, 2)", 4, "log() takes one argument, not 2"),
        ("y ~ log()", 4, "log() takes one argument, not 0"),
        ("y ~ log(C(x))", 8, "C() cannot stand inside another function"),
        ("y ~ C(x + z)", 6, "C() takes a column"),
        ("y ~ size(x + z)", 9, "this is not a factor"),
        ("y ~ size(a:a)", 9, "repeats a column"),
        ("y ~ I(x:z)", 6, "not arithmetic"),
        ("y ~ I((x|z))", 6, "not arithmetic"),
        ("y ~ I(x**0.5)", 9, "whole number"),
        ("y ~ I(x**z)", 9, "whole number"),
        ("y ~ I(2**999999999)", 9, "too large"),
        ("y ~ I(x*((9**64)**64)**64)", 8, "too large"),
        ("y ~ I(x/0)", 8, "division by zero"),
        ("y ~ I(0**-1)", 6, "division by zero"),
        ("y ~ I(2)", 4, "this is a constant"),
        ("y ~ log(2)", 4, "this is a constant"),
        ("y ~ I(x**0)", 4, "this is a constant"),
        ("y ~ 2", 4, "this number is not a term"),
        ("y ~ x - 0", 8, "this number is not a term"),
        ("y ~ 2*x", 4, "a number cannot be part of an interaction"),
        ("y ~ (1 + x):z", 5, "a number cannot be part of an interaction"),
        ("y ~ x:(-z)", 6, "a sign cannot stand here"),
        ("y ~ x^2", 4, "x**2 is x crossed with itself"),
        ("y ~ (x + z)^0", 12, "whole powers"),
        ("y ~ (x + z)^w", 12, "whole powers"),
        ("y ~ x:x", 4, "x cannot be crossed with itself"),
        ("y ~ x*x", 4, "x cannot be crossed with itself"),
        ("y ~ x + x", 8, "x is there twice"),
        ("y ~ x + x*z", 8, "x is there twice"),
        ("y ~ x:z + z:x", 10, "x:z is there twice"),
        ("y ~ x:z + I(x*z)", 10, "x:z is there twice"),
        ("y ~ I(x) + x", 11, "x is there twice"),
        ("y ~ log(x) + log(I(x))", 13, "log(x) is there twice"),
        ("y ~ 1 + 1", 8, "Intercept is there twice"),
        ("y ~ 0 + x + 1", 12, "both asked for and removed"),
        ("y ~ 1 + 0", 8, "both asked for and removed"),
        ("y ~ 0 + x - 1", 12, "removed twice"),
        ("y ~ x - z", 8, "z is removed but was never added"),
        ("y ~ Intercept + x", 4, "Intercept is written 1"),
        ("log(y) ~ x", 0, "the response must be a column"),
        ("y + z ~ x", 0, "the response must be a column"),
        ("1 ~ x", 0, "the response must be a column"),
        ("y ~ (0 | g)", 4, "no coefficient"),
        ("y ~ (1 | a + b)", 9, "'+' cannot join factors"),
        ("y ~ (1 | a*b)", 9, "'*' cannot join factors"),
        ("y ~ (1 | log(a))", 9, "this is not a factor"),
        ("y ~ (1 | 1)", 9, "this is not a factor"),
        ("y ~ (1 | a/a)", 9, "nested in itself"),
        ("y ~ (1 | g) + (1 + x | g)", 14, "the coefficient 1 of the factor g is there twice"),
        ("y ~ (x | g) + (0 + x | g)", 14, "the coefficient x of the factor g is there twice"),
        ("y ~ (1 | a:b) + (1 | b:a)", 16, "there twice"),
        ("y ~ (offset(x) | g)", 5, "an offset has no coefficient"),
        ("y ~ offset(x):z", 4, "an offset cannot be crossed"),
        ("y ~ offset(x) + offset(x)", 16, "offset(x) is there twice"),
        ("y ~ offset(3)", 11, "this is a constant"),
        ("y ~ (a+b+c+d+e+f+g+h+i+j+k+l+m)^13", 4, "more than 5000 terms"),
        ("y ~ a*b*c*d*e*f*g*h*i*j*k*l*m*n*o", 4, "more than 5000 terms"),
    ],
)
def test_meaningless_formulas_are_refused_at_their_place(formula, column, says):
    with pytest.raises(FormulaError) as error:
        expand(parse_formula(formula))
    assert caret(error) == (formula, column)
    assert says in str(error.value).split("\n")[0]


@pytest.mark.parametrize("nothing", ["", "   ", "\n"])
def test_an_empty_formula_says_what_one_looks_like(nothing):
    with pytest.raises(FormulaError, match=r"empty; write one such as 'y ~ x"):
        parse_formula(nothing)


@pytest.mark.parametrize("nothing", [None, 3, b"y ~ x"])
def test_what_is_no_text_is_no_formula(nothing):
    with pytest.raises(FormulaError, match="a formula is a text"):
        parse_formula(nothing)


def test_a_missing_operator_before_a_parenthesis_is_suspected():
    with pytest.raises(FormulaError, match=r"if an operator is missing, write x \+ \(...\)"):
        expand(parse_formula("y ~ x (1 | g)"))


def test_nesting_has_a_limit():
    with pytest.raises(FormulaError, match="nested too deeply"):
        expand(parse_formula("y ~ " + "log(" * 5000 + "x" + ")" * 5000))


def test_long_sums_have_none():
    assert len(expand(parse_formula("y ~ " + " + ".join(f"x{n}" for n in range(2000)))).mean) == 2001


def test_formula_errors_are_model_errors():
    assert issubclass(FormulaError, ModelError)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b*c:d**2", "a + (b*(c:(d**2)))"),
        ("a - b - c", "(a - b) - c"),
        ("a/b/c", "(a/b)/c"),
        ("a*b %in% c:d", "a*(b %in% (c:d))"),
        ("-a*b + c", "(-(a*b)) + c"),
        ("a^b^c", "a**(b**c)"),
        ("a**-b", "a**(-b)"),
    ],
)
def test_precedence_is_that_of_r(text, tree):
    assert parse_key(text) == parse_key(tree)


names = st.one_of(
    st.sampled_from(["x", "user", "N", "I", "lambda", "Sepal.Length", "é", "_a1"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
)
numerals = st.decimals(min_value=0, max_value=999, places=3, allow_nan=False).map(lambda d: Numeral(Fraction(str(d))))
leaves = names.map(lambda name: Name(name)) | numerals


def grown(parts):
    operators = st.sampled_from(["+", "-", "*", "/", "%in%", ":", "**"])
    return st.one_of(
        st.builds(Binary, operators, parts, parts),
        st.builds(Unary, st.sampled_from("+-"), parts),
        st.builds(Bar, parts, st.sampled_from(["|", "||"]), parts),
        st.builds(Call, st.sampled_from(["I", "log", "f.g"]), st.lists(parts, max_size=3).map(tuple)),
    )


@given(st.recursive(leaves, grown, max_leaves=12))
def test_a_tree_reads_back_from_its_text(tree):
    text = text_of(tree)
    assert parse_key(text) == tree
    assert text_of(parse_key(text)) == text


@given(st.recursive(leaves, grown, max_leaves=8), st.data())
def test_places_delimit_the_text_of_a_part(tree, data):
    text = text_of(tree)
    part = parse_key(text)
    while isinstance(part, (Binary, Unary)):
        below = [part.operand] if isinstance(part, Unary) else [part.left, part.right]
        part = data.draw(st.sampled_from(below))
    assert parse_key(text[part.start : part.end]) == part


@given(st.text(st.sampled_from("xyg~+-*/:|()`,. 1^%in"), max_size=20))
def test_any_text_is_read_or_refused_with_a_place(text):
    try:
        formula = parse_formula(text)
        expand(formula)
    except FormulaError as problem:
        shown = str(problem).split("\n")
        assert not text.strip() or (shown[1][4:] == text.replace("\n", " ") and shown[2].strip() == "^")
