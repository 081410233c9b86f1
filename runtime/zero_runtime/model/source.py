"""Data sources: where a database is, in the ways that people write it.

    sqlite:///data.db                                   a file, relative to the working directory
    sqlite:////var/lib/user/data.db                     a file
    sqlite://                                           in memory, for the life of the process
    mysql://user:password@host:3306/name?tls=true       a URL: special characters are percent-encoded
    user:password@tcp(host:3306)/name?tls=true          the DSN of go-sql-driver, which go-zero takes
    postgresql://user:password@host:5432/name?sslmode=verify-full

No message here shows any part of a password.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from zero_runtime.config import InvalidValue
from zero_runtime.config.durations import Duration

Tls: TypeAlias = Literal["false", "true", "skip-verify"]
SslMode: TypeAlias = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

_MYSQL_PORT, _POSTGRESQL_PORT = 3306, 5432
_EXPECTED = (
    "expected `postgresql://user:password@host:5432/name`, `mysql://user:password@host:3306/name`, "
    "`user:password@tcp(host:3306)/name`, `sqlite:////path/of/file.db` or `sqlite://`"
)
_SCHEMES = ("sqlite", "mysql", "mariadb", "postgresql", "postgres")

_MYSQL_HONOURED = ("tls", "timeout", "readTimeout")
# What go-sql-driver does to values and statements in other ways here: texts are UTF-8 and times UTC, always.
_MYSQL_WITHOUT_EFFECT = (
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
_POSTGRESQL_HONOURED = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "connect_timeout",
    "host",
    "port",
    "search_path",
    "application_name",
    "statement_cache_size",
)
_POSTGRESQL_WITHOUT_EFFECT = ("client_encoding", "timezone", "TimeZone", "gssencmode", "binary_parameters")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_SERVER = re.compile(r"(?:(?P<net>[a-z0-9]+)(?:\((?P<place>[^()]*)\))?)?")
_PLACE = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")


class SourceError(InvalidValue):
    """A data source is written wrongly. The message begins with the key of the configuration that holds
    it."""

    def __init__(self, problem: str, key: str = "DataSource") -> None:
        super().__init__(f"{key}: {problem}")
        self.problem = problem


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


@dataclass(frozen=True, slots=True)
class PostgresqlSource:
    """A server, an account and a database."""

    user: str
    password: str = field(repr=False)
    host: str
    """Host name, or the folder of a Unix socket."""
    port: int
    database: str
    sslmode: SslMode = "prefer"
    """As libpq has it: encrypted for sure from ``require`` on; that it is the server is sure with
    ``verify-full``."""
    sslrootcert: Path | None = None
    """Certificates of authorities; None for those that the system trusts. With ``require``: as
    ``verify-ca``."""
    sslcert: Path | None = None
    """Certificate that the client shows."""
    sslkey: Path | None = None
    connect_timeout: float = 10.0
    """Seconds."""
    search_path: str = ""
    """Schemas in which tables are looked for; if empty, the account's."""
    application_name: str = ""
    """What the server's lists of connections show."""
    statement_cache_size: int = 256
    """Most prepared statements of a connection. 0, for a PgBouncer before 1.21 that lends connections per
    transaction: it loses them."""

    @property
    def place(self) -> str:
        """The server, for messages."""
        return f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"postgresql://{self.user}@{self.place}/{self.database}"


Source: TypeAlias = SqliteSource | MysqlSource | PostgresqlSource


def parse_source(text: str, key: str = "DataSource") -> Source:
    """Reads a data source, which is the value of ``key`` in the configuration.

    Parameters of go-sql-driver that change nothing here (``charset``, ``parseTime``, ``loc`` ...) are
    accepted, since they come with every DSN of a go-zero service; ``tls``, ``timeout`` and ``readTimeout``
    are honoured; of PostgreSQL's those that `PostgresqlSource` has; all others, which set variables of the
    session, are refused. Raises SourceError.
    """
    try:
        return _parse(text)
    except SourceError as error:
        raise SourceError(error.problem, key) from None


def _parse(text: str) -> Source:
    scheme, separator, rest = text.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        return _go_dsn(text)
    if scheme == "sqlite":
        return _sqlite(rest)
    if scheme in ("mysql", "mariadb"):
        return _mysql_url(text)
    if scheme in ("postgresql", "postgres"):
        return _postgresql_url(text)
    near = difflib.get_close_matches(scheme, _SCHEMES, n=1)
    hint = f", did you mean `{near[0]}`?" if near else f"; {_EXPECTED}"
    raise SourceError(f"unknown kind of database `{scheme}`{hint}")


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
    url, port = _split(text)
    return _mysql(
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        host=url.hostname or "",
        port=_MYSQL_PORT if port is None else port,
        database=unquote(url.path.removeprefix("/")),
        query=url.query,
    )


def _split(text: str) -> tuple[SplitResult, int | None]:
    """A URL and its port."""
    if "#" in text:
        raise SourceError("a `#` in a URL has to be written `%23`")
    try:
        url = urlsplit(text)
        return url, url.port
    except ValueError:
        raise SourceError(
            f"{_EXPECTED}; special characters of a password are percent-encoded in a URL"
        ) from None


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
    return match["host"].strip("[]"), int(match["port"] or _MYSQL_PORT)


def _mysql(*, user: str, password: str, host: str, port: int, database: str, query: str) -> MysqlSource:
    _require(user, host, database)
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    problems = list(_unknown(parameters, _MYSQL_HONOURED, _MYSQL_WITHOUT_EFFECT))
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


def _postgresql_url(text: str) -> PostgresqlSource:
    url, port = _split(text)
    parameters = dict(parse_qsl(url.query, keep_blank_values=True))
    user, database = unquote(url.username or ""), unquote(url.path.removeprefix("/"))
    # A folder is written %2Frun%2Fpostgresql, and the URL's own idea of a host has no capital letters, or as
    # a parameter.
    place = url.netloc.rpartition("@")[2]
    folder = unquote(place.partition(":")[0]) if place[:3].upper() == "%2F" else parameters.get("host", "")
    host = folder or url.hostname or ""
    _require(user, host, database)
    problems = list(_unknown(parameters, _POSTGRESQL_HONOURED, _POSTGRESQL_WITHOUT_EFFECT))
    if "," in place or "," in host:
        problems.append("several hosts: name one here and the others in `Database.Replicas`")
    sslmode = parameters.get("sslmode", "prefer")
    if sslmode not in get_args(SslMode):
        expected = ", ".join(get_args(SslMode))
        near = difflib.get_close_matches(sslmode, get_args(SslMode), n=1)
        hint = f", did you mean `{near[0]}`?" if near else ""
        problems.append(f"parameter sslmode: expected one of {expected}, got `{sslmode}`{hint}")
    files = {
        name: Path(parameters[name]) for name in ("sslrootcert", "sslcert", "sslkey") if name in parameters
    }
    if files and sslmode in ("disable", "allow", "prefer"):
        problems.append(
            f"parameter {', '.join(files)}: has an effect with sslmode=require and stricter ones alone"
        )
    if ("sslcert" in files) != ("sslkey" in files):
        problems.append("sslcert and sslkey: one without the other")
    numbers = {}
    for name, maximum in (("connect_timeout", 3600), ("statement_cache_size", 10_000), ("port", 65535)):
        if name in parameters:
            value = parameters[name]
            if not re.fullmatch("[0-9]{1,5}", value) or int(value) > maximum:
                problems.append(f"parameter {name}: expected a whole number of 0 to {maximum}, got `{value}`")
            else:
                numbers[name] = int(value)
    if problems:
        raise SourceError("; ".join(problems))
    return PostgresqlSource(
        user=user,
        password=unquote(url.password or ""),
        host=host,
        port=numbers.get("port", _POSTGRESQL_PORT) if port is None else port,
        database=database,
        sslmode=sslmode,  # type: ignore[arg-type]  # checked above
        **files,
        connect_timeout=numbers.get("connect_timeout") or 10.0,
        search_path=parameters.get("search_path", ""),
        application_name=parameters.get("application_name", ""),
        statement_cache_size=numbers.get("statement_cache_size", 256),
    )


def _require(user: str, host: str, database: str) -> None:
    if not user or not host or not database or "/" in database:
        missing = "user" if not user else "host" if not host else "name of the database"
        raise SourceError(f"it has no {missing}: {_EXPECTED}")


def _unknown(
    parameters: Iterable[str], honoured: Sequence[str], without_effect: Sequence[str]
) -> Iterator[str]:
    known = (*honoured, *without_effect)
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            yield f"unknown parameter `{name}`" + (f", did you mean `{near[0]}`?" if near else "")
