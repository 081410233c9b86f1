import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_codegen.service import configuration
from zero_codegen.service.conftest import Wire
from zero_codegen.service.wiring import JwtTransition, Wiring
from zero_runtime.config.durations import Duration


def mistakes(wiring: Wiring) -> list[str]:
    values = configuration.configuration(wiring)
    return [diagnostic.render() for diagnostic in configuration.mistakes(wiring, values)]


def test_follows_from_the_wiring(wired: Wire) -> None:
    assert configuration.configuration(wired("user-rpc", config={})) == {
        "Name": "user-rpc",
        "Mode": "pro",
        "ListenOn": "0.0.0.0:8080",
        "Log": {"Level": "info", "Encoding": "json"},
        "DevServer": {"Port": 6060, "HealthPath": "/healthz", "ReadyPath": "/readyz"},
        "Shutdown": {"WrapUpTime": "5s", "WaitTime": "5.5s"},
        "DataSource": "${DATA_SOURCE}",
    }


def test_a_transition_needs_the_secret_of_today(wired: Wire) -> None:
    wiring = dataclasses.replace(wired("user-api"), jwts=(JwtTransition("Keys", "keys"),))
    values = configuration.configuration(wiring)
    assert values["Keys"] == {"Secret": "${KEYS_SECRET}"}
    assert mistakes(wiring) == []


@pytest.mark.parametrize("key", ["Secret", "PrevSecret"])
def test_refuses_a_published_secret_of_a_transition(wired: Wire, key: str) -> None:
    wiring = wired("user-api", config={"Keys": {key: "hunter2"}})
    (mistake,) = mistakes(dataclasses.replace(wiring, jwts=(JwtTransition("Keys", "keys"),)))
    variable = f"KEYS_{'SECRET' if key == 'Secret' else 'PREV_SECRET'}"
    assert f"`config`: `Keys.{key}` holds a secret in plain text" in mistake
    assert f"write `${{{variable}}}` and keep the value in the Secret `user-api`" in mistake


def test_config_goes_over_it_key_by_key(wired: Wire) -> None:
    overrides = {"Log": {"Level": "error"}, "UserRpc": {"Timeout": 500}, "MaxBytes": 10}
    wiring = wired("user-api", config=overrides)
    values = configuration.configuration(wiring)
    assert values["Log"] == {"Level": "error", "Encoding": "json"}
    assert values["UserRpc"] == {"Target": "dns:///user-rpc:8080", "Timeout": 500}
    assert values["MaxBytes"] == 10
    assert mistakes(wiring) == []


def test_names_the_secrets_it_needs(wired: Wire) -> None:
    overrides = {
        "Host": "${HOST:-0.0.0.0}",
        "Auth": {"AccessSecret": "${KEY}-$${NOT_THIS}"},
        "UserRpc": {"Endpoints": ["${A}:1", "${B}:2"]},
    }
    wiring = wired("user-api", config=overrides, env={"B": "10.0.0.1"})
    assert configuration.secret_variables(wiring, configuration.configuration(wiring)) == ["A", "KEY"]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"Timout": 1}, "`config`: unknown key `Timout`\n  = hint: did you mean `Timeout`?"),
        ({"timeout": 1}, "`config`: unknown key `timeout`\n  = hint: did you mean `Timeout`?"),
        ({"Log": {"Lvl": "info"}}, "unknown key `Log.Lvl`\n  = hint: did you mean `Level`?"),
        ({"Log": {"Zzz": "info"}}, "unknown key `Log.Zzz`\n  = hint: known here: `Level`, `Encoding`"),
        ({"DataSource": "x"}, "unknown key `DataSource`"),
        ({"Log": "info"}, "`config`: `Log` takes keys (`Level`, `Encoding`)"),
        ({"Timeout": {"Read": 1}}, "`config`: `Timeout` takes a value"),
        ({"Name": "shop"}, "`config`: `Name` follows from the field `name`\n  = hint: set `name`"),
        ({"Port": 80}, "`config`: `Port` follows from the field `port`\n  = hint: set `port`"),
        ({"DevServer": {"Enabled": False}}, "the probes of Kubernetes need `DevServer`"),
        ({"DevServer": {"Enabled": "${ADMIN}"}}, "the probes of Kubernetes need `DevServer`"),
        ({"DevServer": {"Port": "${ADMIN_PORT}"}}, "`config`: `DevServer.Port` is no TCP port"),
        ({"DevServer": {"Port": 0}}, "`config`: `DevServer.Port` is no TCP port"),
        ({"DevServer": {"HealthPath": "alive"}}, "`config`: `DevServer.HealthPath` is no path"),
        ({"DevServer": {"ReadyPath": "ready"}}, "`config`: `DevServer.ReadyPath` is no path"),
        ({"DevServer": {"MetricsPath": "m"}}, "`config`: `DevServer.MetricsPath` is no path"),
        (
            {"DevServer": {"HealthPath": "/metrics"}},
            "`config`: two of `DevServer.HealthPath`, `ReadyPath` and `MetricsPath` are the same",
        ),
        (
            {"Auth": {"AccessSecret": "${KEY:-hunter2}"}},
            "`config`: `Auth.AccessSecret` holds a secret in plain",
        ),
        ({"DevServer": {"Port": 8888}}, "`port`: 8888 is the port of `DevServer`"),
        ({"Shutdown": {"WaitTime": "5"}}, "`config`: `Shutdown.WaitTime` is no duration"),
        ({"Shutdown": {"WaitTime": 5}}, "`config`: `Shutdown.WaitTime` is no duration"),
        (
            {"Auth": {"AccessSecret": "hunter2"}},
            "`config`: `Auth.AccessSecret` holds a secret in plain text\n"
            "  = hint: write `${AUTH_ACCESS_SECRET}` and keep the value in the Secret `user-api`",
        ),
    ],
)
def test_refuses_at_the_target(wired: Wire, overrides: dict[str, Any], expected: str) -> None:
    (mistake,) = mistakes(wired("user-api", config=overrides))
    assert mistake.startswith("services/user:user-api: ")
    assert expected in mistake


def test_refuses_a_published_data_source(wired: Wire) -> None:
    (mistake,) = mistakes(wired("user-rpc", config={"DataSource": "root:root@tcp(db:3306)/user"}))
    assert "`config`: `DataSource` holds a secret in plain text" in mistake
    assert mistakes(wired("user-rpc", config={"DataSource": "app:${DB_PASSWORD}@tcp(db:3306)/user"})) == []
    assert mistakes(wired("user-rpc", config={"DataSource": "sqlite:////data/user.db"})) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ZERO_PORT", "`env`: `ZERO_PORT` is the runtime's own\n  = hint: set the key in `config`"),
        ("AUTH_ACCESS_SECRET", "`env`: `AUTH_ACCESS_SECRET` holds a secret in plain text"),
    ],
)
def test_refuses_variables_with_another_home(wired: Wire, name: str, expected: str) -> None:
    (mistake,) = mistakes(wired("user-api", env={name: "1"}))
    assert expected in mistake


def test_refuses_a_client_that_is_nowhere(wired: Wire) -> None:
    client = {"path": "services/user/user.proto", "source_root": "services", "service": None, "port": None}
    (mistake,) = mistakes(wired("user-api", clients=[client]))
    assert mistake == (
        "services/user:user-api: no service of this repository serves the contract of the client `user_rpc`\n"
        '  = hint: say where it is: `config={"UserRpc": {"Target": "dns:///host:port"}}`'
    )
    assert mistakes(wired("user-api", clients=[client], config={"UserRpc": {"Endpoints": ["a:1"]}})) == []


def test_lists_all_mistakes(wired: Wire) -> None:
    overrides = {"Prot": 1, "Log": 1, "DevServer": {"Port": 8888}, "Auth": {"AccessSecret": "x"}}
    assert len(mistakes(wired("user-api", config=overrides, env={"ZERO_X": ""}))) == 5


@given(
    st.floats(0, 1e6).map(lambda number: f"{number:.3f}s")
    | st.from_regex(r"([0-9]{1,4}(ms|s|m|h)?){1,3}", fullmatch=True)
)
def test_reads_durations_as_the_runtime_does(text: str) -> None:
    try:
        expected: float | None = Duration.parse(text)
    except ValueError:
        expected = None
    assert configuration.seconds(text) == expected
