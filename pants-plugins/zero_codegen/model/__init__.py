"""Tables: MySQL's DDL, to `<stem>_model.py` with a row type and a repository for every table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.model import emit
from zero_codegen.model.check import check
from zero_codegen.model.parse import parse
from zero_codegen.model.schema import Table
from zero_codegen.source import ContractFile, Output, generate_each

__all__ = ["Contract", "Model", "describe", "generate", "read"]


@dataclass(frozen=True, slots=True)
class Model:
    """The names generated for a table, and where the table is declared."""

    table: str
    row_class: str
    model_class: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Contract:
    """What a file of DDL declares, in its order."""

    models: tuple[Model, ...]


def generate(files: Sequence[ContractFile], out: Output) -> Sequence[Diagnostic]:
    """Write the module of every good contract, and return what is wrong with the others."""
    return generate_each(files, out, _generate)


def describe(file: ContractFile) -> Contract:
    """The repositories of a contract. Raises ContractError."""
    return Contract(tuple(_describe(table) for table in read(file)))


def read(file: ContractFile) -> list[Table]:
    """The tables of a contract. Raises ContractError with every mistake in it."""
    declarations, mistakes = parse(file)
    tables, more = check(file, declarations, complete=not mistakes)
    if mistakes or more:
        raise ContractError(mistake.diagnostic(file) for mistake in (*mistakes, *more))
    if not tables:
        raise ContractError([file.diagnostic(1, 1, "no table is declared here")])
    return tables


def _generate(file: ContractFile) -> dict[str, str]:
    return {file.output("_model.py"): emit.source(file.name, read(file))}


def _describe(table: Table) -> Model:
    return Model(table.name, table.row_class, table.model_class, table.line, table.column)
