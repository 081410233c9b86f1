"""The methods of a generated repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zero_codegen.model.emit import expressions
from zero_codegen.model.emit.expressions import Names
from zero_codegen.model.schema import Column, NewUuid, Now, Table
from zero_codegen.model.sql.statements import upsert_keys
from zero_codegen.python import Bracketed, Piece, layout, tuple_literal

_COLLISION = "Raises `model.DuplicateKey` when a unique index has its values already."
_OTHER_COLLISION = "Raises `model.DuplicateKey` when another row has its values in a unique index."


@dataclass(frozen=True, slots=True)
class Method:
    """A method: `signature` begins behind the indentation of a class, `body` behind that of a method."""

    signature: str
    doc: str
    body: tuple[str, ...]


def methods(table: Table, names: Names) -> Iterator[Method]:
    """All methods of the repository of a table."""
    maker = _Maker(table, names)
    yield maker.insert()
    yield maker.insert_many()
    for columns in upsert_keys(table):
        yield maker.upsert(columns)
    yield maker.find_one()
    yield from maker.finders()
    if expressions.is_updated(table):
        yield maker.update()
    if table.updated:
        yield maker.update_columns()
    yield from maker.deletes()


class _Maker:
    def __init__(self, table: Table, names: Names) -> None:
        self._table = table
        self._names = names
        self._row = table.row_class
        self._unique = [index for index in table.indexes if index.unique]
        self._unique_finders = [index.columns for index in table.finders if index.unique]

    def insert(self) -> Method:
        table = self._table
        arguments: list[Piece] = [f"{self._names.sql}.insert", self._inserted()]
        if not table.generated_key:
            arguments.append(expressions.values(table.key))
        doc = _doc(
            "Stores a row and returns it with what the database has added.",
            self._about_left_out(),
            _COLLISION if self._unique or not table.generated_key else "",
        )
        return Method(
            self._insert_signature("insert"), doc, (*self._new_uuids(), _call("_insert", *arguments))
        )

    def insert_many(self) -> Method:
        rows = f"rows: Iterable[{self._table.new_class}]"
        arguments = (f"{self._names.sql}.insert_many", f"map({self._names.encoder}, rows)")
        doc = "Stores rows, all of them or none, and returns how many they are."
        return Method(_signature("insert_many", [rows], "int"), doc, (_call("_insert_many", *arguments),))

    def upsert(self, columns: tuple[Column, ...]) -> Method:
        table, name = self._table, expressions.upsert_name(self._table, columns)
        changes = tuple_literal([expressions.value(column) for column in (*table.updated, *columns)])
        call = _call(
            "_upsert",
            f"{self._names.sql}.{name}",
            self._inserted(),
            self._index(columns),
            expressions.values(columns),
            f"{self._names.sql}.{name}_update",
            changes,
        )
        others = [*(index.columns for index in self._unique), *([] if table.generated_key else [table.key])]
        doc = _doc(
            f"Stores a row in place of the one with this {_names(columns)}, if there is one, and returns it.",
            self._about_left_out(columns),
            "A row that was deleted is there again." if table.soft_delete else "",
            _OTHER_COLLISION if any(other != columns for other in others) else "",
        )
        return Method(self._insert_signature(name, columns), doc, (*self._new_uuids(columns), call))

    def find_one(self) -> Method:
        return self._find("find_one", self._table.key, "The row with this key, if there is one.")

    def finders(self) -> Iterator[Method]:
        for index in self._table.finders:
            if index.unique:
                doc = f"The row with this {_names(index.columns)}, if there is one."
                yield self._find(index.finder, index.columns, doc)
            else:
                signature = _signature(index.finder, _parameters(index.columns), f"list[{self._row}]")
                statement = f"{self._names.sql}.{index.finder}"
                call = _call("_find_many", statement, expressions.values(index.columns))
                yield Method(
                    signature, f"The rows with this {_names(index.columns)}, ordered by key.", (call,)
                )

    def update(self) -> Method:
        table = self._table
        columns = [*table.updated, *table.key, *([table.version] if table.version else [])]
        values = tuple_literal([expressions.value(column, "row.") for column in columns])
        conflict = "Raises `model.VersionConflict` when somebody else has changed the row since it was read."
        doc = _doc(
            "Stores all of a row; False when there is none with its key.",
            self._about_updates(),
            conflict if table.version else "",
            _OTHER_COLLISION if self._unique else "",
        )
        call = _call("_update", f"{self._names.sql}.update", values, "row")
        return Method(_signature("update", [f"row: {self._row}"], "bool"), doc, (call,))

    def update_columns(self) -> Method:
        table, version = self._table, self._table.version
        parameters: list[Piece] = [*_parameters(table.key), "*"]
        parameters += [
            expressions.declared(each.python_name, f"{each.annotation} | msgspec.UnsetType", "msgspec.UNSET")
            for each in table.updated
        ]
        values: list[Piece] = [expressions.change(column) for column in table.updated]
        values += [expressions.value(column) for column in table.key]
        arguments: list[Piece] = [f"{self._names.sql}.update_columns"]
        conflict = ""
        more: list[Piece] = []
        indexed = {column.name for index in self._unique for column in index.columns}
        reindexing = tuple(column.python_name for column in table.updated if column.name in indexed)
        if table.cached and reindexing:
            more.append(Bracketed("reindexed=model.is_changed(", reindexing, ")"))
        if version:
            parameters.append(f"{version.python_name}: int | None = None")
            values.append(version.python_name)
            more.append(f"versioned={version.python_name} is not None")
            name = version.python_name
            conflict = f"Raises `model.VersionConflict` when the row has another ``{name}`` than given."
        arguments += [tuple_literal(values), expressions.values(table.key), *more]
        doc = _doc(
            "Stores the columns that are given; False when there is no row with this key.",
            self._about_updates(),
            conflict,
            _OTHER_COLLISION if reindexing else "",
        )
        return Method(
            _signature("update_columns", parameters, "bool"), doc, (_call("_update_columns", *arguments),)
        )

    def deletes(self) -> Iterator[Method]:
        if not self._table.soft_delete:
            yield self._by_key(
                "delete", "_delete", "Removes the row with this key; False when there is none."
            )
            return
        kept = "Deletes the row with this key, which is kept for `restore`; False when there is none."
        yield self._by_key("delete", "_delete", kept)
        yield self._by_key(
            "restore", "_restore", "Takes back `delete`; False when no deleted row has this key."
        )
        yield self._by_key(
            "purge", "_delete", "Removes the row with this key, deleted or not; False when there is none."
        )

    def _find(self, name: str, columns: tuple[Column, ...], doc: str) -> Method:
        parameters = [*_parameters(columns), "*", "for_update: bool = False"]
        call = _call("_find", self._index(columns), expressions.values(columns), "for_update")
        return Method(_signature(name, parameters, f"{self._row} | None"), doc, (call,))

    def _by_key(self, name: str, method: str, doc: str) -> Method:
        signature = _signature(name, _parameters(self._table.key), "bool")
        call = _call(method, f"{self._names.sql}.{name}", expressions.values(self._table.key))
        return Method(signature, doc, (call,))

    def _index(self, columns: tuple[Column, ...]) -> str:
        """Where the description of the table has an index."""
        if columns == self._table.key:
            return f"{self._names.constant}.key"
        return f"{self._names.constant}.unique[{self._unique_finders.index(columns)}]"

    def _insert_signature(self, name: str, needed: Sequence[Column] = ()) -> str:
        inserted: list[Piece] = []
        for column in self._table.inserted:
            annotation, default = expressions.default(self._names, column)
            if column in needed or default is None:
                inserted.append(f"{column.python_name}: {column.annotation}")
            else:
                inserted.append(expressions.declared(column.python_name, annotation, default))
        return _signature(name, ["*", *inserted] if inserted else [], self._row)

    def _inserted(self) -> Piece:
        return tuple_literal(
            [
                column.type.encode(column.python_name, nullable=column.nullable or column.default is Now.NOW)
                for column in self._table.inserted
            ]
        )

    def _new_uuids(self, told: Sequence[Column] = ()) -> Iterator[str]:
        for column in self._table.inserted:
            if column.default is NewUuid.NEW_UUID and column not in told:
                name = column.python_name
                yield f"{name} = {expressions.new_uuid(column)} if {name} is None else {name}"

    def _about_left_out(self, told: Sequence[Column] = ()) -> str:
        left_out = [column for column in self._table.inserted if column not in told]
        now = [column for column in left_out if column.default is Now.NOW]
        made_up = [column for column in left_out if column.default is NewUuid.NEW_UUID]
        return _sentences(
            _about("Left out, {} the current time.", now, "is", "are"),
            _about("Left out, {} made up.", made_up, "is", "are"),
        )

    def _about_updates(self) -> str:
        stamped = [column for column in self._table.columns if column.stamped]
        kept = [column for column in self._table.inserted if column.is_kept]
        return _sentences(
            _about("{} the current time.", stamped, "becomes", "become"),
            _about("{} as stored.", kept, "stays", "stay"),
        )


def _parameters(columns: Sequence[Column]) -> list[str]:
    return [f"{column.python_name}: {column.type.annotation}" for column in columns]


def _signature(name: str, parameters: Sequence[Piece], result: str) -> str:
    return layout(Bracketed(f"async def {name}(", ("self", *parameters), f") -> {result}:"), 4)


def _call(method: str, *arguments: Piece) -> str:
    return layout(Bracketed(f"return await self.{method}(", arguments, ")"), 8)


def _names(columns: Sequence[Column]) -> str:
    return " and ".join(f"``{column.name}``" for column in columns)


def _doc(summary: str, *sentences: str) -> str:
    return f"{summary}\n\n{_sentences(*sentences)}"


def _sentences(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _about(text: str, columns: Sequence[Column], singular: str, plural: str) -> str:
    """A sentence about some columns, if there are any."""
    names = " and ".join(f"``{column.python_name}``" for column in columns)
    return text.format(f"{names} {singular if len(columns) == 1 else plural}") if columns else ""
