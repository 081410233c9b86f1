"""What all parts of a configuration share.

Field names are Python's, keys in files are go-zero's: ``access_secret`` is ``AccessSecret``. Times have the
unit that go-zero gives the key: milliseconds for ``Timeout``, seconds for ``AccessExpire``.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from zero_runtime.config.embedded import Embedded, sqlite_file

ServiceName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]*\Z",
        description="letters, digits, `-`, `_` and `.`, the first a letter or a digit",
    ),
]
"""A name that does for files, hosts and registries: letters, digits, ``-``, ``_`` and ``.``."""

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
"""A TCP port; 0 takes any free one, and the log tells which."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0)]
"""A time limit in milliseconds; 0 means none."""

UrlPath = Annotated[str, msgspec.Meta(pattern=r"^/", description="a path that begins with `/`")]
"""The path of a URL."""

DataSource = Annotated[str, msgspec.Meta(min_length=1), Embedded(sqlite_file)]
"""Where a database is: ``sqlite:////path/of/file.db``, ``postgresql://user:password@host:5432/name``,
``mysql://user:password@host:3306/name`` or go-zero's ``user:password@tcp(host:3306)/name``. Without a
configuration file: an SQLite file in the state folder."""


class Instead:
    """In the metadata of a type: what to say to those who use a value that once was one."""

    def __init__(self, **hints: str) -> None:
        self.hints = hints


class Conf(msgspec.Struct, kw_only=True, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """A part of a configuration: go-zero's spelling, no unknown keys, no change."""

    def __repr__(self) -> str:
        """Nothing of what it holds: there are secrets in it, and whatever has a repr ends up in a log."""
        return f"<{type(self).__name__}>"
