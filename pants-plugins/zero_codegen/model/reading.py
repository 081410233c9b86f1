"""From the text of contracts to what they declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import Token

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.model import queries
from zero_codegen.model.check import Checked, check, check_settings
from zero_codegen.model.check.references import Known, cycles, resolve
from zero_codegen.model.parse.file import parse
from zero_codegen.model.parse.tokens import place
from zero_codegen.model.schema import Contract, Table
from zero_codegen.model.settings import Settings
from zero_codegen.source import ContractFile

_DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key to a table that its contract does not declare, and its place there."""

    table: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Model:
    """The names generated for a table, what belongs to it, and where the table is declared."""

    table: str
    row_class: str
    model_class: str
    line: int
    column: int
    cached: bool = False
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What a file of DDL declares, in its order."""

    models: tuple[Model, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A contract by itself, for what it is worth when there are diagnostics."""

    file: ContractFile
    checked: Checked
    statements: Sequence[Sequence[Token]]
    diagnostics: Sequence[Diagnostic]

    @property
    def tables(self) -> dict[str, Table]:
        """The tables by their names as they are compared; none when some columns may be missing."""
        if self.diagnostics:
            return {}
        return {table.name.casefold(): table for table in self.checked.contract.tables}


def read(file: ContractFile, settings: Settings = _DEFAULTS) -> Contract:
    """What one contract declares. Raises ContractError with every mistake in it.

    Tables of other contracts that foreign keys refer to are not looked for.
    """
    found = _read(file, settings)
    return _linked(found, Known(found.tables, is_complete=False))


def read_all(
    files: Sequence[ContractFile], settings: Mapping[str, Settings]
) -> tuple[list[tuple[ContractFile, Contract]], list[Diagnostic]]:
    """The good contracts of a folder, and what is wrong with the others. `settings` are by paths.

    Foreign keys refer to any table of the folder. One that nobody knows is a mistake when all contracts
    could be read.
    """
    found: list[_Read] = []
    diagnostics: list[Diagnostic] = []
    for file in files:
        try:
            found.append(_read(file, settings.get(file.path, _DEFAULTS)))
        except ContractError as error:
            diagnostics += error.diagnostics
    diagnostics += _declared_twice(found)
    is_complete = not (diagnostics or any(one.diagnostics for one in found))
    tables = {name: table for one in reversed(found) for name, table in one.tables.items()}
    contracts = []
    for one in found:
        try:
            contracts.append((one.file, _linked(one, Known({**tables, **one.tables}, is_complete))))
        except ContractError as error:
            diagnostics += error.diagnostics
    return contracts, diagnostics


def describe(file: ContractFile, settings: Settings = _DEFAULTS) -> Description:
    """The repositories of a contract. Raises ContractError."""
    found = _read(file, settings)
    contract = _linked(found, Known(found.tables, is_complete=False))
    models = []
    for table, written in zip(contract.tables, found.checked.foreign_keys, strict=True):
        references = tuple(
            Reference(syntax.table.text, *place(file, syntax.table))
            for syntax in written
            if syntax.table.text.casefold() not in found.tables
        )
        names = (table.name, table.row_class, table.model_class)
        models.append(Model(*names, table.line, table.column, table.cached, references))
    return Description(tuple(models))


def _declared_twice(found: Sequence[_Read]) -> Iterator[Diagnostic]:
    """Tables that several contracts declare: those of a folder are one database."""
    owners: dict[str, ContractFile] = {}
    for one in found:
        for name, table in one.tables.items():
            owner = owners.setdefault(name, one.file)
            if owner is not one.file:
                message = f"table `{table.name}` is declared in {owner.path}, too"
                length = len(table.name)
                yield one.file.diagnostic(table.line, table.column, message, length=length)


def _read(file: ContractFile, settings: Settings) -> _Read:
    """Raises ContractError when the file is not even made of words."""
    syntax, mistakes = parse(file, settings.dialect)
    checked, more = check(file, syntax, settings)
    diagnostics = [mistake.diagnostic(file) for mistake in (*mistakes, *more)]
    if not diagnostics:
        # A table that could not be read may be what they name.
        diagnostics += check_settings(file, syntax, settings)
    if not (diagnostics or checked.contract.tables):
        diagnostics.append(file.diagnostic(1, 1, "no table is declared here"))
    return _Read(file, checked, syntax.queries, diagnostics)


def _linked(found: _Read, known: Known) -> Contract:
    """The whole contract. Raises ContractError with every mistake in it."""
    file = found.file
    contract, mistakes = resolve(found.checked, known)
    mistakes += cycles(found.checked, known.tables)
    diagnostics = [*found.diagnostics, *(mistake.diagnostic(file) for mistake in mistakes)]
    if not diagnostics and found.statements:
        read_queries, mistakes = queries.read(file, contract, found.statements)
        diagnostics += [mistake.diagnostic(file) for mistake in mistakes]
        contract = replace(contract, queries=tuple(read_queries))
    if diagnostics:
        raise ContractError(diagnostics)
    return contract
