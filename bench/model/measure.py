"""The measurement itself, in the environment that `bench.model` has made."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import sqlalchemy as sa
import uvloop

from bench.model import caching, generation
from bench.model.contenders import FINDING, STORING, Place, Store, prepare, sqlite
from bench.model.rounds import Contender, Work, chosen, measure, table
from tests.servers import mariadb, postgresql
from tests.servers.redis import redis
from zero_runtime.model.source import MysqlSource, PostgresqlSource, parse_source

_DRIVERS = {"MariaDB": "mysql+asyncmy", "PostgreSQL": "postgresql+asyncpg"}
"""SQLAlchemy's names of them."""


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
    assert isinstance(parsed, MysqlSource | PostgresqlSource)
    names = ("host", "port", "user", "password", "database")
    options = {name: getattr(parsed, name) for name in names}
    url = {**options, "username": options["user"]}
    del url["user"]
    return Place(kind, source, sa.URL.create(_DRIVERS[kind], **url), options)


async def _measure(places: list[Place], address: str, options: argparse.Namespace) -> None:
    for place in places:
        await prepare(place)
    titles = {f"find_one, {place.kind}": place for place in places}
    for title in chosen(titles, options.only):
        async with AsyncExitStack() as opened:
            contenders = [
                Contender(name, await opened.enter_async_context(open_work(titles[title])))
                for name, open_work in FINDING.items()
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
            for name, open_store in STORING.items():
                store = await opened.enter_async_context(open_store(titles[title]))
                contenders.append(Contender(name, _storing(store, options.rows)))
            await measure(contenders, 3, 1)
        print(table(title, contenders, unit=1e6, name="s"), flush=True)


def _storing(store: Store, rows: int) -> Work:
    return lambda _: store(rows)


if __name__ == "__main__":
    main()
