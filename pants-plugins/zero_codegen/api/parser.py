"""From the text of an `.api` file to its tree."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from zero_codegen.api import tree
from zero_codegen.api.problem import Problem, line_of
from zero_codegen.api.syntax_errors import explain
from zero_codegen.api.tags import read_tag
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile

_STATEMENT = re.compile(r"^(?:(?:type|service|info|import|syntax)\b|@server)", re.MULTILINE)
_MAX_ERRORS = 20
"""Syntax errors reported of one file; more of them help nobody."""


def parse(file: ContractFile) -> tree.File:
    """Parse a contract.

    Raises ContractError with every syntax error: after one, parsing goes on at the next statement that starts
    a line.
    """
    parser, text = _parser(), file.text
    problems: list[Problem] = []
    while len(problems) < _MAX_ERRORS:
        try:
            parsed = parser.parse(text)
        except UnexpectedInput as error:
            problems.append(explain(error, text))
            following = _STATEMENT.search(text, (error.pos_in_stream or len(text)) + 1)
            if following is None:
                break
            text = re.sub(r"[^\n]", " ", text[: following.start()]) + text[following.start() :]
        else:
            if problems:
                break
            return parsed
    raise ContractError(problem.diagnostic(file) for problem in problems)


@cache
def _parser() -> _Parser:
    return _Parser()


class _Parser:
    """The grammar, made ready once for all files of a process."""

    def __init__(self) -> None:
        self._comments: list[Token] = []
        self._lark = Lark(
            Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
            parser="lalr",
            lexer="contextual",
            transformer=_Builder(),
            lexer_callbacks={"COMMENT": self._keep_comment},
        )

    def parse(self, text: str) -> tree.File:
        """Raises lark's UnexpectedInput at the first syntax error."""
        self._comments.clear()
        statements = cast("list[Any]", self._lark.parse(text))
        return tree.File(
            syntaxes=_of(tree.Syntax, statements),
            infos=_of(tree.Info, statements),
            imports=_of(tree.Imports, statements),
            declarations=tuple(each for group in statements if type(group) is tuple for each in group),
            services=_of(tree.Service, statements),
            comments=_comments_by_line(self._comments, text.split("\n")),
        )

    def _keep_comment(self, comment: Token) -> Token:
        self._comments.append(comment)
        return comment


_Statement = TypeVar("_Statement")


def _of(kind: type[_Statement], statements: list[Any]) -> tuple[_Statement, ...]:
    return tuple(statement for statement in statements if isinstance(statement, kind))


def _comments_by_line(comments: list[Token], lines: list[str]) -> tree.Comments:
    result = tree.Comments({}, {})
    for comment in comments:
        line = line_of(comment)
        result.by_line.setdefault(line, []).append(comment)
        if not lines[line - 1][: (comment.column or 1) - 1].strip():
            result.own_line[comment.end_line or line] = comment
    return result


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """One method for each rule of the grammar, called as the parser reduces it."""

    def start(self, *statements: Any) -> list[Any]:
        return list(statements)

    def syntax(self, keyword: Token, version: Token) -> tree.Syntax:
        return tree.Syntax(keyword, version)

    def info(self, keyword: Token, *entries: tree.Entry) -> tree.Info:
        return tree.Info(keyword, entries)

    def imports(self, keyword: Token, *paths: Token) -> tree.Imports:
        return tree.Imports(keyword, paths)

    def types(self, *declarations: tree.Declaration) -> tuple[tree.Declaration, ...]:
        return declarations

    def declaration(self, name: Token, equals: Token | None, type_: tree.Type) -> tree.Declaration:
        return tree.Declaration(name, equals, type_)

    def named(self, name: Token) -> tree.Named:
        return tree.Named(name)

    def any_type(self, at: Token) -> tree.AnyType:
        return tree.AnyType(at)

    def map_type(self, at: Token, key: tree.Type, value: tree.Type) -> tree.Map:
        return tree.Map(at, key, value)

    def list_type(self, at: Token, item: tree.Type) -> tree.List:
        return tree.List(at, item)

    def array_type(self, at: Token, length: Token, item: tree.Type) -> tree.Array:
        return tree.Array(at, length, item)

    def pointer(self, at: Token, target: tree.Type) -> tree.Pointer:
        return tree.Pointer(at, target)

    def struct(self, at: Token, *members: tree.Field | tree.Embedded) -> tree.Struct:
        return tree.Struct(at, members)

    def field(self, names: tuple[Token, ...], type_: tree.Type, tag: Token | None) -> tree.Field:
        return tree.Field(names, type_, read_tag(tag) if tag else None)

    def names(self, *names: Token) -> tuple[Token, ...]:
        return names

    def embedded(self, star: Token | None, name: Token, tag: Token | None) -> tree.Embedded:
        return tree.Embedded(tree.Named(name), star is not None, read_tag(tag) if tag else None)

    def service(self, server: tree.Server | None, name: Token, *routes: tree.Route) -> tree.Service:
        return tree.Service(server, name, routes)

    def server(self, keyword: Token, *entries: tree.Entry) -> tree.Server:
        return tree.Server(keyword, entries)

    def route(self, *parts: Any) -> tree.Route:
        return tree.Route(*parts)

    def doc(self, keyword: Token, *rest: Any) -> tree.Doc:
        if rest and isinstance(rest[0], Token):
            return tree.Doc(keyword, rest[0], ())
        return tree.Doc(keyword, None, rest)

    def body(self, at: Token, type_: tree.Type | None) -> tree.Body:
        return tree.Body(at, type_)

    def entry(self, key: Token, *values: Token) -> tree.Entry:
        return tree.Entry(key, values)
