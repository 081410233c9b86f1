"""docs/observability.md lists the metrics that there are, with their labels."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from zero_runtime.observability.metrics import Family

RUNTIME = Path(__file__).parents[1]
TEXT = (RUNTIME.parents[1] / "docs/observability.md").read_text("utf-8")


def families(value: object) -> Iterator[Family]:
    """Those in a constant, which may be a table of them."""
    if isinstance(value, Family):
        yield value
    elif isinstance(value, tuple | Mapping):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from families(each)


def declared() -> dict[str, tuple[str, ...]]:
    """The labels of all metrics of the runtime, by name."""
    found = {}
    for file in sorted(RUNTIME.rglob("*.py")):
        if file.stem.endswith("_test") or "Family(" not in file.read_text("utf-8"):
            continue
        module = ".".join(file.relative_to(RUNTIME.parent).with_suffix("").parts)
        for value in vars(importlib.import_module(module)).values():
            for family in families(value):
                found[family.name] = family.labels
                if family.total is not None:
                    found[family.total[0]] = family.labels
    return found


def test_all_metrics_are_listed() -> None:
    section = TEXT.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]*)\|", section, re.MULTILINE)
    assert {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == declared()
