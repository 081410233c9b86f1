"""Spans to a collector that speaks Zipkin's JSON, version 2, over HTTP: Zipkin itself, Jaeger,
OpenTelemetry's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from zero_runtime.observability.exporters.http import HttpExporter

_KINDS = {Span.SPAN_KIND_SERVER: "SERVER", Span.SPAN_KIND_CLIENT: "CLIENT"}
"""Zipkin has no name for a span that is no side of a call."""


class ZipkinExporter(HttpExporter):
    """Posts batches in Zipkin's JSON over one connection."""

    def __init__(self, host: str, port: int, *, secure: bool, path: str, headers: Mapping[str, str]) -> None:
        super().__init__(
            host, port, secure=secure, path=path, headers=headers, content_type="application/json"
        )

    def export(self, request: bytes) -> None:
        super().export(msgspec.json.encode([*_spans(request)]))


def _spans(request: bytes) -> Iterator[dict[str, Any]]:
    """The spans of an ``ExportTraceServiceRequest`` as Zipkin has them."""
    for resource in ExportTraceServiceRequest.FromString(request).resource_spans:
        service = _texts(resource.resource.attributes).get("service.name", "")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _span(span, service)


def _span(span: Span, service: str) -> dict[str, Any]:
    tags = _texts(span.attributes)
    made: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "name": span.name,
        "timestamp": span.start_time_unix_nano // 1000,
        "duration": max((span.end_time_unix_nano - span.start_time_unix_nano) // 1000, 1),
        "localEndpoint": {"serviceName": service},
        "tags": tags,
    }
    if span.parent_span_id:
        made["parentId"] = span.parent_span_id.hex()
    if kind := _KINDS.get(span.kind):
        made["kind"] = kind
    if kind == "CLIENT" and (callee := tags.get("server.address")):
        made["remoteEndpoint"] = {"serviceName": callee}
    if span.events:
        made["annotations"] = [
            {"timestamp": event.time_unix_nano // 1000, "value": event.name} for event in span.events
        ]
    if span.status.code == Status.STATUS_CODE_ERROR:  # the tag that Zipkin colours red, whatever it says
        tags["error"] = span.status.message or tags.get("error.type", "true")
    return made


def _texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Attributes as tags, which are texts."""
    return {each.key: _text(each.value) for each in attributes}


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return ",".join(map(_text, value.array_value.values))
    if kind == "bool_value":
        return str(value.bool_value).lower()
    return "" if kind is None else str(getattr(value, kind))
