"""The measurement itself, in the environment that `bench.model` has made."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import sqlalchemy as sa
import uvloop

from bench.model import caching, generation
from bench.model.contenders import FINDING, STORING, Place, prepare, sqlite
from bench.model.rounds import Contender, Work, chosen, measure, table
from tests.servers import mariadb, postgresql
from tests.servers.redis import redis
from zero_runtime.model.source import MysqlSource, PostgresqlSource, parse_source


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.model")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--finds", type=int, default=3000, help="per contender and round")
    parser.add_argument("--rows", type=int, default=100_000, help="of a bulk insert")
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="parts of titles")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as servers:
        places = [sqlite(Path(folder))]
        server = servers.enter_context(mariadb())
        server.create_database("bench")
        # The account that tests use has a password which not every driver can say.
        server.execute("CREATE USER bench@'127.0.0.1'; GRANT ALL ON bench.* TO bench@'127.0.0.1'")
        places.append(_server("MariaDB", f"mysql://bench@127.0.0.1:{server.port}/bench"))
        places.append(_server("PostgreSQL", servers.enter_context(postgresql()).create_database("bench")))
        address = servers.enter_context(redis()).address
        for title in chosen({f"generating from {generation.TABLES} tables": None}, options.only):
            cpu, wall = generation.seconds(Path(folder))
            print(f"{title}: {cpu:.1f} s of CPU, {wall:.1f} s")
        uvloop.run(_measure(places, address, options))


def _server(kind: str, source: str) -> Place:
    parsed = parse_source(source)
    if isinstance(parsed, MysqlSource):
        url = sa.URL.create(
            "mysql+asyncmy",
            parsed.user,
            parsed.password,
            parsed.host,
            parsed.port,
            parsed.database,
        )
    else:
        assert isinstance(parsed, PostgresqlSource)
        url = sa.URL.create(
            "postgresql+asyncpg",
            parsed.user,
            parsed.password,
            parsed.host,
            parsed.port,
            parsed.database,
        )
    raw = {
        "host": parsed.host,
        "port": parsed.port,
        "user": parsed.user,
        "password": parsed.password,
        "database": parsed.database,
    }
    return Place(kind, source, url, raw)


async def _measure(places: list[Place], address: str, options: argparse.Namespace) -> None:
    for place in places:
        await prepare(place)
    titles = {f"find_one, {place.kind}": place for place in places}
    for title in chosen(titles, options.only):
        async with AsyncExitStack() as opened:
            contenders = [
                Contender(each.name, await opened.enter_async_context(each.open(titles[title])))
                for each in FINDING
            ]
            await measure(contenders, options.rounds, options.finds)
        print(table(title, contenders), flush=True)
    for title in chosen({"cached find_one": None}, options.only):
        async with AsyncExitStack() as opened:
            place = places[1]
            contenders = [
                Contender(name, await opened.enter_async_context(work))
                for name, work in (
                    ("redis-py GET, decoded", caching.by_hand(place, address)),
                    ("Zero", caching.zero(place, address)),
                    ("Zero, Local: 1m", caching.zero(place, address, local=60.0)),
                )
            ]
            await measure(contenders, options.rounds, options.finds)
        print(table(title, contenders), flush=True)
    titles = {f"{options.rows} rows at once, {place.kind}": place for place in places}
    for title in chosen(titles, options.only):
        async with AsyncExitStack() as opened:
            contenders = []
            for each in STORING:
                store = await opened.enter_async_context(each.open(titles[title]))
                contenders.append(Contender(each.name, _storing(store, options.rows)))
            await measure(contenders, 3, 1)
        print(table(title, contenders, unit=1e6, name="s"), flush=True)


def _storing(store: Callable[[int], Awaitable[None]], rows: int) -> Work:
    return lambda _: store(rows)


if __name__ == "__main__":
    main()
