"""HTTP contracts: go-zero's `.api` language.

A contract becomes `<stem>_api.py`, and when it has a service also its OpenAPI document `<stem>_api.openapi.json`
and its TypeScript client `<stem>_api.ts`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import starmap

from lark import Token

from zero_codegen import naming
from zero_codegen.api.check import check_contract
from zero_codegen.api.contract import SUFFIX, Contract
from zero_codegen.api.emit import emit_module, emit_openapi, emit_typescript
from zero_codegen.api.problem import file_of, line_of
from zero_codegen.api.program import Program, read_program
from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.source import ContractFile, Output, generate_each


@dataclass(frozen=True, slots=True)
class JwtName:
    """The name of `jwt:` or `jwtTransition:` settings as written, and the place of its first use.

    `parameter` is the keyword of the generated function `routes` that takes the verifier. `file` may be an import.
    """

    name: str
    parameter: str
    line: int
    column: int
    file: ContractFile


@dataclass(frozen=True, slots=True)
class Description:
    """What others need to know of a contract.

    `service` is its name as written, "" for a contract of types alone; `api_class` is what logic implements.
    `signature` says whether some routes take signed requests only, `middlewares` has the methods of
    `api_class` that are middlewares, `files` the paths of all files of the program, the contract's own first.
    """

    service: str
    api_class: str
    jwts: tuple[JwtName, ...]
    transitions: tuple[JwtName, ...]
    signature: bool
    middlewares: tuple[str, ...]
    files: tuple[str, ...]


def generate(
    files: Sequence[ContractFile], out: Output, imported: Collection[str] = frozenset()
) -> Sequence[Diagnostic]:
    """Write what every good contract becomes; return what is wrong with the others.

    `imported` are paths of contracts that others import. Such a one may name types that only its importers know:
    it declares nothing then, its importers do.
    """
    return generate_each(files, out, partial(_generate, imported))


def check(files: Iterable[ContractFile], imported: Collection[str] = frozenset()) -> Sequence[Diagnostic]:
    """What `generate` finds wrong."""
    return generate_each(files, None, partial(_generate, imported))


def describe(file: ContractFile) -> Description:
    """Raises ContractError with everything that is wrong with the contract."""
    contract = load(file)
    return Description(
        contract.service,
        contract.base_class,
        tuple(starmap(_jwt_name, contract.jwts.items())),
        tuple(starmap(_jwt_name, contract.transitions.items())),
        any(endpoint.signature for endpoint in contract.endpoints),
        tuple(middleware.attribute for middleware in contract.middlewares),
        tuple(unit.file.path for unit in contract.program.units),
    )


def load(file: ContractFile) -> Contract:
    """A contract with all that it imports. Raises ContractError with everything that is wrong in its files."""
    return _checked(read_program(file))


def _checked(program: Program) -> Contract:
    contract = Contract(program)
    found = (problem.diagnostic() for problem in (*program.problems, *check_contract(contract)))
    if diagnostics := (*program.diagnostics, *found):
        raise ContractError(diagnostics)
    return contract


def _generate(imported: Collection[str], file: ContractFile) -> Mapping[str, str]:
    program = read_program(file)
    if file.path in imported and program.is_sound and not program.root.is_whole:
        contract = Contract(program.without_content)
    else:
        contract = _checked(program)
    contents = {".py": emit_module(contract)}
    if contract.service:
        contents |= {".openapi.json": emit_openapi(contract), ".ts": emit_typescript(contract)}
    return {file.output(f"{SUFFIX}{suffix}"): content for suffix, content in contents.items()}


def _jwt_name(name: str, at: Token) -> JwtName:
    return JwtName(name, naming.identifier(name), line_of(at), at.column or 1, file_of(at))
