"""Types of texts, of bytes, and of what travels as text."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace

from zero_codegen.model.settings import Dialect
from zero_codegen.model.types.base import (
    ColumnType,
    Constant,
    Unsupported,
    mysql_quoted,
    quoted,
    text_constant,
)
from zero_codegen.python import Bracketed, Piece, string


@dataclass(frozen=True, slots=True)
class Char(ColumnType):
    """CHAR, whose trailing blanks do not count (`is_padded`), and VARCHAR; `length` in characters."""

    length: int
    is_padded: bool = False

    @property
    def annotation(self) -> str:
        return "str"

    def sql(self, dialect: Dialect) -> str:
        return "TEXT" if dialect == "sqlite" else f"varchar({self.length})"

    def constant(self, value: str | bool) -> Constant:
        text = value if isinstance(value, str) else str(int(value))
        if len(text) > self.length:
            raise Unsupported(f"the default is longer than {self.length} characters")
        return text_constant(string(text), text)

    def check(self, column: str, dialect: Dialect) -> str | None:
        return f"length({column}) <= {self.length}" if dialect == "sqlite" else None

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        return Bracketed("model.encode_char(", (value,), ")") if self.is_padded else value

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_char({value})" if self.is_padded else value


@dataclass(frozen=True, slots=True)
class Text(ColumnType):
    """The TEXT family; `octets` is None for 4 GiB, more than the others take, and where there is no limit."""

    is_indexable = False
    octets: int | None

    @property
    def annotation(self) -> str:
        return "str"

    def sql(self, dialect: Dialect) -> str:
        return {"sqlite": "TEXT", "mysql": f"{_mysql_size(self.octets)}text", "postgresql": "text"}[dialect]

    def constant(self, value: str | bool) -> Constant:
        text = value if isinstance(value, str) else str(int(value))
        return text_constant(string(text), text)

    def check(self, column: str, dialect: Dialect) -> str | None:
        if self.octets is None or dialect == "mysql":
            return None
        octets = f"length(CAST({column} AS BLOB))" if dialect == "sqlite" else f"octet_length({column})"
        return f"{octets} <= {self.octets}"


@dataclass(frozen=True, slots=True)
class Json(ColumnType):
    """JSON, as parsed values."""

    is_indexable = False
    is_ordered = False

    @property
    def annotation(self) -> str:
        return "model.Json"

    def sql(self, dialect: Dialect) -> str:
        return {"sqlite": "TEXT", "mysql": "json", "postgresql": "jsonb"}[dialect]

    def constant(self, value: str | bool) -> Constant:
        parsed = json.loads(value) if isinstance(value, str) else value
        text = json.dumps(parsed, ensure_ascii=False)
        if not isinstance(parsed, list | dict):
            return text_constant(string(parsed) if isinstance(parsed, str) else repr(parsed), text)
        plain = text_constant(f"model.decode_json({string(text)}, type=model.Json)", text)
        return replace(plain, is_hoisted=True)

    def check(self, column: str, dialect: Dialect) -> str | None:
        # Older versions of SQLite call NULL invalid.
        return f"{column} IS NULL OR json_valid({column})" if dialect == "sqlite" else None

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        return Bracketed("model.encode_json(", (value,) if nullable else (value, "nullable=False"), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return Bracketed("model.decode_json(", (value, "type=model.Json"), ")")


@dataclass(frozen=True, slots=True)
class Binary(ColumnType):
    """BINARY (`is_fixed`) and VARBINARY."""

    octets: int
    is_fixed: bool = False

    @property
    def annotation(self) -> str:
        return "bytes"

    def sql(self, dialect: Dialect) -> str:
        mysql = f"{'binary' if self.is_fixed else 'varbinary'}({self.octets})"
        return {"sqlite": "BLOB", "mysql": mysql, "postgresql": "bytea"}[dialect]

    def check(self, column: str, dialect: Dialect) -> str | None:
        length = {"sqlite": "length", "mysql": None, "postgresql": "octet_length"}[dialect]
        return f"{length}({column}) {'=' if self.is_fixed else '<='} {self.octets}" if length else None


@dataclass(frozen=True, slots=True)
class Blob(ColumnType):
    """The BLOB family; `octets` is None for 4 GiB, more than the others take, and where there is no limit."""

    is_indexable = False
    octets: int | None

    @property
    def annotation(self) -> str:
        return "bytes"

    def sql(self, dialect: Dialect) -> str:
        return {"sqlite": "BLOB", "mysql": f"{_mysql_size(self.octets)}blob", "postgresql": "bytea"}[dialect]

    def check(self, column: str, dialect: Dialect) -> str | None:
        if self.octets is None or dialect == "mysql":
            return None
        return f"{'length' if dialect == 'sqlite' else 'octet_length'}({column}) <= {self.octets}"


@dataclass(frozen=True, slots=True)
class Enum(ColumnType):
    """ENUM: texts of a list. `members` are the names of a Python class with their values."""

    is_ordered = False  # by place in MySQL, by letters in SQLite
    class_name: str
    members: tuple[tuple[str, str], ...]

    @property
    def annotation(self) -> str:
        return self.class_name

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(value for _, value in self.members)

    def sql(self, dialect: Dialect) -> str:
        values = ", ".join(map(mysql_quoted, self.values))
        return {"sqlite": "TEXT", "mysql": f"enum({values})", "postgresql": "text"}[dialect]

    def constant(self, value: str | bool) -> Constant:
        names = {text: name for name, text in self.members}
        if not isinstance(value, str) or value not in names:
            raise ValueError(value)
        return text_constant(f"{self.class_name}.{names[value]}", value)

    def check(self, column: str, dialect: Dialect) -> str | None:
        return None if dialect == "mysql" else f"{column} IN ({', '.join(map(quoted, self.values))})"

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        return Bracketed("model.optional(", ("str", value), ")") if nullable else f"str({value})"

    def decode(self, value: str, *, nullable: bool) -> Piece:
        if nullable:
            return Bracketed("model.optional(", (self.class_name, value), ")")
        return Bracketed(f"{self.class_name}(", (value,), ")")


@dataclass(frozen=True, slots=True)
class Uuid(ColumnType):
    """UUID of PostgreSQL and MariaDB; text elsewhere."""

    @property
    def annotation(self) -> str:
        return "uuid.UUID"

    def sql(self, dialect: Dialect) -> str:
        mysql = "char(36) CHARACTER SET ascii COLLATE ascii_bin"
        return {"sqlite": "TEXT", "mysql": mysql, "postgresql": "uuid"}[dialect]

    def constant(self, value: str | bool) -> Constant:
        text = str(uuid.UUID(value if isinstance(value, str) else ""))
        return replace(text_constant(f'uuid.UUID("{text}")', text), is_hoisted=True)

    def check(self, column: str, dialect: Dialect) -> str | None:
        return f"length({column}) = 36" if dialect == "sqlite" else None

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        return Bracketed("model.encode_uuid(", (value,), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_uuid({value})"


def _mysql_size(octets: int | None) -> str:
    """The first syllable of the shortest TEXT or BLOB type that holds so many bytes."""
    sizes = {"tiny": 8, "": 16, "medium": 24}
    return next((name for name, bits in sizes.items() if octets is not None and octets < 1 << bits), "long")
