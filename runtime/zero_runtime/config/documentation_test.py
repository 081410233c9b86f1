"""What docs/configuration.md and the settings in docs/rpc.md say is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from zero_runtime import config
from zero_runtime.config.durations import Duration
from zero_runtime.config.loader import _keys
from zero_runtime.explain import bare, dotted, struct_fields
from zero_runtime.model import source

DOCS = Path(__file__).parents[3] / "docs"
TEXT = (DOCS / "configuration.md").read_text("utf-8")
RPC = (DOCS / "rpc.md").read_text("utf-8")


class Api(config.RestConf, kw_only=True, frozen=True):
    name: config.ServiceName = "user-api"
    auth: config.JwtConf
    trans: config.JwtTransitionConf
    user_rpc: config.RpcClientConf


class Rpc(config.RpcServerConf, kw_only=True, frozen=True):
    name: config.ServiceName = "user-rpc"
    data_source: config.DataSource
    database: config.DatabaseConf = config.DatabaseConf()
    cache: config.CacheConf = config.CacheConf()


class Row(NamedTuple):
    """What the document says of a key; empty for what is not a literal value."""

    variable: str
    default: str
    embedded: str


def section(title: str, document: str = TEXT) -> str:
    """The text below the heading that names ``title``."""
    found = re.search(rf"^### [^\n]*\(`{title}`\)\n(.*?)(?=^##)", document, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def documented(title: str) -> dict[str, Row]:
    rows = {}
    for line in section(title).splitlines():
        cells = [cell.strip() for cell in line.split(" |")]
        if len(cells) == 7 and cells[1].startswith("`ZERO_"):
            literal = [re.sub(r"^(?:`([^`]*)`|.*)$", r"\1", cell) for cell in cells]
            rows[cells[0].strip("| `")] = Row(literal[1], literal[3], literal[4])
    return rows


def real(kind: type[msgspec.Struct], above: str = "") -> dict[str, Row]:
    """The keys of ``kind`` that begin with ``above``."""
    return {
        name: Row(key.variable, text(default(kind, key.path)), text(key.embedded))
        for key in _keys(kind)
        if not key.part and (name := dotted(key.path)).startswith(above)
    }


def default(kind: Any, path: tuple[str | int, ...]) -> object:
    field = next(field for field in struct_fields(kind) if field.encode_name == path[0])
    return default(bare(field.type), path[1:]) if path[1:] else field.default


def text(value: object) -> str:
    if value is None or value is msgspec.NODEFAULT or callable(value):
        return ""
    if isinstance(value, Duration):
        return f"{value:g}s"
    return str(value).lower() if isinstance(value, bool) else str(value)


SERVICE = real(config.ServiceConf)
GOVERNED = real(config.GovernedConf)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("ServiceConf", SERVICE),
        ("GovernedConf", {name: row for name, row in GOVERNED.items() if name not in SERVICE}),
        ("RestConf", {name: row for name, row in real(config.RestConf).items() if name not in GOVERNED}),
        (
            "RpcServerConf",
            {name: row for name, row in real(config.RpcServerConf).items() if name not in GOVERNED},
        ),
        ("RpcClientConf", real(Api, "UserRpc")),
        ("JwtConf", real(Api, "Auth")),
        ("JwtTransitionConf", real(Api, "Trans")),
        ("DataSource", real(Rpc, "DataSource")),
        ("DatabaseConf", real(Rpc, "Database.")),
        ("CacheConf", real(Rpc, "Cache.")),
    ],
)
def test_keys_variables_and_defaults(title: str, expected: dict[str, Row]) -> None:
    assert documented(title) == expected


@pytest.mark.parametrize("kind", [config.RpcServerConf, config.RpcClientConf])
def test_reasons_are_given_for_every_key_of_rpc(kind: type[msgspec.Struct]) -> None:
    """A row has a key, several (`A.B`, `.C`), or a whole part (`A` or `A.*`)."""
    elsewhere = GOVERNED if issubclass(kind, config.GovernedConf) else {}
    keys = {name: row for name, row in real(kind).items() if name not in elsewhere}
    told: set[str] = set()
    for line in section(kind.__name__, RPC).splitlines():
        if not line.startswith("| `"):
            continue
        cells = line.split(" | ")
        names = re.findall(r"`([^`]+)`", cells[0])
        part = names[0].rpartition(".")[0]
        for name in names:
            name = f"{part}{name}" if name.startswith(".") else name.removesuffix(".*")
            found = {key for key in keys if key == name or key.startswith(f"{name}.")}
            assert found, f"{name} is no key"
            told |= found
            if found == {name} and keys[name].default and cells[1].startswith("`"):
                assert cells[1] == f"`{keys[name].default}`", name
    assert told == keys.keys()


def test_parameters_of_data_sources() -> None:
    names = set(re.findall(r"`([a-zA-Z_]+)`", section("DataSource")))
    assert names >= {*source._MYSQL_HONOURED, *source._MYSQL_WITHOUT_EFFECT}
    assert names >= {*source._POSTGRESQL_HONOURED, *source._POSTGRESQL_WITHOUT_EFFECT}


def test_examples_load(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    environ = {
        "AUTH_ACCESS_SECRET": "0123456789abcdef0123456789abcdef",
        "ZERO_TRANS__SECRET": "abcdefgh",
        "DB_PASSWORD": "a@b",
        "ETCD_PASSWORD": "secret",
    }
    kinds: tuple[type[config.ServiceConf], ...] = (Api, Rpc)
    for kind, example in zip(kinds, examples, strict=True):
        file = tmp_path / "service.yaml"
        file.write_text(example)
        config.load(kind, file, environ)
