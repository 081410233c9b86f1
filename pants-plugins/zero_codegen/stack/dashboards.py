"""What a fleet's dashboards show: rates, errors and durations (RED) of what it serves and calls, what
governance decided, the database, the cache, Redis, and what processes take.

Rows are about what the fleet has. How a dashboard is written for Grafana is `grafana.py`'s affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from zero_codegen.stack.alerts import RPC_FAULTS
from zero_codegen.stack.fleet import Fleet

Unit = Literal["reqps", "ops", "percentunit", "ms", "short", "bytes"]
"""Grafana's names: requests per second, operations per second, a share, milliseconds, a number, bytes."""

SERVICE = 'job=~"$service", namespace=~"$namespace"'
"""The services that the reader has chosen, and where in Kubernetes they are."""
INTERVAL = "$__rate_interval"
"""Grafana's: long enough for four scrapes."""


@dataclass(frozen=True)
class Query:
    """A query, and what its series are called, with labels in double braces."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    title: str
    unit: Unit
    queries: tuple[Query, ...]
    explanation: str
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    title: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


def dashboard(name: str, fleet: Fleet) -> Dashboard:
    return Dashboard(name, tuple(_rows(fleet)))


def _rows(fleet: Fleet) -> Iterator[Row]:
    scraped = fleet.scraped
    has_http, has_rpc = (any(member.kind == kind for member in scraped) for kind in ("api", "rpc"))
    yield Row("Fleet", tuple(_fleet(has_http, has_rpc)))
    if has_http:
        yield Row("HTTP, by route and method", _HTTP)
    if has_rpc:
        yield Row("RPC, by method", _red("rpc_server_requests", "method", "{{job}} {{method}}", "calls"))
    if any(member.wiring.clients for member in scraped):
        calls = _red("rpc_client_requests", "method", "{{job}} → {{method}}", "calls of other services")
        yield Row("Calls of other services", (*calls, _RETRIES))
    yield Row("Governance", (_REFUSALS, _BREAKERS, _RATES))
    if any(member.has_database for member in scraped):
        yield Row("Database", _DATABASE)
    if any(member.wiring.caches for member in scraped):
        yield Row("Cache of rows", _CACHE)
    if any(member.uses_redis for member in scraped):
        yield Row("Redis", _REDIS)
    yield Row("Processes", _PROCESSES)
    yield Row("Logs and traces", (_LINES, _SPANS))


def _fleet(has_http: bool, has_rpc: bool) -> Iterator[Panel]:
    yield Panel(
        "Instances",
        "short",
        (_sum("up", "job"),),
        "Instances of each service that answer Prometheus.",
    )
    totals = {"HTTP": "http_server_requests_code_total"} if has_http else {}
    totals |= {"RPC": "rpc_server_requests_code_total"} if has_rpc else {}
    yield Panel(
        "Requests",
        "reqps",
        tuple(_rate(metric, "job", f"{{{{job}}}} {kind}") for kind, metric in totals.items()),
        "Requests and calls that each service answers.",
        stacked=True,
    )
    faults = {"HTTP": 'code=~"5.."', "RPC": f'code=~"{RPC_FAULTS}"'}
    yield Panel(
        "Errors",
        "percentunit",
        tuple(
            Query(
                f"{_per_second(metric, 'job', faults[kind])} / {_per_second(metric, 'job')} "
                f"or 0 * {_per_second(metric, 'job')}",
                f"{{{{job}}}} {kind}",
            )
            for kind, metric in totals.items()
        ),
        "Share of them that failed by the service's own fault.",
    )


def _red(metric: str, label: str, legend: str, what: str) -> tuple[Panel, ...]:
    """Rate, errors and duration of calls of gRPC."""
    by = f"job, {label}"
    return (
        Panel("Rate", "reqps", (_rate(f"{metric}_code_total", by, legend),), f"How many {what} there are."),
        Panel(
            "Errors",
            "reqps",
            (_rate(f"{metric}_code_total", f"{by}, code", f"{legend}: {{{{code}}}}", 'code!="0"'),),
            f"Those {what} that ended with another code than OK (0), by gRPC's number of it.",
        ),
        Panel(
            "Duration",
            "ms",
            tuple(_quantile(f"{metric}_duration_ms", by, legend, share) for share in (0.5, 0.95)),
            f"How long {what} take: half of them, and 95 of 100, are faster. Streams are not among them.",
        ),
    )


def _sum(metric: str, by: str) -> Query:
    return Query(f"sum by ({by}) ({metric}{{{SERVICE}}})", "{{job}}")


def _rate(metric: str, by: str, legend: str, condition: str = "") -> Query:
    return Query(_per_second(metric, by, condition), legend)


def _per_second(metric: str, by: str, condition: str = "") -> str:
    selector = f"{SERVICE}, {condition}" if condition else SERVICE
    return f"sum by ({by}) (rate({metric}{{{selector}}}[{INTERVAL}]))"


def _quantile(metric: str, by: str, legend: str, share: float) -> Query:
    buckets = _per_second(f"{metric}_bucket", f"{by}, le")
    return Query(f"histogram_quantile({share}, {buckets})", f"{legend} p{share * 100:.0f}")


_ROUTE, _ROUTE_LEGEND = "job, method, path", "{{job}} {{method}} {{path}}"
_HTTP = (
    Panel(
        "Rate",
        "reqps",
        (_rate("http_server_requests_code_total", _ROUTE, _ROUTE_LEGEND),),
        "How many requests there are.",
    ),
    Panel(
        "Errors",
        "reqps",
        (
            _rate(
                "http_server_requests_code_total",
                f"{_ROUTE}, code",
                f"{_ROUTE_LEGEND}: {{{{code}}}}",
                'code=~"4..|5.."',
            ),
        ),
        "Those answered with an error, by status: from 500 on it is the service's fault.",
    ),
    Panel(
        "Duration",
        "ms",
        tuple(
            _quantile("http_server_requests_duration_ms", _ROUTE, _ROUTE_LEGEND, share)
            for share in (0.5, 0.95)
        ),
        "How long they take: half of them, and 95 of 100, are faster.",
    ),
)
_RETRIES = Panel(
    "Retries",
    "ops",
    (_rate("zero_rpc_client_retries_total", "job, target, reason", "{{job}} → {{target}}: {{reason}}"),),
    "Attempts after the first, and those that the budget did not allow.",
)
_REFUSALS = Panel(
    "Calls refused",
    "ops",
    (
        _rate(
            "zero_admission_total",
            "job, name, decision",
            "{{job}} {{name}}: {{decision}}",
            'decision!="pass"',
        ),
    ),
    "By the method's breaker, shedding under load, the limit of concurrent calls, or that per time.",
)
_BREAKERS = Panel(
    "Calls kept back by breakers",
    "ops",
    (_rate("zero_breaker_total", "job, name", "{{job}} {{name}}", 'decision="drop"'),),
    "Calls of its methods, of other services and of servers, that had failed too often.",
)
_RATES = Panel(
    "Limits per time",
    "ops",
    (
        _rate("zero_rate_total", "job, name, decision", "{{job}} {{name}}: {{decision}}"),
        _rate("zero_rate_rescue_total", "job, name", "{{job}} {{name}}: without Redis"),
    ),
    "What limits per time decided, and how often without Redis, which was away.",
)
_DATABASE = (
    Panel(
        "Statements",
        "ops",
        (_rate("sql_client_requests_duration_ms_count", "job, command", "{{job}} {{command}}"),),
        "How many statements there are, by name.",
    ),
    Panel(
        "Errors",
        "ops",
        (_rate("sql_client_requests_error_total", "job, command, error", "{{job}} {{command}}: {{error}}"),),
        "Those that failed. ALREADY_EXISTS and the like are answers.",
    ),
    Panel(
        "Duration",
        "ms",
        (_quantile("sql_client_requests_duration_ms", "job, command", "{{job}} {{command}}", 0.95),),
        "95 of 100 statements are faster; without the wait for a connection.",
    ),
    Panel(
        "Connections",
        "short",
        tuple(
            Query(
                f"sum by (job, db_name) (sql_client_{what}_connections{{{SERVICE}}})",
                f"{{{{job}}}} {{{{db_name}}}}: {legend}",
            )
            for what, legend in (("in_use", "in use"), ("open", "open"), ("max_open", "most"))
        ),
        "Connections of the pools, and how many there may be.",
    ),
)
_READS = _per_second("zero_cache_total", "job, table")
_HITS = _per_second("zero_cache_total", "job, table", 'result=~"hit|local|placeholder"')
_CACHE = (
    Panel(
        "Hits",
        "percentunit",
        (Query(f"{_HITS} / {_READS}", "{{job}} {{table}}"),),
        "Share of reads of single rows that did not ask the database.",
    ),
    Panel(
        "Reads",
        "ops",
        (_rate("zero_cache_total", "job, table, result", "{{job}} {{table}}: {{result}}"),),
        "Reads of single rows by who answered; away: the database, because Redis did not.",
        stacked=True,
    ),
    Panel(
        "Keys owed",
        "short",
        (
            Query(
                f"sum by (job) (zero_cache_owed_total{{{SERVICE}}} - zero_cache_paid_total{{{SERVICE}}} "
                f"- zero_cache_lost_total{{{SERVICE}}})",
                "{{job}}",
            ),
            Query(f"sum by (job) (zero_cache_lost_total{{{SERVICE}}})", "{{job}}: given up"),
        ),
        "Keys of changed rows that are still to be deleted, and those that were given up.",
    ),
)
_REDIS = (
    Panel(
        "Commands",
        "ops",
        (_rate("redis_client_requests_duration_ms_count", "job, command", "{{job}} {{command}}"),),
        "How many commands there are.",
    ),
    Panel(
        "Errors",
        "ops",
        (
            _rate(
                "redis_client_requests_error_total", "job, command, error", "{{job}} {{command}}: {{error}}"
            ),
        ),
        "Those that failed.",
    ),
    Panel(
        "Duration",
        "ms",
        (_quantile("redis_client_requests_duration_ms", "job, command", "{{job}} {{command}}", 0.95),),
        "95 of 100 commands are faster.",
    ),
    Panel(
        "Connections",
        "short",
        tuple(
            Query(
                f"sum by (job, key) (redis_client_pool_conn_{what}{{{SERVICE}}})",
                f"{{{{job}}}} {{{{key}}}}: {legend}",
            )
            for what, legend in (("total_current", "open"), ("idle_current", "idle"))
        ),
        "Connections of the pools.",
    ),
)
_PROCESSES = (
    Panel(
        "Processor",
        "percentunit",
        (_rate("process_cpu_seconds_total", "job, instance", "{{job}} {{instance}}"),),
        "Share of a core that each instance uses.",
    ),
    Panel(
        "Memory",
        "bytes",
        (
            Query(
                f"sum by (job, instance) (process_resident_memory_bytes{{{SERVICE}}})", "{{job}} {{instance}}"
            ),
        ),
        "Memory that each instance has; what its processes share is counted for each of them.",
    ),
    Panel(
        "Files and connections",
        "short",
        (Query(f"sum by (job, instance) (process_open_fds{{{SERVICE}}})", "{{job}} {{instance}}"),),
        "How many each instance has open.",
    ),
)
_LINES = Panel(
    "Log lines dropped",
    "ops",
    (_rate("zero_log_dropped_total", "job, reason", "{{job}}: {{reason}}"),),
    "Lines that could neither be written nor kept.",
)
_SPANS = Panel(
    "Spans dropped",
    "ops",
    (_rate("zero_spans_dropped_total", "job", "{{job}}"),),
    "Spans that could not be sent.",
)
