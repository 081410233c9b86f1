from typing import Any

import msgspec
import pytest

from zero_codegen.service.conftest import Specify
from zero_codegen.service.spec import Spec
from zero_codegen.service.telemetry import mistakes


def refused(specify: Specify, **telemetry: Any) -> list[str]:
    spec = msgspec.convert(specify("user-api"), Spec)
    return [found.render() for found in mistakes(spec, {"Telemetry": telemetry})]


HINT = "\n  = hint: it takes OTLP on port 4317 (`Batcher: otlpgrpc`) and 4318 (`Batcher: otlphttp`)"


def test_refuses_the_batcher_that_jaeger_takes_no_more(specify: Specify) -> None:
    endpoint = "http://127.0.0.1:14268/api/traces"
    assert refused(specify, Batcher="jaeger", Endpoint=endpoint) == [
        "services/user:user-api: `config`: `Telemetry.Batcher`: Jaeger's own protocol is no more" + HINT
    ]


@pytest.mark.parametrize("batcher", [{}, {"Batcher": "otlphttp"}, {"Batcher": "zipkin"}])
@pytest.mark.parametrize(
    "endpoint", ["http://jaeger:14268/api/traces", "http://jaeger/api/traces?format=x", "jaeger:14268"]
)
def test_refuses_the_endpoint_that_jaeger_has_no_more(
    specify: Specify, batcher: dict[str, str], endpoint: str
) -> None:
    message = "`config`: `Telemetry.Endpoint`: this is Jaeger's own protocol, which is no more"
    assert refused(specify, Endpoint=endpoint, **batcher) == [f"services/user:user-api: {message}{HINT}"]


def test_refuses_an_endpoint_with_a_password(specify: Specify) -> None:
    (told,) = refused(specify, Endpoint="https://ada:secret@collector:4318", Batcher="otlphttp")
    assert "`Telemetry.Endpoint` names a user" in told
    assert "secret" not in told


@pytest.mark.parametrize(
    "telemetry",
    [
        {},
        {"Endpoint": "jaeger:4317"},
        {"Endpoint": "http://zipkin:9411/api/v2/spans", "Batcher": "zipkin"},
        {"Endpoint": "http://collector:4318/api/traces-of-ours", "Batcher": "otlphttp"},
        {"Endpoint": "collector:142680"},
        {"Endpoint": "/var/log/api/traces", "Batcher": "file"},
    ],
)
def test_takes_all_else(specify: Specify, telemetry: dict[str, str]) -> None:
    assert refused(specify, **telemetry) == []
