"""Values as YAML text."""

from __future__ import annotations

from typing import Any

import yaml

_Dumper: Any = type("_Dumper", (yaml.SafeDumper,), {})


def _text(dumper: Any, text: str) -> Any:
    """Keeps text on its line: what cannot be printed is escaped in quotes (else PyYAML mangles U+0085)."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)


def document(value: object) -> str:
    """A value as a document, in the order of its keys; ends with a line end."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6)
    return text


def scalar(value: Any) -> str:
    """A scalar on one line, quoted where it would be read as something else (`on`, `null`, `1e3`)."""
    return document(value).removesuffix("\n").removesuffix("\n...")
