from __future__ import annotations

import string
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.model.source import MysqlSource, PostgresqlSource, SourceError, SqliteSource, parse_source

SHOP = MysqlSource(user="root", password="123456", host="db", port=3306, database="shop")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("sqlite:///data.db", Path("data.db")),
        ("sqlite:////var/lib/100% mine/data.db", Path("/var/lib/100% mine/data.db")),
    ],
)
def test_sqlite(text: str, path: Path | None) -> None:
    assert parse_source(text) == SqliteSource(path)


@pytest.mark.parametrize(
    "text",
    [
        "mysql://root:123456@db/shop",
        "mysql://root:123456@db:3306/shop?charset=utf8mb4",
        "mariadb://root:%3123456@db/sh%6Fp",
        "root:123456@tcp(db)/shop",
        "root:123456@tcp(db:3306)/shop?charset=utf8mb4&parseTime=true&loc=UTC",
    ],
)
def test_mysql(text: str) -> None:
    assert parse_source(text) == SHOP


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("root@/shop", "127.0.0.1", 3306),
        ("root@tcp/shop", "127.0.0.1", 3306),
        ("root@tcp([de:ad::1]:3307)/shop", "de:ad::1", 3307),
        ("root@tcp([de:ad::1])/shop", "de:ad::1", 3306),
        ("mysql://root@[::1]:3307/shop", "::1", 3307),
        ("root@unix(/run/mysqld/mysqld.sock)/shop", "/run/mysqld/mysqld.sock", 0),
        ("root@unix/shop", "/tmp/mysql.sock", 0),
    ],
)
def test_places(text: str, host: str, port: int) -> None:
    found = parse_source(text)
    assert isinstance(found, MysqlSource)
    assert (found.host, found.port, found.password) == (host, port, "")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://root:123456@db/shop",
        "postgres://root:%3123456@db:5432/sh%6Fp?timezone=Asia%2FShanghai",
        "postgres://root:123456@db/shop?port=5432",
    ],
)
def test_postgresql(text: str) -> None:
    assert parse_source(text) == PostgresqlSource(
        user="root", password="123456", host="db", port=5432, database="shop"
    )


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("postgres://root@[::1]:5433/shop", "::1", 5433),
        ("postgres://root@%2Frun%2FPostgreSQL/shop", "/run/PostgreSQL", 5432),
        ("postgres://root@%2Frun%2FPostgreSQL:5433/shop", "/run/PostgreSQL", 5433),
        ("postgres://root@/shop?host=/run/PostgreSQL&port=5433", "/run/PostgreSQL", 5433),
    ],
)
def test_places_of_postgresql(text: str, host: str, port: int) -> None:
    found = parse_source(text)
    assert isinstance(found, PostgresqlSource)
    assert (found.host, found.port, found.password) == (host, port, "")


def test_parameters_of_postgresql() -> None:
    found = parse_source(
        "postgres://root@db/shop?sslmode=verify-full&sslrootcert=/etc/ca.pem&sslcert=c.pem&sslkey=k.pem"
        "&connect_timeout=3&search_path=shop,public&application_name=user&statement_cache_size=0"
    )
    assert found == PostgresqlSource(
        user="root",
        password="",
        host="db",
        port=5432,
        database="shop",
        sslmode="verify-full",
        sslrootcert=Path("/etc/ca.pem"),
        sslcert=Path("c.pem"),
        sslkey=Path("k.pem"),
        connect_timeout=3.0,
        search_path="shop,public",
        application_name="user",
        statement_cache_size=0,
    )


def test_the_key_is_named() -> None:
    with pytest.raises(SourceError, match=r"^Database\.Replicas\[1\]: it has no user"):
        parse_source("postgres://db/shop", "Database.Replicas[1]")


def test_parameters() -> None:
    found = parse_source("root@/shop?tls=skip-verify&timeout=1m30s&readTimeout=500ms&loc=Asia%2FShanghai")
    assert isinstance(found, MysqlSource)
    assert (found.tls, found.connect_timeout, found.read_timeout) == ("skip-verify", 90.0, 0.5)
    assert found.time_zone == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected `postgresql://user:password@host:5432/name`"),
        ("oracle://root@db/shop", "unknown kind of database `oracle`; expected"),
        ("postgress://root@db/shop", "unknown kind of database `postgress`, did you mean `postgres`?"),
        ("postgres://db/shop", "it has no user"),
        ("postgres://root@db", "it has no name of the database"),
        ("postgres://root@/shop", "it has no host"),
        ("postgres://root@a:1,b:1/shop", "special characters of a password are percent-encoded"),
        ("postgres://root@a,b/shop", "several hosts: name one here and the others in `Database.Replicas`"),
        ("postgres://root@db/shop?sslmod=x", "unknown parameter `sslmod`, did you mean `sslmode`?"),
        ("postgres://root@db/shop?sslmode=verify_full", "`verify_full`, did you mean `verify-full`?"),
        ("postgres://root@db/shop?sslcert=a&sslkey=b", "sslcert, sslkey: has an effect with sslmode=require"),
        ("postgres://root@db/shop?sslmode=require&sslcert=a", "one without the other"),
        ("postgres://root@db/shop?options=-c%20x", "unknown parameter `options`"),
        (
            "postgres://root@db/shop?connect_timeout=5s",
            "connect_timeout: expected a whole number of 0 to 3600",
        ),
        ("sqlit:///data.db", "unknown kind of database `sqlit`, did you mean `sqlite`?"),
        ("sqlite://data.db", "has a fourth slash when it is absolute, got `sqlite://data.db`"),
        ("sqlite:///", "expected `sqlite:///` and the path of a file"),
        ("sqlite:///data.db?mode=ro", "an SQLite source has no parameters"),
        ("mysql://db/shop", "DataSource: it has no user"),
        ("mysql://root@db", "DataSource: it has no name of the database"),
        ("mysql:///shop", "DataSource: it has no user"),
        ("mysql://root:a#b@db/shop", "a `#` in a URL has to be written `%23`"),
        ("mysql://root@db:port/shop", "special characters of a password are percent-encoded"),
        ("root@tcp(db:99999)/shop", "expected `tcp(host:port)`"),
        ("root@udp(db)/shop", "unknown network: expected `tcp(host:port)` or `unix(/path/of/socket)`"),
        ("root@tcp(db)/shop?loc=Asia/Shanghai", "a slash in a parameter is written `%2F`"),
        ("root@tcp(db)/shop?tsl=true", "unknown parameter `tsl`, did you mean `tls`?"),
        ("root@tcp(db)/shop?sql_mode=ANSI", "unknown parameter `sql_mode`"),
        ("root@tcp(db)/shop?tls=preferred", "tls: expected true, skip-verify or false, got `preferred`"),
        ("root@tcp(db)/shop?timeout=5", "timeout: expected a duration such as"),
    ],
)
def test_mistakes_are_explained(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_source(text)
    assert message in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SourceError) as caught:
        parse_source("root@/shop?x1=1&tls=maybe&timeout=5")
    assert [word in str(caught.value) for word in ("x1", "tls", "timeout")] == [True] * 3


NAMES = st.text(string.ascii_letters + string.digits + "_-.", min_size=1, max_size=20)
PASSWORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)


@given(NAMES, PASSWORDS, NAMES, st.integers(1, 65535), NAMES)
def test_any_password_survives_in_a_dsn(user: str, password: str, host: str, port: int, name: str) -> None:
    found = parse_source(f"{user}:{password}@tcp({host}:{port})/{name}?charset=utf8mb4")
    assert found == MysqlSource(user=user, password=password, host=host, port=port, database=name)


@given(NAMES, PASSWORDS, NAMES, st.integers(1, 65535), NAMES)
def test_any_password_survives_in_a_url(user: str, password: str, host: str, port: int, name: str) -> None:
    found = parse_source(f"mysql://{user}:{quote(password, safe='')}@{host}:{port}/{name}")
    assert found == MysqlSource(user=user, password=password, host=host.lower(), port=port, database=name)


@given(NAMES, PASSWORDS, NAMES, st.integers(1, 65535), NAMES)
def test_any_password_survives_in_postgresqls(
    user: str, password: str, host: str, port: int, name: str
) -> None:
    found = parse_source(f"postgresql://{user}:{quote(password, safe='')}@{host}:{port}/{name}")
    assert found == PostgresqlSource(
        user=user, password=password, host=host.lower(), port=port, database=name
    )


SECRET = "Tr0ub4dor"


@given(
    st.sampled_from(
        [
            "root:{}@tcp(db:3306)/shop?tls=true",
            "mysql://root:{}@db:3306/shop?tls=true",
            "postgresql://root:{}@db:5432/shop?sslmode=require",
        ]
    ),
    st.text("@/:?#()&=%[]x1", max_size=3),
    st.text("@/:?#()&=%[]x1", max_size=3),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_no_message_shows_a_password(form: str, before: str, after: str, lost: list[int]) -> None:
    """However the source is garbled: any characters around the password, any others of the source lost."""
    head, tail = form.split("{}")
    garbled = "".join(c for i, c in enumerate(head + before) if i not in lost) + SECRET
    garbled += "".join(c for i, c in enumerate(after + tail) if i + len(head) not in lost)
    try:
        found = parse_source(garbled)
    except SourceError as error:
        assert SECRET not in str(error)
    else:
        assert not isinstance(found, SqliteSource)
        if SECRET in found.password:
            assert SECRET not in str(found) and SECRET not in repr(found)
