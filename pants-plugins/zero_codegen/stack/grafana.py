"""Dashboards and data sources as Grafana reads them.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from zero_codegen.stack.dashboards import Dashboard, Panel

PROMETHEUS, JAEGER = "prometheus", "jaeger"
"""The data sources: their kind, and what panels call them."""

_SCHEMA = 39
"""Of Grafana 11; later ones bring a dashboard up to date when they read it."""
_COLUMNS = 24
_HEIGHT = 8
_SOURCE = {"type": PROMETHEUS, "uid": PROMETHEUS}


def as_json(dashboard: Dashboard, stack: str, services: list[str]) -> str:
    """The dashboard of a stack; the reader chooses among the services."""
    model = {
        "uid": f"zero-{stack}"[:40],
        "title": dashboard.title,
        "tags": ["zero"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_namespaces(), _chooser(services)]},
        "panels": list(_panels(dashboard)),
    }
    return json.dumps(model, indent=1, ensure_ascii=False) + "\n"


def sources() -> dict[str, Any]:
    """The provisioning of data sources: metrics and traces."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Prometheus",
                "type": PROMETHEUS,
                "uid": PROMETHEUS,
                "url": "http://prometheus:9090",
                "isDefault": True,
                "jsonData": {"timeInterval": "15s", "httpMethod": "POST"},
            },
            {"name": "Jaeger", "type": JAEGER, "uid": JAEGER, "url": "http://jaeger:16686"},
        ],
    }


def providers() -> dict[str, Any]:
    """The provisioning of dashboards: files of a folder."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "zero",
                "type": "file",
                "allowUiUpdates": False,
                "options": {"path": "/etc/grafana/dashboards"},
            }
        ],
    }


def _namespaces() -> dict[str, Any]:
    """What Kubernetes has; elsewhere there is none, which `.*` matches as well."""
    query = "label_values(up, namespace)"
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "namespaces"},
        "refresh": 2,  # whenever the time is another
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
    }


def _chooser(services: list[str]) -> dict[str, Any]:
    return {
        "name": "service",
        "label": "Service",
        "type": "custom",
        "query": ",".join(services),
        "multi": True,
        "includeAll": True,
        "allValue": "|".join(services),
        "current": {"text": ["All"], "value": ["$__all"]},
        "options": [],
    }


def _panels(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    """Row by row, each of the panels of a row as wide as the others."""
    number, top = 1, 0
    for row in dashboard.rows:
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
            "panels": [],
        }
        width = _COLUMNS // len(row.panels)
        for index, panel in enumerate(row.panels):
            place = {"x": index * width, "y": top + 1, "w": width, "h": _HEIGHT}
            yield _panel(panel, number + 1 + index, place)
        number += 1 + len(row.panels)
        top += 1 + _HEIGHT


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    drawing = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 20 if panel.stacked else 5,
        "showPoints": "never",
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
    }
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.explanation,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": drawing},
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": query.expression,
                "legendFormat": query.legend,
            }
            for index, query in enumerate(panel.queries)
        ],
    }
