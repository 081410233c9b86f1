"""Values as YAML text."""

from __future__ import annotations

from typing import Any

import yaml

_Dumper: Any = type("_Dumper", (yaml.SafeDumper,), {})


def _text(dumper: Any, text: str) -> Any:
    """Keeps text on its line: what cannot be printed is escaped in quotes (else PyYAML mangles U+0085)."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


class Block(str):
    """Text of several lines that people read: a document writes it line by line, where YAML can."""


class Quoted(str):
    """Text that is written in quotes though it needs none."""


def _block(dumper: Any, text: Block) -> Any:
    if not all(line.isprintable() for line in text.split("\n")):
        return _text(dumper, str(text))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")


def _quoted(dumper: Any, text: Quoted) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if text.isprintable() else '"')


class Hole(int):
    """A place to be filled in: it is written as `!hole '7'`, which no text is, for that would be quoted."""


def _hole(dumper: Any, hole: Hole) -> Any:
    return dumper.represent_scalar("!hole", str(int(hole)), style="'")


_Dumper.add_representer(Hole, _hole)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(Block, _block)
_Dumper.add_representer(Quoted, _quoted)


def document(value: object) -> str:
    """A value as a document, in the order of its keys; ends with a line end."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6)
    return text


def scalar(value: Any) -> str:
    """A scalar on one line, quoted where it would be read as something else (`on`, `null`, `1e3`)."""
    return document(value).removesuffix("\n").removesuffix("\n...")
