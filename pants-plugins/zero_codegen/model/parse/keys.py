"""Keys, foreign keys and conditions, from tokens to syntax."""

from __future__ import annotations

from sqlglot import Token, TokenType

from zero_codegen.model.parse.tokens import Cursor, Mistake
from zero_codegen.model.schema import Action
from zero_codegen.model.syntax import CheckSyntax, ForeignKeySyntax, KeyKind, KeyPart, KeySyntax, TableSyntax

_CONSTRAINTS = ("PRIMARY KEY", "UNIQUE", "FOREIGN KEY", "CHECK")
_REFUSED_CONSTRAINTS = {
    "FULLTEXT": "full text indexes are not supported",
    "SPATIAL": "spatial indexes are not supported",
    "EXCLUDE": "exclusion constraints are not supported: only PostgreSQL has them",
    "LIKE": "a table made like another is not supported: write its columns",
}
_REFUSED_BEHIND_KEYS = {
    "ON CONFLICT": "ON CONFLICT is not supported: only SQLite has it",
    "DEFERRABLE": "constraints that are checked later are not supported: MySQL has none",
    "INITIALLY DEFERRED": "constraints that are checked later are not supported: MySQL has none",
    "NULLS NOT DISTINCT": "NULLS NOT DISTINCT is not supported: only PostgreSQL has it",
    "NOT VALID": "a constraint that holds for some rows is not supported",
    "NOT ENFORCED": "a condition that is not enforced is not supported: leave it out",
    "INCLUDE": "indexes that include other columns are not supported: only PostgreSQL has them",
    "WHERE": "partial indexes are not supported: MySQL has none",
    "USING INDEX": "a constraint over an index that is there is not supported: write its columns",
}
_FOR_PATTERNS = ("TEXT_PATTERN_OPS", "VARCHAR_PATTERN_OPS", "BPCHAR_PATTERN_OPS")
_ACTIONS: tuple[Action, ...] = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL")
_REFUSED_ACTIONS = {"SET DEFAULT": "SET DEFAULT is not supported: MySQL does not have it"}


def table_name(cursor: Cursor) -> Token:
    """The name of a table, without the database or schema that it is in."""
    name = cursor.name("a table")
    if not cursor.take("."):
        return name
    if (cursor.dialect, name.text) in (("postgresql", "public"), ("sqlite", "main")):
        return cursor.name("a table")
    what = "schema" if cursor.dialect == "postgresql" else "database"
    raise Mistake([name], f"a table is named without its {what}, which comes with the DataSource")


def constraint(cursor: Cursor, table: TableSyntax) -> bool:
    """Read a key, foreign key or condition into `table`, if one comes next."""
    start = cursor.index
    cursor.refuse(_REFUSED_CONSTRAINTS)
    name = None
    if cursor.take("CONSTRAINT") and not any(map(cursor.at, _CONSTRAINTS)):
        name = cursor.name("a constraint")
        cursor.refuse(_REFUSED_CONSTRAINTS)
    if cursor.take("FOREIGN KEY"):
        table.foreign_keys.append(_foreign_key(cursor, name, start))
    elif cursor.take("CHECK"):
        table.checks.append(check(cursor, name, None))
    elif kind := _key_kind(cursor, is_named=cursor.index > start):
        if cursor.dialect == "mysql" and not (cursor.at("(") or cursor.at("USING")):
            name = cursor.name("an index")
        table.keys.append(key(cursor, kind, name, start))
    elif cursor.index > start:
        cursor.fail("expected `PRIMARY KEY`, `UNIQUE`, `FOREIGN KEY` or `CHECK`")
    else:
        return False
    return True


def key(
    cursor: Cursor, kind: KeyKind, name: Token | None, start: int, *, is_constraint: bool = True
) -> KeySyntax:
    """What stands behind the name of a key that begins at token `start`."""
    first = cursor.index
    cursor.refuse(_REFUSED_BEHIND_KEYS)
    _index_options(cursor)
    cursor.expect("(")
    parts = [_key_part(cursor, kind)]
    while cursor.take(","):
        parts.append(_key_part(cursor, kind))
    cursor.expect(")")
    _index_options(cursor)
    behind_key(cursor)
    return KeySyntax(kind, name, tuple(parts), cursor.since(start), cursor.written(first), is_constraint)


def behind_key(cursor: Cursor) -> None:
    """What changes nothing behind a constraint; what would is refused."""
    cursor.refuse(_REFUSED_BEHIND_KEYS)
    if cursor.dialect != "mysql":
        cursor.take("NULLS DISTINCT")
        cursor.take("NOT DEFERRABLE")
        cursor.take("INITIALLY IMMEDIATE")


def references(
    cursor: Cursor, name: Token | None, columns: tuple[Token, ...], start: int
) -> ForeignKeySyntax:
    """What stands behind REFERENCES, of a foreign key that begins at token `start`."""
    table = table_name(cursor)
    referred = _names(cursor) if cursor.at("(") else ()
    actions: dict[str, Action] = {}
    while True:
        if cursor.take("MATCH"):
            if not cursor.take("SIMPLE"):
                cursor.fail("only MATCH SIMPLE is supported: other databases know nothing else")
            continue
        event = next((event for event in ("ON DELETE", "ON UPDATE") if cursor.at(event)), None)
        if event is None:
            break
        if event in actions:
            cursor.fail(f"{event} is said twice")
        cursor.take(event)
        actions[event] = _action(cursor)
    behind_key(cursor)
    on_delete, on_update = actions.get("ON DELETE", "NO ACTION"), actions.get("ON UPDATE", "NO ACTION")
    return ForeignKeySyntax(name, columns, table, referred, on_delete, on_update, cursor.since(start))


def check(cursor: Cursor, name: Token | None, column: Token | None) -> CheckSyntax:
    """What stands behind CHECK."""
    expression = cursor.parenthesized()
    if cursor.dialect == "mysql":
        cursor.take("ENFORCED")
    if cursor.dialect == "postgresql":
        cursor.take("NO INHERIT")
    behind_key(cursor)
    return CheckSyntax(name, column, expression)


def _key_kind(cursor: Cursor, *, is_named: bool) -> KeyKind | None:
    if cursor.take("PRIMARY KEY"):
        return KeyKind.PRIMARY
    if cursor.take("UNIQUE"):
        if cursor.dialect == "mysql" and not cursor.take("KEY"):
            cursor.take("INDEX")
        return KeyKind.UNIQUE
    if cursor.dialect == "mysql" and not is_named and (cursor.take("KEY") or cursor.take("INDEX")):
        return KeyKind.PLAIN
    return None


def _foreign_key(cursor: Cursor, name: Token | None, start: int) -> ForeignKeySyntax:
    if cursor.dialect == "mysql" and not cursor.at("("):
        index_name = cursor.name("an index")
        name = name or index_name
    columns = _names(cursor)
    cursor.expect("REFERENCES")
    return references(cursor, name, columns, start)


def _names(cursor: Cursor) -> tuple[Token, ...]:
    cursor.expect("(")
    names = [cursor.name("a column")]
    while cursor.take(","):
        names.append(cursor.name("a column"))
    cursor.expect(")")
    return tuple(names)


def _action(cursor: Cursor) -> Action:
    cursor.refuse(_REFUSED_ACTIONS)
    for action in _ACTIONS:
        if cursor.take(action):
            return action
    cursor.fail(f"expected {', '.join(f'`{action}`' for action in _ACTIONS[:-1])} or `{_ACTIONS[-1]}`")


def _key_part(cursor: Cursor, kind: KeyKind) -> KeyPart:
    if cursor.at("("):
        cursor.fail("an index over an expression is not supported")
    column = cursor.name("a column")
    is_prefix = cursor.take("(")
    if is_prefix:
        if cursor.dialect != "mysql" or not cursor.take_type(TokenType.NUMBER):
            cursor.fail("an index over an expression is not supported")
        cursor.expect(")")
    elif cursor.dialect != "mysql" and cursor.at("COLLATE"):
        cursor.fail("an index with a collation of its own is not supported: give it to the column")
    if cursor.dialect == "postgresql":
        _operator_class(cursor)
    if not cursor.take("ASC"):
        cursor.take("DESC")
    if cursor.dialect == "sqlite" and kind is KeyKind.PRIMARY:
        cursor.take("AUTOINCREMENT")  # an INTEGER that is the key counts by itself
    if cursor.dialect == "postgresql" and cursor.take("NULLS") and not cursor.take("FIRST"):
        cursor.expect("LAST")
    return KeyPart(column, is_prefix)


def _operator_class(cursor: Cursor) -> None:
    """What is for LIKE 'a%' makes no difference to what is found."""
    if any(map(cursor.take, _FOR_PATTERNS)):
        return
    if cursor.word.endswith("_OPS"):
        cursor.fail("operator classes are not supported: only PostgreSQL has them", "leave it out")


def _index_options(cursor: Cursor) -> None:
    """How a server is to keep an index: no difference to anyone else."""
    while True:
        if cursor.take("USING"):
            _index_method(cursor)
        elif cursor.dialect == "postgresql" and cursor.take("WITH"):
            cursor.parenthesized()
        elif cursor.dialect == "postgresql" and cursor.take("TABLESPACE"):
            cursor.name("a tablespace")
        elif cursor.dialect != "mysql":
            return
        elif cursor.take("COMMENT"):
            cursor.expect_text()
        elif cursor.take("KEY_BLOCK_SIZE"):
            cursor.take("=")
            cursor.take_type(TokenType.NUMBER)
        elif not (cursor.take("VISIBLE") or cursor.take("INVISIBLE")):
            return


def _index_method(cursor: Cursor) -> None:
    if cursor.take("BTREE") or cursor.take("HASH"):
        return
    if cursor.dialect == "postgresql" and cursor.word in ("GIN", "GIST", "SPGIST", "BRIN"):
        hint = "create it where the database is set up"
        cursor.fail(f"indexes of the kind {cursor.word} are not supported: only PostgreSQL has them", hint)
    cursor.fail("expected `BTREE` or `HASH`")
