"""From the statements of a contract to queries, with every mistake in them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError

from zero_codegen import naming
from zero_codegen.model.parse.tokens import Mistake
from zero_codegen.model.queries import comments
from zero_codegen.model.queries.changes import Change, read_change
from zero_codegen.model.queries.comments import Heading
from zero_codegen.model.queries.parameters import Parameter, Parameters
from zero_codegen.model.queries.query import Member, Query
from zero_codegen.model.queries.selects import Rows, Selects
from zero_codegen.model.queries.values import Refused
from zero_codegen.model.schema import Contract, Table
from zero_codegen.model.settings import Dialect
from zero_codegen.source import ContractFile

_SQLGLOT: dict[Dialect, str] = {"mysql": "mysql", "postgresql": "postgres", "sqlite": "sqlite"}

_DEFINITIONS = ("CREATE", "ALTER", "COMMENT")

_OWN_NAMES = frozenset({"bool", "bytes", "decimal", "dt", "float", "int", "model", "self", "str", "uuid"})
"""What generated methods mean otherwise."""

_METHODS = frozenset(
    {"columns", "count", "delete", "find_one", "insert", "insert_many", "list", "purge", "restore", "stream"}
    | {"update", "update_columns", "upsert"}
)
"""The names that every repository has."""


def read(
    file: ContractFile, contract: Contract, statements: Sequence[Sequence[Token]]
) -> tuple[list[Query], list[Mistake]]:
    """The queries of a contract and every mistake in them, of the tokens of each statement."""
    queries: list[Query] = []
    mistakes: list[Mistake] = []
    headings: set[int] = set()
    for tokens in statements:
        try:
            heading = comments.heading(file.text, tokens[0].start, headings)
            if heading is None and tokens[0].text.upper() in _DEFINITIONS:
                continue  # a name stands above it, and none of its own statements: that is told below
            if heading is None:
                hint = (
                    "write `-- name: take :exec` above it; a dump is made without rows (mysqldump --no-data, "
                )
                raise Refused(
                    "a statement has a name", f"{hint}pg_dump --schema-only)", span=_span(tokens[:1])
                )
            queries.append(_Statement(file, contract, tokens, heading).query(queries))
        except _Several as several:
            mistakes += [_mistake(file, refused, tokens) for refused in several.mistakes]
        except Refused as refused:
            mistakes.append(_mistake(file, refused, tokens))
    for start, end in comments.names(file.text):
        if start not in headings:
            hint = "it stands right above its statement"
            mistakes.append(
                _mistake(file, Refused("no statement follows this name", hint, span=(start, end)), ())
            )
    return queries, mistakes


class _Several(Exception):
    """Several mistakes in one statement."""

    def __init__(self, mistakes: list[Refused]) -> None:
        super().__init__(*mistakes)
        self.mistakes = mistakes


class _Statement:
    """Reads one statement."""

    def __init__(
        self, file: ContractFile, contract: Contract, tokens: Sequence[Token], heading: Heading
    ) -> None:
        self._file = file
        self._contract = contract
        self._tokens = tokens
        self._heading = heading
        self._start = tokens[0].start

    def query(self, before: Sequence[Query]) -> Query:
        """The query, which is another than those before it. Raises Refused and _Several."""
        tree = self._tree()
        parameters = Parameters()
        tables = {table.name.casefold(): table for table in self._contract.tables}
        selects = Selects(tables, self._contract.dialect, parameters)
        try:
            if isinstance(tree, exp.Insert | exp.Update | exp.Delete):
                query = self._change(read_change(tree, selects), parameters, selects)
            else:
                query = self._select(tree, parameters, selects)
            for parameter in query.parameters:
                self._check_parameter(parameter, tree)
            self._check_name(query, before)
        except Refused as refused:
            found = [
                self._placed(each)
                for each in (*selects.mistakes, refused)
                if each.span or not selects.mistakes
            ]
            raise _Several(found) from refused
        return query

    def _tree(self) -> exp.Expr:
        text = self._file.text[self._start : self._tokens[-1].end + 1]
        dialect = sqlglot.Dialect.get_or_raise(_SQLGLOT[self._contract.dialect])
        tokens = list(dialect.tokenize(text))
        for index, (colon, name) in enumerate(pairwise(tokens), 1):
            if _is_parameter(colon, name):  # which may be a word of SQL: `:key`
                tokens[index] = Token(TokenType.VAR, name.text, name.line, name.col, name.start, name.end)
        try:
            (tree,) = dialect.parser().parse(tokens, text)
        except ParseError as error:
            raise self._placed(_unreadable(text, error)) from error
        if tree is None:
            raise Refused("there is no statement here", span=_span(self._tokens))
        _place_parameters(tree, tokens)
        return tree

    def _select(self, tree: exp.Expr, parameters: Parameters, selects: Selects) -> Query:
        rows = selects.rows(tree, is_final=True)
        if selects.mistakes:
            raise selects.mistakes.pop()
        command = self._heading.command
        if command == "exec":
            raise Refused("this gives rows, `:exec` does not", "say :one, :many or :stream")
        table = rows.first or _first(tree, selects.tables)
        if table is None:
            raise Refused("this is about no table", "the table that FROM begins with has it as a method")
        texts, values, said = parameters.finish(rows.texts)
        return Query(
            *(self._heading.name, command, self._heading.comment, table, texts, said, values),
            row_of=rows.row_of,
            members=() if rows.row_of else _members(rows),
            is_sure=rows.is_one,
            writes=rows.locks,
        )

    def _change(self, change: Change, parameters: Parameters, selects: Selects) -> Query:
        if selects.mistakes:
            raise selects.mistakes.pop()
        if self._heading.command != "exec":
            raise Refused("this gives no rows", "say :exec, which gives how many rows it found")
        table = change.table
        unique = [("PRIMARY", table.key)]
        unique += [(index.name, index.columns) for index in table.indexes if index.unique]
        touched = [(name, columns) for name, columns in unique if set(columns) & set(change.changed)]
        if table.cached:
            if change.key is None:
                names = " AND ".join(f"{column.name} = :{column.python_name}" for column in table.key)
                message = f"rows of `{table.name}` are cached, and this does not say which one it changes"
                raise Refused(message, f"name the primary key: WHERE {names}")
            if touched:
                index = touched[0][0]
                message = (
                    f"rows of `{table.name}` are cached by the unique index `{index}`, which this changes"
                )
                raise Refused(message, "use update() or update_columns()")
        texts, values, said = parameters.finish(change.texts)
        return Query(
            *(self._heading.name, self._heading.command, self._heading.comment, table, texts, said, values),
            writes=True,
            key=(change.key or ()) if table.cached else (),
            unique=tuple((name, tuple(column.name for column in columns)) for name, columns in touched),
        )

    def _check_parameter(self, parameter: Parameter, tree: exp.Expr) -> None:
        name = parameter.name
        if re.fullmatch(r"[a-z][a-z0-9_]*", name) and not keyword.iskeyword(name) and name not in _OWN_NAMES:
            return
        node = next(each for each in tree.find_all(exp.Placeholder) if each.name == name)
        better = f"{name}_" if name in _OWN_NAMES else naming.identifier(name)
        raise Refused(f"`:{name}` makes no name for a parameter", f"write `:{better}`", at=node)

    def _check_name(self, query: Query, before: Sequence[Query]) -> None:
        table, name = query.table, query.name
        taken = _METHODS | {index.finder for index in table.finders}
        taken |= {
            f"upsert_by_{'_'.join(column.python_name for column in index.columns)}" for index in table.indexes
        }
        taken |= {other.name for other in before if other.table is table}
        span = self._heading.start, self._heading.end
        if name in taken:
            raise self._absolute(
                f"`{table.model_class}` has a method `{name}` already", "call it another", span
            )
        if not query.members or len(query.members) == 1:
            return
        classes = {enum.name for enum in self._contract.enums} | {
            class_
            for known in self._contract.tables
            for class_ in (known.row_class, known.model_class, known.new_class, known.columns_class)
        }
        classes |= {naming.pascal(other.name) for other in before if len(other.members) > 1}
        if naming.pascal(name) in classes:
            raise self._absolute(f"there is a class `{naming.pascal(name)}` already", "call it another", span)

    def _absolute(self, message: str, hint: str, span: tuple[int, int]) -> Refused:
        """A mistake whose place is not in the statement."""
        start, end = span
        return Refused(message, hint, span=(start - self._start, end - self._start))

    def _placed(self, refused: Refused) -> Refused:
        """A mistake with its place in the file."""
        start, end = refused.span or (0, self._tokens[-1].end - self._start)
        return Refused(str(refused), refused.hint, span=(start + self._start, end + self._start))


def _first(tree: exp.Expr, tables: Mapping[str, Table]) -> Table | None:
    """The table that is read first, where FROM begins with a query."""
    nodes = sorted(tree.find_all(exp.Table), key=lambda node: node.this.meta.get("start", 0))
    return next((tables[node.name.casefold()] for node in nodes if node.name.casefold() in tables), None)


def _members(rows: Rows) -> tuple[Member, ...]:
    members: dict[str, Member] = {}
    for output in rows.outputs:
        if output.name is None and len(rows.outputs) > 1:
            raise Refused("this column of the result has no name", "give it one: AS …", at=output.node)
        name = naming.identifier(output.name or "value")
        if name in members:
            raise Refused(
                f"two columns of the result are called `{name}`", "give one another: AS …", at=output.node
            )
        assert output.value.type is not None, "outputs have types"
        members[name] = Member(name, output.value.type, output.value.nullable)
    return tuple(members.values())


def _place_parameters(tree: exp.Expr, tokens: Sequence[Token]) -> None:
    """Tell parameters where they are: sqlglot does not."""
    places: dict[str, list[tuple[int, int]]] = {}
    for colon, name in pairwise(tokens):
        if _is_parameter(colon, name):
            places.setdefault(name.text, []).append((colon.start, name.end))
    for node in tree.find_all(exp.Placeholder):
        if found := places.get(node.name):
            node.meta["start"], node.meta["end"] = found.pop(0) if len(found) > 1 else found[0]


def _is_parameter(colon: Token, name: Token) -> bool:
    is_word = name.text[:1].isalpha() or name.text[:1] == "_"
    is_quoted = name.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
    return colon.token_type is TokenType.COLON and name.start == colon.end + 1 and is_word and not is_quoted


def _unreadable(text: str, error: ParseError) -> Refused:
    first = error.errors[0] if error.errors else {}
    context, marked = str(first.get("start_context") or ""), str(first.get("highlight") or "")
    at = text.find(context + marked)
    if not marked or at < 0:
        return Refused("this cannot be read as SQL")
    at += len(context)
    return Refused(f"this cannot be read as SQL at `{marked}`", span=(at, at + len(marked) - 1))


def _span(tokens: Sequence[Token]) -> tuple[int, int]:
    return tokens[0].start, tokens[-1].end


def _mistake(file: ContractFile, refused: Refused, tokens: Sequence[Token]) -> Mistake:
    start, end = refused.span or _span(tokens)
    text = file.text
    while (
        text.count("(", start, end + 1) > text.count(")", start, end + 1) and text[end + 1 : end + 2] == ")"
    ):
        end += 1  # parentheses have no places of their own
    token = Token(TokenType.VAR, text[start : end + 1], start=start, end=end)
    return Mistake([token], str(refused), refused.hint)
