"""OpenTelemetry as its documentation sets it up: spans in batches to a collector."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased


def provider(collector: int, share: float) -> TracerProvider:
    """What makes spans of that share of the calls."""
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)))
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{collector}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
