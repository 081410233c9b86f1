"""What is wrong with a program whose files parse: separate passes over the whole of it, a module for each."""

from __future__ import annotations

from collections.abc import Iterator

from zero_codegen.api.check import bodies, fields, nesting, routes, settings, statements, types
from zero_codegen.api.contract import Contract
from zero_codegen.api.problem import Problem

_PASSES = (statements.check, settings.check, types.check, fields.check, routes.check, bodies.check)


def check_contract(contract: Contract) -> Iterator[Problem]:
    """Everything that every pass finds."""
    too_deep = tuple(nesting.check(contract))
    yield from too_deep
    if not too_deep:  # the passes recurse as deep as types are nested
        for one_pass in _PASSES:
            yield from one_pass(contract)
