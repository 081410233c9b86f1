from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zero_image.errors import ImageError
from zero_image.image.spec import Spec, read_spec
from zero_image.layers.base import Base

MINIMAL: dict[str, Any] = {"reference": "shop/api", "entrypoint": ["/app/bin/python", "-m", "shop"]}
BASE = Base("amd64", "cpython-311-x86_64-linux-gnu", ())


def read(tmp_path: Path, value: dict[str, Any]) -> Spec:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(value))
    return read_spec(path)


def test_the_least_there_must_be(tmp_path: Path) -> None:
    assert read(tmp_path, MINIMAL).config(BASE) == {
        "User": "65532:65532",
        "Env": [
            "LANG=C.UTF-8",
            "PATH=/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONDONTWRITEBYTECODE=1",
            "PYTHONPATH=/app/src",
            "PYTHONSAFEPATH=1",
            "PYTHONUNBUFFERED=1",
        ],
        "Entrypoint": ["/app/bin/python", "-m", "shop"],
        "WorkingDir": "/app",
        "StopSignal": "SIGTERM",
    }


def test_all_there_may_be(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        MINIMAL
        | {
            "cmd": ["serve"],
            "env": {"LANG": "de_DE.UTF-8", "A": "1"},
            "labels": {"org.opencontainers.image.title": "api"},
            "ports": ["8080", "53/udp"],
            "user": "1000",
            "workdir": "/srv",
            "stop_signal": "SIGINT",
        },
    )
    config = spec.config(BASE)
    assert {"LANG=de_DE.UTF-8", "A=1"} <= {*config["Env"]}
    assert config["ExposedPorts"] == {"8080/tcp": {}, "53/udp": {}}
    assert (config["Cmd"], config["User"], config["WorkingDir"]) == (["serve"], "1000", "/srv")
    assert (config["Labels"], config["StopSignal"]) == ({"org.opencontainers.image.title": "api"}, "SIGINT")


def test_what_the_base_sets_is_inherited_where_it_is_not_overridden(tmp_path: Path) -> None:
    config: dict[str, Any] = {
        "Env": ["PATH=/opt/bin", "GPG_KEY=1", "LANG=C"],
        "Labels": {"a": "base", "b": "base"},
        "ExposedPorts": {"1/tcp": {}},
        "Volumes": {"/data": {}},
        "Entrypoint": ["sh"],
        "Cmd": ["-c"],
        "User": "root",
    }
    base = Base("amd64", "", (), config=config)
    own = read(tmp_path, MINIMAL | {"labels": {"b": "own"}}).config(base)
    assert own["Env"][:3] == ["PATH=/app/bin:/opt/bin", "GPG_KEY=1", "LANG=C.UTF-8"]
    assert own["Labels"] == {"a": "base", "b": "own"}
    assert own["ExposedPorts"] == {"1/tcp": {}}
    assert (own["Entrypoint"], own["User"]) == (["/app/bin/python", "-m", "shop"], "65532:65532")
    assert "Cmd" not in own
    assert own["Volumes"] == {"/data": {}}
    # An empty config, as images made by hand have, is written as null by some tools.
    assert read(tmp_path, MINIMAL).config(Base("amd64", "", (), config={"Env": None, "Labels": None}))


@pytest.mark.parametrize(
    ("reference", "tag", "tagged"),
    [
        ("api", "latest", "api:latest"),
        ("shop/api:1.4", "1.4", "shop/api:1.4"),
        ("localhost:5000/api", "latest", "localhost:5000/api:latest"),
        ("registry.example/shop/api_x:v2", "v2", "registry.example/shop/api_x:v2"),
    ],
)
def test_references(reference: str, tag: str, tagged: str, tmp_path: Path) -> None:
    spec = read(tmp_path, MINIMAL | {"reference": reference})
    assert (spec.tag, spec.tagged) == (tag, tagged)


def test_all_mistakes_are_told(tmp_path: Path) -> None:
    value = {
        "entrypoint": [],
        "port": ["80"],
        "ports": ["80", "99999"],
        "env": {"A B": "1"},
        "labels": {"a": "two\nlines"},
        "user": "me and you",
        "workdir": "app",
        "stop_signal": "TERM",
        "cmd": "serve",
    }
    with pytest.raises(ImageError) as raised:
        read(tmp_path, value)
    place = f"{tmp_path / 'spec.json'}: "
    assert [problem.removeprefix(place) for problem in raised.value.problems] == [
        "unknown key 'port'; did you mean 'ports'?",
        "'reference' is missing",
        "'entrypoint' is [], which is not a list of strings, at least one",
        "'ports' is ['80', '99999'], which is not a list of ports such as '8080' or '53/udp'",
        "'env' is {'A B': '1'}, which is not an object of variables, each a printable string",
        "'labels' is {'a': 'two\\nlines'}, which is not an object of labels, each a printable string",
        "'user' is 'me and you', which is not a user such as '65532:65532'",
        "'workdir' is 'app', which is not an absolute path",
        "'stop_signal' is 'TERM', which is not a signal such as 'SIGTERM'",
        "'cmd' is 'serve', which is not a list of strings",
    ]


@pytest.mark.parametrize("reference", ["", "Shop", "a:b:c", "shop/api@sha256:1", "a b", 7])
def test_what_is_not_a_name_is_told(reference: object, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="which is not an image's name"):
        read(tmp_path, MINIMAL | {"reference": reference})
