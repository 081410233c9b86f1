"""What a write is refused for, in one vocabulary for all databases."""

from __future__ import annotations

import re

from zero_runtime.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from zero_runtime.model.statement import Statement


class DuplicateKey(AlreadyExists):
    """There is a row with the same values in the columns of a unique index."""

    def __init__(self, index: str | None, columns: tuple[str, ...]) -> None:
        super().__init__(f"there is a row with the same {' and '.join(columns) or index or 'key'}")
        self.index = index
        """Name of the index in the contract, ``PRIMARY`` for the primary key; None when it is not known."""
        self.columns = columns
        """Names of its columns; empty when they are not known."""


def duplicate_index(statement: Statement, index: str) -> DuplicateKey:
    """For a database that names the index: ``uniq_mobile`` or ``user.uniq_mobile``."""
    name = index if index in statement.unique else index.rpartition(".")[2]
    return DuplicateKey(name, statement.unique.get(name, ()))


def duplicate_columns(statement: Statement, columns: tuple[str, ...]) -> DuplicateKey:
    """For a database that names the columns."""
    names = (name for name, known in statement.unique.items() if sorted(known) == sorted(columns))
    return DuplicateKey(next(names, None), columns)


def unacceptable(column: str | None) -> InvalidArgument:
    """A value that the column cannot hold: out of range, too long, malformed or missing."""
    return InvalidArgument(f"unacceptable value for `{column}`" if column else "unacceptable value")


def broken_reference() -> FailedPrecondition:
    """A violated foreign key."""
    return FailedPrecondition("a row is referred to that does not exist, or is still referred to")


def last_name(message: str, before: str) -> str | None:
    """The column in a database's message: the last part of the name, quoted or not, after ``before``."""
    found = re.search(rf"{before}\s*([\w`'.$]+)", message)
    return found[1].strip("`'.").rpartition(".")[2].strip("`'") or None if found else None


def listed_names(message: str) -> tuple[str, ...]:
    """The columns in PostgreSQL's ``Key (name, "Area")=(Ann, 1) already exists.``; empty when there are
    none."""
    found = re.match(r'Key \(((?:"(?:[^"]|"")*"|[^()"])*)\)=\(', message)
    if found is None:
        return ()
    names = re.findall(r'"(?:[^"]|"")*"|[^\s,"]+', found[1])
    return tuple(name[1:-1].replace('""', '"') if name[0] == '"' else name for name in names)
