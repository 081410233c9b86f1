"""What is wrong with a contract that parses: separate passes over the whole of it, a module for each."""

from __future__ import annotations

from zero_codegen.api.check import fields, routes, statements, types
from zero_codegen.api.contract import Contract
from zero_codegen.diagnostics import ContractError

_PASSES = (statements.check, types.check, fields.check, routes.check)


def check_contract(contract: Contract) -> None:
    """Raises ContractError with everything that every pass finds."""
    diagnostics = [
        problem.diagnostic(contract.file) for one_pass in _PASSES for problem in one_pass(contract)
    ]
    if diagnostics:
        raise ContractError(diagnostics)
