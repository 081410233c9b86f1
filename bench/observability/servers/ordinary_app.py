"""The same endpoint, observed the ordinary way: OpenTelemetry's ASGI middleware and SDK, prometheus_client,
and `logging` with a formatter of JSON, each as its documentation has it."""

import json
import logging
import os
import sys
import time
from typing import Any

import zero_app
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from prometheus_client import Counter, Histogram

provider = TracerProvider(
    sampler=ParentBased(TraceIdRatioBased(float(os.environ["SAMPLER"]))),
    resource=Resource.create({"service.name": "user-api"}),
)
endpoint = f"http://127.0.0.1:{os.environ['COLLECTOR']}/v1/traces"
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
trace.set_tracer_provider(provider)

DURATIONS = Histogram(
    "http_server_requests_duration_ms",
    "How long requests took, in milliseconds.",
    ["path", "method", "code"],
    buckets=[5, 10, 25, 50, 100, 250, 500, 750, 1000],
)
CODES = Counter("http_server_requests_code_total", "Requests by their status.", ["path", "method", "code"])


class JsonFormatter(logging.Formatter):
    """A line of the log as JSON, with the ids of the trace."""

    def format(self, record: logging.LogRecord) -> str:
        span = trace.get_current_span().get_span_context()
        return json.dumps(
            {
                "@timestamp": self.formatTime(record),
                "level": record.levelname.lower(),
                "logger": record.name,
                "content": record.getMessage(),
                "trace": f"{span.trace_id:032x}",
                "span": f"{span.span_id:016x}",
                **record.__dict__.get("fields", {}),
            }
        )


handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(JsonFormatter())
logging.basicConfig(level=logging.INFO, handlers=[handler])
log = logging.getLogger("access")


class Observed:
    """Measures and logs every request."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            duration = (time.perf_counter() - begun) * 1000
            labels = scope["path"], scope["method"], str(status)
            DURATIONS.labels(*labels).observe(duration)
            CODES.labels(*labels).inc()
            fields = {"status": status, "duration": round(duration, 3), "client": scope["client"][0]}
            log.info("%s %s", scope["method"], scope["path"], extra={"fields": fields})


app = OpenTelemetryMiddleware(Observed(zero_app.app))
