"""Data sources: where a database is, in the ways that people write it.

    sqlite:///data.db                                   a file, relative to the working directory
    sqlite:////var/lib/user/data.db                     a file
    sqlite://                                           in memory, for the life of the process
    mysql://user:password@host:3306/name?tls=true       a URL: special characters are percent-encoded
    user:password@tcp(host:3306)/name?tls=true          the DSN of go-sql-driver, which go-zero takes

No message here shows any part of a password.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from zero_runtime.config import InvalidValue
from zero_runtime.config.durations import Duration

Tls: TypeAlias = Literal["false", "true", "skip-verify"]

_DEFAULT_PORT = 3306
_EXPECTED = (
    "expected `user:password@tcp(host:3306)/name`, `mysql://user:password@host:3306/name`, "
    "`sqlite:////path/of/file.db` or `sqlite://`"
)

_HONOURED = ("tls", "timeout", "readTimeout")
# What go-sql-driver does to values and statements in other ways here: texts are UTF-8 and times UTC, always.
_WITHOUT_EFFECT = (
    "allowNativePasswords",
    "charset",
    "checkConnLiveness",
    "clientFoundRows",
    "collation",
    "columnsWithAlias",
    "interpolateParams",
    "loc",
    "maxAllowedPacket",
    "multiStatements",
    "parseTime",
    "rejectReadOnly",
    "writeTimeout",
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_SERVER = re.compile(r"(?:(?P<net>[a-z0-9]+)(?:\((?P<place>[^()]*)\))?)?")
_PLACE = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")


class SourceError(InvalidValue):
    """A data source is written wrongly."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"data source: {problem}")


@dataclass(frozen=True, slots=True)
class SqliteSource:
    """An SQLite database."""

    path: Path | None
    """Its file; None for one in memory."""

    def __str__(self) -> str:
        return "sqlite://" if self.path is None else f"sqlite:///{self.path}"


@dataclass(frozen=True, slots=True)
class MysqlSource:
    """A database on a MySQL or MariaDB server."""

    user: str
    password: str = field(repr=False)
    host: str
    """Host name, or the path of a Unix socket when ``port`` is 0."""
    port: int
    database: str
    tls: Tls = "false"
    connect_timeout: float = 10.0
    """Seconds."""
    read_timeout: float | None = None
    """Seconds that one answer may take; None for no limit."""
    time_zone: str = "UTC"
    """``loc`` of go-sql-driver. Times are in UTC whatever it says."""

    @property
    def place(self) -> str:
        """The server, for messages."""
        return f"{self.host}:{self.port}" if self.port else self.host

    def __str__(self) -> str:
        return f"mysql://{self.user}@{self.place}/{self.database}"


def parse_source(text: str) -> SqliteSource | MysqlSource:
    """Reads a data source.

    Parameters of go-sql-driver that change nothing here (``charset``, ``parseTime``, ``loc`` ...) are
    accepted, since they come with every DSN of a go-zero service; ``tls``, ``timeout`` and ``readTimeout``
    are honoured; all others, which set variables of the session, are refused. Raises SourceError.
    """
    scheme, separator, rest = text.partition("://")
    if separator and _SCHEME.fullmatch(scheme):
        if scheme == "sqlite":
            return _sqlite(rest)
        if scheme in ("mysql", "mariadb"):
            return _mysql_url(text)
        near = difflib.get_close_matches(scheme, ("sqlite", "mysql", "mariadb"), n=1)
        hint = f", did you mean `{near[0]}`?" if near else f"; {_EXPECTED}"
        raise SourceError(f"unknown kind of database `{scheme}`{hint}")
    return _go_dsn(text)


def _sqlite(rest: str) -> SqliteSource:
    if rest in ("", "/:memory:"):
        return SqliteSource(None)
    if "?" in rest:
        raise SourceError("an SQLite source has no parameters (nothing with a `?`)")
    if not rest.startswith("/") or rest == "/":
        raise SourceError(
            f"expected `sqlite:///` and the path of a file, which has a fourth slash when it is absolute, "
            f"got `sqlite://{rest}`"
        )
    return SqliteSource(Path(rest[1:]))


def _mysql_url(text: str) -> MysqlSource:
    if "#" in text:
        raise SourceError("a `#` in a URL has to be written `%23`")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise SourceError(
            f"{_EXPECTED}; special characters of a password are percent-encoded in a URL"
        ) from None
    return _mysql(
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        host=url.hostname or "",
        port=_DEFAULT_PORT if port is None else port,
        database=unquote(url.path.removeprefix("/")),
        query=url.query,
    )


def _go_dsn(text: str) -> MysqlSource:
    """The last slash ends the address and the last ``@`` before it the password, so that both may be in a
    password."""
    server, slash, tail = text.rpartition("/")
    name, _, query = tail.partition("?")
    credentials, _, address = server.rpartition("@")
    match = _SERVER.fullmatch(address)
    if not slash or match is None:
        raise SourceError(f"{_EXPECTED}; a slash in a parameter is written `%2F`")
    user, _, password = credentials.partition(":")
    net, place = match["net"] or "tcp", match["place"]
    if net == "unix":
        host, port = place or "/tmp/mysql.sock", 0
    elif net == "tcp":
        host, port = _host_and_port(place or "127.0.0.1")
    else:
        raise SourceError("unknown network: expected `tcp(host:port)` or `unix(/path/of/socket)`")
    return _mysql(user=user, password=password, host=host, port=port, database=unquote(name), query=query)


def _host_and_port(place: str) -> tuple[str, int]:
    match = _PLACE.fullmatch(place)
    if match is None or int(match["port"] or 0) > 65535:
        raise SourceError(f"expected `tcp(host:port)`: {_EXPECTED}")
    return match["host"].strip("[]"), int(match["port"] or _DEFAULT_PORT)


def _mysql(*, user: str, password: str, host: str, port: int, database: str, query: str) -> MysqlSource:
    if not user or not host or not database or "/" in database:
        missing = "user" if not user else "host" if not host else "name of the database"
        raise SourceError(f"it has no {missing}: {_EXPECTED}")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    problems = list(_unknown(parameters))
    tls = parameters.get("tls", "false")
    if tls not in ("false", "true", "skip-verify"):
        problems.append(f"parameter tls: expected true, skip-verify or false, got `{tls}`")
    timeouts: dict[str, float | None] = {}
    for name in ("timeout", "readTimeout"):
        try:
            timeouts[name] = Duration.parse(parameters[name]) if name in parameters else None
        except ValueError as error:
            problems.append(f"parameter {name}: {error}")
    if problems:
        raise SourceError("; ".join(problems))
    return MysqlSource(
        user=user,
        password=password,
        host=host,
        port=port,
        database=database,
        tls=tls,  # type: ignore[arg-type]  # checked above
        connect_timeout=timeouts["timeout"] or 10.0,
        read_timeout=timeouts["readTimeout"],
        time_zone=parameters.get("loc", "UTC"),
    )


def _unknown(parameters: Mapping[str, str]) -> Iterator[str]:
    for name in parameters:
        if name not in _HONOURED and name not in _WITHOUT_EFFECT:
            near = difflib.get_close_matches(name, [*_HONOURED, *_WITHOUT_EFFECT], n=1)
            yield f"unknown parameter `{name}`" + (f", did you mean `{near[0]}`?" if near else "")
