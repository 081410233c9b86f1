"""Reading the contracts of a revision from a real git repository."""

from __future__ import annotations

import re

import pytest
from pants.engine.internals.scheduler import ExecutionError

from pants_backend_zero.conftest import git, set_options
from pants_backend_zero.history.build_files import DeclaredContract
from pants_backend_zero.rpc.breaking.revision import Revision, RevisionRequest


def read(repository, name: str) -> Revision:
    """As a run of its own does."""
    set_options(repository)
    return repository.request(Revision, [RevisionRequest(name)])


def test_the_contracts_of_a_revision_are_those_that_its_build_files_name(committed) -> None:
    committed.write_files(
        {
            "services/common/page.proto": "changed",
            "services/common/BUILD": "",
            "services/common/loose.proto": "",
            ".gitattributes": "*.proto export-ignore",
        }
    )
    git(committed, "add", "services", ".gitattributes")
    git(committed, "commit", "--message=second")
    git(committed, "tag", "v2")
    committed.write_files({"services/common/page.proto": "not committed"})
    first, second = read(committed, "main~1"), read(committed, "v2")
    assert first.contracts == (
        DeclaredContract("services/common/page.proto", "services/common", "rpc"),
        DeclaredContract("services/user/user.proto", "services/user", "rpc"),
    )
    assert first.texts["services/common/page.proto"] == 'syntax = "proto3";'
    assert first.source_roots["services/common/page.proto"] == "services"
    assert first.closure("services/user/user.proto") == {
        "user/user.proto": "services/user/user.proto",
        "common/page.proto": "services/common/page.proto",
    }
    assert [declared.path for declared in second.contracts] == ["services/user/user.proto"]
    assert second.texts["services/common/page.proto"] == "changed"
    assert "services/common/loose.proto" in second.texts


def test_a_branch_that_moves_is_asked_for_again(committed) -> None:
    assert "services/new.proto" not in read(committed, "main").texts
    committed.write_files({"services/new.proto": ""})
    git(committed, "add", "services/new.proto")
    git(committed, "commit", "--message=second")
    assert read(committed, "main").texts["services/new.proto"] == ""


def test_a_revision_that_is_not_there(committed) -> None:
    message = "git knows no revision `mian` here. A shallow clone"
    with pytest.raises(ExecutionError, match=re.escape(message) + r".*\n  = hint: did you mean `main`\?"):
        read(committed, "mian")
    with pytest.raises(ExecutionError, match="git knows no revision `--all` here"):
        read(committed, "--all")


def test_a_folder_that_is_no_git_repository(repository) -> None:
    with pytest.raises(
        ExecutionError, match="git knows no revision `main` here: fatal: not a git repository"
    ):
        read(repository, "main")
