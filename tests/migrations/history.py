"""What tests of migrations share: contracts as histories, alembic, and the tables that a database has."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import TypeAlias, TypeVar

from alembic import command
from alembic.config import Config

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.model import reading
from zero_codegen.model.migration import migrate
from zero_codegen.model.schema import Contract
from zero_codegen.model.settings import Dialect, Settings
from zero_codegen.model.sql import ddl
from zero_codegen.source import ContractFile, Output
from zero_runtime import model
from zero_runtime.model.source import MysqlSource, SqliteSource, parse_source

Files: TypeAlias = Mapping[str, str]
"""The contracts of a folder by name; that of a PostgreSQL contract ends in `.pg.sql`, of SQLite in
`.lite.sql`."""

T = TypeVar("T")

FOLDER = "shop/migrations"

_SNAPSHOTS = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"],
    "mysql": [
        "SELECT table_name, column_name, column_type, is_nullable, column_default, extra, collation_name, "
        "column_comment, generation_expression FROM information_schema.columns "
        "WHERE table_schema = DATABASE()",
        "SELECT table_name, index_name, seq_in_index, column_name, sub_part, non_unique, index_type "
        "FROM information_schema.statistics WHERE table_schema = DATABASE()",
        "SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints "
        "WHERE constraint_schema = DATABASE()",
        "SELECT table_name, constraint_name, referenced_table_name, delete_rule, update_rule "
        "FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE()",
        "SELECT table_name, constraint_name, column_name, ordinal_position, referenced_column_name "
        "FROM information_schema.key_column_usage WHERE table_schema = DATABASE()",
        "SELECT table_name, engine, table_collation, table_comment FROM information_schema.tables "
        "WHERE table_schema = DATABASE()",
    ],
    "postgresql": [
        "SELECT table_name, column_name, data_type, udt_name, character_maximum_length, numeric_precision, "
        "numeric_scale, datetime_precision, is_nullable, column_default, is_identity, identity_generation, "
        "is_generated, generation_expression, collation_name FROM information_schema.columns "
        "WHERE table_schema = 'public'",
        "SELECT conrelid::regclass::text, conname::text, contype::text, pg_get_constraintdef(oid) "
        "FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace",
        "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT objoid::regclass::text, coalesce(a.attname::text, ''), description FROM pg_description "
        "LEFT JOIN pg_attribute a ON attrelid = objoid AND attnum = objsubid "
        "WHERE classoid = 'pg_class'::regclass AND objoid IN "
        "(SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)",
        "SELECT typname::text, enumlabel::text, enumsortorder::text FROM pg_enum "
        "JOIN pg_type t ON t.oid = enumtypid",
        "SELECT sequencename::text, data_type::text FROM pg_sequences WHERE schemaname = 'public'",
    ],
}
"""What tells a table from another, but for the order of its columns."""


class History:
    """A folder of a repository whose contracts change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._state: Files = {}

    def change(self, files: Files, *, message: str | None = None) -> list[str]:
        """Writes the migration to new contracts; returns the paths that were written."""
        out = Output(self.root)
        with chdir(self.root):
            found = self._migrate(files, out, message)
        assert not found, "\n".join(diagnostic.render() for diagnostic in found)
        self._state = files
        return out.written

    def mistakes(self, files: Files) -> list[str]:
        """What is told instead of a migration to such contracts."""
        out = Output(self.root)
        with chdir(self.root):
            found = self._migrate(files, out, None)
        assert not out.written
        return [diagnostic.render() for diagnostic in found]

    def _migrate(self, files: Files, out: Output, message: str | None) -> Sequence[Diagnostic]:
        before, after = contract_files(self._state, "main:"), contract_files(files)
        return migrate(
            before,
            after,
            settings_before=_settings(before),
            settings=_settings(after),
            folder=FOLDER,
            message=message,
            out=out,
        )

    def alembic(self, source: str) -> Config:
        """The configuration of alembic for a database."""
        config = Config(self.root / "shop/alembic.ini", cmd_opts=argparse.Namespace(x=[f"source={source}"]))
        return config

    def upgrade(self, source: str, revision: str = "head") -> None:
        command.upgrade(self.alembic(source), revision)

    def downgrade(self, source: str, revision: str = "-1") -> None:
        command.downgrade(self.alembic(source), revision)


def contract_files(files: Files, prefix: str = "") -> list[ContractFile]:
    return [ContractFile(f"{prefix}shop/{name}", "", text) for name, text in files.items()]


def _settings(files: Sequence[ContractFile]) -> dict[str, Settings]:
    kinds = {".pg.sql": Settings(dialect="postgresql"), ".lite.sql": Settings(dialect="sqlite")}
    return {
        file.path: settings
        for file in files
        for suffix, settings in kinds.items()
        if file.path.endswith(suffix)
    }


def contracts(files: Files) -> list[Contract]:
    read = contract_files(files)
    found, mistakes = reading.read_all(read, _settings(read))
    assert not mistakes, "\n".join(mistake.render() for mistake in mistakes)
    return [contract for _, contract in found]


def create(source: str, files: Files) -> None:
    """Makes the tables of contracts at once."""
    kind = dialect(source)
    run(
        source,
        [
            statement
            for contract in contracts(files)
            for table in contract.tables
            for statement in ddl.definition(contract, table, kind)
        ],
    )


def run(source: str, statements: Sequence[str]) -> None:
    """Executes statements."""

    async def work(database: model.Database) -> None:
        for statement in statements:
            await database.execute(_statement(source, statement))

    _with_database(source, work)


def rows(source: str, *queries: str) -> list[list[model.Row]]:
    """What queries give."""

    async def work(database: model.Database) -> list[list[model.Row]]:
        return [await database.fetch_all(_statement(source, query)) for query in queries]

    return _with_database(source, work)


def _with_database(source: str, work: Callable[[model.Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with model.open_database(source) as database:
            return await work(database)

    return asyncio.run(run())


def snapshot(source: str) -> list[str]:
    """The tables and all that belongs to them, but alembic's own."""
    found = rows(source, *_SNAPSHOTS[dialect(source)])
    texts = [f"{kind}: {row}" for kind, each in enumerate(found) for row in each]
    return sorted(text for text in texts if "alembic_version" not in text)


def dialect(source: str) -> Dialect:
    parsed = parse_source(source)
    if isinstance(parsed, SqliteSource):
        return "sqlite"
    return "mysql" if isinstance(parsed, MysqlSource) else "postgresql"


def _statement(source: str, text: str) -> model.Statement:
    escaped = text.replace("%", "%%") if dialect(source) == "mysql" else text
    return model.Statement("test", sqlite=escaped, mysql=escaped, postgresql=escaped)
