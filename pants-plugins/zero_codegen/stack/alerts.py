"""Rules that alert, for what a fleet has: no rule is about a part that none of its services uses.

An alert says that users are served badly, or will be soon, and what to look at. Thresholds are constants
here, except those that follow from a service's configuration: its time limit and its memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from zero_codegen.stack.fleet import Fleet, Kind, Member

WINDOW = "5m"
"""Over which rates are taken: long enough for four scrapes to be missed. What they say has to last as long: a
thing that happens once alerts nobody."""
ERRORS = 0.05
"""Share of calls that may fail."""
QUANTILE = 0.95
SLOW = 500
"""Milliseconds; the runtime calls a request slow from there on, as go-zero does."""
FULL = 0.9
"""Share of something limited that may be used."""
RESTARTS = 2
"""How often a process may start in a quarter of an hour: a rollout and one more."""

PLACE = "job, namespace"
"""What is told apart: services, and the same service in several namespaces of Kubernetes."""

RPC_FAULTS = "2|4|12|13|14|15"
"""gRPC's codes that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE,
DATA_LOSS. The others are answers."""
STORE_FAULTS = "UNKNOWN|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE"
"""The same of a database and Redis, by name: a row that is there already is an answer, too."""

Rule = dict[str, Any]


def alerts(fleet: Fleet) -> dict[str, Any]:
    """The content of a file of rules."""
    groups = {
        "availability": list(_availability(fleet)),
        "http": list(_http(fleet)),
        "rpc": list(_rpc(fleet)),
        "calls": list(_calls(fleet)),
        "governance": list(_governance(fleet)),
        "database": list(_database(fleet)),
        "cache": list(_cache(fleet)),
        "redis": list(_redis(fleet)),
        "processes": list(_processes(fleet)),
        "telemetry": list(_telemetry(fleet)),
    }
    return {"groups": [{"name": f"zero-{name}", "rules": rules} for name, rules in groups.items() if rules]}


def _availability(fleet: Fleet) -> Iterator[Rule]:
    jobs = _jobs(fleet.scraped)
    if not jobs:
        return
    answering = f"sum by ({PLACE}) (up{{{jobs}}})"
    yield _rule(
        "ServiceDown",
        f"{answering} == 0",
        "critical",
        "No instance of {{ $labels.job }} answers Prometheus.",
        "See whether its processes run, and what their last log lines say; then what they need to start: the "
        "database, etcd, secrets.",
        lasting="1m",
    )
    for member in fleet.scraped:
        yield _rule(
            "ServiceGone",
            f'absent(up{{job="{member.name}"}})',
            "critical",
            f"Prometheus knows no instance of {member.name}.",
            "It is not deployed, scaled to none, or Prometheus may not look it up: see its page of targets.",
            job=member.name,
        )
    yield _rule(
        "InstanceDown",
        f"up{{{jobs}}} == 0 and on ({PLACE}) {answering} > 0",
        "warning",
        "{{ $labels.instance }} of {{ $labels.job }} does not answer Prometheus, others do.",
        "See its log and its node. The others carry its load meanwhile.",
    )
    yield _rule(
        "ServiceRestarts",
        f"max by ({PLACE}, instance) (changes(process_start_time_seconds{{{jobs}}}[15m])) > {RESTARTS}",
        "warning",
        "Processes of {{ $labels.job }} end and are started again.",
        "Their last log lines say why; where they say nothing, it was killed: look at its memory.",
        lasting="0m",
    )


def _http(fleet: Fleet) -> Iterator[Rule]:
    members = _of(fleet, "api")
    if not members:
        return
    yield _rule(
        "HttpErrors",
        _share("http_server_requests_code_total", _jobs(members), 'code=~"5.."'),
        "critical",
        "{{ $labels.job }} answers {{ $value | humanizePercentage }} of its requests with a server error.",
        "The dashboard tells which routes; log lines of the level error have the cause, and the trace.",
    )
    for member in members:
        paths = "|".join(map(re.escape, member.event_routes)).replace("\\", "\\\\")
        calm = f', path!~"{paths}"' if paths else ""
        yield _slow(
            member, "HttpSlow", f'http_server_requests_duration_ms_bucket{{job="{member.name}"{calm}}}'
        )


def _rpc(fleet: Fleet) -> Iterator[Rule]:
    members = _of(fleet, "rpc")
    if not members:
        return
    yield _rule(
        "RpcErrors",
        _share("rpc_server_requests_code_total", _jobs(members), f'code=~"{RPC_FAULTS}"'),
        "critical",
        "{{ $labels.job }} fails {{ $value | humanizePercentage }} of its calls.",
        "The dashboard tells which methods; log lines of the level error have the cause, and the trace.",
    )
    for member in members:
        yield _slow(member, "RpcSlow", f'rpc_server_requests_duration_ms_bucket{{job="{member.name}"}}')


def _calls(fleet: Fleet) -> Iterator[Rule]:
    jobs = _jobs(member for member in fleet.scraped if member.wiring.clients)
    if not jobs:
        return
    yield _rule(
        "CallsFail",
        _share("rpc_client_requests_code_total", jobs, f'code=~"{RPC_FAULTS}"', f"{PLACE}, method"),
        "warning",
        "{{ $value | humanizePercentage }} of the calls of {{ $labels.method }} by {{ $labels.job }} fail.",
        "Look at the service that is called. If it is well, it cannot be reached: names, network policies.",
    )


def _governance(fleet: Fleet) -> Iterator[Rule]:
    jobs = _jobs(fleet.scraped)
    if not jobs:
        return
    yield _rule(
        "BreakerOpen",
        _share("zero_breaker_total", jobs, 'decision="drop"', f"{PLACE}, name"),
        "warning",
        "A breaker of {{ $labels.job }} keeps {{ $value | humanizePercentage }} of the calls of "
        "{{ $labels.name }} back, because so many of them fail.",
        "Look at what is called: as soon as it is well again, the breaker lets calls through by itself.",
    )
    yield _rule(
        "CallsRefused",
        _share(
            "zero_admission_total",
            jobs,
            'decision=~"breaker|shedding|concurrency"',
            f"{PLACE}, name",
        ),
        "warning",
        "{{ $labels.job }} refuses {{ $value | humanizePercentage }} of the calls of {{ $labels.name }}.",
        "The dashboard tells why. Shedding: the processor is busy, so add instances. Concurrency: more calls "
        "run at once than may. Breaker: the method fails too often.",
    )
    limiting = _jobs(member for member in fleet.scraped if member.limits_in_redis)
    if limiting:
        yield _rule(
            "LimitsWithoutRedis",
            _share("zero_rate_rescue_total", limiting, by=f"{PLACE}, name", whole="zero_rate_total"),
            "warning",
            "Redis is away from {{ $labels.job }}: each process keeps the limits of {{ $labels.name }} "
            "by itself.",
            "See Redis, and the way to it. Until then callers may get as many times the limit as there are "
            "processes.",
        )


def _database(fleet: Fleet) -> Iterator[Rule]:
    jobs = _jobs(member for member in fleet.scraped if member.has_database)
    if not jobs:
        return
    yield _rule(
        "DatabaseErrors",
        _share(
            "sql_client_requests_error_total",
            jobs,
            f'error=~"{STORE_FAULTS}"',
            whole="sql_client_requests_duration_ms_count",
        ),
        "critical",
        "{{ $value | humanizePercentage }} of the statements of {{ $labels.job }} fail.",
        "See whether the database is there and has room and connections left; the log has its words.",
    )
    yield _rule(
        "DatabasePoolFull",
        f"sql_client_in_use_connections{{{jobs}}} / sql_client_max_open_connections{{{jobs}}} > {FULL}",
        "warning",
        "{{ $labels.job }} uses {{ $value | humanizePercentage }} of the connections that it may have to "
        "{{ $labels.db_name }}.",
        "Slow statements hold connections: the dashboard tells which. If there are none, allow more "
        "(`Database.MaxOpen`), as far as the database has them.",
    )


def _cache(fleet: Fleet) -> Iterator[Rule]:
    jobs = _jobs(member for member in fleet.scraped if member.caches_in_redis)
    if not jobs:
        return
    yield _rule(
        "CacheAway",
        _share("zero_cache_total", jobs, 'result="away"', f"{PLACE}, table"),
        "warning",
        "{{ $labels.job }} reads rows of {{ $labels.table }} from the database, because the cache is away.",
        "See Redis, and the way to it. The database has to bear the reads until then.",
    )
    yield _rule(
        "CacheOwesKeys",
        f"sum by ({PLACE}) "
        f"(zero_cache_owed_total{{{jobs}}} - zero_cache_paid_total{{{jobs}}} "
        f"- zero_cache_lost_total{{{jobs}}}) > 0",
        "warning",
        "{{ $labels.job }} has changed rows whose {{ $value }} keys it cannot delete from the cache.",
        "See Redis, and the way to it: the keys are deleted when it is back. Until then others may read old "
        "rows.",
    )
    yield _rule(
        "CacheStale",
        f"sum by ({PLACE}) (increase(zero_cache_lost_total{{{jobs}}}[15m])) > 0",
        "critical",
        "{{ $labels.job }} gave up deleting keys of rows that it changed: others read old rows until "
        "they expire.",
        "If that does harm, delete the keys of the table in Redis by hand; the log says how many they are.",
        lasting="0m",
    )


def _redis(fleet: Fleet) -> Iterator[Rule]:
    jobs = _jobs(member for member in fleet.scraped if member.uses_redis)
    if not jobs:
        return
    yield _rule(
        "RedisErrors",
        _share("redis_client_requests_error_total", jobs, whole="redis_client_requests_duration_ms_count"),
        "warning",
        "{{ $value | humanizePercentage }} of what {{ $labels.job }} asks Redis fails.",
        "See Redis, and the way to it. Calls are answered without it meanwhile, with more work for the "
        "database.",
    )


def _processes(fleet: Fleet) -> Iterator[Rule]:
    for member in fleet.scraped:
        yield _rule(
            "MemoryNearLimit",
            f'sum by ({PLACE}, instance) (process_resident_memory_bytes{{job="{member.name}"}}) '
            f"> {FULL} * {member.memory}",
            "warning",
            f"{{{{ $labels.instance }}}} of {member.name} uses {{{{ $value | humanize1024 }}}}B of the "
            f"{member.wiring.spec.resources.memory} after which Kubernetes kills it.",
            "If it does not grow, it needs that much: give it more, `memory` of its target. What processes "
            "of one instance share is counted for each.",
            lasting="10m",
            job=member.name,
        )
    if jobs := _jobs(fleet.scraped):
        yield _rule(
            "FilesNearLimit",
            f"process_open_fds{{{jobs}}} / process_max_fds{{{jobs}}} > {FULL}",
            "warning",
            "{{ $labels.instance }} of {{ $labels.job }} has {{ $value | humanizePercentage }} of the files "
            "and connections open that it may have.",
            "Are there that many callers? Then add instances, or raise the limit of open files, `ulimit -n`.",
        )


def _telemetry(fleet: Fleet) -> Iterator[Rule]:
    if jobs := _jobs(fleet.scraped):
        yield _rule(
            "LogLinesDropped",
            f"sum by ({PLACE}, reason) (rate(zero_log_dropped_total{{{jobs}}}[{WINDOW}])) > 0",
            "warning",
            "{{ $labels.job }} drops log lines: {{ $labels.reason }}.",
            "See what takes the logs, and the way to it. A folder `Log.Fluentd.Spill` keeps more of them.",
            lasting="1m",
        )
        yield _rule(
            "SpansDropped",
            f"sum by ({PLACE}) (rate(zero_spans_dropped_total{{{jobs}}}[{WINDOW}])) > 0",
            "warning",
            "{{ $labels.job }} drops spans: its collector is away or too slow.",
            "See the collector, and the way to it. Calls do not wait for it.",
        )


def _slow(member: Member, name: str, buckets: str) -> Rule:
    """A service whose slow calls take more than half of the time that they may, or than what is called
    slow."""
    limit = min(member.timeout // 2 or SLOW, SLOW)
    return _rule(
        name,
        f"histogram_quantile({QUANTILE}, sum by ({PLACE}, le) (rate({buckets}[{WINDOW}]))) > {limit}",
        "warning",
        f"One of twenty calls of {member.name} takes longer than {{{{ $value | humanize }}}} ms.",
        "The dashboard tells which of them, and whether what they ask is slow; traces tell where time goes.",
        job=member.name,
    )


def _rule(
    name: str,
    expression: str,
    severity: str,
    summary: str,
    description: str,
    *,
    lasting: str = WINDOW,
    **labels: str,
) -> Rule:
    """`description` says what to look at; `labels` tell rules of one name apart."""
    return {
        "alert": name,
        "expr": expression,
        "for": lasting,
        "labels": {"severity": severity, **labels},
        "annotations": {"summary": summary, "description": description},
    }


def _share(part: str, jobs: str, condition: str = "", by: str = PLACE, *, whole: str = "") -> str:
    """More than `ERRORS` of a counter are in that part of it, or of another counter, `whole`."""
    counted = f"{jobs}, {condition}" if condition else jobs
    return (
        f"sum by ({by}) (rate({part}{{{counted}}}[{WINDOW}])) "
        f"/ sum by ({by}) (rate({whole or part}{{{jobs}}}[{WINDOW}])) > {ERRORS}"
    )


def _of(fleet: Fleet, kind: Kind) -> list[Member]:
    return [member for member in fleet.scraped if member.kind == kind]


def _jobs(members: Iterable[Member]) -> str:
    """What selects the series of services; nothing where there are none."""
    names = "|".join(member.name for member in members)
    return f'job=~"{names}"' if names else ""
