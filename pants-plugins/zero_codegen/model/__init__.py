"""Tables: DDL of MySQL, PostgreSQL or SQLite, to `<stem>_model.py` with a row type and a repository for each.

What reads DDL is imported when it is asked for: a service without models describes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.model.settings import Settings
from zero_codegen.source import ContractFile, Output

if TYPE_CHECKING:
    from zero_codegen.model.reading import Description
    from zero_codegen.model.schema import Contract

__all__ = ["Settings", "describe", "generate", "read"]


def generate(
    files: Sequence[ContractFile], out: Output, settings: Mapping[str, Settings] | None = None
) -> Sequence[Diagnostic]:
    """Write the module of every good contract of a folder, and return what is wrong with the others.

    `settings` are by the paths of contracts; one that has none has the defaults.
    """
    from zero_codegen.model import reading
    from zero_codegen.model.emit.module import source

    contracts, diagnostics = reading.read_all(files, settings or {})
    for file, contract in contracts:
        out.write(file.output("_model.py"), source(file.name, contract))
    return diagnostics


def describe(file: ContractFile, settings: Settings | None = None) -> Description:
    """The repositories of a contract. Raises ContractError."""
    from zero_codegen.model import reading

    return reading.describe(file, settings or Settings())


def read(file: ContractFile, settings: Settings | None = None) -> Contract:
    """What one contract declares. Raises ContractError with every mistake in it."""
    from zero_codegen.model import reading

    return reading.read(file, settings or Settings())
