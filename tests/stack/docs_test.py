"""The page of the stack names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.stack.fleet import FOLDERS, read

PAGE = Path("docs/stack.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_alert_is_told_of_with_its_time() -> None:
    rules = [rule for group in read("prometheus/alerts.yml")["groups"] for rule in group["rules"]]
    told = {
        name: row.rpartition("|")[2].strip()
        for row in re.findall(r"^\| (`[A-Z].*) \|$", section("Alerts"), re.MULTILINE)
        for name in re.findall(r"`([A-Z][A-Za-z]+)`", row.partition("|")[0])
    }
    assert set(told) == {rule["alert"] for rule in rules}
    for rule in rules:
        minutes = rule["for"].removesuffix("m")
        numbers = re.findall(r"\d+", told[rule["alert"]])
        assert minutes in numbers or (minutes == "0" and ("at once" in told[rule["alert"]] or not numbers))


def test_every_image_is_told_of() -> None:
    told = dict(re.findall(r"^\| `([a-z-]+)` \| `(\S+)` \|$", section("On one machine"), re.MULTILINE))
    services = read("compose.yaml")["services"]
    started = {name: service["image"] for name, service in services.items() if name in told}
    assert started.items() <= told.items()
    assert not {name for name in services if name not in told} & {"prometheus", "grafana", "redis", "etcd"}
    assert set(FOLDERS) <= set(services) - set(told)
