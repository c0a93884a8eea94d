"""The parser of formulas and keys: grammar.lark, and the tables that lark makes of it.

Making the tables takes longer than reading many formulas, so they are kept in grammar.json. They are used when they
were made from this grammar by this version of lark, and made anew otherwise, with the same result. After a change of
the grammar, keep them again: ``python -c "from momentalg.model.grammar import keep; keep()"``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from lark import Lark

_GRAMMAR = Path(__file__).with_name("grammar.lark")
_TABLES = Path(__file__).with_name("grammar.json")


def parser(actions: object) -> Lark:
    """The parser; `actions` has a method for each rule, by its name, which gets the list of its parts."""
    import json

    from lark import Lark

    kept = json.loads(_TABLES.read_text(encoding="utf-8"), object_hook=_with_numbers)
    if kept["made from"] != _origin():
        return build(actions)
    load: Any = Lark._load_from_dict  # noqa: SLF001 - the way of lark's own standalone parsers
    return cast("Lark", load(kept["data"], kept["memo"], transformer=actions))


def build(actions: object = None) -> Lark:
    """The parser, made from the grammar."""
    from lark import Lark

    text = _GRAMMAR.read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="basic", start=["formula", "key"], transformer=actions)


def keep() -> None:
    """Write grammar.json."""
    import json

    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = build().memo_serialize([TerminalDef, Rule])
    data["options"] = {name: value for name, value in data["options"].items() if name in ("parser", "lexer", "start")}
    text = json.dumps({"made from": _origin(), "data": data, "memo": memo}, separators=(",", ":"))
    _TABLES.write_text(text + "\n", encoding="utf-8")


def _origin() -> list[str]:
    """What tables are made from: lark's version, and the hash of the grammar, whatever its line ends."""
    from hashlib import sha256

    import lark

    return [lark.__version__, sha256(_GRAMMAR.read_text(encoding="utf-8").encode()).hexdigest()]


def _with_numbers(found: dict[str, Any]) -> dict[str | int, Any]:
    """The numbers that are keys of the tables, which JSON turns into text, as numbers again."""
    return {int(key) if key.isdigit() else key: value for key, value in found.items()}
