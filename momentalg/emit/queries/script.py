"""A SQL program as a script: its queries, with the model, the assumptions and what each result is, in comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from momentalg.data.queries.names import ROWS, TOTALS, Names
from momentalg.emit.environment import render
from momentalg.emit.numpy_header import command, contents, shift_note
from momentalg.emit.numpy_text import wrapped
from momentalg.expr.escape import escape_text
from momentalg.expr.names import join_factor
from momentalg.lower.ir import EstimatorIR

TEMPLATE = "sql/program.sql.j2"
MEANINGS = {
    "rows": "the number of rows in the table",
    "complete": "the number of rows in which nothing is missing, which are those in the sums",
    "missing": "the number of rows without a value of it",
    "least": "its least value, as it is in the table",
    "largest": "its largest value, as it is in the table",
    "infinite": "the number of complete rows where it is infinite, or not defined; must be 0",
    "zero": "the number of complete rows where it is 0; must be 0, as sums are divided by it",
    "unknown": "the number of complete rows where its label is not known; must be 0",
    "broken": "the number of levels that contradict what the model declares; must be 0",
    "shift": "what is subtracted from it in all sums",
    "mean": "its mean",
    "squares": "the sum of its squares about its mean",
}


@dataclass(frozen=True)
class Query:
    """A query, with what its results are."""

    name: str
    text: str
    results: tuple[tuple[str, str], ...]
    statement: str


@dataclass(frozen=True)
class Context:
    """What the template places: one line of text each, or lists of lines."""

    title: str
    dialect: str
    table: str
    table_code: str
    made_by: str
    statistics: str
    regenerate: tuple[str, ...]
    definitions: tuple[str, ...]
    equations: tuple[str, ...]
    assumptions: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    shift_note: tuple[str, ...]
    queries: tuple[Query, ...]
    width: int


def script(ir: EstimatorIR, dialect: str, table: tuple[str, ...], queries: Mapping[str, str]) -> str:
    """The script of an estimator's queries."""
    names = Names(ir)
    columns = tuple((names.own[r.name], escape_text(repr(r.column))) for r in names.reads)
    functions = tuple((names.own[s.name], escape_text(s.label)) for s in ir.rows if s.value is not None)
    found = tuple(Query(name, *_about(names, name), statement) for name, statement in queries.items())
    context = Context(
        title=escape_text(ir.formula),
        dialect=dialect,
        table=escape_text(".".join(table)),
        table_code=escape_text(repr(_options(dialect, table)["table"])),
        made_by=escape_text(ir.code.removesuffix(".estimator()") or "model.moment_equations(...)"),
        statistics=escape_text(ir.statistics),
        regenerate=tuple(map(escape_text, command(ir, _options(dialect, table), ".sql").splitlines())),
        definitions=_lines(ir.definitions),
        equations=_lines(ir.equations),
        assumptions=_lines(ir.assumptions),
        columns=(*columns, *functions),
        shift_note=tuple(shift_note(ir).splitlines()),
        queries=found,
        width=max(12, *(len(name) for query in found for name, _ in query.results)),
    )
    return render(TEMPLATE, context)


def _options(dialect: str, table: tuple[str, ...]) -> dict[str, str | tuple[str, ...]]:
    has_points = any("." in part for part in table)
    return {"backend": "sql", "dialect": dialect, "table": table if has_points else ".".join(table)}


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for text in texts for line in wrapped(escape_text(text)))


def _about(names: Names, query: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What a query is, and its results."""
    if query == ROWS:
        results = [(symbol, _meaning(symbol)) for symbol in names.checks]
        text = "one row, which tells whether the rows can be used"
    else:
        kept = next(k for k in names.kept if k.query == query)
        known = {content.name: content.text for content in contents(names.ir)}
        where = escape_text(join_factor(kept.columns))
        text = "the sums over all complete rows" if query == TOTALS else f"the sums of each level of {where}"
        results = [(names.labels[c].name, escape_text(repr(c))) for c in kept.columns]
        results += [("size", "the number of rows"), *((a.name, known[a.name]) for a in kept.sums)]
        results += [(f"{end}_{s}", f"{known[s]}: its {end} value") for s in kept.levels for end in ("least", "largest")]
        results += [(f"shift_{s}", known[f"shift_{s}"]) for s in names.shifted]
    return text, tuple((names.own[symbol], text) for symbol, text in results)


def _meaning(symbol: str) -> str:
    what, _, name = symbol.partition("_")
    return f"{name}: {MEANINGS[what]}" if name else MEANINGS[what]
