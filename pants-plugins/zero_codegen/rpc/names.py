"""Names of a proto that Python cannot have where they would be: what is wrong, and a name that would do."""

from __future__ import annotations

import keyword
import re
from pathlib import PurePosixPath
from typing import TypeAlias

from zero_codegen import naming

Problem: TypeAlias = tuple[str, str]
"""A message and its hint."""

_DESCRIPTOR = "DESCRIPTOR"
"""What protobuf calls the description of a message and of a file, beside what these declare."""
_DESCRIPTOR_MODULE = "_descriptor"
"""What protoc's modules call an import that they use after they have been given the names of the proto."""


def class_name(name: str, suffix: str) -> str:
    """The name of a generated class."""
    return _valid(naming.pascal(name) + suffix)


def function_name(name: str, suffix: str) -> str:
    """The name of a generated function or attribute."""
    return _valid(f"{naming.snake(name)}_{suffix}")


def wrong_import(path: str) -> Problem | None:
    """Of the path of an imported proto."""
    *folders, name = PurePosixPath(path).parts
    for folder in folders:
        if not folder.isidentifier() or keyword.iskeyword(folder):
            message = f"the folder name `{folder}` cannot be part of a Python module name"
            return message, f"rename it, for example to `{_valid(folder)}`"
    stem = name.removesuffix(".proto")
    if not f"{stem.replace('-', '_')}_pb2".isidentifier():
        message = f"protoc makes no importable module of a file called `{name}`"
        return message, f"rename it to `{_valid(stem)}.proto`"
    return None


def wrong_declaration(name: str) -> Problem | None:
    """Of what a proto declares at its top level."""
    if name != _DESCRIPTOR_MODULE:
        return None
    return f"`{name}` breaks the module that protoc makes of it", f"rename it to `{naming.pascal(name)}`"


def wrong_stub(what: str, name: str) -> Problem | None:
    """Of a service or a method, for which gRPC's own plugin writes Python."""
    if not keyword.iskeyword(name):
        return None
    message = f"{what} `{name}` breaks the module that gRPC makes: its name is a Python keyword"
    return message, f"rename it to `{_valid(naming.pascal(name))}`"


def wrong_message(name: str) -> Problem | None:
    """Of the message of a method, by its name, dotted when nested."""
    for part in name.split("."):
        if keyword.iskeyword(part):
            why = "its name is a Python keyword"
        elif part.startswith("__"):
            why = "Python changes names that begin with `__`"
        elif part == _DESCRIPTOR:
            why = "protobuf has that name for descriptions"
        else:
            continue
        hint = f"rename it to `{_valid(naming.pascal(part))}`"
        return f"message `{part}` cannot be imported: {why}", hint
    return None


def _valid(name: str) -> str:
    """The nearest name that Python takes."""
    name = re.sub(r"^(?=[0-9])|\W", "_", name)
    return f"{name}_" if keyword.iskeyword(name) else name
