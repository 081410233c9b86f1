"""What BUILD files say of a contract beside its DDL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

Dialect: TypeAlias = Literal["mysql", "postgresql", "sqlite"]

DIALECTS: tuple[Dialect, ...] = ("sqlite", "mysql", "postgresql")
"""Those that everything is written in, in the order of generated source."""

ALL_TABLES = "*"
"""What `cached` names all tables by."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of a `zero_model` that change what is generated."""

    dialect: Dialect = "mysql"
    """Of the DDL; MariaDB's is "mysql"."""

    cached: tuple[str, ...] = ()
    """The tables whose rows are cached; `*` is all of them."""

    types: Mapping[str, str] = {}
    """`table.column` -> the Python type of its values: `bool`, `module:Class`, of JSON `list[str]`."""

    version_column: str | None = None
    """Tables that have a column of this name are updated under an optimistic lock."""

    soft_delete_column: str | None = None
    """Tables that have a column of this name keep the rows that are deleted."""


def read_settings(file: Path) -> dict[str, Settings]:
    """The settings of contracts by their paths, from the JSON that the backend writes.

    Raises msgspec.MsgspecError when it is none, and OSError.
    """
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Settings])
