"""What tests of contract kinds share."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile

Expected = tuple[str, str | None]
"""Message and hint of a diagnostic."""


def assert_refused(
    generate: Callable[[ContractFile], object], marked: str, *expected: Expected, path: str = "a/b.api"
) -> None:
    """Exactly these diagnostics, in order, each at a place that `marked` has in guillemets: `X «strng»`."""
    text, places = _unmarked(marked)
    with pytest.raises(ContractError) as raised:
        generate(ContractFile(path, "", text))
    found = raised.value.diagnostics
    assert [(each.message, each.hint) for each in found] == list(expected)
    assert [(each.line, each.column, each.length) for each in found] == places


def _unmarked(marked: str) -> tuple[str, list[tuple[int, int, int]]]:
    text, places = "", []
    for part in re.split("(«[^»]*»)", marked):
        if part.startswith("«"):
            part = part[1:-1]
            places.append((text.count("\n") + 1, len(text) - text.rfind("\n"), max(1, len(part))))
        text += part
    return text, places
