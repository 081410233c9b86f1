from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from tests.servers import require
from zero_runtime.rest import documentation


class _Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _page() -> str:
    return documentation.page().body.decode()


def _part(tag: str) -> str:
    (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", _page(), re.DOTALL)
    return str(text)


def test_the_policy_lets_only_the_pages_own_script_and_style_be() -> None:
    headers = dict(documentation.page().headers)
    policy = dict(entry.split(" ", 1) for entry in headers[b"content-security-policy"].decode().split("; "))
    assert policy["default-src"] == "'none'" and policy["connect-src"] == "'self'"
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(_part(tag).encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert headers[b"x-content-type-options"] == b"nosniff"


def test_it_loads_nothing_and_has_nothing_that_the_policy_forbids() -> None:
    for tag, attributes in _Elements(_page()).found:
        assert tag not in ("iframe", "object", "embed", "base")
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        assert all(attributes.get(name) in (None, "data:,") for name in ("src", "href"))
    assert "url(" not in _part("style") and "@import" not in _part("style")


def test_it_makes_no_html_of_texts() -> None:
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert way not in _part("script")


def test_its_script_is_sound(tmp_path: Path) -> None:
    script = tmp_path / "script.js"
    script.write_text(_part("script"), encoding="utf-8")
    subprocess.run([require("node", "nodejs"), "--check", str(script)], check=True)
