"""What the user service promises over HTTP, as one flow; run against every form in which it is packaged."""

from __future__ import annotations

import httpx

ADA = {"name": "Ada", "gender": 2, "mobile": "13800000001", "password": "correct horse"}


def register_login_and_look_up(client: httpx.Client) -> None:
    registered = client.post("/api/user/register", json=ADA)
    assert registered.status_code == 200, registered.text
    user = registered.json()
    assert user == {"id": user["id"], "name": "Ada", "gender": 2, "mobile": "13800000001"}

    login = client.post("/api/user/login", json={key: ADA[key] for key in ("mobile", "password")})
    assert login.status_code == 200, login.text
    token = login.json()["accessToken"]

    info = client.post("/api/user/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert info.status_code == 200, info.text
    assert info.json() == user


def problem(response: httpx.Response, status: int) -> dict[str, object]:
    """The problem document (RFC 9457) of a refusal."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    document: dict[str, object] = response.json()
    assert document["status"] == status
    return document
