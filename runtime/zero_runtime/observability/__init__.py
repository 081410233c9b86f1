"""What a service tells of itself: traces, metrics and the log of its requests.

Nothing here is loaded or started before it is needed: protobuf with the first exporter, Prometheus' library
with the first scrape, threads with what they send.
"""

from zero_runtime.observability.http import HttpObserver, Observed, RouteObserver
from zero_runtime.observability.metrics import CONTENT_TYPE, Counter, Family, Metrics, counter
from zero_runtime.observability.pools import State
from zero_runtime.observability.process import (
    client_observer,
    http_observer,
    redis_observer,
    redis_pool_observer,
    server_observer,
    sql_observer,
    sql_pool_observer,
    start_tracer,
)
from zero_runtime.observability.trace import trace_headers

__all__ = [
    "CONTENT_TYPE",
    "Counter",
    "Family",
    "HttpObserver",
    "Metrics",
    "Observed",
    "RouteObserver",
    "State",
    "client_observer",
    "counter",
    "http_observer",
    "redis_observer",
    "redis_pool_observer",
    "server_observer",
    "sql_observer",
    "sql_pool_observer",
    "start_tracer",
    "trace_headers",
]
