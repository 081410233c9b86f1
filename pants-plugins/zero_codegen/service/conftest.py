"""The services of `testdata`, a small repository, with whatever a test changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from zero_codegen.service.contracts import wire
from zero_codegen.service.spec import Spec
from zero_codegen.service.wiring import Wiring

TESTDATA = Path(__file__).parent / "testdata"
STYLE = (
    ("black", "--check", "--line-length=100"),
    (
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--select=E,F,W,I,B,UP,SIM,C4,RUF",
        "--line-length=100",
        "--config=lint.isort.known-third-party=['order','user']",
    ),
)
"""What generated Python stands up to: modules to run, with their arguments."""

Specify: TypeAlias = Callable[..., dict[str, Any]]
Wire: TypeAlias = Callable[..., Wiring]


@pytest.fixture
def specify() -> Specify:
    """`specify("user-api", port=80)`: what `spec.json` holds."""
    return lambda name, /, **changes: json.loads((TESTDATA / f"{name}.json").read_text()) | changes


@pytest.fixture
def wired(specify: Specify, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """`wired("user-api", port=80)`: its wiring, from the contracts in `testdata`."""
    monkeypatch.chdir(TESTDATA)
    return lambda name, /, **changes: wire(msgspec.convert(specify(name, **changes), Spec))
