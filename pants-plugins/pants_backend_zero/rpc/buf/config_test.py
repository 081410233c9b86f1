"""What is taken of a repository's `buf.yaml`, and what a module's becomes of it."""

from __future__ import annotations

import json

import pytest

from pants_backend_zero.errors import ZeroError
from pants_backend_zero.rpc.buf.config import BufConfig, module_config, read_config


def test_its_rules_are_taken_and_its_modules_are_not() -> None:
    config = read_config(
        "buf.yaml",
        """
version: v2
modules:
  - path: services
    name: buf.build/acme/services
deps: [buf.build/googleapis/googleapis]
lint:
  use: [STANDARD]
  except: [SERVICE_SUFFIX]
breaking: {use: [FILE], ignore: [services/draft]}
""",
    )
    assert dict(config.lint) == {"use": ("STANDARD",), "except": ("SERVICE_SUFFIX",)}
    assert dict(config.breaking) == {"use": ("FILE",), "ignore": ("services/draft",)}
    assert read_config("buf.yaml", "version: v2") == BufConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: v1\nlint: {}", "buf.yaml:1:1: it must be of version v2"),
        ("", "buf.yaml: it must be of version v2"),
        ("- a", "buf.yaml: it must be of version v2"),
        ("version: v2\nlint: [", "buf.yaml:2:8: "),
        ("version: v2\nlint: [STANDARD]", "buf.yaml:2:1: `lint` must have settings below it"),
        ('version: v2\nlint: "\x01"', "buf.yaml: unacceptable character"),
        ("version: v2\nlnt: {}", "buf.yaml:2:1: there is no setting `lnt`\n  = hint: did you mean `lint`?"),
        ("version: v2\nlint: {1: 2}", "buf.yaml:2:8: there is no setting `1`"),
        ("version: v2\nbreaking: {service_suffix: A}", "buf.yaml:2:12: there is no setting `service_suffix`"),
        ("version: v2\nlint: {use: BASIC}", "buf.yaml:2:8: `use` must be a list of rules or categories"),
        ("version: v2\nlint: {ignore: services}", "buf.yaml:2:8: `ignore` must be a list of paths"),
        ("version: v2\nlint: {ignore: [1]}", "buf.yaml:2:8: `ignore` must be a list of paths"),
        (
            "version: v2\nlint: {ignore_only: [a]}",
            "buf.yaml:2:8: `ignore_only` must be rules with their paths",
        ),
        (
            "version: v2\nlint: {ignore_only: {A: b}}",
            "buf.yaml:2:8: `ignore_only` must be rules with their paths",
        ),
        (
            "version: v2\nlint: {disable_builtin: 1}",
            "buf.yaml:2:8: `disable_builtin` must be `true` or `false`",
        ),
        ("version: v2\nmodules: [{path: a, lint: {}}]", "the module `a` has settings of its own (`lint`)"),
    ],
)
def test_what_cannot_be_taken(text: str, message: str) -> None:
    with pytest.raises(ZeroError) as error:
        read_config("buf.yaml", text)
    assert message in str(error.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ZeroError) as error:
        read_config(
            "buf.yaml", "version: v2\nlint:\n  usr: [BASIC]\n  ignore: a\nbreaking:\n  except: FILE\n"
        )
    assert [line.partition(": ")[0] for line in str(error.value).split("\n\n")] == [
        "buf.yaml:3:3",
        "buf.yaml:4:3",
        "buf.yaml:6:3",
    ]


def test_a_setting_without_a_value_is_none() -> None:
    assert read_config("buf.yaml", "version: v2\nlint:\n  ignore:\nbreaking:\n") == BufConfig()


def test_paths_of_the_repository_become_those_of_the_module() -> None:
    section = read_config(
        "buf.yaml",
        """
version: v2
lint:
  ignore: [services/old/, shared/money.proto, elsewhere]
  ignore_only: {PACKAGE_DEFINED: [services], RPC_PASCAL_CASE: [other]}
""",
    ).lint
    files = {
        "old/a.proto": ["services/old/a.proto"],
        "older.proto": ["services/older.proto"],
        "money.proto": ["shared/money.proto"],
    }
    assert json.loads(module_config("lint", {"use": ("BASIC",), **section}, files)) == {
        "version": "v2",
        "lint": {
            "use": ["BASIC"],
            "ignore": ["money.proto", "old/a.proto"],
            "ignore_only": {
                "PACKAGE_DEFINED": ["old/a.proto", "older.proto"],
                "RPC_PASCAL_CASE": ["zero_none.proto"],
            },
        },
    }


def test_the_whole_repository_may_be_ignored() -> None:
    files = {"a.proto": ["services/a.proto"]}
    config = json.loads(module_config("breaking", {"ignore": (".",)}, files))
    assert config["breaking"] == {"ignore": ["a.proto"]}
