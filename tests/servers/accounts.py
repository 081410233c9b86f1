"""A table as the generator writes it, to test databases with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from zero_runtime import model

_UNIQUE = {"PRIMARY": ("id",), "uniq_mobile": ("mobile",), "uniq_name_area": ("name", "area")}

SCHEMA = model.Schema(
    tables=("account",),
    sqlite=(
        """
        CREATE TABLE IF NOT EXISTS "account" (
            "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
            "name" TEXT NOT NULL COLLATE NOCASE CONSTRAINT "name" CHECK (length("name") <= 20),
            "area" INTEGER NOT NULL DEFAULT 0 CONSTRAINT "area" CHECK ("area" BETWEEN 0 AND 255),
            "mobile" TEXT COLLATE NOCASE,
            "photo" BLOB,
            "balance" TEXT NOT NULL DEFAULT '0.00',
            "rate" REAL NOT NULL DEFAULT 0,
            "create_time" TEXT NOT NULL,
            "parent" INTEGER REFERENCES "account" ("id"),
            UNIQUE ("mobile"),
            UNIQUE ("name", "area")
        ) STRICT
        """,
    ),
    mysql=(
        """
        CREATE TABLE IF NOT EXISTS `account` (
            `id` bigint unsigned NOT NULL AUTO_INCREMENT,
            `name` varchar(20) NOT NULL,
            `area` tinyint unsigned NOT NULL DEFAULT 0,
            `mobile` varchar(32),
            `photo` varbinary(1000),
            `balance` decimal(10,2) NOT NULL DEFAULT 0,
            `rate` double NOT NULL DEFAULT 0,
            `create_time` timestamp(6) NOT NULL,
            `parent` bigint unsigned,
            PRIMARY KEY (`id`),
            UNIQUE KEY `uniq_mobile` (`mobile`),
            UNIQUE KEY `uniq_name_area` (`name`, `area`),
            FOREIGN KEY (`parent`) REFERENCES `account` (`id`)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='100% accounts'
        """,
    ),
)

_COLUMNS = "id, name, area, mobile, photo, balance, rate, create_time, parent"

INSERT = model.Statement(
    sqlite=f"INSERT INTO account ({_COLUMNS}) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, COALESCE(?, CURRENT_TIMESTAMP), ?)",
    mysql=f"INSERT INTO account ({_COLUMNS}) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, COALESCE(%s, CURRENT_TIMESTAMP), %s)",
    unique=_UNIQUE,
)
FIND = model.Statement(
    sqlite=f"SELECT {_COLUMNS} FROM account WHERE id = ?",
    mysql=f"SELECT {_COLUMNS} FROM account WHERE id = %s",
)
NAMES = model.Statement(
    sqlite="SELECT name FROM account WHERE name LIKE '%' ORDER BY id",
    mysql="SELECT name FROM account WHERE name LIKE '%%' ORDER BY id",
)
RENAME = model.Statement(
    sqlite="UPDATE account SET name = ? WHERE id = ?",
    mysql="UPDATE account SET name = %s WHERE id = %s",
    unique=_UNIQUE,
)
DELETE = model.Statement(
    sqlite="DELETE FROM account WHERE id = ?",
    mysql="DELETE FROM account WHERE id = %s",
)


async def insert(
    database: model.Database,
    name: model.Value,
    *,
    id: model.Value = None,
    area: model.Value = 0,
    mobile: model.Value = None,
    photo: model.Value = None,
    balance: model.Value = "0.00",
    rate: model.Value = 0.0,
    create_time: model.Value = None,
    parent: model.Value = None,
) -> model.Row:
    return await database.insert(
        INSERT,
        (id, name, area, mobile, photo, balance, rate, create_time, parent),
        FIND,
        None if id is None else (id,),
    )


async def names(database: model.Database) -> list[str]:
    return [name for (name,) in await database.fetch_all(NAMES)]


def with_database(source: str, test: Callable[[model.Database], Awaitable[None]]) -> None:
    """Runs a test with the table in an open database."""

    async def run() -> None:
        async with asyncio.timeout(30), model.open_database(source) as database:
            await database.create(SCHEMA)
            await test(database)

    asyncio.run(run())
