"""Embedded defaults: what a service runs with when it is given no configuration file.

They stand beside the fields they are for, as ``Annotated[str, Embedded("127.0.0.1")]``, and never apply when
there is a file: a service that somebody configured invents nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from zero_runtime.config.problems import InvalidValue


@dataclass(frozen=True, slots=True)
class Origin:
    """What an embedded default may be made from."""

    state: Path
    """The folder of this service below the state folder; it may not exist yet."""

    key: str
    """Dotted path of the key: ``Auth.AccessSecret``."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The value of a key without a configuration file: itself, those of its sub-keys, or a function."""

    value: str | bool | Mapping[str, object] | Callable[[Origin], str]


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where services keep what a server would keep for them; it need not exist yet.

    ``$ZERO_STATE_DIR``, else ``$XDG_STATE_HOME/zero``, else ``~/.local/state/zero``. Raises InvalidValue for a
    user who has no home.
    """
    if own := environ.get("ZERO_STATE_DIR"):
        return Path(own).absolute()
    if xdg := environ.get("XDG_STATE_HOME"):
        return Path(xdg) / "zero"
    try:
        return Path.home() / ".local" / "state" / "zero"
    except RuntimeError:
        raise InvalidValue("this user has no home folder: set ZERO_STATE_DIR") from None


def sqlite_file(origin: Origin) -> str:
    """An SQLite file in the state folder, readable by its owner alone."""
    origin.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite:///{origin.state / 'data.db'}"


def sqlite_file_of(service: str) -> Callable[[Origin], str]:
    """The SQLite file of another service, for a job that works on that one's tables."""
    return lambda origin: sqlite_file(replace(origin, state=origin.state.parent / service))


def jwt_secret(origin: Origin) -> str:
    """A random secret that survives restarts, in a file that only its owner reads.

    The file appears whole under its name or not at all, and the first of two racing processes wins.
    """
    origin.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = origin.state / f"{origin.key}.secret"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=origin.state) as draft:  # of mode 0600
            draft.write(secrets.token_urlsafe(32))
            draft.flush()
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text()
