"""What an HTTP service is told beyond single values."""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_runtime import config


def load(folder: Path, text: str, **environ: str) -> config.RestConf:
    file = folder / "api.yaml"
    file.write_text(f"Name: api\n{text}")
    return config.load(config.RestConf, file, environ)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("CertFile: a.pem", "only one of CertFile and KeyFile is given"),
        ("KeyFile: a.pem", "only one of CertFile and KeyFile is given"),
        (
            "DevServer: {HealthPath: /readyz}",
            ":2:1: DevServer: two of HealthPath, ReadyPath and MetricsPath are the same",
        ),
        (
            "DevServer: {HealthPath: ready}",
            ":2:13: DevServer.HealthPath: expected a path that begins with `/`",
        ),
        (
            'Cors: {Origins: ["*"], Credentials: true}',
            ":2:1: Cors: `*` among Origins excludes Credentials: browsers refuse the two together",
        ),
        (
            "Cors: {Origins: [a.org, 'https://a.org/']}",
            ":2:25: Cors.Origins[1]: expected `*`, an origin such as `https://example.com` or a domain such as "
            "`example.com`",
        ),
        ("Gzip: {Level: 10}", ":2:8: Gzip.Level: must be <= 9"),
        ("Workers: 0", ":2:1: Workers: must be >= 1"),
        ("ErrorFormat: xml", ":2:1: ErrorFormat: must be one of `problem`, `text`"),
        (
            "Signature: {PrivateKeys: [{Fingerprint: a}]}",
            ":2:27: Signature.PrivateKeys[0].KeyFile: is required",
        ),
        (
            "Telemetry: {Batcher: jaeger}",
            ":2:13: Telemetry.Batcher: must be one of `otlpgrpc`, `otlphttp`, `zipkin`, `file`\n"
            "  = hint: Jaeger's own protocol is no more: it takes OTLP on port 4317 (`Batcher: otlpgrpc`)",
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(config.ConfigError) as refusal:
        load(tmp_path, text)
    assert problem in str(refusal.value)


def test_headers_in_the_environment(tmp_path: Path) -> None:
    conf = load(tmp_path, "", ZERO_TELEMETRY__OTLP_HEADERS="api-key=a=b, x = y")
    assert conf.telemetry.otlp_headers == {"api-key": "a=b", "x": "y"}
    with pytest.raises(config.ConfigError, match=r"Telemetry\.OtlpHeaders: expected an object, got a string"):
        load(tmp_path, "", ZERO_TELEMETRY__OTLP_HEADERS="api-key")


def test_headers_in_a_file(tmp_path: Path) -> None:
    conf = load(tmp_path, "Telemetry: {OtlpHeaders: {api-key: '${KEY}'}}", KEY="a,b=c")
    assert conf.telemetry.otlp_headers == {"api-key": "a,b=c"}


def test_lists_in_the_environment(tmp_path: Path) -> None:
    assert load(tmp_path, "", ZERO_CORS__ORIGINS="a.org, https://b.org").cors.origins == [
        "a.org",
        "https://b.org",
    ]


def test_other_origins_may_send_what_they_may_in_go_zero() -> None:
    assert "Authorization" in config.CorsConf().headers
    assert not config.CorsConf().origins
