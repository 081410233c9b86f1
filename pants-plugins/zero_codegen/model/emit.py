"""The `_model.py` of a contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zero_codegen import naming
from zero_codegen.model import ddl, statements
from zero_codegen.model.schema import Column, Index, Now, Table
from zero_codegen.model.statements import Statement
from zero_codegen.python import WIDTH, Bracketed, Piece, layout, string, tuple_literal
from zero_codegen.templates import render
from zero_codegen.width import width


def source(name: str, tables: Sequence[Table]) -> str:
    """The Python source of the rows, the repositories and the schema of a contract called `name`."""
    annotations = {column.type.annotation for table in tables for column in table.columns}
    return render(
        __file__,
        "model.py.jinja",
        name=name,
        tables=[_TableView(table) for table in tables],
        uses_decimal="decimal.Decimal" in annotations,
        uses_time=bool(annotations & {"dt.date", "dt.datetime"}),
        tables_tuple=tuple_literal([string(table.name) for table in tables]),
        sqlite=_sql_tuple("sqlite=", [statement for table in tables for statement in ddl.sqlite(table)]),
        mysql=_sql_tuple("mysql=", [table.mysql for table in tables]),
        sql=_sql,
        layout=layout,
    )


class _TableView:
    """A table as the template asks for it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.row = table.row_class
        self.model = table.model_class
        self.constant = f"_{naming.snake(table.name).upper()}"
        self.decoder = f"_{naming.snake(table.name)}"
        self.finders = [_FinderView(self, index) for index in table.finders]

    @property
    def statements(self) -> list[tuple[str, Statement, bool]]:
        """Name, text, and whether it can violate a unique index."""
        table = self.table
        found = [
            ("INSERT", statements.insert(table), self.can_collide),
            ("FIND_ONE", statements.find(table, table.key), False),
        ]
        found += [(finder.constant, finder.statement, False) for finder in self.finders]
        if self.has_update:
            found.append(("UPDATE", statements.update(table), self.has_unique))
        found.append(("DELETE", statements.delete(table), False))
        return [(f"{self.constant}_{name}", text, is_unique) for name, text, is_unique in found]

    @property
    def unique(self) -> list[tuple[str, Piece]]:
        """The unique indexes by name, with their columns."""
        indexes = [("PRIMARY", self.table.key)]
        indexes += [(index.name, index.columns) for index in self.table.indexes if index.unique]
        return [
            (string(name), tuple_literal([string(column.name) for column in columns]))
            for name, columns in indexes
        ]

    @property
    def has_unique(self) -> bool:
        return any(index.unique for index in self.table.indexes)

    @property
    def can_collide(self) -> bool:
        return self.has_unique or not self.table.generated_key

    @property
    def has_update(self) -> bool:
        return bool(self.table.updated) or any(column.stamped for column in self.table.columns)

    @property
    def members(self) -> list[str]:
        """The arguments of the row class, from a row of the database."""
        return [
            layout(column.type.decode(f"row[{index}]", nullable=column.nullable), 8, ",")
            for index, column in enumerate(self.table.columns)
        ]

    def insert_signature(self) -> str:
        inserted = [_insert_parameter(column) for column in self.table.inserted]
        parameters = ["self", "*", *inserted] if inserted else ["self"]
        return layout(Bracketed("async def insert(", tuple(parameters), f") -> {self.row}:"), 4)

    def insert_call(self) -> str:
        values = tuple_literal([column.type.encode(column.python_name) for column in self.table.inserted])
        arguments: list[Piece] = [f"{self.constant}_INSERT", values, f"{self.constant}_FIND_ONE"]
        if not self.table.generated_key:
            arguments.append(_values(self.table.key))
        call = Bracketed("await self._database.insert(", tuple(arguments), ")")
        return layout(Bracketed(f"return {self.decoder}(", (call,), ")"), 8)

    def key_signature(self, name: str, result: str) -> str:
        return _signature(name, self.table.key, result)

    def find_call(self) -> str:
        return _call("return await self._find(", f"{self.constant}_FIND_ONE", _values(self.table.key))

    def find_signature(self) -> str:
        parameters = ("self", "statement: model.Statement", "values: tuple[model.Value, ...]")
        return layout(Bracketed("async def _find(", parameters, f") -> {self.row} | None:"), 4)

    def decoder_signature(self) -> str:
        return layout(Bracketed(f"def {self.decoder}(", ("row: model.Row",), f") -> {self.row}:"))

    def update_call(self) -> str:
        columns = (*self.table.updated, *self.table.key)
        values = [column.type.encode(f"row.{column.python_name}") for column in columns]
        return _executed(f"{self.constant}_UPDATE", tuple_literal(values))

    def delete_call(self) -> str:
        return _executed(f"{self.constant}_DELETE", _values(self.table.key))

    def insert_doc(self) -> str:
        now = [column for column in self.table.inserted if column.default is Now.NOW]
        collision = "Raises `model.DuplicateKey` when a unique index has its values already."
        return _doc(
            "Stores a row and returns it with what the database has added.",
            _about("Left out, {} the current time.", now, "is", "are"),
            collision if self.can_collide else "",
        )

    def update_doc(self) -> str:
        stamped = [column for column in self.table.columns if column.stamped]
        kept = [column for column in self.table.inserted if column.is_kept]
        collision = "Raises `model.DuplicateKey` when another row has its values in a unique index."
        return _doc(
            "Stores all of a row; False when there is none with its key.",
            _about("{} the current time.", stamped, "becomes", "become"),
            _about("{} as stored.", kept, "stays", "stay"),
            collision if self.has_unique else "",
        )


class _FinderView:
    def __init__(self, table: _TableView, index: Index) -> None:
        self.index = index
        self.constant = index.finder.upper()
        self.statement = statements.find(table.table, index.columns, ordered=not index.unique)
        self.signature = _signature(
            index.finder, index.columns, f"{table.row} | None" if index.unique else f"list[{table.row}]"
        )
        call = "return await self._find(" if index.unique else "rows = await self._database.fetch_all("
        self.call = _call(call, f"{table.constant}_{self.constant}", _values(index.columns))
        self.columns = " and ".join(f"``{column.name}``" for column in index.columns)


def _insert_parameter(column: Column) -> str:
    if column.default is Now.NOW:
        return f"{column.python_name}: {column.type.annotation} | None = None"
    parameter = f"{column.python_name}: {column.annotation}"
    if column.default is not None:
        return f"{parameter} = {column.default.python}"
    return f"{parameter} = None" if column.nullable else parameter


def _signature(name: str, columns: Sequence[Column], result: str) -> str:
    parameters = [f"{column.python_name}: {column.type.annotation}" for column in columns]
    return layout(Bracketed(f"async def {name}(", ("self", *parameters), f") -> {result}:"), 4)


def _call(head: str, statement: str, values: Piece) -> str:
    return layout(Bracketed(head, (statement, values), ")"), 8)


def _executed(statement: str, values: Piece) -> str:
    call = Bracketed("await self._database.execute(", (statement, values), ")")
    return layout(Bracketed("return bool(", (call,), ")"), 8)


def _values(columns: Sequence[Column]) -> Piece:
    return tuple_literal([column.type.encode(column.python_name) for column in columns])


def _doc(summary: str, *sentences: str) -> str:
    return f"{summary}\n\n{' '.join(filter(None, sentences))}"


def _about(text: str, columns: Sequence[Column], singular: str, plural: str) -> str:
    """A sentence about some columns, if there are any."""
    names = " and ".join(f"``{column.python_name}``" for column in columns)
    return text.format(f"{names} {singular if len(columns) == 1 else plural}") if columns else ""


def _sql_tuple(head: str, texts: Sequence[str], indent: int = 4) -> str:
    literals = [_sql(text, indent + 4) for text in texts]
    flat = f"{head}({literals[0]},),"
    if len(literals) == 1 and "\n" not in flat and indent + width(flat) <= WIDTH:
        return flat
    margin = "\n" + " " * (indent + 4)
    return f"{head}({margin}{f',{margin}'.join(literals)},\n{' ' * indent}),"


def _sql(text: str, indent: int, head: str = "") -> str:
    """A literal, or several in parentheses: a line of SQL is a line here too, wrapped where it is long."""
    room = WIDTH - indent - len(head) - len(",")
    pieces = [
        string(piece) for line in text.splitlines(keepends=True) for piece in _wrapped(line, indent + 4)
    ]
    for flat in (string(text), f"({' '.join(pieces)})"):
        if len(flat) <= room or len(pieces) == 1:
            return flat
    margin = "\n" + " " * (indent + 4)
    return f"({margin}{margin.join(pieces)}\n{' ' * indent})"


def _wrapped(line: str, indent: int) -> Iterator[str]:
    """A line in parts whose literals fit behind `indent`, cut before spaces where that is possible."""
    room = WIDTH - indent
    while len(string(line)) > room:
        cuts = [index for index, char in enumerate(line[:room]) if char == " " and line[:index].strip()]
        cut = next((index for index in reversed(cuts) if len(string(line[:index])) <= room), None)
        if cut is None:
            break
        yield line[:cut]
        line = line[cut:]
    yield line
