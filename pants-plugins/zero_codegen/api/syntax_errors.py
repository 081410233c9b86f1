"""What the parser's errors mean to people: what was expected, what stands there, and what to do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from zero_codegen.api.golang import METHODS
from zero_codegen.api.problem import Problem, Word, end_of, word
from zero_codegen.diagnostics import did_you_mean
from zero_codegen.source import ContractFile

_PHRASES: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"SYNTAX", "INFO", "IMPORT", "TYPE", "SERVER", "SERVICE"}),
        "a statement (`type`, `service`, `@server`, `import`, `info` or `syntax`)",
    ),
    (frozenset({"IDENT", "QUALIFIED", "ANY", "MAP", "LBRACKET", "STAR", "LBRACE", "STRUCT"}), "a type"),
    (frozenset({"IDENT", "EMBEDDED", "STAR"}), "a field"),
    (frozenset({"STRING", "RAW", "VALUE"}), "a value"),
    (frozenset({"AT_HANDLER", "AT_DOC", "SERVER"}), "`@handler`"),
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

_UNTOLD = frozenset({"$END", "COMMA", "EQUALS", "STRUCT", "KEY_ALONE"})
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
_QUOTES = {"“": '"', "”": '"', "‘": "'", "’": "'", "。": "."}
"""What Unicode does not fold to the ASCII character that is meant."""

_CLOSING = (("/*", "comment"), ('"', "string"), ("`", "tag"))


def explain(error: UnexpectedInput, file: ContractFile) -> Problem:
    """The problem that a parse error of a file tells of."""
    text = file.text
    at = _at(error, file)
    unclosed = _unclosed_tag(at, file)
    if isinstance(error, UnexpectedCharacters):
        for mark, what in _CLOSING:
            if text.startswith(mark, error.pos_in_stream):
                return Problem(unclosed or at, f"this {what} is never closed")
    possible = allowed(error)
    got = "the end of the file" if not at else f"`{at}`" if at.isprintable() else ascii(str(at))
    hint = _hint(at, possible, text[: error.pos_in_stream or 0])
    if hint is None and unclosed:
        hint = f"is the tag in line {unclosed.line} closed?"
    return Problem(at, f"expected {_listed(possible)}, got {got}", hint)


def _at(error: UnexpectedInput, file: ContractFile) -> Word:
    """The word that the error stands at; empty at the end of the file."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return end_of(file)
    match = _WORD.match(file.text, error.pos_in_stream or 0)
    return word(file, Token("WORD", match.group() if match else "", line=error.line, column=error.column))


def allowed(error: UnexpectedInput) -> Set[str]:
    """The terminals of the grammar that could stand where an error is."""
    possible: Set[str] = set()
    if isinstance(error, UnexpectedToken):
        possible = error.accepts or error.expected
    elif isinstance(error, UnexpectedCharacters):
        possible = error.allowed or set()
    if "METHOD" not in possible:
        return possible
    # What a route begins with may also stand behind its handler: tell of the one or the other.
    return possible - ({"METHOD"} if "RBRACE" in possible else {"AT_HANDLER", "AT_DOC", "SERVER"})


def _listed(possible: Set[str]) -> str:
    left = set(possible)
    phrases: list[str] = []
    for terminals, phrase in _PHRASES:
        if terminals <= left:
            left -= terminals
            phrases.append(phrase)
    phrases += sorted(f"`{terminal.lower()}`" for terminal in left - _UNTOLD)
    return " or ".join(filter(None, [", ".join(phrases[:-1]), *phrases[-1:]])) or "the end of the file"


def _hint(at: Word, possible: Set[str], before: str) -> str | None:
    if not at.isascii():
        plain = _plain(at[0])
        return (
            f"use the ASCII character `{plain}`"
            if plain
            else "names are made of ASCII letters, digits and `_`"
        )
    if "RAW" in possible and at.startswith('"'):
        return 'write the tag in back quotes: `json:"name"`'
    if "RAW" in possible and at == ".":
        return "of other packages there are `time.Time` and `decimal.Decimal`"
    is_keyword = at in _KEYWORDS.values()
    if "RBRACE" in possible and (is_keyword or (at == ")" and "EMBEDDED" in possible)):
        return "is a `}` missing before it?"
    if "RPAR" in possible and is_keyword:
        return "is a `)` missing before it?"
    if "METHOD" in possible and at == "/":
        if _METHOD_AS_HANDLER.search(before):
            return "is the name of the handler missing? `@handler Name`"
        return "the method comes before the path: `get /path`"
    return did_you_mean(at, (word for terminal, word in _KEYWORDS.items() if terminal in possible))


def _plain(character: str) -> str | None:
    """The punctuation of ASCII that a full-width character stands for, as Chinese keyboards write it."""
    plain = _QUOTES.get(character) or unicodedata.normalize("NFKC", character)
    return plain if plain.isascii() and not plain.isalnum() else None


def _unclosed_tag(at: Word, file: ContractFile) -> Word | None:
    """The first back quote before `at` that its line leaves open; hardly a tag spans lines, though it may."""
    for number, line in enumerate(file.lines[: at.line], start=1):
        code = line.partition("//")[0]
        if code.count("`") % 2:
            column = code.rindex("`")
            return word(file, Token("RAW", code[column:], line=number, column=column + 1))
    return None
