"""The alerts of the packaged stack, each with series that fire it and with others that do not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.servers.prometheus import promtool

ALERTS = Path("services/stack/prometheus/alerts.yml").absolute()
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
SERVICES = ("chat", "shop", "user-api", "user-rpc")

STEADY = "0+60x30"
"""One in a second, in promtool's notation: from 0, 60 more every minute."""
NONE = "0x30"
RARE = "0+1x30"
ONCE = "0x9 1x20"


@dataclass(frozen=True)
class Case:
    """`fires` and `calm` are series with their values minute by minute, looked at after 20 minutes.

    `labels` and `summary` are those of the one alert that fires.
    """

    alert: str
    fires: dict[str, str]
    calm: dict[str, str]
    labels: dict[str, str]
    summary: str
    severity: str = "warning"


def _buckets(metric: str, labels: str, *, fast: str, slow: str) -> dict[str, str]:
    """A histogram of which so many values are below 250 ms, and below a second in all."""
    every = STEADY if STEADY in (fast, slow) else NONE
    bounds = {"250": fast, "500": fast, "1000": every, "+Inf": every}
    return {f'{metric}_bucket{{{labels}, le="{bound}"}}': values for bound, values in bounds.items()}


CASES = (
    Case(
        "InstanceDown",
        {'up{job="shop", instance="a"}': NONE, 'up{job="shop", instance="b"}': "1x30"},
        # If none of them answers, it is the service that is down.
        {'up{job="shop", instance="a"}': NONE, 'up{job="shop", instance="b"}': NONE},
        {"job": "shop", "instance": "a"},
        "a of shop does not answer Prometheus, others do.",
    ),
    Case(
        "ServiceDown",
        # What goes well elsewhere in Kubernetes is no comfort.
        {
            'up{job="shop", namespace="shop", instance="a"}': NONE,
            'up{job="shop", namespace="staging", instance="b"}': "1x30",
        },
        {
            'up{job="shop", namespace="shop", instance="a"}': NONE,
            'up{job="shop", namespace="shop", instance="b"}': "1x30",
        },
        {"job": "shop", "namespace": "shop"},
        "No instance of shop answers Prometheus.",
        "critical",
    ),
    Case(
        "ServiceGone",
        {f'up{{job="{service}"}}': "1x30" for service in SERVICES if service != "shop"},
        {f'up{{job="{service}"}}': "1x30" for service in SERVICES},
        {"job": "shop"},
        "Prometheus knows no instance of shop.",
        "critical",
    ),
    Case(
        "ServiceRestarts",
        {'process_start_time_seconds{job="chat", instance="i", worker="0"}': "1+100x30"},
        {'process_start_time_seconds{job="chat", instance="i", worker="0"}': "1x15 2x15"},
        {"job": "chat", "instance": "i"},
        "Processes of chat end and are started again.",
    ),
    Case(
        "HttpErrors",
        {
            'http_server_requests_code_total{job="user-api", code="500"}': STEADY,
            'http_server_requests_code_total{job="user-api", code="200"}': STEADY,
        },
        {
            'http_server_requests_code_total{job="user-api", code="401"}': STEADY,
            'http_server_requests_code_total{job="user-api", code="503"}': RARE,
        },
        {"job": "user-api"},
        "user-api answers 50% of its requests with a server error.",
        "critical",
    ),
    Case(
        "HttpSlow",
        _buckets("http_server_requests_duration_ms", 'job="shop", path="/a"', fast=NONE, slow=STEADY),
        # Whoever watches an order stays; that is not slow.
        _buckets(
            "http_server_requests_duration_ms",
            'job="shop", path="/v1/shop/orders/:id/events"',
            fast=NONE,
            slow=STEADY,
        )
        | _buckets("http_server_requests_duration_ms", 'job="shop", path="/a"', fast=STEADY, slow=NONE),
        {"job": "shop"},
        "One of twenty calls of shop takes longer than 975 ms.",
    ),
    Case(
        "RpcErrors",
        {
            'rpc_server_requests_code_total{job="user-rpc", code="13"}': STEADY,
            'rpc_server_requests_code_total{job="user-rpc", code="0"}': STEADY,
        },
        {'rpc_server_requests_code_total{job="user-rpc", code="5"}': STEADY},
        {"job": "user-rpc"},
        "user-rpc fails 50% of its calls.",
        "critical",
    ),
    Case(
        "RpcSlow",
        _buckets("rpc_server_requests_duration_ms", 'job="chat", method="/m"', fast=NONE, slow=STEADY),
        _buckets("rpc_server_requests_duration_ms", 'job="chat", method="/m"', fast=STEADY, slow=NONE),
        {"job": "chat"},
        "One of twenty calls of chat takes longer than 975 ms.",
    ),
    Case(
        "CallsFail",
        {'rpc_client_requests_code_total{job="user-api", method="/user.User/Login", code="14"}': STEADY},
        {'rpc_client_requests_code_total{job="user-api", method="/user.User/Login", code="16"}': STEADY},
        {"job": "user-api", "method": "/user.User/Login"},
        "100% of the calls of /user.User/Login by user-api fail.",
    ),
    Case(
        "BreakerOpen",
        {'zero_breaker_total{job="user-api", name="/user.User/Login", decision="drop"}': STEADY},
        {
            'zero_breaker_total{job="user-api", name="/user.User/Login", decision="pass"}': STEADY,
            'zero_breaker_total{job="user-api", name="/user.User/Login", decision="drop"}': RARE,
        },
        {"job": "user-api", "name": "/user.User/Login"},
        "A breaker of user-api keeps 100% of the calls of /user.User/Login back, because so many of them "
        "fail.",
    ),
    Case(
        "CallsRefused",
        {'zero_admission_total{job="shop", name="GET /a", decision="shedding"}': STEADY},
        # A limit per time does what it is for.
        {'zero_admission_total{job="shop", name="GET /a", decision="rate"}': STEADY},
        {"job": "shop", "name": "GET /a"},
        "shop refuses 100% of the calls of GET /a.",
    ),
    Case(
        "LimitsWithoutRedis",
        {
            'zero_rate_rescue_total{job="shop", name="GET /a"}': STEADY,
            'zero_rate_total{job="shop", name="GET /a", decision="pass"}': STEADY,
        },
        {
            'zero_rate_rescue_total{job="shop", name="GET /a"}': NONE,
            'zero_rate_total{job="shop", name="GET /a", decision="pass"}': STEADY,
        },
        {"job": "shop", "name": "GET /a"},
        "Redis is away from shop: each process keeps the limits of GET /a by itself.",
    ),
    Case(
        "DatabaseErrors",
        {
            'sql_client_requests_error_total{job="shop", command="c", error="UNAVAILABLE"}': STEADY,
            'sql_client_requests_duration_ms_count{job="shop", command="c"}': STEADY,
        },
        {
            'sql_client_requests_error_total{job="shop", command="c", error="ALREADY_EXISTS"}': STEADY,
            'sql_client_requests_duration_ms_count{job="shop", command="c"}': STEADY,
        },
        {"job": "shop"},
        "100% of the statements of shop fail.",
        "critical",
    ),
    Case(
        "DatabasePoolFull",
        {
            'sql_client_in_use_connections{job="chat", db_name="chat", hash="h"}': "64x30",
            'sql_client_max_open_connections{job="chat", db_name="chat", hash="h"}': "64x30",
        },
        {
            'sql_client_in_use_connections{job="chat", db_name="chat", hash="h"}': "32x30",
            'sql_client_max_open_connections{job="chat", db_name="chat", hash="h"}': "64x30",
        },
        {"job": "chat", "db_name": "chat", "hash": "h"},
        "chat uses 100% of the connections that it may have to chat.",
    ),
    Case(
        "CacheAway",
        {'zero_cache_total{job="shop", table="product", result="away"}': STEADY},
        {'zero_cache_total{job="shop", table="product", result="miss"}': STEADY},
        {"job": "shop", "table": "product"},
        "shop reads rows of product from the database, because the cache is away.",
    ),
    Case(
        "CacheOwesKeys",
        {
            'zero_cache_owed_total{job="shop"}': "5x30",
            'zero_cache_paid_total{job="shop"}': "2x30",
            'zero_cache_lost_total{job="shop"}': "0x30",
        },
        {
            'zero_cache_owed_total{job="shop"}': "5x30",
            'zero_cache_paid_total{job="shop"}': "5x30",
            'zero_cache_lost_total{job="shop"}': "0x30",
        },
        {"job": "shop"},
        "shop has changed rows whose 3 keys it cannot delete from the cache.",
    ),
    Case(
        "CacheStale",
        {'zero_cache_lost_total{job="shop"}': "0x10 1x20"},
        {'zero_cache_lost_total{job="shop"}': "1x30"},
        {"job": "shop"},
        "shop gave up deleting keys of rows that it changed: others read old rows until they expire.",
        "critical",
    ),
    Case(
        "RedisErrors",
        {
            'redis_client_requests_error_total{job="shop", command="get", error="UNAVAILABLE"}': STEADY,
            'redis_client_requests_duration_ms_count{job="shop", command="get"}': STEADY,
        },
        {
            'redis_client_requests_error_total{job="shop", command="get", error="UNAVAILABLE"}': RARE,
            'redis_client_requests_duration_ms_count{job="shop", command="get"}': STEADY,
        },
        {"job": "shop"},
        "100% of what shop asks Redis fails.",
    ),
    Case(
        "MemoryNearLimit",
        # 256Mi is the limit of the services; those of one pod share it.
        {
            'process_resident_memory_bytes{job="shop", instance="i", worker="0"}': "134217728x30",
            'process_resident_memory_bytes{job="shop", instance="i", worker="1"}': "134217728x30",
        },
        {'process_resident_memory_bytes{job="shop", instance="i", worker="0"}': "134217728x30"},
        {"job": "shop", "instance": "i"},
        "i of shop uses 256MiB of the 256Mi after which Kubernetes kills it.",
    ),
    Case(
        "FilesNearLimit",
        {
            'process_open_fds{job="chat", instance="i"}': "1000x30",
            'process_max_fds{job="chat", instance="i"}': "1024x30",
        },
        {
            'process_open_fds{job="chat", instance="i"}': "100x30",
            'process_max_fds{job="chat", instance="i"}': "1024x30",
        },
        {"job": "chat", "instance": "i"},
        "i of chat has 97.66% of the files and connections open that it may have.",
    ),
    Case(
        "LogLinesDropped",
        {'zero_log_dropped_total{job="chat", reason="buffer_full"}': STEADY},
        {'zero_log_dropped_total{job="chat", reason="buffer_full"}': "7x30"},
        {"job": "chat", "reason": "buffer_full"},
        "chat drops log lines: buffer_full.",
    ),
    Case(
        "SpansDropped",
        {'zero_spans_dropped_total{job="chat"}': STEADY},
        {'zero_spans_dropped_total{job="chat"}': "7x30"},
        {"job": "chat"},
        "chat drops spans: its collector is away or too slow.",
    ),
)


def _check(
    case: Case,
    series: dict[str, str],
    expected: list[dict[str, dict[str, str]]],
    folder: Path,
    minutes: tuple[int, ...] = (20,),
) -> None:
    """Holds the alert to what is expected of it, with series of services that are no part of this."""
    strangers = {selector.replace('job="', 'job="x-'): values for selector, values in series.items()}
    test = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": selector, "values": values}
                    for selector, values in {**series, **strangers}.items()
                ],
                "alert_rule_test": [
                    {"eval_time": f"{minute}m", "alertname": case.alert, "exp_alerts": expected}
                    for minute in minutes
                ],
            }
        ],
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(test))
    result = promtool("test", "rules", file)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_fires_when_it_shall_and_only_then(case: Case, tmp_path: Path) -> None:
    alert = {
        "exp_labels": {"severity": case.severity, **case.labels},
        "exp_annotations": {"summary": case.summary, "description": _description(case.alert)},
    }
    _check(case, case.fires, [alert], tmp_path)
    _check(case, case.calm, [], tmp_path)


@pytest.mark.parametrize(
    "case",
    # A line that is lost is lost.
    [case for case in CASES if STEADY in case.fires.values() and case.alert != "LogLinesDropped"],
    ids=lambda case: case.alert,
)
def test_what_happens_once_alerts_nobody(case: Case, tmp_path: Path) -> None:
    once = {selector: values.replace(STEADY, ONCE) for selector, values in case.fires.items()}
    _check(case, once, [], tmp_path, minutes=tuple(range(9, 20)))


def test_every_alert_has_a_case_and_says_what_to_look_at() -> None:
    assert {rule["alert"] for rule in RULES} == {case.alert for case in CASES}
    assert all(_description(rule["alert"]).endswith(".") for rule in RULES)


def _description(alert: str) -> str:
    """It is the same in all rules of a name, and of no series in particular."""
    (text,) = {rule["annotations"]["description"] for rule in RULES if rule["alert"] == alert}
    assert isinstance(text, str) and "{{" not in text
    return text


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    result = promtool("check", "rules", "--lint-fatal", ALERTS)
    assert result.returncode == 0, result.stdout + result.stderr
