from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import rest
from zero_runtime.rest.files import file_response
from zero_runtime.testing import Answer, HttpClient

MODIFIED = 1_700_000_000
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
BIG = bytes(range(256)) * 4096


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "public"
    (root / "docs").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / ".well-known").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/index.html").write_text("secret")
    files = {
        "a.txt": b"0123456789",
        "big.bin": BIG,
        "docs/index.html": b"<h1>",
        ".env": b"secret",
        ".well-known/x.json": b"{}",
        "ä b.js": b"1",
    }
    for name, content in files.items():
        (root / name).write_bytes(content)
        os.utime(root / name, (MODIFIED, MODIFIED))
    (root / "leak").symlink_to(tmp_path / "secret.txt")
    (root / "leaks").symlink_to(tmp_path / "outside")
    (root / "circle").symlink_to(root / "circle")
    (root / "inner").symlink_to(root / "a.txt")
    return root


def ask(folder: Path, target: str, method: str = "GET", **headers: str) -> Answer:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    client = HttpClient([rest.static("/assets", folder, cache_control="max-age=60")])
    return asyncio.run(client.request(method, f"/assets{target}", headers=lines))


def test_a_file(folder: Path) -> None:
    answer = ask(folder, "/a.txt")
    assert (answer.status, answer.body) == (200, b"0123456789")
    etag = answer.headers["etag"]
    assert answer.headers == {
        "etag": etag,
        "content-type": "text/plain; charset=utf-8",
        "content-length": "10",
        "last-modified": DATE,
        "cache-control": "max-age=60",
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
    }
    head = ask(folder, "/a.txt", "HEAD")
    assert (head.status, head.body, head.headers) == (200, b"", answer.headers)
    (folder / "a.txt").write_bytes(b"9876543210")
    assert ask(folder, "/a.txt").headers["etag"] != etag


def test_large_files_come_in_pieces(folder: Path) -> None:
    answer = ask(folder, "/big.bin")
    assert (answer.headers["content-length"], answer.body == BIG) == (str(len(BIG)), True)
    assert ask(folder, "/big.bin", "HEAD").headers["content-length"] == str(len(BIG))
    part = ask(folder, "/big.bin", range=f"bytes=3-{len(BIG) - 2}")
    assert (part.status, part.body == BIG[3:-1]) == (206, True)


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        ("/docs/", 200, b"<h1>"),
        ("/docs/index.html", 200, b"<h1>"),
        ("/inner", 200, b"0123456789"),
        ("/.well-known/x.json", 200, b"{}"),
        ("/%C3%A4%20b.js", 200, b"1"),
        ("/../a.txt", 404, None),
        ("/nothing", 404, None),
        ("/empty", 404, None),
        ("/leak", 404, None),
        ("/leaks/", 404, None),
        ("/leaks/index.html", 404, None),
        ("/.env", 404, None),
        ("/../secret.txt", 404, None),
        ("/docs/../../secret.txt", 404, None),
        ("/%2e%2e/secret.txt", 404, None),
        ("/..%2fsecret.txt", 404, None),
        ("/a.txt%00", 404, None),
        ("/a.txt/b", 404, None),
        ("/" + "a" * 300, 404, None),
        ("/circle", 404, None),
        ("", 404, None),
    ],
)
def test_what_is_served(folder: Path, target: str, status: int, body: bytes | None) -> None:
    answer = ask(folder, target)
    assert answer.status == status
    assert body is None or answer.body == body
    assert b"secret" not in answer.body


def test_a_folder_is_told_where_it_is(folder: Path) -> None:
    answer = ask(folder, "/docs")
    assert (answer.status, answer.headers["location"]) == (301, "docs/")
    (folder / "index.html").write_text("<h2>")
    assert ask(folder, "").headers["location"] == "assets/"
    assert ask(folder, "/").body == b"<h2>"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_none_match": "{etag}"}, 304),
        ({"if_none_match": 'W/{etag}, "x"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"x"'}, 200),
        ({"if_none_match": '"x"', "if_modified_since": DATE}, 200),
        ({"if_modified_since": DATE}, 304),
        ({"if_modified_since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({"if_modified_since": "Tue, 14 Nov 99999999999999999999 22:13:20 GMT"}, 200),
        ({"if_modified_since": "Tue, 14 Nov 2023 22:13:20 +99999999999999999999"}, 200),
    ],
)
def test_what_the_client_has_is_not_sent(folder: Path, headers: dict[str, str], status: int) -> None:
    etag = ask(folder, "/a.txt").headers["etag"]
    answer = ask(folder, "/a.txt", **{name: value.replace("{etag}", etag) for name, value in headers.items()})
    assert answer.status == status
    assert answer.headers["etag"] == etag
    if status == 304:
        assert answer.body == b""
        assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    ("wanted", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-20", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-4", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=0-3", 200, b"0123456789", None),
    ],
)
def test_ranges(folder: Path, wanted: str, status: int, body: bytes, content_range: str | None) -> None:
    for answer in (ask(folder, "/a.txt", range=wanted), respond(rest.File(b"0123456789"), range=wanted)):
        assert (answer.status, answer.body) == (status, body)
        assert answer.headers.get("content-range") == content_range


@pytest.mark.parametrize(
    ("condition", "status"),
    [("{etag}", 206), ('"x"', 200), (DATE, 206), ("Tue, 14 Nov 2023 22:13:19 GMT", 200)],
)
def test_a_range_of_what_has_changed_since_is_all_of_it(folder: Path, condition: str, status: int) -> None:
    etag = ask(folder, "/a.txt").headers["etag"]
    assert (
        ask(folder, "/a.txt", range="bytes=0-3", if_range=condition.replace("{etag}", etag)).status == status
    )


def respond(content: rest.Content, method: str = "GET", media_type: str = "", **headers: str) -> Answer:
    async def endpoint(request: rest.Request) -> rest.Response:
        return await rest.content_response(request, content, media_type)

    return asyncio.run(HttpClient([rest.Route(method, "/", endpoint)]).request(method, "/", headers=headers))


def test_content() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a,"
        yield b"b"

    answer = respond("é", media_type="text/csv")
    assert (answer.headers["content-type"], answer.body) == ("text/csv; charset=utf-8", "é".encode())
    assert respond(b"1", media_type="image/png").headers["content-type"] == "image/png"
    answer = respond(pieces(), media_type="text/csv; charset=latin-1")
    assert (answer.headers["content-type"], answer.body) == ("text/csv; charset=latin-1", b"a,b")
    assert respond(rest.Response(202)).status == 202


def test_names_of_downloads() -> None:
    answer = respond(rest.File(b"1", name="a.tar.gz"))
    assert answer.headers["content-disposition"] == 'attachment; filename="a.tar.gz"'
    assert answer.headers["content-type"] == "application/gzip"
    disposition = respond(rest.File(b"1", name='Ä "50%".pdf')).headers["content-disposition"]
    assert disposition == ("attachment; filename=\"_ _50__.pdf\"; filename*=UTF-8''%C3%84%20%2250%25%22.pdf")
    disposition = respond(rest.File(b"1", name="a\r\n\udcff")).headers["content-disposition"]
    assert disposition == "attachment; filename=\"a___\"; filename*=UTF-8''a%0D%0A%3F"
    assert (
        respond(rest.File(b"1", media_type="image/png"), media_type="text/csv").headers["content-type"]
        == "image/png"
    )
    assert respond(rest.File(b"1", name="x.js")).headers["content-type"] == "text/javascript; charset=utf-8"
    assert respond(rest.File(b"1", name="x")).headers["content-type"] == "application/octet-stream"


def test_no_part_of_what_is_not_got() -> None:
    assert respond(rest.File(b"0123"), "POST", range="bytes=0-1", **{"if-none-match": "*"}).status == 200


def test_a_file_that_becomes_shorter_breaks_the_response(folder: Path) -> None:
    async def test() -> None:
        response = await file_response(rest.Request("GET", "/"), rest.File(folder / "big.bin"))
        assert isinstance(response, rest.Stream)
        await anext(response.chunks)
        os.truncate(folder / "big.bin", 5)
        with pytest.raises(OSError, match="became shorter"):
            async for _ in response.chunks:
                pass
        await response.aclose()

    asyncio.run(test())


def test_what_is_no_file_is_an_error_of_the_service(folder: Path) -> None:
    for path in (folder, folder / "nothing", Path("/dev/null")):
        with pytest.raises(OSError, match="not a file|directory"):
            asyncio.run(file_response(rest.Request("GET", "/"), rest.File(path)))


def test_resources_of_a_module() -> None:
    assert b"Files as responses" in rest.resource("zero_runtime.rest", "files.py")
    with pytest.raises(FileNotFoundError):
        rest.resource("zero_runtime.rest", "nothing.txt")


@given(
    st.dictionaries(st.sampled_from(["range", "if-range", "if-none-match", "if-modified-since"]), st.binary())
)
def test_any_headers_are_answered(headers: dict[str, bytes]) -> None:
    lines: Any = [(name.encode(), value) for name, value in headers.items()]
    response = asyncio.run(file_response(rest.Request("GET", "/", headers=lines), rest.File(__file__)))
    assert response.status in (200, 206, 304, 416)
