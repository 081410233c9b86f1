"""What BUILD files say of a contract, and what is wrong with it."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from zero_codegen.diagnostics import ContractError
from zero_codegen.model import describe, read
from zero_codegen.model.schema import Contract
from zero_codegen.model.settings import Settings, read_settings
from zero_codegen.model.types import Constant, Integer
from zero_codegen.source import ContractFile

TEXT = """
create table user (id int primary key, gender tinyint not null default 1, \
version int unsigned not null default 0,
  deleted_at datetime(3), extra json);
create table Log (id int primary key, version varchar(9));
"""


def contract(settings: Settings, text: str = TEXT) -> Contract:
    return read(ContractFile("shop/user.sql", "", text), settings)


def refused(settings: Settings, text: str = TEXT) -> list[tuple[int, int, str, str | None]]:
    with pytest.raises(ContractError) as error:
        contract(settings, text)
    return [(each.line, each.column, each.message, each.hint) for each in error.value.diagnostics]


def test_settings_are_read_from_json(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    members = {
        "dialect": "sqlite",
        "cached": ["user"],
        "types": {"user.gender": "bool"},
        "version_column": "v",
    }
    file.write_text(json.dumps({"a.sql": members, "b.sql": {}}))
    assert read_settings(file) == {
        "a.sql": Settings(
            dialect="sqlite", cached=("user",), types={"user.gender": "bool"}, version_column="v"
        ),
        "b.sql": Settings(),
    }
    file.write_text('{"a.sql": {"dialect": "oracle"}}')
    with pytest.raises(msgspec.ValidationError):
        read_settings(file)


def test_settings_are_read_without_sqlglot() -> None:
    """What wires a service reads them, too, and has no use for DDL."""
    code = "import sys, zero_codegen.model.settings; sys.exit('sqlglot' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
    )


def test_purposes_of_columns_and_tables() -> None:
    settings = Settings(
        cached=("USER",),
        types={"user.gender": "bool"},
        version_column="Version",
        soft_delete_column="deleted_at",
    )
    user, log = contract(settings, TEXT.replace("version varchar", "release_ varchar")).tables
    assert (user.cached, log.cached) == (True, False)
    assert user.version is user.columns[2] and user.version.version
    assert user.soft_delete is user.columns[3] and user.soft_delete.soft_delete
    assert (log.version, log.soft_delete) == (None, None)
    assert [column.name for column in user.updated] == ["gender", "extra"]
    assert [column.name for column in user.inserted] == ["id", "gender", "version", "extra"]
    gender = user.columns[1]
    assert isinstance(gender.default, Constant)
    assert (gender.type.annotation, gender.default.python) == ("bool", "True")
    assert [
        model.cached for model in describe(ContractFile("u.sql", "", TEXT), Settings(cached=("*",))).models
    ] == [
        True,
        True,
    ]


def test_defaults_change_nothing() -> None:
    user, _ = contract(Settings()).tables
    assert user.columns[1].type == Integer(8)
    assert not (user.cached or user.version or user.soft_delete)


def test_names_that_there_are_not() -> None:
    settings = Settings(
        cached=("usr", "log"), types={"user.gendr": "bool", "users.id": "str", "extra": "str"}
    )
    assert refused(settings) == [
        (0, 1, "`cached` of its target names the table `usr`, which is not declared", "did you mean `user`?"),
        (
            0,
            1,
            "`types` of its target names `user.gendr`, and table `user` has no column `gendr`",
            "did you mean `gender`?",
        ),
        (
            0,
            1,
            "`types` of its target names `users.id`, and no table `users` is declared",
            "did you mean `user`?",
        ),
        (0, 1, "`types` of its target names `extra`, and no table `extra` is declared", "write table.column"),
    ]


def test_columns_of_defaults_for_all_contracts_may_be_missing() -> None:
    settings = Settings(version_column="revision", soft_delete_column="removed")
    assert all(table.version is None for table in contract(settings).tables)
    assert refused(Settings(soft_delete_column="delete_at")) == [
        (
            0,
            1,
            "`soft_delete_column` of its target is `delete_at`, and no table has such a column",
            "did you mean `deleted_at`?",
        )
    ]


VERSION = "a version column is an integer that is NOT NULL"
DELETED = "a column that says when a row was deleted is a time that is NULL as long as it is not"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("version int", VERSION),
        ("version varchar(9) not null", VERSION),
        ("version datetime not null default now() on update now()", VERSION),
        ("deleted bool not null default false", DELETED),
        ("deleted datetime not null", DELETED),
        ("deleted datetime default now()", DELETED),
        ("version int not null, unique (version)", "a version column is in no unique index"),
    ],
)
def test_columns_that_do_not_fit_their_purpose(column: str, message: str) -> None:
    settings = Settings(version_column="version", soft_delete_column="deleted")
    text = f"create table t (id int primary key, {column})"
    ((_, _, found, _),) = refused(settings, text)
    assert found == message
    settings = Settings(version_column="id")
    ((_, _, found, _),) = refused(settings, "create table t (id int not null primary key)")
    assert found == "column `id` changes and cannot be in the primary key"


def test_types_that_do_not_fit() -> None:
    ((line, column, message, _),) = refused(Settings(types={"user.deleted_at": "int"}))
    assert (line, column) == (3, 3)
    assert message.endswith("(`types` of its target)")


def test_classes_that_are_called_like_what_is_generated() -> None:
    settings = Settings(types={"user.gender": "kinds:User", "user.id": "a:Id", "Log.id": "b:Id"})
    assert refused(settings) == [
        (
            2,
            40,
            "table `user` and class `kinds:User` have the same Python name `User`",
            "import it by another name in a module of yours",
        ),
        (
            4,
            19,
            "classes `a:Id` and `b:Id` have the same Python name `Id`",
            "import it by another name in a module of yours",
        ),
    ]
    contract(Settings(types={"user.id": "a:Id", "Log.id": "a:Id"}))
