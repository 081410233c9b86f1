"""The services of `service/testdata`, with whatever a test changes, as a fleet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from zero_codegen.service import configured
from zero_codegen.service.conftest import TESTDATA
from zero_codegen.stack.fleet import Fleet, Member
from zero_codegen.stack.spec import StackSpec

MakeFleet: TypeAlias = Callable[[Mapping[str, Mapping[str, Any]]], Fleet]

STACK = StackSpec(name="stack", address="services:stack", database="postgresql", images={})

SERVICES: Mapping[str, Mapping[str, Any]] = {"order-rpc": {}, "user-api": {}, "user-rpc": {}}
"""All of the services, unchanged."""


@pytest.fixture
def make_fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeFleet:
    """`make_fleet({"user-api": {"port": 80}})`: a service, described as in its file but for what changes.

    A service that has no file is named as that which it is like: `"user-rpc/twin"`.
    """
    monkeypatch.chdir(TESTDATA)

    def make(services: Mapping[str, Mapping[str, Any]]) -> Fleet:
        return Fleet(tuple(Member(*configured(write_spec(tmp_path, *each))) for each in services.items()))

    return make


def write_spec(folder: Path, name: str, changes: Mapping[str, Any]) -> Path:
    like, _, own = name.partition("/")
    described = json.loads((TESTDATA / f"{like}.json").read_text()) | {"name": own or like, **changes}
    file = folder / f"{described['name']}.json"
    file.write_text(json.dumps(described))
    return file


@pytest.fixture
def fleet(make_fleet: MakeFleet) -> Fleet:
    return make_fleet(SERVICES)
