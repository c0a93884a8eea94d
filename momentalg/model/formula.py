"""Reading: the text of a formula or key to its syntax tree, with a caret under the place of an error.

The grammar is grammar.lark, for lark's LALR parser, which is made when this module is imported.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar, cast

from lark import Lark, Token
from lark.exceptions import UnexpectedInput, UnexpectedToken

from momentalg.errors import FormulaError
from momentalg.expr.names import quote
from momentalg.model.syntax import Bar, Binary, Call, Formula, LevelOf, Name, Numeral, Syntax, Unary

_Part = TypeVar("_Part", bound=Syntax)


def parse_formula(text: str) -> Formula:
    """Read a formula such as ``y ~ 1 + x + (1 | user)``; raises `FormulaError`."""
    if not isinstance(text, str):
        raise FormulaError(f"a formula is a text such as 'y ~ x + (1 | user)'; found {text!r}")
    if not text.strip():
        raise FormulaError("the formula is empty; write one such as 'y ~ x + (1 | user)'")
    response, terms = _parse(text, "formula")
    return Formula(text, response, terms)


def parse_key(text: str) -> Syntax:
    """Read a term or a parameter key such as ``cov(1, x | user)``; raises `FormulaError`."""
    if not isinstance(text, str) or not text.strip():
        raise FormulaError(f"a term or key is a text such as 'x' or 'var(1|user)'; found {text!r}")
    return cast(Syntax, _parse(text, "key"))


def error_at(text: str, place: int | Syntax, message: str, advice: str) -> FormulaError:
    """The error for a place in `text`: what is wrong, the text with a caret under the place, and what to do."""
    column = place.start if isinstance(place, Syntax) else place
    shown = "".join(" " if c.isspace() or not c.isprintable() else c for c in text)
    return FormulaError(f"{message}\n    {shown}\n    {' ' * column}^\n{advice}")


def _parse(text: str, start: str) -> Any:
    try:
        return PARSER.parse(text, start=start)
    except UnexpectedInput as problem:
        raise _explain(text, problem) from None


class _Builder:
    """What the parser does with each rule of the grammar, by its name there."""

    def formula(self, parts: list[Syntax]) -> tuple[Syntax, Syntax]:
        return parts[0], parts[1]

    def key(self, parts: list[Syntax]) -> Syntax:
        return parts[0]

    def name(self, parts: list[Token]) -> Name:
        return _placed(Name(str(parts[0])), parts[0], parts[0])

    def quoted(self, parts: list[Token]) -> Name:
        return _placed(Name(parts[0][1:-1].replace("``", "`"), quoted=True), parts[0], parts[0])

    def number(self, parts: list[Token]) -> Numeral:
        return _placed(Numeral(Fraction(parts[0])), parts[0], parts[0])

    def call(self, parts: list[Any]) -> Call:
        return _placed(Call(str(parts[0]), tuple(parts[2])), parts[0], parts[3])

    def label(self, parts: list[Token]) -> str:
        text = "".join(parts).removeprefix("+")
        return quote(text[1:-1].replace("``", "`")) if text.startswith("`") else text

    def level(self, parts: list[Any]) -> LevelOf:
        name = str(parts[0])
        column = name[1:-1].replace("``", "`") if name.startswith("`") else name
        return _placed(LevelOf(column, parts[2]), parts[0], parts[3])

    def arguments(self, parts: list[Any]) -> list[Syntax]:
        return [p for p in parts if isinstance(p, Syntax)]

    def unary(self, parts: list[Any]) -> Unary:
        return _placed(Unary(str(parts[0]), parts[1]), parts[0], parts[1])

    def binary(self, parts: list[Any]) -> Binary:
        operator = "**" if parts[1] == "^" else str(parts[1])
        return _placed(Binary(operator, parts[0], parts[2]), parts[0], parts[2])

    def bar(self, parts: list[Any]) -> Bar:
        return _placed(Bar(parts[0], str(parts[1]), parts[2]), parts[0], parts[2])

    def inner(self, parts: list[Any]) -> Syntax:
        return _placed(cast(Syntax, parts[1]), parts[0], parts[2])

    def group(self, parts: list[Any]) -> Bar:
        return _placed(Bar(parts[1], str(parts[2]), parts[3]), parts[0], parts[4])


def _placed(part: _Part, first: Token | Syntax, last: Token | Syntax) -> _Part:
    """`part`, now with its place; a part is complete only here, so that this is no change to a shared value."""
    start = first.start if isinstance(first, Syntax) else first.start_pos
    end = last.end if isinstance(last, Syntax) else last.end_pos
    object.__setattr__(part, "start", start)
    object.__setattr__(part, "end", end)
    return part


_TERM = frozenset({"NAME", "QUOTED", "NUMBER", "LPAR"})


def _explain(text: str, problem: UnexpectedInput) -> FormulaError:
    """Say what is wrong at the first place where the text stops being a formula."""
    if not isinstance(problem, UnexpectedToken):
        return _explain_character(text, problem.pos_in_stream or 0)
    token, kind, expected = problem.token, problem.token.type, problem.expected
    place = len(text.rstrip()) if kind == "$END" else token.start_pos or 0
    complete = not _TERM & expected  # a term ends before the token
    if kind == "$END":
        opened = _unclosed(text)
        if opened is not None:
            return error_at(text, opened, "this parenthesis is not closed", "add the missing ')'")
        if complete:
            return error_at(text, place, "there is no '~'", "write the response, '~' and the terms: y ~ x + (1 | user)")
        return error_at(text, place, "the text ends where a term is expected", "add it, or take the operator away")
    if kind == "TILDE":
        if complete:
            return error_at(text, place, "'~' stands where it cannot", "a formula has one '~', after the response")
        return error_at(text, place, "there is no term before '~'", "name the response: y ~ x + (1 | user)")
    if kind == "BAR" and complete:
        return error_at(text, place, f"{token!s} outside parentheses", "a group term has its own parentheses: (x | g)")
    if kind == "RPAR" and complete:
        return error_at(text, place, "this parenthesis was never opened", "take it away, or add the missing '('")
    if kind in _TERM:
        advice = "terms are joined by an operator: x + z, x*z or x:z; back-quote a name that has spaces: `my column`"
        return error_at(text, place, f"there is no operator before {_shown(str(token))}", advice)
    if not complete:
        return error_at(text, place, f"a term is expected before {str(token)!r}", "add it, or take one operator away")
    return error_at(text, place, f"{str(token)!r} cannot stand here", "join terms with +, *, : or /")


def _explain_character(text: str, place: int) -> FormulaError:
    character = text[place]
    if character == "`":
        return error_at(text, place, "this back-quote is not closed, or quotes nothing", "write `my column`")
    if character in "'\"":
        return error_at(text, place, f"{character} cannot quote a name", "use back-quotes: `my column`")
    if character == ".":
        return error_at(text, place, "'.' does not stand for the other columns here", "name the columns")
    message = f"the character {character!r} has no meaning in a formula"
    return error_at(text, place, message, "back-quote a name that contains it: `my column`")


def _shown(token: str) -> str:
    return token if token.startswith("`") else repr(token)


def _unclosed(text: str) -> int | None:
    """The place of the last parenthesis that is opened and not closed, back-quoted names apart."""
    opened: list[int] = []
    inside_name = False
    for place, character in enumerate(text):
        if character == "`":
            inside_name = not inside_name
        elif character == "(" and not inside_name:
            opened.append(place)
        elif character == ")" and not inside_name and opened:
            opened.pop()
    return opened[-1] if opened else None


PARSER = Lark(
    Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
    parser="lalr",
    lexer="basic",
    start=["formula", "key"],
    transformer=_Builder(),
)
