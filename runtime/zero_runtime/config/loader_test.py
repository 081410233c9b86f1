from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from zero_runtime import config


class ApiConfig(config.RestConf, kw_only=True, frozen=True):
    name: config.ServiceName = "user-api"
    auth: config.JwtConf
    user_rpc: Annotated[config.RpcClientConf, config.Embedded({"Target": "local:///user-rpc"})]


class RpcConfig(config.RpcServerConf, kw_only=True, frozen=True):
    name: config.ServiceName = "user-rpc"
    data_source: config.DataSource


GOOD = """
Name: gateway
Port: 80
Timeout: 5000
Log:
  Level: error
Shutdown: {WrapUpTime: 0s, WaitTime: 1m30s}
Auth:
  AccessSecret: 0123456789abcdef0123456789abcdef
  AccessExpire: 3600
UserRpc:
  Endpoints: ["a:1", "b:2"]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "service.yaml"
    file.write_text(text)
    return file


def problems(
    kind: type[config.ServiceConf], file: Path | None, environ: Mapping[str, str] | None = None
) -> list[str]:
    with pytest.raises(config.ConfigError) as refusal:
        config.load(kind, file, environ or {})
    text = str(refusal.value)
    return text.replace(f"{file.parent}/", "").split("\n") if file else text.split("\n")


def test_file_in_go_zeros_spelling(tmp_path: Path) -> None:
    conf = config.load(ApiConfig, write(tmp_path, GOOD), {})
    assert (conf.name, conf.port, conf.timeout, conf.log.level) == ("gateway", 80, 5000, "error")
    assert (conf.shutdown.wrap_up_time, conf.shutdown.wait_time) == (0.0, 90.0)
    assert conf.auth.access_expire == 3600
    assert conf.user_rpc.endpoints == ["a:1", "b:2"]


def test_defaults_of_a_file_are_for_production(tmp_path: Path) -> None:
    conf = config.load(ApiConfig, write(tmp_path, GOOD), {})
    assert (conf.mode, conf.host, conf.log.encoding, conf.max_bytes) == ("pro", "0.0.0.0", "json", 1048576)
    assert (conf.has_dev_server, conf.dev_server.port, conf.dev_server.health_path) == (
        True,
        6060,
        "/healthz",
    )
    assert RpcConfig(data_source="x").listen_on == "0.0.0.0:8080"


def test_the_administration_port_is_there_unless_in_dev_mode(tmp_path: Path) -> None:
    dev = GOOD + "Mode: dev\n"
    assert not config.load(ApiConfig, write(tmp_path, dev), {}).has_dev_server
    assert config.load(ApiConfig, write(tmp_path, dev + "DevServer: {Enabled: true}\n"), {}).has_dev_server


def test_without_a_file_the_embedded_defaults_hold(tmp_path: Path) -> None:
    conf = config.load(ApiConfig, None, {"ZERO_STATE_DIR": str(tmp_path)})
    assert (conf.mode, conf.host, conf.port, conf.log.encoding) == ("dev", "127.0.0.1", 8888, "plain")
    assert not conf.has_dev_server
    assert conf.user_rpc.target == "local:///user-rpc"
    rpc = config.load(RpcConfig, None, {"ZERO_STATE_DIR": str(tmp_path)})
    assert (rpc.listen_on, rpc.register) == ("127.0.0.1:0", "local")
    assert rpc.data_source == f"sqlite:///{tmp_path}/services/user-rpc/data.db"
    assert (tmp_path / "services" / "user-rpc").is_dir()


def test_embedded_secret_is_random_private_and_survives(tmp_path: Path) -> None:
    environ = {"ZERO_STATE_DIR": str(tmp_path / "a")}
    secret = config.load(ApiConfig, None, environ).auth.access_secret
    assert len(secret) >= 43
    assert config.load(ApiConfig, None, environ).auth.access_secret == secret
    other = {"ZERO_STATE_DIR": str(tmp_path / "b")}
    assert config.load(ApiConfig, None, other).auth.access_secret != secret
    folder = tmp_path / "a" / "services" / "user-api"
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_racing_first_starts_agree_on_the_secret(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from zero_runtime.config.embedded import *; "
        f"print(jwt_secret(Origin(Path({str(tmp_path)!r}), 'Auth.AccessSecret')))"
    )
    environ = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    racers = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environ)
        for _ in range(4)
    ]
    assert len({racer.communicate()[0] for racer in racers}) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config.state_folder({}) == tmp_path / ".local" / "state" / "zero"
    assert config.state_folder({"XDG_STATE_HOME": "/x"}) == Path("/x/zero")
    assert config.state_folder({"XDG_STATE_HOME": "/x", "ZERO_STATE_DIR": "/y"}) == Path("/y")


def test_a_user_without_a_home_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    with pytest.raises(config.InvalidValue, match="no home folder: set ZERO_STATE_DIR"):
        config.state_folder({})


def test_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    first, hint = problems(RpcConfig, None, {"ZERO_STATE_DIR": str(blocked)})
    assert first.startswith("no configuration file: DataSource: the state folder ")
    assert first.endswith("cannot be used: Not a directory")
    assert hint == "  = hint: set ZERO_STATE_DIR or ZERO_DATA_SOURCE, or give a configuration file"


def test_environment_goes_before_everything(tmp_path: Path) -> None:
    environ = {
        "ZERO_PORT": "8080",
        "ZERO_LOG__LEVEL": "debug",
        "ZERO_AUTH__ACCESS_SECRET": "12345678",
        "ZERO_USER_RPC__ENDPOINTS": "c:3, d:4",
        "ZERO_DEV_SERVER__ENABLED": "False",
        "ZERO_SHUTDOWN__WAIT_TIME": "2s",
        "ZERO_SOMETHING_ELSE": "1",
    }
    conf = config.load(ApiConfig, write(tmp_path, GOOD), environ)
    assert (conf.port, conf.log.level, conf.auth.access_secret) == (8080, "debug", "12345678")
    assert conf.user_rpc.endpoints == ["c:3", "d:4"]
    assert not conf.has_dev_server
    assert conf.shutdown.wait_time == 2.0
    assert conf.auth.access_expire == 3600


def test_what_the_file_says_of_a_key_that_the_environment_sets_does_not_matter(tmp_path: Path) -> None:
    text = GOOD.replace("0123456789abcdef0123456789abcdef", "${UNSET}")
    conf = config.load(ApiConfig, write(tmp_path, text), {"ZERO_AUTH__ACCESS_SECRET": "12345678"})
    assert (conf.auth.access_secret, conf.auth.access_expire) == ("12345678", 3600)


def test_environment_alone_is_enough_beside_an_empty_file(tmp_path: Path) -> None:
    environ = {"ZERO_AUTH__ACCESS_SECRET": "x" * 32, "ZERO_USER_RPC__TARGET": "dns:///user-rpc:8080"}
    conf = config.load(ApiConfig, write(tmp_path, ""), environ)
    assert (conf.mode, conf.user_rpc.target) == ("pro", "dns:///user-rpc:8080")


def test_references_are_read_from_environment_secrets_and_defaults(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "SECRET").write_text("from: a # file\n")
    (secrets / "PORT").write_text("1")
    text = """
Port: ${PORT}
Host: "${HOST:-::1}"
Timeout: ${UNSET:-1}000
DevServer: {Enabled: "${DEV:-false}"}
Auth: {AccessSecret: "${SECRET}"}
UserRpc: {Target: "$${x}$${y}"}
"""
    environ = {"PORT": "81", "HOST": "", "ZERO_SECRETS_DIR": str(secrets)}
    conf = config.load(ApiConfig, write(tmp_path, text), environ)
    assert (conf.port, conf.host, conf.timeout, conf.has_dev_server) == (81, "::1", 1000, False)
    assert conf.auth.access_secret == "from: a # file"
    assert conf.user_rpc.target == "${x}${y}"


def test_numbers_from_the_environment_stay_text_where_text_is_wanted(tmp_path: Path) -> None:
    text = "Auth:\n  AccessSecret: ${S}\nUserRpc:\n  Target: ${S}"
    conf = config.load(ApiConfig, write(tmp_path, text), {"S": "12345678"})
    assert conf.auth.access_secret == conf.user_rpc.target == "12345678"


def test_all_mistakes_are_told_with_their_places(tmp_path: Path) -> None:
    text = """Port: eighty
port: 1
Timeout: -1
Auth:
  AccessSecret: 12345678
  AccesExpire: 5
  AccessExpire: ${EXPIRE}
UserRpc:
  Endpoints: a,b
  Target: ${nope
Shutdown: {WaitTime: 5}
Log: {Level: loud, Encoding: json, Encoding: plain}
MaxBytes: 70000
"""
    environ = {"ZERO_MAX_BYTES": "lots", "ZERO_SECRETS_DIR": "/nowhere"}
    assert problems(ApiConfig, write(tmp_path, text), environ) == [
        "service.yaml:7:17: Auth.AccessExpire: the environment variable EXPIRE is not set",
        "  = hint: there is no file EXPIRE in /nowhere either",
        "service.yaml:10:11: UserRpc.Target: holds a `${` that starts no reference",
        "  = hint: write ${VAR} or ${VAR:-default}, and $${ for a literal ${",
        "service.yaml:12:36: Log.Encoding: is given twice",
        "service.yaml:12:7: Log.Level: must be one of `debug`, `info`, `warn`, `error`, `severe`",
        "service.yaml:11:12: Shutdown.WaitTime: expected a duration such as `1s`, `300ms` or `1m30s`",
        "service.yaml:1:1: Port: expected an integer, got a string",
        "service.yaml:3:1: Timeout: must be >= 0",
        "environment variable ZERO_MAX_BYTES: MaxBytes: expected an integer, got a string",
        "service.yaml:5:3: Auth.AccessSecret: expected a string, got a number",
        "  = hint: put the value in quotes",
        "service.yaml:6:3: Auth.AccesExpire: unknown key; did you mean `AccessExpire`?",
        "service.yaml:9:3: UserRpc.Endpoints: expected a list, got a string",
        "service.yaml:2:1: port: unknown key; did you mean `Port`?",
    ]


def test_what_is_missing_is_told_with_the_variable_that_would_do(tmp_path: Path) -> None:
    environ = {"ZERO_AUTH__ACCES_SECRET": "x" * 32}
    assert problems(ApiConfig, write(tmp_path, ""), environ) == [
        "service.yaml: Auth.AccessSecret: is required",
        "  = hint: set it in the file, or set ZERO_AUTH__ACCESS_SECRET in the environment"
        " (ZERO_AUTH__ACCES_SECRET is set: is it misspelt?)",
        "service.yaml: UserRpc: one of Target, Endpoints and Etcd is required",
        "  = hint: set it in the file, or set ZERO_USER_RPC__… in the environment",
    ]
    assert problems(RpcConfig, write(tmp_path, "Name: x")) == [
        "service.yaml: DataSource: is required",
        "  = hint: set it in the file, or set ZERO_DATA_SOURCE in the environment",
    ]


def test_an_address_without_a_port(tmp_path: Path) -> None:
    assert problems(RpcConfig, write(tmp_path, "DataSource: x\nListenOn: localhost")) == [
        "service.yaml:2:1: ListenOn: expected `host:port`"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Auth: {AccessSecret: short}", "Auth.AccessSecret: must have at least 8 characters"),
        ("Auth: 5", "Auth: expected an object, got a number"),
        ("Auth:", "Auth: expected an object, got null"),
        ("Name: a/b", "Name: expected letters, digits, `-`, `_` and `.`, the first a letter or a digit"),
        ('Name: "a\\n"', "Name: expected letters, digits, `-`, `_` and `.`, the first a letter or a digit"),
        ("Name: ${A:-${B}}", "Name: holds a `${` that starts no reference"),
        ("Port: 65536", "Port: must be <= 65535"),
        ("Port: 2026-13-45", "Port: expected an integer, got a string"),
        ("UserRpc: {Endpoints: ['a', '']}", "UserRpc.Endpoints[1]: must have at least 1 character"),
        ("Auth: &a {AccessSecret: *a}", "Auth.AccessSecret: refers to itself"),
        ("? [a]\n: 1", "a key must be a name"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, problem: str) -> None:
    assert any(line.endswith(problem) for line in problems(ApiConfig, write(tmp_path, text)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [}", "service.yaml:1:5: is not valid YAML: expected the node content, but found '}'"),
        ("a: 1\n b: 2", "service.yaml:2:3: is not valid YAML: mapping values are not allowed here"),
        (
            "a: !x 1",
            "service.yaml:1:4: is not valid YAML: could not determine a constructor for the tag '!x'",
        ),
        ("a: \x01", "service.yaml: is not valid YAML: it holds a character that YAML forbids"),
        ("--- 1\n--- 2", "service.yaml:2:1: is not valid YAML: but found another document"),
        ("- 1", "service.yaml:1:1: expected keys and their values"),
    ],
)
def test_files_of_no_use(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(ApiConfig, write(tmp_path, text)) == [problem]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert problems(ApiConfig, tmp_path / "none.yaml") == [
        "none.yaml: cannot be read: No such file or directory"
    ]
    (tmp_path / "latin.yaml").write_bytes(b"Name: \xff")
    assert problems(ApiConfig, tmp_path / "latin.yaml") == ["latin.yaml: is not UTF-8 text"]


def test_anchors_and_merges_work(tmp_path: Path) -> None:
    text = GOOD + "DevServer:\n  <<: {Port: 1, Host: a}\n  Port: 2\n"
    conf = config.load(ApiConfig, write(tmp_path, text), {})
    assert (conf.dev_server.host, conf.dev_server.port) == ("a", 2)


def test_values_never_show() -> None:
    secret = "hunter2hunter2"
    conf = ApiConfig(
        auth=config.JwtConf(access_secret=secret), user_rpc=config.RpcClientConf(target="dns:///x:1")
    )
    assert secret not in f"{conf!r} {conf} {conf.auth!r}"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = st.sampled_from(["Name", "Port", "Log", "Auth", "AccessSecret", "UserRpc", "Target", "Shutdown"])
TREES: st.SearchStrategy[Any] = st.dictionaries(
    KEYS, st.recursive(SCALARS, lambda inner: st.dictionaries(KEYS, inner) | st.lists(inner), max_leaves=8)
)


@settings(max_examples=150, deadline=None)
@given(TREES)
def test_any_tree_loads_or_is_refused_with_reasons(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(yaml.safe_dump(tree, allow_unicode=True), "utf-8")
    try:
        config.load(ApiConfig, file, {})
    except config.ConfigError as refusal:
        assert refusal.problems
