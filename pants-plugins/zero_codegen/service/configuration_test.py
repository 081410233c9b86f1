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


def test_config_goes_over_it_key_by_key(wired: Wire) -> None:
    overrides = {"Log": {"Level": "error"}, "UserRpc": {"Timeout": 500}, "MaxBytes": 10}
    wiring = wired("user-api", config=overrides)
    values = configuration.configuration(wiring)
    assert values["Log"] == {"Level": "error", "Encoding": "json"}
    assert values["UserRpc"] == {"Target": "dns:///user-rpc:8080", "Timeout": 500}
    assert values["MaxBytes"] == 10
    assert mistakes(wiring) == []


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"Timout": 1}, "`config`: unknown key `Timout`\n  = hint: did you mean `Timeout`?"),
        ({"timeout": 1}, "`config`: unknown key `timeout`\n  = hint: did you mean `Timeout`?"),
        ({"Log": {"Lvl": "info"}}, "unknown key `Log.Lvl`\n  = hint: did you mean `Level`?"),
        ({"Log": {"Zzz": "info"}}, "unknown key `Log.Zzz`\n  = hint: known here: `Level`, `Encoding`"),
        ({"DataSource": "x"}, "unknown key `DataSource`"),
        ({"Log": "info"}, "`config`: `Log` takes keys (`Level`, `Encoding`, `Mode`, "),
        ({"Timeout": {"Read": 1}}, "`config`: `Timeout` takes a value"),
        ({"Rules": {"Match": ["*"]}}, "`config`: `Rules` takes a list of keys (`Match`, `Timeout`, "),
        ({"Rules": [1]}, "`config`: `Rules[0]` takes keys (`Match`, `Timeout`, "),
        (
            {"Rules": [{"Match": ["*"]}, {"Match": ["/a"], "Breaker": {"Window": "1s", "kk": 2}}]},
            "`config`: unknown key `Rules[1].Breaker.kk`\n  = hint: did you mean `K`?",
        ),
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
        ({"DevServer": {"Port": 8888}}, "`port`: 8888 is the port of `DevServer`"),
        ({"Shutdown": {"WaitTime": "5"}}, "`config`: `Shutdown.WaitTime` is no duration"),
        ({"Shutdown": {"WaitTime": 5}}, "`config`: `Shutdown.WaitTime` is no duration"),
    ],
)
def test_refuses_at_the_target(wired: Wire, overrides: dict[str, Any], expected: str) -> None:
    (mistake,) = mistakes(wired("user-api", config=overrides))
    assert mistake.startswith("services/user:user-api: ")
    assert expected in mistake


def test_refuses_variables_with_another_home(wired: Wire) -> None:
    (mistake,) = mistakes(wired("user-api", env={"ZERO_PORT": "1"}))
    assert "`env`: `ZERO_PORT` is the runtime's own\n  = hint: set the key in `config`" in mistake


def test_refuses_a_client_that_is_nowhere(wired: Wire) -> None:
    nowhere = dict.fromkeys(("service", "port", "namespace"))
    client = {"path": "services/user/user.proto", "source_root": "services", **nowhere}
    (mistake,) = mistakes(wired("user-api", clients=[client]))
    assert mistake == (
        "services/user:user-api: no service of this repository serves the contract of the client `user_rpc`\n"
        '  = hint: say where it is: `config={"UserRpc": {"Target": "dns:///host:port"}}`'
    )
    for conf in {"Endpoints": ["a:1"]}, {"Etcd": {"Hosts": ["a:1"], "Key": "user.rpc"}}:
        assert mistakes(wired("user-api", clients=[client], config={"UserRpc": conf})) == []


def test_a_client_that_looks_in_a_registry_has_no_target(wired: Wire) -> None:
    etcd = {"Hosts": ["etcd:2379"], "Key": "user.rpc"}
    wiring = wired("user-api", config={"UserRpc": {"Etcd": etcd}})
    assert configuration.configuration(wiring)["UserRpc"] == {"Etcd": etcd}
    assert mistakes(wiring) == []


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
