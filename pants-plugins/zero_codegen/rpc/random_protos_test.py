"""Whatever protos say: what is generated can be imported and means that, or they are refused at a place."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pool
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zero_codegen.rpc import describe, generate
from zero_codegen.source import Output, read_contract
from zero_runtime import rpc

_NUMBER = itertools.count()
"""Protos of one process have distinct packages: it registers all of them."""

# Names of Python, of protobuf and of what is generated, and pairs that become one.
CLASHES = (
    *("import", "None", "class", "self", "str", "mro", "register", "_", "_1", "__init__", "__name__", "_X"),
    *(
        "DESCRIPTOR",
        "_descriptor",
        "_globals",
        "_sym_db",
        "Clear",
        "FromString",
        "google",
        "grpc",
        "warnings",
    ),
    *("abc", "rpc", "channel", "logic", "request", "options", "AsyncIterator", "Unpack", "_contract"),
    *("Shop", "ShopRpc", "ShopClient", "shop_service", "ShopStub", "HTTPShop", "HttpShop", "http_shop"),
)
NAMES = st.sampled_from(CLASHES) | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
COMMENTS = st.sampled_from(("", '// Says """ and C:\\.\n', "/* 名 */\n", "// one\n// two\n"))
OPTIONS = st.sampled_from(
    ("", "option deprecated = true;", "option idempotency_level = IDEMPOTENT;", "option (audited) = true;")
)
WELL_KNOWN = (".google.protobuf.Empty", ".google.protobuf.Timestamp", ".google.protobuf.Struct.FieldsEntry")


@st.composite
def protos(draw: st.DrawFn) -> dict[str, str]:
    """Three files by name: `far`, in proto2, which `near` hands on, and `main`, which has the services."""
    package = f"random_protos_{next(_NUMBER)}"
    far, near, main, services = (
        draw(st.lists(NAMES, min_size=low, max_size=3, unique=True)) for low in (0, 0, 0, 1)
    )
    inner = draw(st.lists(NAMES, max_size=2, unique=True))
    own = [name for name in main if name not in services]
    types = list(WELL_KNOWN[:2])
    for where, outer in (f"{package}.far", far), (f"{package}.near", near), (package, own):
        types += [f".{where}.{name}" for name in outer]
        types += [f".{where}.{name}.{nested}" for name in outer for nested in inner if nested != name]

    def messages(names: list[str]) -> str:
        nested = " ".join(f"message {name} {{}}" for name in inner)
        return "\n".join(f"message {name} {{ {nested} }}" for name in names)

    def method(name: str) -> str:
        request, response = draw(st.sampled_from(types)), draw(st.sampled_from(types))
        ways = [draw(st.sampled_from(("", "stream "))) for _ in range(2)]
        head = f"{draw(COMMENTS)}  rpc {name}({ways[0]}{request}) returns ({ways[1]}{response})"
        return f"{head} {{ {draw(OPTIONS)} }}"

    bodies = {
        name: "\n".join(map(method, draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))))
        for name in services
    }
    served = "\n".join(f"{draw(COMMENTS)}service {name} {{\n{body}\n}}" for name, body in bodies.items())
    folder = f"{package}/"
    return {
        f"{folder}far.proto": f'syntax = "proto2";\npackage {package}.far;\n{messages(far)}\n',
        f"{folder}near.proto": (
            f'edition = "2023";\npackage {package}.near;\n'
            f'import public "{folder}far.proto";\n{messages(near)}\n'
        ),
        f"{folder}main.proto": (
            f'syntax = "proto3";\npackage {package};\nimport "{folder}near.proto";\n'
            'import "google/protobuf/descriptor.proto";\nimport "google/protobuf/empty.proto";\n'
            'import "google/protobuf/timestamp.proto";\n'
            f"extend google.protobuf.MethodOptions {{ bool audited = {50_000 + next(_NUMBER)}; }}\n"
            f"{messages(own)}\n{served}\n"
        ),
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("random_protos")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(root)
        monkeypatch.syspath_prepend(root)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        yield root


class Recorder:
    """A channel that remembers what is asked of it: path to kind and messages."""

    def __init__(self) -> None:
        self.calls: dict[str, tuple[str, str, str]] = {}

    def __getattr__(self, kind: str) -> Any:
        def stub(path: str, request: Any, response: Any, *, idempotent: bool = False) -> None:
            self.calls[path] = kind, request.DESCRIPTOR.full_name, response.DESCRIPTOR.full_name

        return stub


@given(files=protos())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_protos_are_generated_or_refused(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    contracts = [read_contract(path) for path in files]
    found = generate(contracts, Output(root))
    if found:
        for diagnostic in found:
            assert diagnostic.path in files
            assert diagnostic.source_line == files[diagnostic.path].split("\n")[diagnostic.line - 1]
            assert not diagnostic.message.startswith("protoc fails")
        return
    importlib.invalidate_caches()
    package = contracts[-1].name.partition("/")[0]
    modules = [
        importlib.import_module(f"{package}.{stem}{suffix}")
        for stem in ("far", "near", "main")
        for suffix in ("_pb2", "_pb2_grpc", "_rpc")
    ]
    check(modules[-1], package, describe(contracts[-1]).services)


def check(module: Any, package: str, services: Any) -> None:
    """The generated module against protobuf's own idea of the services."""
    for service in services:
        known = descriptor_pool.Default().FindServiceByName(f"{package}.{service.name}")
        expected = {
            f"/{known.full_name}/{method.name}": (
                f"{'stream' if method.client_streaming else 'unary'}_"
                f"{'stream' if method.server_streaming else 'unary'}",
                method.input_type.full_name,
                method.output_type.full_name,
            )
            for method in known.methods
        }
        channel = Recorder()
        getattr(module, service.client_class)(channel)
        assert channel.calls == expected
        base = getattr(module, service.rpc_class)
        logic = type("Logic", (base,), {name: print for name in base.__abstractmethods__})
        bound: rpc.Service = getattr(module, service.function)(logic())
        assert bound.name == known.full_name
        assert {
            f"/{bound.name}/{method.name}": (
                method.kind.name.lower(),
                method.request.DESCRIPTOR.full_name,
                method.response.DESCRIPTOR.full_name,
            )
            for method in bound.methods
        } == expected
