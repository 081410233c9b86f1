"""What docs/governance.md says of settings is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from zero_runtime.config import BreakerConf, GovernedConf, RedisConf, RestConf, RuleConf, SheddingConf, load
from zero_runtime.config.durations import Duration
from zero_runtime.config.governance import QuotaConf, RateConf
from zero_runtime.explain import struct_fields
from zero_runtime.observability.metrics import Family
from zero_runtime.resilience import metrics

TEXT = (Path(__file__).parents[3] / "docs" / "governance.md").read_text("utf-8")

PARTS: dict[str, type[msgspec.Struct]] = {
    "Breaker": BreakerConf,
    "Shedding": SheddingConf,
    "Redis": RedisConf,
    "Rate": RateConf,
    "Quota": QuotaConf,
}


def text(value: object) -> str | None:
    """A default as the document writes it; None where it has words for it."""
    if isinstance(value, Duration):
        return f"{value:g}s" if value >= 1 or not value else f"{value * 1000:g}ms"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) or value in ("all", "node") else None


def test_every_setting_is_there_with_its_default() -> None:
    expected = {
        f"{part}.{field.encode_name}": text(field.default)
        for part, kind in PARTS.items()
        for field in struct_fields(kind)
    }
    governed = {field.encode_name: field for field in struct_fields(GovernedConf)}
    expected |= {name: text(governed[name].default) for name in ("CpuThreshold", "MaxConns")}
    expected["Rate.Burst"] = None  # 0 stands for another number
    documented = {}
    for row in re.findall(r"^\| (`[A-Z][^|]*) \| ([^|]*) \| [^|]*\|$", TEXT, re.MULTILINE):
        for name in re.findall(r"`([A-Za-z]+(?:\.[A-Za-z]+)?)`", row[0]):
            literal = re.fullmatch(r"`([^`]*)`", row[1])
            documented[name] = literal[1] if literal else None
    assert {name: documented.get(name, "missing") for name in expected} == expected


def test_every_key_of_a_rule_is_there() -> None:
    rules = TEXT[TEXT.index("## Rules:") : TEXT.index("## In logic")]
    rows = "".join(re.findall(r"^\| (`[^|]*) \|", rules, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == {field.encode_name for field in struct_fields(RuleConf)}


def test_every_metric_is_there() -> None:
    families = {value.name for value in vars(metrics).values() if isinstance(value, Family)}
    assert set(re.findall(r"^\| `(zero_\w+)` \|", TEXT, re.MULTILINE)) == families


def test_the_example_loads(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path / "user-api.yaml"
    file.write_text(example)
    assert len(load(RestConf, file, {}).rules) == 4
