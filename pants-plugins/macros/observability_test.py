"""The macro `observability()`: what it gives is what the runtime reads, and mistakes are told all at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from macros.observability import observability

from zero_codegen.service.keys import SERVERS
from zero_runtime import config
from zero_runtime.config import InvalidValue, RestConf
from zero_runtime.observability.exporters import exporter


def conf(folder: Path, settings: dict[str, dict[str, object]]) -> RestConf:
    """What a service that is configured so has."""
    file = folder / "service.yaml"
    file.write_text(yaml.safe_dump({"Name": "user-api", **settings}))
    return config.load(RestConf, file, {"KEY": "secret"})


def refusal(**arguments: object) -> list[str]:
    with pytest.raises(ValueError, match=re.escape("observability():")) as error:
        observability(**arguments)  # type: ignore[arg-type]
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def test_what_is_not_said_is_not_set() -> None:
    assert observability() == {}
    assert observability(log_level="debug") == {"Log": {"Level": "debug"}}
    assert observability(log_keep_days=0, profiles=False) == {
        "Log": {"KeepDays": 0},
        "DevServer": {"EnablePprof": False},
    }


@pytest.mark.parametrize(
    ("traces", "batcher", "endpoint"),
    [
        ("http://otel-collector:4318", "otlphttp", "http://otel-collector:4318"),
        ("https://example.com:443/otlp/v1/traces", "otlphttp", "https://example.com:443/otlp/v1/traces"),
        ("http://otel-collector:4318/", "otlphttp", "http://otel-collector:4318"),
        ("grpc://otel-collector:4317", "otlpgrpc", "otel-collector:4317"),
        ("grpcs://[::1]:4317", "otlpgrpc", "https://[::1]:4317"),
        ("zipkin+http://zipkin:9411/api/v2/spans", "zipkin", "http://zipkin:9411/api/v2/spans"),
        ("zipkin+https://zipkin:443/api/v2/spans", "zipkin", "https://zipkin:443/api/v2/spans"),
        ("file:///var/log/spans.json", "file", "/var/log/spans.json"),
    ],
)
def test_traces_go_where_the_address_says(tmp_path: Path, traces: str, batcher: str, endpoint: str) -> None:
    telemetry = conf(tmp_path, observability(traces=traces)).telemetry
    assert (telemetry.batcher, telemetry.endpoint) == (batcher, endpoint)
    if batcher != "file":
        exporter(telemetry).close()


def test_traces_can_be_switched_off(tmp_path: Path) -> None:
    assert conf(tmp_path, observability(traces="none")).telemetry.endpoint == ""


def test_shares_and_headers(tmp_path: Path) -> None:
    telemetry = conf(tmp_path, observability(sampler=0.1, trace_headers={"api-key": "${KEY}"})).telemetry
    assert telemetry.sampler == 0.1
    assert telemetry.otlp_headers == {"api-key": "secret"}


@pytest.mark.parametrize(
    ("metrics", "host", "port", "path"),
    [
        (":9101", "0.0.0.0", 9101, "/metrics"),
        ("127.0.0.1:9081/own/metrics", "127.0.0.1", 9081, "/own/metrics"),
        ("[::]:9081/", "[::]", 9081, "/metrics"),
    ],
)
def test_metrics_have_a_port_of_their_own(
    tmp_path: Path, metrics: str, host: str, port: int, path: str
) -> None:
    loaded = conf(tmp_path, observability(metrics=metrics))
    prometheus = loaded.prometheus
    assert (prometheus.host, prometheus.port, prometheus.path) == (host, port, path)
    assert loaded.dev_server.enable_metrics


def test_metrics_can_be_switched_off(tmp_path: Path) -> None:
    loaded = conf(tmp_path, observability(metrics="none"))
    assert not loaded.prometheus.host and not loaded.dev_server.enable_metrics


def test_logs_go_to_a_collector(tmp_path: Path) -> None:
    fluentd = conf(
        tmp_path, observability(logs="fluentd:24224", log_key="log", log_spill="/spill")
    ).log.fluentd
    assert (fluentd.host, fluentd.port, fluentd.tls) == ("fluentd", 24224, False)
    assert (fluentd.key, fluentd.spill) == ("log", "/spill")
    assert conf(tmp_path, observability(logs="tls://logs.example.com:24224")).log.fluentd.tls
    assert conf(tmp_path, observability(logs="none")).log.fluentd.host == ""


def test_logs_go_to_files(tmp_path: Path) -> None:
    settings = observability(
        log_level="warn",
        log_encoding="plain",
        log_mode="file",
        log_path="/logs",
        log_rotation="size",
        log_max_size=100,
        log_max_backups=3,
        log_keep_days=7,
        log_compress=True,
    )
    log = conf(tmp_path, settings).log
    assert (log.level, log.encoding, log.mode, log.path) == ("warn", "plain", "file", "/logs")
    assert (log.rotation, log.max_size, log.max_backups, log.keep_days) == ("size", 100, 3, 7)
    assert log.compress


def test_every_choice_is_one_of_the_runtime(tmp_path: Path) -> None:
    """The choices that the macro names when it refuses, each."""
    for argument in ("log_level", "log_encoding", "log_mode", "log_rotation"):
        (message,) = refusal(**{argument: "?"})
        choices = re.findall(r"'(\w+)'", message)
        assert len(choices) >= 2
        for choice in choices:
            conf(tmp_path, observability(**{argument: choice}))


def test_profiles_are_asked_for(tmp_path: Path) -> None:
    assert not conf(tmp_path, {}).dev_server.enable_pprof
    assert conf(tmp_path, observability(profiles=True)).dev_server.enable_pprof


def test_what_the_macro_gives_has_keys_that_the_build_knows() -> None:
    settings = observability(
        traces="http://collector:4318", metrics=":9101", logs="fluentd:24224", log_level="info", profiles=True
    )
    for section, keys in settings.items():
        known = SERVERS["api"][section]
        assert isinstance(known, dict) and keys.keys() <= known.keys()


def test_all_mistakes_are_told_at_once() -> None:
    assert refusal(log_levle="debug", log_level="loud", log_compress="yes", sampler=True) == [
        "there is no argument `log_levle`: `./pants help observability` has all",
        "`log_level` is one of 'debug', 'info', 'warn', 'error', 'severe', not 'loud'",
        "`log_compress` is True or False, not 'yes'",
        "`sampler` is a number from 0 to 1, not True",
    ]


@pytest.mark.parametrize(
    ("argument", "value", "told"),
    [
        ("sampler", 1.1, "a number from 0 to 1"),
        ("sampler", "1", "a number from 0 to 1"),
        ("trace_headers", {"key": 1}, "a dictionary of texts"),
        ("trace_headers", "key=1", "a dictionary of texts"),
        ("metrics", "prometheus", "an address like '0.0.0.0:9101/metrics'"),
        ("metrics", 9101, "an address like '0.0.0.0:9101/metrics'"),
        ("metrics", ":99999", "an address like '0.0.0.0:9101/metrics'"),
        ("logs", "fluentd", "an address like 'fluentd:24224'"),
        ("logs", ":24224", "an address like 'fluentd:24224'"),
        ("logs", "http://fluentd:24224", "an address like 'fluentd:24224'"),
        ("logs", "://fluentd:24224", "an address like 'fluentd:24224'"),
        ("log_key", "", "a text, and not empty"),
        ("log_max_size", -1, "a whole number, 0 or more"),
        ("log_keep_days", True, "a whole number, 0 or more"),
        ("log_max_backups", 1.5, "a whole number, 0 or more"),
        ("profiles", "yes", "True or False"),
        ("traces", "otel-collector:4317", "one of 'none', 'http://…'"),
        ("traces", "jaeger://jaeger:14268", "one of 'none', 'http://…'"),
        ("traces", 4317, "one of 'none', 'http://…'"),
        ("traces", "http://jaeger:14268/api/traces", "it takes OTLP, 'http://jaeger:4318'"),
        ("traces", "http://collector", "'http://otel-collector:4318'"),
        ("traces", "grpc://user@collector:4317", "named by host and port"),
        ("traces", "grpc://collector:4317/v1/traces", "gRPC has no path: 'grpc://collector:4317'"),
        ("traces", "zipkin+http://zipkin:9411", "'zipkin+http://zipkin:9411/api/v2/spans'"),
        ("traces", "file://spans.json", "'file:///var/log/spans.json'"),
    ],
)
def test_a_mistake_names_the_argument_its_value_and_what_would_do(
    argument: str, value: object, told: str
) -> None:
    (message,) = refusal(**{argument: value})
    assert message.startswith(f"`{argument}` ")
    assert repr(value) in message
    assert told in message


def test_the_runtime_refuses_what_the_macro_refuses_for_it() -> None:
    with pytest.raises(InvalidValue, match="OTLP"):
        exporter(config.TelemetryConf(endpoint="jaeger:14268/api/traces", batcher="otlphttp"))
