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
        (
            # What the import would declare is not called unknown.
            '«import» "base.api"\ntype A { X Base }\ntype B { Base }' + _SERVICE,
            "imports are not supported yet",
            "declare the imported types in this file",
        ),
        ("type A {}«»\n", "no service is declared", None),
        ("«»", "no service is declared", None),
        (
            "service User {}\nservice «Users» {}",
            "the service is `User` in line 1, but `Users` here",
            "a file declares one service: did you mean `User`?",
        ),
        (
            "service User {}\nservice «User-api» {}",
            "the service is `User` in line 1, but `User-api` here",
            "a file declares one service: did you mean `User`?",
        ),
        ("@server (jwt: A\n«jwt»: A)" + _SERVICE, "the key `jwt` is here twice, first in line 1", None),
        ("@server («jwtt»: A)" + _SERVICE, "unknown @server key `jwtt`", "did you mean `jwt`?"),
        ("@server («maxbytes»: 1)" + _SERVICE, "unknown @server key `maxbytes`", "did you mean `maxBytes`?"),
        ("@server («colour»: red)" + _SERVICE, "unknown @server key `colour`", None),
        ("@server («timeout»: 3s)" + _SERVICE, "`timeout` is not supported yet", None),
        ("@server («middleware»: A, B)" + _SERVICE, "`middleware` is not supported yet", None),
        ("@server (prefix: /a, «/b»)" + _SERVICE, "`prefix` has one value", None),
        ("@server (prefix: «/»)" + _SERVICE, "the prefix is empty", "leave `prefix` out"),
        (
            "@server (jwt: «my-auth»)" + _SERVICE,
            "`my-auth` cannot be the name of jwt settings",
            "write the name of their key in the configuration: `jwt: Auth`",
        ),
        (
            '@server (group: «"a b"»)' + _SERVICE,
            "`a b` cannot be a group of handlers",
            "write names separated by `/`: `group: user/account`",
        ),
        (
            "@server (jwt: «Logic»)\nservice A {\n@handler B\nget /\n}",
            "jwt settings cannot be called `Logic`: generated code uses that name",
            None,
        ),
        (
            "@server (jwt: «Claims»)\nservice A {\n@handler B\nget /\n}",
            "jwt settings cannot be called `Claims`: generated code uses that name",
            None,
        ),
        (
            "@server (jwt: «List»)\nservice A {\n@handler B\nget /\n}",
            "jwt settings cannot be called `List`: generated code uses that name",
            None,
        ),
        (
            "@server (jwt: UserAuth)\nservice A {\n@handler B\nget /\n}\n"
            "@server (jwt: «userAuth»)\nservice A {\n@handler C\nget /c\n}",
            "`userAuth` and `UserAuth` both become `user_auth` in Python",
            "use one spelling",
        ),
    ],
)
def test_refusals(marked: str, message: str, hint: str | None) -> None:
    assert_refused(describe, marked, (message, hint))
