"""Foreign keys between the contracts of a folder."""

import pytest

from zero_codegen.diagnostics import ContractError
from zero_codegen.model import describe, read
from zero_codegen.model.reading import Reference, read_all
from zero_codegen.model.schema import Contract
from zero_codegen.model.settings import Settings
from zero_codegen.source import ContractFile

USER = """
create table user (id bigint primary key, mail varchar(90) not null, a int, b int,
 unique (mail), unique (b, a));
"""


def contracts(**texts: str) -> tuple[dict[str, Contract], list[str]]:
    files = [ContractFile(f"shop/{name}.sql", "shop", text) for name, text in texts.items()]
    found, diagnostics = read_all(files, {})
    messages = [f"{each.path}:{each.line}:{each.column}: {each.message}" for each in diagnostics]
    return {file.name: contract for file, contract in found}, messages


def test_tables_of_other_contracts_are_referred_to() -> None:
    found, messages = contracts(
        order="create table `order` (id int primary key, user_id bigint references user, m varchar(40),"
        " a int, b int, foreign key (m) references USER (MAIL), foreign key (a, b) references user (a, b))",
        user=USER,
    )
    assert messages == []
    (order,) = found["order.sql"].tables
    assert [
        (key.table, [column.name for column in key.columns], key.referred) for key in order.foreign_keys
    ] == [
        ("user", ["user_id"], ("id",)),
        ("user", ["m"], ("mail",)),
        ("user", ["b", "a"], ("b", "a")),  # MySQL wants the order of the index
    ]


def test_a_table_of_two_contracts() -> None:
    found, messages = contracts(
        a=USER, b="create table t (id int primary key);\ncreate table User (id int primary key)"
    )
    assert messages == ["shop/b.sql:2:14: table `User` is declared in shop/a.sql, too"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("a bigint references usr", "table `usr` is not declared in this folder"),
        ("a bigint references user (idd)", "table `user` has no column `idd`"),
        ("a int references user", "column `a` has another type than `user.id`"),
        ("a bigint unsigned references user", "column `a` has another type than `user.id`"),
        (
            "a varchar(90) collate utf8mb4_bin references user (mail)",
            "column `a` compares texts in another way than `user.mail`",
        ),
        (
            "a int references user (a)",
            "the columns of table `user` are neither its primary key nor a unique index",
        ),
        ("a int, foreign key (a) references user (a, b)", "1 columns refer to 2 of table `user`"),
    ],
)
def test_references_that_make_no_sense(columns: str, message: str) -> None:
    found, messages = contracts(user=USER, t=f"create table t (id int primary key, {columns})")
    assert list(found) == ["user.sql"]
    assert [text.split(": ", 1)[1] for text in messages] == [message]


def test_collations_are_those_of_texts() -> None:
    _, messages = contracts(
        t="create table a (id bigint primary key) collate utf8mb4_bin;"
        "create table b (id int primary key, a bigint references a (id))"
    )
    assert messages == []


def test_a_table_of_a_neighbour_that_cannot_be_read_is_not_missed() -> None:
    found, messages = contracts(
        bad="create table city (id itn primary key)",
        good="create table t (id int primary key, a int references city (id), b bigint references town (id))",
    )
    assert list(found) == ["good.sql"]
    assert messages == ["shop/bad.sql:1:23: unknown type `ITN`"]


def test_tables_refer_to_themselves_but_not_in_a_circle() -> None:
    found, messages = contracts(t="create table t (id int primary key, a int references t (id))")
    assert messages == [] and found["t.sql"].tables[0].references == ()
    found, messages = contracts(
        a="create table a (id int primary key, b int references b (id))",
        b="create table b (id int primary key, c int references c (id));"
        "create table c (id int primary key, a int references a (id), b int references d (id));"
        "create table d (id int primary key)",
    )
    assert found == {}
    assert messages == [
        "shop/a.sql:1:54: tables refer to each other in a circle: `a` -> `b` -> `c` -> `a`",
        "shop/b.sql:1:54: tables refer to each other in a circle: `b` -> `c` -> `a` -> `b`",
        "shop/b.sql:1:115: tables refer to each other in a circle: `c` -> `a` -> `b` -> `c`",
    ]


def test_a_contract_by_itself_tells_which_tables_it_needs() -> None:
    text = "create table t (id int primary key,\n a bigint references user (id), b int references t (id))"
    file = ContractFile("shop/shop.sql", "", text)
    assert describe(file).models[0].references == (Reference("user", 2, 22),)
    assert [key.referred for key in read(file).tables[0].foreign_keys] == [("id",), ("id",)]


@pytest.mark.parametrize("actions", ["on delete cascade", "on delete set null", "on update cascade"])
def test_rows_of_cached_tables_change_through_the_cache_alone(actions: str) -> None:
    text = f"""create table u (id int primary key);
    create table t (id int primary key, a int references u (id) {actions})"""
    file = ContractFile("shop/shop.sql", "", text)
    assert read(file, Settings(cached=("u",))).tables[0].cached
    with pytest.raises(ContractError, match="`t` is cached, and its rows would change behind the cache"):
        read(file, Settings(cached=("*",)))
