"""The packaged PEX files, with embedded defaults: no server, no configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.fleet import fleet, running
from tests.end_to_end.flow import ADA, problem, register_login_and_look_up

# By an interpreter that is known to be here: the one in a PEX file's first line need not be on PATH.
RPC: list[str | Path] = [sys.executable, Path("services.user/user-rpc/user-rpc.pex").absolute()]
API: list[str | Path] = [sys.executable, Path("services.user/user-api/user-api.pex").absolute()]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    state = tmp_path_factory.mktemp("state")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "PEX_ROOT": str(state / "pex"),
        "ZERO_STATE_DIR": str(state),
    }
    with fleet(RPC, API, environment, tmp_path_factory.mktemp("logs")) as client:
        register_login_and_look_up(client)
        yield client


def test_a_mobile_number_has_one_account(client: httpx.Client) -> None:
    problem(client.post("/api/user/register", json=ADA), 409)


def test_a_wrong_password_and_an_unknown_number_are_refused_alike(client: httpx.Client) -> None:
    wrong = client.post("/api/user/login", json={"mobile": ADA["mobile"], "password": "wrong"})
    unknown = client.post("/api/user/login", json={"mobile": "13800000009", "password": "wrong"})
    assert problem(wrong, 401) == problem(unknown, 401)


def test_every_missing_and_wrong_field_is_named(client: httpx.Client) -> None:
    response = client.post("/api/user/register", json={"name": "Bob", "gender": "male", "password": "x"})
    errors = problem(response, 400)["errors"]
    assert isinstance(errors, list)
    assert {error["field"] for error in errors} == {"gender", "mobile"}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer forged.token.here"}])
def test_userinfo_wants_a_token(client: httpx.Client, header: dict[str, str]) -> None:
    response = client.post("/api/user/userinfo", headers=header)
    problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_other_paths_and_methods(client: httpx.Client) -> None:
    problem(client.get("/api/user/nothing"), 404)
    response = client.get("/api/user/login")
    problem(response, 405)
    assert "POST" in response.headers["allow"]


def test_the_gateway_says_when_no_rpc_server_is_there(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PEX_ROOT": str(tmp_path / "pex"),
        "ZERO_STATE_DIR": str(tmp_path),
        "ZERO_PORT": "0",
    }
    with running(API, environment, tmp_path / "user-api.log") as gateway:
        response = httpx.post(f"http://{gateway.address}/api/user/register", json=ADA, timeout=20)
        problem(response, 503)
