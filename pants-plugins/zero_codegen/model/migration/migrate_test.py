"""The files of a migration, what reviewers are told, and mistakes. Databases run them in
`tests/migrations`."""

from __future__ import annotations

from pathlib import Path

import black
import pytest

from zero_codegen.model.migration import difference, migrate, read_before
from zero_codegen.model.migration.postgresql_columns import Definition, take_apart
from zero_codegen.model.reading import read_all
from zero_codegen.python import WIDTH
from zero_codegen.source import ContractFile, Output

USER = "CREATE TABLE user (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL);"
ORDER = "CREATE TABLE `order` (no varchar(32) NOT NULL PRIMARY KEY, user_id bigint NOT NULL);"


def _changed(
    root: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, message: str | None = None
) -> tuple[list[str], list[str]]:
    """The paths that were written, and what was told."""
    monkeypatch.chdir(root)
    out = Output(root)
    found = migrate(
        [ContractFile("main:shop/user.sql", "", before)] if before else [],
        [ContractFile("shop/user.sql", "", after)] if after else [],
        settings_before={},
        settings={},
        folder="shop/migrations",
        message=message,
        out=out,
    )
    return out.written, [diagnostic.render() for diagnostic in found]


def _remarks(before: str, after: str) -> list[str]:
    old, new = (
        [contract for _, contract in read_all([ContractFile("a.sql", "", text)] if text else [], {})[0]]
        for text in (before, after)
    )
    return list(difference(old, new)[0].remarks)


def test_the_first_migration_brings_what_alembic_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, told = _changed(tmp_path, monkeypatch, "", USER)
    assert not told
    revision, *others = written
    assert revision.startswith("shop/migrations/versions/") and revision.endswith("_create_user.py")
    assert others == ["shop/migrations/env.py", "shop/migrations/script.py.mako", "shop/alembic.ini"]
    (tmp_path / "shop/alembic.ini").write_text("mine")
    (again,), told = _changed(tmp_path, monkeypatch, USER, USER + ORDER)
    assert not told
    assert (tmp_path / "shop/alembic.ini").read_text() == "mine"
    first = revision.rpartition("/")[2].partition("_")[0]
    assert f'down_revision = "{first}"\n' in (tmp_path / again).read_text()


def test_the_same_change_is_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for root in (one, other):
        root.mkdir()
        written, _ = _changed(root, monkeypatch, USER, USER + ORDER)
    assert (one / written[0]).read_bytes() == (other / written[0]).read_bytes()


def test_what_is_written_is_formatted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, _ = _changed(tmp_path, monkeypatch, USER, USER.replace("(20)", "(40)") + ORDER)
    more, _ = _changed(tmp_path, monkeypatch, USER + ORDER, "", "a long message " * 12)
    for path in (*paths, *more):
        if path.endswith(".py"):
            text = (tmp_path / path).read_text()
            assert black.format_str(text, mode=black.Mode(line_length=WIDTH)) == text


def test_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comment = USER.replace("CREATE", "-- People.\nCREATE").replace(
        "name varchar(20) NOT NULL", "\n  name varchar(20) NOT NULL"
    )
    assert _changed(tmp_path, monkeypatch, USER, comment) == ([], [])


def test_a_message_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = 'Ältere "Namen" — with \\ and\n' + "long " * 20
    (path, *_), _ = _changed(tmp_path, monkeypatch, "", USER, message)
    assert path.endswith("_ltere_namen_with_and_long_long_long_long.py")
    compile((tmp_path / path).read_text(), path, "exec")


def test_what_has_to_be_reviewed_stands_in_the_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path, *_), _ = _changed(
        tmp_path, monkeypatch, USER, USER.replace("name varchar(20)", "nick varchar(20)")
    )
    text = (tmp_path / path).read_text()
    assert "    # REVIEW: `user.name` is dropped with all that is in it.\n" in text
    assert "Is `nick` the new name of `name`" in text
    assert "NOT NULL and has no default" in text


@pytest.mark.parametrize(
    ("before", "after", "remarks"),
    [
        ("", USER, []),
        (USER, "", ["`user` is dropped with all its rows."]),
        (USER, USER.replace("user", "person"), ["`user` is dropped", "Is `person` the new name of `user`"]),
        (USER, USER.replace("varchar(20)", "varchar(30)"), []),
        (USER, USER.replace("varchar(20)", "varchar(10)"), ["`user.name` changes its type"]),
        (USER, USER.replace("varchar(20) NOT NULL", "varchar(20)"), []),
        (USER.replace("varchar(20) NOT NULL", "varchar(20)"), USER, ["`user.name` becomes NOT NULL"]),
        (USER, USER.replace(");", ", size int);"), []),
        (USER, USER.replace(");", ", size int NOT NULL DEFAULT 1);"), []),
        (USER, USER.replace(");", ", size int NOT NULL);"), ["`user.size` is NOT NULL and has no default"]),
        (USER, USER.replace(");", ", UNIQUE KEY u (name));"), ["`user` becomes unique in `name`"]),
        (USER, USER.replace(");", ", KEY u (name));"), []),
        (USER, USER.replace(");", ", CONSTRAINT c CHECK (name <> ''));"), ["gets the check `c`"]),
        (
            USER + ORDER,
            USER
            + ORDER.replace(");", ", CONSTRAINT f FOREIGN KEY (user_id) REFERENCES user (id));").replace(
                "(32,", "(32)"
            ),
            ["gets the foreign key `f`"],
        ),
        (
            ORDER,
            ORDER.replace(" PRIMARY KEY", "").replace(");", ", PRIMARY KEY (no, user_id));"),
            ["another primary key"],
        ),
    ],
)
def test_remarks(before: str, after: str, remarks: list[str]) -> None:
    found = _remarks(before, after)
    assert len(found) == len(remarks), found
    assert all(part in text for part, text in zip(remarks, found, strict=True)), found


def test_mistakes_in_either_state_are_told_at_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, told = _changed(tmp_path, monkeypatch, "CREATE TABLE", "CREATE TABLE a (id nit PRIMARY KEY);")
    assert not written
    assert [text.partition(": ")[0] for text in told] == ["main:shop/user.sql:1:8", "shop/user.sql:1:20"]


REVISION = 'revision = "{}"\ndown_revision = {}\n'


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a.py": REVISION.format("a", None), "b.py": REVISION.format("b", None)},
            "there are 2 last revisions: `a` (a.py), `b` (b.py)",
        ),
        ({"a.py": REVISION.format("a", "'gone'")}, "a.py: there is no revision `gone` to follow"),
        (
            {"a.py": REVISION.format("a", "'b'"), "b.py": REVISION.format("b", "'a'")},
            "follow each other in a circle",
        ),
        ({"a.py": "def f(:\n"}, "a.py:1:7: is no Python"),
        ({"a.py": "x = 1\n"}, "a.py:1:1: is no revision of alembic"),
        ({"a.py": b"\xff"}, "a.py:1:1: cannot be read"),
    ],
)
def test_a_history_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str | bytes], message: str
) -> None:
    versions = tmp_path / "shop/migrations/versions"
    versions.mkdir(parents=True)
    for name, text in files.items():
        (versions / name).write_bytes(text.encode() if isinstance(text, str) else text)
    written, told = _changed(tmp_path, monkeypatch, "", USER)
    assert not written
    assert message in "\n".join(told)


def test_merged_revisions_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = tmp_path / "shop/migrations/versions"
    versions.mkdir(parents=True)
    for name, down in {"a": "None", "b": "'a'", "c": "'a'", "d": "('b', 'c')"}.items():
        (versions / f"{name}.py").write_text(f'revision: str = "{name}"\ndown_revision = {down}\n')
    (path, *_), told = _changed(tmp_path, monkeypatch, "", USER)
    assert not told and 'down_revision = "d"\n' in (tmp_path / path).read_text()


def test_the_contracts_of_a_revision(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/b.sql").write_text(USER)
    (tmp_path / "shop/a.sql").write_bytes(b"\xff")
    files, told = read_before(tmp_path, "main")
    assert [file.path for file in files] == ["main:shop/b.sql"]
    assert [diagnostic.path for diagnostic in told] == ["main:shop/a.sql"]
    assert read_before(tmp_path / "none", "main") == ([], [])


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("bigint NOT NULL DEFAULT 0", Definition("bigint", True, "0")),
        (
            "character varying(20) COLLATE \"C\" DEFAULT 'not NULL'::character varying NOT NULL",
            Definition('character varying(20) COLLATE "C"', True, "'not NULL'::character varying"),
        ),
        (
            "timestamp(3) with time zone DEFAULT now()",
            Definition("timestamp(3) with time zone", False, "now()"),
        ),
        ("int DEFAULT NULL", Definition("int", False, "NULL")),
        ("int NULL", Definition("int")),
        ("text DEFAULT ('a' || NULL) NOT NULL", Definition("text", True, "('a' || NULL)")),
        ("bigint GENERATED BY DEFAULT AS IDENTITY", Definition("bigint", True, identity="BY DEFAULT")),
        ("bigint GENERATED ALWAYS AS IDENTITY (START 5)", Definition("bigint", True, identity="ALWAYS")),
        ("int GENERATED ALWAYS AS (a + (b * 2)) STORED", Definition("int", generated="(a + (b * 2))")),
        ("bigserial", Definition("bigint", True, is_serial=True)),
        ("mood NOT NULL DEFAULT 'x'::mood", Definition("mood", True, "'x'::mood")),
    ],
)
def test_columns_of_postgresql_taken_apart(text: str, definition: Definition) -> None:
    assert take_apart(text) == definition
