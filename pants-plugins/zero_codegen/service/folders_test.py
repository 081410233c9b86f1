from typing import Any

import msgspec
import pytest

from zero_codegen.service.conftest import Specify
from zero_codegen.service.folders import Folder, folders, mistakes
from zero_codegen.service.spec import Spec


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ({}, []),
        ({"Mode": "none", "Path": "/var/log"}, []),
        ({"Mode": "file"}, [("/app/logs", 1024)]),
        ({"Mode": "volume", "Path": "/var/log/user/"}, [("/var/log/user", 1024)]),
        ({"Mode": "file", "Rotation": "size", "MaxSize": 20, "MaxBackups": 3}, [("/app/logs", 100)]),
        ({"Mode": "file", "Rotation": "size", "MaxSize": 20}, [("/app/logs", 1024)]),
        ({"Mode": "file", "Rotation": "daily", "MaxSize": 20, "MaxBackups": 3}, [("/app/logs", 1024)]),
        ({"Mode": "${MODE}"}, [("/app/logs", 1024)]),
        ({"Fluentd": {"Host": "fluentd"}}, []),
        ({"Fluentd": {"Spill": "/var/spill"}}, []),
        ({"Fluentd": {"Host": "fluentd", "Spill": "/var/spill"}}, [("/var/spill", 320)]),
        ({"Fluentd": {"Host": "fluentd", "Spill": "spill", "SpillBytes": 1 << 20}}, [("/app/spill", 2)]),
        (
            {"Mode": "file", "Fluentd": {"Host": "fluentd", "Spill": "spill"}},
            [("/app/logs", 1024), ("/app/spill", 320)],
        ),
    ],
)
def test_knows_the_folders_and_how_large_they_grow(
    log: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    assert [(folder.path, folder.size) for folder in folders({"Log": log})] == expected


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("/var/spans/spans.json", [("spans", "/var/spans")]),
        ("out/spans.json", [("spans", "/app/out")]),
        ("/tmp/spans.json", []),
        ("/dev/stdout", []),
        ("/var/log/user/spans.json", [("logs", "/var/log/user")]),
    ],
)
def test_a_file_of_spans_lies_where_it_can_be_written(endpoint: str, expected: list[tuple[str, str]]) -> None:
    values: dict[str, Any] = {"Telemetry": {"Batcher": "file", "Endpoint": endpoint}}
    if endpoint.startswith("/var/log"):
        values["Log"] = {"Mode": "file", "Path": "/var/log/user"}
    assert [(folder.name, folder.path) for folder in folders(values)] == expected
    values["Telemetry"]["Disabled"] = True
    assert "spans" not in [folder.name for folder in folders(values)]


def test_a_file_of_spans_needs_a_folder_of_its_own(specify: Specify) -> None:
    values = {"Telemetry": {"Batcher": "file", "Endpoint": "/app/spans.json"}}
    (mistake,) = mistakes(msgspec.convert(specify("user-api"), Spec), values)
    expected = "`config`: `Telemetry.Endpoint`: at `/app`, a volume would hide others of the service"
    assert mistake.message == expected


def test_knows_what_a_folder_is_for() -> None:
    values = {"Log": {"Mode": "file", "Fluentd": {"Host": "fluentd", "Spill": "/s", "SpillBytes": 8 << 20}}}
    assert list(folders(values)) == [
        Folder("logs", "Log.Path", "/app/logs", 1024),
        Folder("spill", "Log.Fluentd.Spill", "/s", 10),
    ]


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            {"Path": "${LOGS}"},
            "`Log.Path`: `/app/${LOGS}` has to be a path, for a volume is mounted there",
        ),
        ({"Path": "/"}, "`Log.Path`: at `/`, a volume would hide others of the service"),
        ({"Path": "/app"}, "`Log.Path`: at `/app`, a volume would hide others of the service"),
        (
            {"Path": "etc/logs"},
            "`Log.Path`: at `/app/etc/logs`, a volume would hide others of the service",
        ),
        ({"Path": "/run"}, "`Log.Path`: at `/run`, a volume would hide others of the service"),
        ({"Path": "/tmp"}, "`Log.Path`: at `/tmp`, a volume would hide others of the service"),
        (
            {"Fluentd": {"Host": "fluentd", "Spill": "/app/logs"}},
            "`Log.Path` and `Log.Fluentd.Spill` are the same folder",
        ),
    ],
)
def test_refuses_a_folder_where_no_volume_can_be(
    specify: Specify, log: dict[str, Any], expected: str
) -> None:
    spec = msgspec.convert(specify("user-api"), Spec)
    (mistake,) = mistakes(spec, {"Log": {"Mode": "file", **log}})
    assert mistake.message == f"`config`: {expected}"
    assert mistake.hint == "name a folder of its own, like `/var/log/user-api`"
