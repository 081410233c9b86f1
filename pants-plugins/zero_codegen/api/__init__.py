"""HTTP contracts: go-zero's `.api` language, to `<stem>_api.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from zero_codegen import naming
from zero_codegen.api.check import check_contract
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit import emit_module
from zero_codegen.api.parser import parse
from zero_codegen.api.problem import line_of
from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.source import ContractFile, Output, generate_each

SUFFIX = "_api"
"""Ends the names of the modules generated here: `user.api` becomes `user_api`."""


@dataclass(frozen=True, slots=True)
class JwtName:
    """The name of `jwt:` settings as written, and the place of its first use.

    `parameter` is the keyword of the generated function `routes` that takes the verifier.
    """

    name: str
    parameter: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Description:
    """What others need to know of a contract: its service, the class logic implements, its jwt settings."""

    service: str
    api_class: str
    jwt: tuple[JwtName, ...]


def generate(files: Sequence[ContractFile], out: Output) -> Sequence[Diagnostic]:
    """Write the module of every good contract; return what is wrong with the others."""
    return generate_each(files, out, _generate)


def describe(file: ContractFile) -> Description:
    """Raises ContractError with everything that is wrong with the contract."""
    with _refusing_depth(file):
        contract = _load(file)
    jwt = (
        JwtName(name, naming.identifier(name), line_of(at), at.column or 1)
        for name, at in contract.jwt.items()
    )
    return Description(contract.service, contract.base_class, tuple(jwt))


def _generate(file: ContractFile) -> Mapping[str, str]:
    with _refusing_depth(file):
        return {file.output(f"{SUFFIX}.py"): emit_module(_load(file))}


def _load(file: ContractFile) -> Contract:
    contract = Contract(file, parse(file))
    check_contract(contract)
    return contract


@contextmanager
def _refusing_depth(file: ContractFile) -> Iterator[None]:
    """The passes over a contract recurse as deep as its types are nested."""
    try:
        yield
    except RecursionError:
        raise ContractError([file.diagnostic(1, 1, "types are nested too deeply")]) from None
