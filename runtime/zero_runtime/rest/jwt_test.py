from __future__ import annotations

import hmac
import json
import logging
from base64 import urlsafe_b64encode
from typing import Any

import joserfc.jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import rest
from zero_runtime.config import JwtConf, JwtTransitionConf
from zero_runtime.errors import Unauthenticated
from zero_runtime.rest import jwt as module
from zero_runtime.rest.refusal import InvalidToken, TokenRequired

SECRET = "0123456789abcdef0123456789abcdef"
PREVIOUS = "fedcba9876543210fedcba9876543210"
FUTURE = {"exp": 1_800_000_000}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def auth(clock: Clock) -> rest.Jwt:
    return rest.Jwt(JwtConf(access_secret=SECRET, access_expire=60), clock=clock)


def request(authorization: str | bytes | None) -> rest.Request:
    if authorization is None:
        return rest.Request("GET", "/")
    value = authorization.encode() if isinstance(authorization, str) else authorization
    return rest.Request("GET", "/", headers=[(b"host", b"x"), (b"authorization", value)])


def signed(
    claims: object,
    header: object = None,
    secret: str = SECRET,
    digest: str = "sha256",
    raw: bytes | None = None,
) -> str:
    """A token made by the book (RFC 7515), independent of the library."""

    def encode(data: bytes) -> bytes:
        return urlsafe_b64encode(data).rstrip(b"=")

    start = json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode()
    text = encode(start) + b"." + encode(json.dumps(claims).encode() if raw is None else raw)
    return (text + b"." + encode(hmac.digest(secret.encode(), text, digest))).decode()


def test_issued_tokens_are_accepted(auth: rest.Jwt, clock: Clock) -> None:
    token, expires_at = auth.issue({"userId": 7}, role="admin")
    assert expires_at == 1_700_000_060
    claims = auth(request(f"Bearer {token}"))
    assert claims == {"userId": 7, "role": "admin", "iat": 1_700_000_000, "exp": expires_at}


def test_tokens_are_those_of_any_other_implementation(auth: rest.Jwt) -> None:
    claims = {"exp": 1_700_000_060, "userId": 7}
    assert auth(request(f"Bearer {signed(claims)}")) == claims
    head, _, signature = auth.issue(userId=7).text.rpartition(".")
    expected = urlsafe_b64encode(hmac.digest(SECRET.encode(), head.encode(), "sha256")).rstrip(b"=")
    assert signature == expected.decode()


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_tokens_may_be_signed_with_any_hmac(auth: rest.Jwt, digest: str) -> None:
    token = signed(FUTURE, {"alg": f"HS{digest[3:]}"}, digest=digest)
    assert auth(request(f"Bearer {token}")) == FUTURE


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_written_anyhow(auth: rest.Jwt, scheme: str) -> None:
    assert auth(request(f"{scheme} {auth.issue(a=1).text}"))["a"] == 1


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic eDp5", "x"])
def test_no_token(auth: rest.Jwt, authorization: str | None) -> None:
    with pytest.raises(TokenRequired, match="an access token is required"):
        auth(request(authorization))


def test_expiry(auth: rest.Jwt, clock: Clock) -> None:
    bearer = request(f"Bearer {auth.issue(a=1).text}")
    unseen = request(f"Bearer {auth.issue(a=2).text}")
    clock.now += 59.4
    assert auth(bearer)["a"] == 1
    clock.now += 0.1
    for each in (bearer, bearer, unseen):
        with pytest.raises(InvalidToken, match="the access token has expired"):
            auth(each)


def test_not_before(auth: rest.Jwt, clock: Clock) -> None:
    bearer = request(f"Bearer {signed({'exp': clock.now + 9, 'nbf': clock.now + 5})}")
    with pytest.raises(InvalidToken, match="not valid yet"):
        auth(bearer)
    clock.now += 5
    assert auth(bearer)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "x.y.z",
        "..",
        signed(FUTURE)[:-1],
        signed(FUTURE) + "x",
        signed(FUTURE, secret="another secret of sufficient size"),
        signed(FUTURE, {"alg": "none"}),
        signed(FUTURE, {"alg": "none"}).rpartition(".")[0] + ".",
        signed(FUTURE, {"alg": "HS512"}),
        signed(FUTURE, {"alg": "RS256"}),
        signed(FUTURE, {"typ": "JWT"}),
        signed(FUTURE, {"alg": "HS256", "crit": ["b64"], "b64": False}),
        signed({}),
        signed({"exp": "soon"}),
        signed({"exp": None}),
        signed({"exp": [1]}),
        signed({"exp": 10**400}),
        signed({"exp": 1_800_000_000, "nbf": "x"}),
        signed([1]),
        signed(None),
        signed(None, raw=b"\xff"),
        signed(None, raw=b"[" * 50_000),
        urlsafe_b64encode(b"[" * 50_000).decode() + ".e30.x",
        "é" * 100,
    ],
)
def test_tokens_that_are_no_good(auth: rest.Jwt, token: str) -> None:
    for _ in range(2):
        with pytest.raises(InvalidToken, match=r"the access token is not valid$"):
            auth(request(f"Bearer {token}"))


@pytest.mark.parametrize("exp", [float("nan"), float("-inf"), True, -1])
def test_strange_times_of_expiry_are_past(auth: rest.Jwt, exp: Any) -> None:
    with pytest.raises(InvalidToken):
        auth(request(f"Bearer {signed({'exp': exp})}"))


def test_claims_cannot_be_changed_for_the_next_request(auth: rest.Jwt) -> None:
    bearer = request(f"Bearer {auth.issue(userId=7).text}")
    with pytest.raises(TypeError):
        auth(bearer)["userId"] = 8  # type: ignore[index]
    assert auth(bearer)["userId"] == 7
    bearer = request(f"Bearer {auth.issue(roles=['reader']).text}")
    auth(bearer)["roles"].append("admin")
    assert auth(bearer)["roles"] == ["reader"]


def test_a_token_is_verified_once(auth: rest.Jwt, monkeypatch: pytest.MonkeyPatch) -> None:
    bearer = request(f"Bearer {auth.issue(userId=7).text}")
    auth(bearer)
    monkeypatch.setattr(joserfc.jwt, "decode", None)
    assert auth(bearer)["userId"] == 7


def test_what_is_remembered_is_bounded(auth: rest.Jwt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    for user in range(10):
        auth(request(f"Bearer {auth.issue(userId=user).text}"))
    assert [claims["userId"] for claims, _ in auth._remembered.values()] == [7, 8, 9]


@pytest.fixture
def transition(clock: Clock) -> rest.JwtTransition:
    return rest.JwtTransition(JwtTransitionConf(secret=SECRET, prev_secret=PREVIOUS), clock=clock)


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
def test_a_transition_accepts_both_secrets(transition: rest.JwtTransition, secret: str) -> None:
    for _ in range(2):
        assert transition(request(f"Bearer {signed(FUTURE, secret=secret)}")) == FUTURE


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
def test_a_transition_refuses_what_each_secret_refuses(
    transition: rest.JwtTransition, clock: Clock, secret: str
) -> None:
    with pytest.raises(InvalidToken, match="the access token has expired"):
        transition(request(f"Bearer {signed({'exp': clock.now}, secret=secret)}"))
    with pytest.raises(InvalidToken, match="not valid yet"):
        transition(request(f"Bearer {signed({**FUTURE, 'nbf': clock.now + 1}, secret=secret)}"))
    with pytest.raises(InvalidToken, match="the access token is not valid"):
        transition(request(f"Bearer {signed(FUTURE, secret='x' + secret)}"))
    with pytest.raises(TokenRequired):
        transition(request(None))


def test_a_transition_that_is_over_accepts_one_secret() -> None:
    transition = rest.JwtTransition(JwtTransitionConf(secret=SECRET))
    assert transition(request(f"Bearer {signed({'exp': 1e11})}"))
    for other in ("", PREVIOUS):
        with pytest.raises(InvalidToken):
            transition(request(f"Bearer {signed({'exp': 1e11}, secret=other)}"))


def test_any_of_several(auth: rest.Jwt, clock: Clock) -> None:
    other = rest.Jwt(JwtConf(access_secret=PREVIOUS, access_expire=60), clock=clock)
    both = rest.any_of(auth, other)
    expired = [request(f"Bearer {each.issue(userId=7).text}") for each in (auth, other)]
    assert [both(each)["userId"] for each in expired] == [7, 7]
    clock.now += 60
    for each in expired:
        with pytest.raises(InvalidToken, match="has expired"):
            both(each)
    with pytest.raises(TokenRequired):
        both(request(None))


def test_a_weak_secret_is_warned_of_but_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        rest.Jwt(JwtConf(access_secret=SECRET))
        assert not caplog.records
        rest.Jwt(JwtConf(access_secret="weakling"))
    assert "less than 32 bytes" in caplog.text
    assert "weakling" not in caplog.text


@given(st.binary(max_size=60))
def test_garbage_is_refused(garbage: bytes) -> None:
    auth = rest.Jwt(JwtConf(access_secret=SECRET))
    with pytest.raises(Unauthenticated):
        auth(request(b"Bearer " + garbage))
