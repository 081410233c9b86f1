from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_codegen import naming


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Mobile", "mobile"),
        ("AccessToken", "access_token"),
        ("UserID", "user_id"),
        ("UserIDs", "user_ids"),
        ("HTTPServer", "http_server"),
        ("userInfo", "user_info"),
        ("user-info", "user_info"),
        ("user_info", "user_info"),
        ("Ipv4Addr", "ipv4_addr"),
        ("IPv4", "i_pv4"),
        ("Top10", "top10"),
        ("MD5Sum", "md5_sum"),
        ("X", "x"),
        ("ABTest", "ab_test"),
        ("__private__", "private"),
        ("createUserV2Request", "create_user_v2_request"),
    ],
)
def test_snake(name: str, snake: str) -> None:
    assert naming.snake(name) == snake


@pytest.mark.parametrize(
    ("name", "identifier"),
    [("Class", "class_"), ("From", "from_"), ("2fa", "_2fa"), ("_", "_"), ("Match", "match")],
)
def test_identifier_is_legal(name: str, identifier: str) -> None:
    assert naming.identifier(name) == identifier


@pytest.mark.parametrize(
    ("name", "pascal"), [("user", "User"), ("user-order", "UserOrder"), ("HTTPServer", "HttpServer")]
)
def test_pascal(name: str, pascal: str) -> None:
    assert naming.pascal(name) == pascal


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True))
def test_every_go_name_becomes_an_identifier(name: str) -> None:
    identifier = naming.identifier(name)
    assert identifier.isidentifier() and not keyword.iskeyword(identifier)
    assert naming.identifier(identifier) == identifier or identifier.strip("_") in ("", *keyword.kwlist)
