"""What the generator is given to compare the tables of a folder with those of a git revision."""

from __future__ import annotations

import json
import os

import pytest
from pants.engine.fs import DigestContents
from pants.engine.internals.scheduler import ExecutionError

from pants_backend_zero.conftest import git, set_options
from pants_backend_zero.model.migrate import MigrationProgram, MigrationRequest, ZeroMigrate
from pants_backend_zero.tools import GeneratorRequest

VERSIONS = "services/user/migrations/versions"


def migration(repository, revision: str, **options: str) -> MigrationProgram:
    set_options(repository)
    return repository.request(MigrationProgram, [MigrationRequest("services/user", revision, **options)])


def files(repository, run: GeneratorRequest) -> dict[str, str]:
    """What a run of the generator is given."""
    contents = [repository.request(DigestContents, [digest]) for digest in run.inputs]
    return {file.path: file.content.decode() for each in contents for file in each}


@pytest.fixture
def history(committed):
    """Two contracts of MySQL become one of PostgreSQL and a new one; the first migration is committed."""
    committed.write_files(
        {
            "services/user/BUILD": 'zero_models(name="model", types={"a.b": "int"}, cached=["*"])',
            "services/user/user.sql": "before",
            "services/user/gone.sql": "gone",
            "services/elsewhere/BUILD": "zero_models()",
            "services/elsewhere/other.sql": "",
            f"{VERSIONS}/a_first.py": "first",
            "services/user/migrations/env.py": "env",
            "services/user/alembic.ini": "ini",
        }
    )
    git(committed, "add", "services")
    git(committed, "commit", "--message=second")
    git(committed, "rm", "services/user/gone.sql")
    committed.write_files(
        {
            "services/user/BUILD": 'zero_models(name="model", dialect="postgresql")',
            "services/user/user.sql": "now",
            "services/user/new.sql": "new",
            f"{VERSIONS}/b_second.py": "second",
        }
    )
    return committed


def test_the_tables_of_both_sides_go_to_the_generator(history) -> None:
    program = migration(history, "main", message="add weight")
    assert program.first is None
    assert program.change.argv == (
        *("model", "migrate", "--before=__before", "--against=main"),
        *("--migrations=services/user/migrations", "--settings-before=__settings_before.json"),
        *("--message=add weight", "--settings=__settings.json", "--source-root=services"),
        *("services/user/new.sql", "services/user/user.sql"),
    )
    given = files(history, program.change)
    settings, before = (json.loads(given.pop(f"__settings{when}.json")) for when in ("", "_before"))
    assert settings == {f"services/user/{name}.sql": {"dialect": "postgresql"} for name in ("new", "user")}
    assert before == {
        f"services/user/{name}.sql": {"cached": ["*"], "types": {"a.b": "int"}} for name in ("gone", "user")
    }
    assert given == {
        "__before/services/user/gone.sql": "gone",
        "__before/services/user/user.sql": "before",
        "services/user/alembic.ini": "ini",
        "services/user/migrations/env.py": "env",
        "services/user/new.sql": "new",
        "services/user/user.sql": "now",
        f"{VERSIONS}/a_first.py": "first",
        f"{VERSIONS}/b_second.py": "second",
    }


def test_migrations_that_the_revision_does_not_have_are_told(history) -> None:
    assert migration(history, "main").newer == (f"{VERSIONS}/b_second.py",)
    git(history, "add", "services")
    git(history, "commit", "--message=third")
    assert migration(history, "main").newer == ()
    assert len(migration(history, "main~2").newer) == 2


def test_before_the_first_change_a_migration_makes_the_tables_of_the_revision(history) -> None:
    for path in ("a_first.py", "b_second.py"):
        os.unlink(os.path.join(history.build_root, VERSIONS, path))
    program = migration(history, "main", message="add weight")
    assert program.first is not None
    assert program.first.argv == (
        *("model", "migrate", "--before=__before", "--against=main"),
        *("--migrations=services/user/migrations", "--settings=__settings.json", "--source-root=services"),
        *("services/user/gone.sql", "services/user/user.sql"),
    )
    given = files(history, program.first)
    assert json.loads(given.pop("__settings.json")) == {
        f"services/user/{name}.sql": {"cached": ["*"], "types": {"a.b": "int"}} for name in ("gone", "user")
    }
    assert given == {
        "services/user/alembic.ini": "ini",
        "services/user/gone.sql": "gone",
        "services/user/migrations/env.py": "env",
        "services/user/user.sql": "before",
    }
    assert "--message=add weight" in program.change.argv


def test_a_revision_without_tables_needs_no_migration_of_its_own(committed) -> None:
    git(committed, "rm", "--cached", "services/user/user.sql")
    git(committed, "commit", "--message=second")
    assert migration(committed, "main").first is None


def test_what_a_macro_declared_was_a_contract(history) -> None:
    history.write_files({"services/user/BUILD": 'models(name="model")'})
    git(history, "add", "services")
    git(history, "commit", "--message=third")
    history.write_files({"services/user/BUILD": 'zero_models(name="model", dialect="sqlite")'})
    given = files(history, migration(history, "main").change)
    assert {path for path in given if path.startswith("__before")} == {
        "__before/services/user/new.sql",
        "__before/services/user/user.sql",
    }
    assert json.loads(given["__settings_before.json"])["services/user/new.sql"] == {"dialect": "sqlite"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["services/user:"], "Name the revision to compare with, for example `--zero-migrate-against=main`."),
        (["--against=main"], "Name the contracts to migrate, for example all of a folder"),
        (["--against=mian", "services/user:"], "git knows no revision `mian` here"),
    ],
)
def test_what_has_to_be_said(history, arguments: list[str], message: str) -> None:
    with pytest.raises(ExecutionError, match=message):
        history.run_goal_rule(ZeroMigrate, args=arguments)


def test_targets_without_tables(history) -> None:
    done = history.run_goal_rule(ZeroMigrate, args=["--against=main", "services/common:"])
    assert (done.exit_code, done.stderr) == (
        0,
        "No `zero_model` is among the targets that are named: nothing was compared.\n",
    )
