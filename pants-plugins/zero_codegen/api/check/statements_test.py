from __future__ import annotations

import pytest

from zero_codegen.api import describe
from zero_codegen.testing import assert_refused

_SERVICE = "\nservice A {}\n"


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        (
            'syntax = "v1"\n«syntax» = "v1"' + _SERVICE,
            "the statement `syntax` is here twice, first in line 1",
            None,
        ),
        ("info ()\n«info» ()" + _SERVICE, "the statement `info` is here twice, first in line 1", None),
        ("info (\na: b\n«a»: c\n)" + _SERVICE, "the key `a` is here twice, first in line 2", None),
        ("«»", "the file declares nothing", "declare a type or a service"),
        ("// only a comment«»\n", "the file declares nothing", "declare a type or a service"),
        (
            "service User {}\nservice «Users» {}",
            "the service is `User` in line 1, but `Users` here",
            "a contract has one service: did you mean `User`?",
        ),
        (
            "service User {}\nservice «User-api» {}",
            "the service is `User` in line 1, but `User-api` here",
            "a contract has one service: did you mean `User`?",
        ),
    ],
)
def test_refusals(marked: str, message: str, hint: str | None) -> None:
    assert_refused(describe, marked, (message, hint))
