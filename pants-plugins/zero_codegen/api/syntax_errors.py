"""What the parser's errors mean to people: what was expected, what stands there, and what to do."""

from __future__ import annotations

import re
from collections.abc import Set

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from zero_codegen.api.golang import METHODS
from zero_codegen.api.problem import Problem, end_of
from zero_codegen.diagnostics import did_you_mean

_PHRASES: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"SYNTAX", "INFO", "IMPORT", "TYPE", "SERVER", "SERVICE"}),
        "a statement (`type`, `service`, `@server`, `import`, `info` or `syntax`)",
    ),
    (frozenset({"IDENT", "ANY", "MAP", "LBRACKET", "STAR", "LBRACE", "STRUCT"}), "a type"),
    (frozenset({"IDENT", "EMBEDDED", "STAR"}), "a field"),
    (frozenset({"STRING", "RAW", "VALUE"}), "a value"),
    (frozenset({"AT_HANDLER", "AT_DOC"}), "`@handler`"),
    (frozenset({"INT", "ELLIPSIS", "RSQB"}), "`]`"),
    (frozenset({"EMBEDDED"}), "the name of a type"),
    (frozenset({"IDENT"}), "a name"),
    (frozenset({"SERVICE_NAME"}), "the name of the service"),
    (frozenset({"HANDLER"}), "the name of the handler"),
    (frozenset({"METHOD"}), "an HTTP method"),
    (frozenset({"PATH"}), "a path that starts with `/`"),
    (frozenset({"KEY"}), "a key"),
    (frozenset({"INT"}), "a length"),
    (frozenset({"VALUE"}), "a value"),
    (frozenset({"STRING"}), "a string in double quotes"),
    (frozenset({"RAW"}), "a tag in back quotes"),
    (frozenset({"AT_HANDLER"}), "`@handler`"),
    (frozenset({"RETURNS"}), "`returns`"),
    (frozenset({"TYPE"}), "`type`"),
    (frozenset({"SERVICE"}), "`service`"),
    (frozenset({"LPAR"}), "`(`"),
    (frozenset({"LBRACE"}), "`{`"),
    (frozenset({"LSQB"}), "`[`"),
    (frozenset({"EQUAL"}), "`=`"),
    (frozenset({"COLON"}), "`:`"),
    (frozenset({"SEMICOLON"}), "`;`"),
    (frozenset({"RSQB"}), "`]`"),
    (frozenset({"RBRACE"}), "`}`"),
    (frozenset({"RPAR"}), "`)`"),
)
"""The grammar's terminals in people's words; larger sets first, as each takes its terminals from the next."""

_UNTOLD = frozenset({"$END", "COMMA", "EQUALS", "STRUCT", "LINE"})
"""Terminals that are possible but no news: the other choices say it."""

_KEYWORDS = {
    "SYNTAX": "syntax",
    "INFO": "info",
    "IMPORT": "import",
    "TYPE": "type",
    "SERVER": "@server",
    "SERVICE": "service",
    "AT_HANDLER": "@handler",
    "AT_DOC": "@doc",
    "RETURNS": "returns",
}
_WORD = re.compile(r'@?\w+|"[^"\n]*"?|`[^`\n]*`?|\S')
_METHOD_AS_HANDLER = re.compile(rf"@handler\s+(?:{'|'.join(METHODS)})\s+$")
_CLOSING = (("/*", "comment"), ('"', "string"), ("`", "tag"))


def explain(error: UnexpectedInput, text: str) -> Problem:
    """The problem that a parse error of `text` tells of."""
    at = _at(error, text)
    unclosed = _unclosed_tag(at, text)
    if isinstance(error, UnexpectedCharacters):
        for mark, what in _CLOSING:
            if text.startswith(mark, error.pos_in_stream):
                return Problem(unclosed or at, f"this {what} is never closed")
    allowed = _allowed(error)
    got = "the end of the file" if not at else f"`{at}`" if at.isprintable() else ascii(str(at))
    hint = _hint(at, allowed, text[: error.pos_in_stream or 0])
    if hint is None and unclosed:
        hint = f"is the tag in line {unclosed.line} closed?"
    return Problem(at, f"expected {_listed(allowed)}, got {got}", hint)


def _at(error: UnexpectedInput, text: str) -> Token:
    """The word that the error stands at; empty at the end of the file."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return end_of(text)
    word = _WORD.match(text, error.pos_in_stream or 0)
    return Token("WORD", word.group() if word else "", line=error.line, column=error.column)


def _allowed(error: UnexpectedInput) -> Set[str]:
    if isinstance(error, UnexpectedToken):
        return error.accepts or error.expected
    return error.allowed or set() if isinstance(error, UnexpectedCharacters) else set()


def _listed(allowed: Set[str]) -> str:
    left = set(allowed)
    phrases: list[str] = []
    for terminals, phrase in _PHRASES:
        if terminals <= left:
            left -= terminals
            phrases.append(phrase)
    phrases += sorted(f"`{terminal.lower()}`" for terminal in left - _UNTOLD)
    return " or ".join(filter(None, [", ".join(phrases[:-1]), *phrases[-1:]])) or "the end of the file"


def _hint(at: Token, allowed: Set[str], before: str) -> str | None:
    if not at.isascii():
        return "names are made of ASCII letters, digits and `_`"
    if "RAW" in allowed and at.startswith('"'):
        return 'write the tag in back quotes: `json:"name"`'
    if "RAW" in allowed and at == ".":
        return "types of other packages are no part of the language: use `string` or `int64`"
    if "RBRACE" in allowed and at in _KEYWORDS.values():
        return "is a `}` missing before it?"
    if "METHOD" in allowed and at == "/":
        if _METHOD_AS_HANDLER.search(before):
            return "is the name of the handler missing? `@handler Name`"
        return "the method comes before the path: `get /path`"
    if "AT_HANDLER" in allowed and at in METHODS:
        return "name its handler in the line above: `@handler Name`"
    return did_you_mean(at, (word for terminal, word in _KEYWORDS.items() if terminal in allowed))


def _unclosed_tag(at: Token, text: str) -> Token | None:
    """The first back quote before `at` that its line leaves open; hardly a tag spans lines, though it may."""
    for number, line in enumerate(text.split("\n")[: at.line], start=1):
        code = line.partition("//")[0]
        if code.count("`") % 2:
            column = code.rindex("`")
            return Token("RAW", code[column:], line=number, column=column + 1)
    return None
