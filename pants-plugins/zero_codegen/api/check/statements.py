"""The statements of files: those that may stand once, and the one service of a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lark import Token

from zero_codegen.api.contract import Contract
from zero_codegen.api.problem import Problem, end_of, file_of, where
from zero_codegen.api.program import Unit


def check(contract: Contract) -> Iterator[Problem]:
    broken = {file_of(problem.at) for problem in contract.program.problems}
    for unit in contract.program.units:
        yield from _file(unit)
        if not unit.tree.statements and unit.file not in broken:
            yield Problem(end_of(unit.file), "the file declares nothing", "declare a type or a service")
    yield from _service(contract)


def repeated(names: Iterable[Token], what: str) -> Iterator[Problem]:
    """A problem for every name that an earlier one equals."""
    first: dict[str, Token] = {}
    for name in names:
        other = first.setdefault(str(name), name)
        if other is not name:
            yield Problem(name, f"{what} `{name}` is here twice, first in {where(other, name)}")


def _file(unit: Unit) -> Iterator[Problem]:
    yield from repeated((statement.keyword for statement in unit.tree.syntaxes), "the statement")
    yield from repeated((statement.keyword for statement in unit.tree.infos), "the statement")
    for info in unit.tree.infos:
        yield from repeated((entry.key for entry in info.entries), "the key")


def _service(contract: Contract) -> Iterator[Problem]:
    names = [service.name for unit in contract.program.imported_first for service in unit.tree.services]
    for name in names[1:]:
        if name != names[0]:
            message = f"the service is `{names[0]}` in {where(names[0], name)}, but `{name}` here"
            yield Problem(name, message, f"a contract has one service: did you mean `{names[0]}`?")
