from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.rest.routing import Router


def router(*routes: str) -> Router[str]:
    return Router((method, path, path) for method, path in map(str.split, routes))


def found(router: Router[str], method: str, path: str) -> tuple[str, dict[str, str]] | None:
    match = router.match(method, path)
    return (match.target, dict(match.path_values)) if match else None


def test_fixed_segments_go_before_parameters_with_backtracking() -> None:
    routes = router("GET /a/:x/c", "GET /a/b/d", "GET /a/b", "GET /a/:y", "GET /:z/b/e")
    assert found(routes, "GET", "/a/b") == ("/a/b", {})
    assert found(routes, "GET", "/a/b/d") == ("/a/b/d", {})
    assert found(routes, "GET", "/a/b/c") == ("/a/:x/c", {"x": "b"})
    assert found(routes, "GET", "/a/q") == ("/a/:y", {"y": "q"})
    assert found(routes, "GET", "/a/b/e") == ("/:z/b/e", {"z": "a"})
    assert found(routes, "GET", "/a/b/f") is None


def test_parameters_may_have_any_name_and_any_value() -> None:
    routes = router("GET /user/:id/orders/:order-id", "POST /user/:user.name")
    assert found(routes, "GET", "/user/é/orders/a b") == (
        "/user/:id/orders/:order-id",
        {"id": "é", "order-id": "a b"},
    )
    assert found(routes, "POST", "/user/x:y") == ("/user/:user.name", {"user.name": "x:y"})
    assert found(routes, "POST", "/user/") is None


@pytest.mark.parametrize("path", ["/a/b/", "//a//b", "/a/./b", "/a/c/../b", "/../a/b", "a/b", "/a/b/."])
def test_paths_count_as_what_clean_makes_of_them(path: str) -> None:
    assert found(router("GET /a/b"), "GET", path) == ("/a/b", {})


def test_root() -> None:
    routes = router("GET /")
    assert found(routes, "GET", "/") == found(routes, "GET", "") == found(routes, "GET", "/a/..") == ("/", {})
    assert found(routes, "GET", "/a") is None


def test_get_answers_head_unless_head_has_its_own() -> None:
    routes = router("GET /a", "GET /b", "HEAD /:x/y", "POST /c")
    assert found(routes, "HEAD", "/a") == ("/a", {})
    assert found(routes, "HEAD", "/q/y") == ("/:x/y", {"x": "q"})
    assert found(routes, "HEAD", "/c") is None


def test_the_rest_of_a_path_comes_after_all_else() -> None:
    routes = router("GET /static/*file", "GET /static/:name/index", "GET /static/a/b", "GET /", "POST /*all")
    assert found(routes, "GET", "/static/a/b") == ("/static/a/b", {})
    assert found(routes, "GET", "/static/x/index") == ("/static/:name/index", {"name": "x"})
    assert found(routes, "GET", "/static/a/b/c.css") == ("/static/*file", {"file": "a/b/c.css"})
    assert found(routes, "GET", "/static/x/../../static/y") == ("/static/*file", {"file": "y"})
    assert found(routes, "GET", "/static") == ("/static/*file", {"file": ""})
    assert found(routes, "GET", "/other") is None
    assert found(routes, "POST", "/") == ("/*all", {"all": ""})
    assert found(router("GET /:user/files/*path"), "GET", "/u/files/a/b") == (
        "/:user/files/*path",
        {"user": "u", "path": "a/b"},
    )


def test_the_rest_of_a_path_is_its_end() -> None:
    with pytest.raises(ValueError, match=r"GET /\*a/b: `\*a` takes the rest of a path and must come last"):
        router("GET /*a/b")
    with pytest.raises(ValueError, match="answer the same requests"):
        router("GET /a/*b", "GET /a/*c")


def test_allowed_methods() -> None:
    routes = router("GET /a", "POST /:x", "DELETE /b")
    assert routes.allowed("/a/") == ["GET", "HEAD", "OPTIONS", "POST"]
    assert routes.allowed("/q") == ["OPTIONS", "POST"]
    assert routes.allowed("/q/q") == []


@pytest.mark.parametrize("second", ["GET /a/:y", "GET /a/:x/"])
def test_two_routes_for_the_same_requests_are_refused(second: str) -> None:
    with pytest.raises(ValueError, match="answer the same requests"):
        router("GET /a/:x", second)


SEGMENTS = st.sampled_from(["a", "b", ":x", ":y"])
PATHS = st.lists(SEGMENTS, max_size=4).map(lambda segments: "/" + "/".join(segments))


def shape(path: str) -> str:
    return path.replace(":y", ":x")


@given(st.lists(PATHS, unique_by=shape, max_size=8), st.lists(st.sampled_from("abc"), max_size=4))
def test_the_match_is_the_first_in_order_of_fixed_before_parameter(
    paths: list[str], segments: list[str]
) -> None:
    def matches(path: str) -> bool:
        parts = [part for part in path.split("/") if part]
        return len(parts) == len(segments) and all(
            part in (segment, ":x", ":y") for part, segment in zip(parts, segments, strict=True)
        )

    def rank(path: str) -> list[bool]:
        return [part.startswith(":") for part in path.split("/")]

    expected = min(filter(matches, paths), key=rank, default=None)
    actual = found(router(*(f"GET {path}" for path in paths)), "GET", "/" + "/".join(segments))
    assert (actual[0] if actual else None) == expected


@given(st.lists(st.sampled_from(["a", "", ".", ".."]), max_size=8))
def test_clean_is_that_of_go(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    clean = posixpath.normpath("/" + path.lstrip("/"))
    assert found(router(f"GET {clean}"), "GET", path) == (clean, {})
