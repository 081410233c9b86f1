"""Outputs that appear whole or not at all, and JSON that is the same text everywhere."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zero_image.errors import ImageError

FORMAT = 1
"""The form of locks and of the documents that pass between commands."""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which takes the name ``path`` once the block ends well."""
    # An empty one is as good as none: some build systems make the folders of outputs.
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ImageError(f"{path} exists already", hint="name an output that does not exist yet")
    with _partial(path) as partial:
        partial.mkdir(parents=True)
        yield partial


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """The name of a file to write, which replaces ``path`` once the block ends well."""
    with _partial(path) as partial:
        partial.parent.mkdir(parents=True, exist_ok=True)
        yield partial


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)


def compact_json(value: Any) -> bytes:
    """The JSON of documents whose digest matters."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def readable_json(value: Any) -> bytes:
    """The JSON of documents that people read too."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def read_format(path: Path, kind: str) -> dict[str, Any]:
    """The JSON object in a file that a command wrote; raises ImageError for one of another version's form."""
    value = read_json(path, kind)
    if value.get("format") != FORMAT:
        raise ImageError(f"{path}: not a {kind} of format {FORMAT}", hint="make it anew with this version")
    return value


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """The JSON object in the file ``path``, which is a ``kind`` of document."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ImageError(f"{path}: there is no such {kind}") from None
    except NotADirectoryError:
        raise ImageError(f"{path}: {path.parent} is not a folder") from None
    except json.JSONDecodeError as error:
        raise ImageError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise ImageError(f"{path}: this {kind} is not UTF-8 text") from None
    if not isinstance(value, dict):
        raise ImageError(f"{path}: a {kind} is a JSON object, this is a {type(value).__name__}")
    return value
