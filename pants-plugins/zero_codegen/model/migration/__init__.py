"""Migrations: the difference of two states of the contracts of a folder, as a revision of alembic.

The tables of all contracts of a folder are one database with one history. What has to be done is found per
database by comparing the pieces of SQL that a table is made of (`zero_codegen.model.sql.ddl`), so after an
upgrade a table is what it would be if it were made today, but for the order of its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.model import reading
from zero_codegen.model.migration import mysql, postgresql, sqlite
from zero_codegen.model.migration.environment import environment
from zero_codegen.model.migration.history import head
from zero_codegen.model.migration.pieces import Pieces, pieces
from zero_codegen.model.migration.review import remarks, summary
from zero_codegen.model.migration.revision import Way, written
from zero_codegen.model.schema import Contract, Table
from zero_codegen.model.settings import Dialect, Settings
from zero_codegen.source import ContractFile, Output, decode, read_bytes

Steps: TypeAlias = Callable[[Mapping[str, Pieces], Mapping[str, Pieces]], Iterable[str]]

__all__ = ["difference", "migrate", "read_before"]

_STEPS: Mapping[Dialect, Steps] = {
    "sqlite": sqlite.steps,
    "mysql": mysql.steps,
    "postgresql": postgresql.steps,
}


def migrate(
    before: Sequence[ContractFile],
    after: Sequence[ContractFile],
    *,
    settings_before: Mapping[str, Settings],
    settings: Mapping[str, Settings],
    folder: str,
    message: str | None,
    out: Output,
) -> Sequence[Diagnostic]:
    """Write the revision that makes the tables of `after` of those of `before`, if there is anything to do.

    `folder` has the revisions that there are, in `versions`; what alembic needs beside them is written where
    it is missing. Returns what is wrong with the contracts or the revisions; then nothing is written.
    """
    old, diagnostics = reading.read_all(before, settings_before)
    new, more = reading.read_all(after, settings)
    diagnostics = [*diagnostics, *more]
    follows = None
    try:
        follows = head(Path(folder, "versions"))
    except ContractError as error:
        diagnostics += error.diagnostics
    if diagnostics:
        return diagnostics
    contracts_before, contracts = ([contract for _, contract in each] for each in (old, new))
    up, changed = difference(contracts_before, contracts)
    down, _ = difference(contracts, contracts_before)
    if up.is_empty:
        return []
    message = message or summary(_by_name(contracts_before), _by_name(contracts), changed)
    revision = written(message, follows, up, down)
    out.write(PurePosixPath(folder, "versions", revision.file).as_posix(), revision.text)
    for path, text in environment(PurePosixPath(folder)).items():
        if not Path(path).exists():
            out.write(path, text)
    return []


def read_before(folder: Path, against: str) -> tuple[list[ContractFile], list[Diagnostic]]:
    """The contracts below a folder, as they were in the revision `against`: `main:services/user/user.sql`."""
    files: list[ContractFile] = []
    diagnostics: list[Diagnostic] = []
    for path in sorted(folder.rglob("*.sql")):
        known_as = f"{against}:{path.relative_to(folder).as_posix()}"
        try:
            files.append(ContractFile(known_as, "", decode(known_as, read_bytes(path.as_posix()))))
        except ContractError as error:
            diagnostics += error.diagnostics
    return files, diagnostics


def difference(before: Sequence[Contract], after: Sequence[Contract]) -> tuple[Way, set[str]]:
    """The way from one state to another, and the names of the tables that are in both and change."""
    statements: dict[Dialect, Sequence[str]] = {}
    changed: set[str] = set()
    for dialect, steps in _STEPS.items():
        old, new = (
            {
                table.name: pieces(contract, table, dialect)
                for contract in contracts
                for table in contract.tables
            }
            for contracts in (before, after)
        )
        statements[dialect] = tuple(steps(old, new))
        changed |= {name for name, table in new.items() if name in old and old[name].whole != table.whole}
    return Way(statements, tuple(remarks(_by_name(before), _by_name(after)))), changed


def _by_name(contracts: Sequence[Contract]) -> dict[str, Table]:
    return {table.name: table for contract in contracts for table in contract.tables}
