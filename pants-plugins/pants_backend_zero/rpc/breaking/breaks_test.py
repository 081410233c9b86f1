"""What buf tells, with its place in the repository or in the revision."""

from __future__ import annotations

from pants_backend_zero.rpc.breaking.breaks import Comparison
from pants_backend_zero.rpc.buf.modules import Module
from pants_backend_zero.rpc.buf.tool import parse_annotations

# As buf 1.75 reports them.
FIELD = (
    '{"path":"now/user/user.proto","start_line":22,"start_column":3,"end_line":22,"end_column":9,'
    '"type":"FIELD_WIRE_COMPATIBLE_TYPE","message":"Field \\"3\\" changed type from \\"int64\\" to \\"string\\"."}'
)
COMPILE = (
    '{"path":"before/user/user.proto","start_line":6,"start_column":9,"end_line":6,"end_column":13,'
    '"type":"COMPILE","message":"cannot find `Gone` in this scope"}'
)


def gone(what: str, name: str, rule: str, *, path: str = "", package: str = "") -> str:
    place = f'"path":"{path}",' if path else ""
    of = f' from package \\"{package}\\"' if package else ""
    return (
        f'{{{place}"start_line":1,"start_column":1,"end_line":1,"end_column":1,"type":"{rule}",'
        f'"message":"Previously present {what} \\"{name}\\" was deleted{of}."}}'
    )


TEXTS = {
    "old/old.proto": "package old;\n\nservice  Old {}\nmessage Gone { message Inner {} }",
    "user/more.proto": "package user;\nmessage More {}",
    "user/user.proto": "package user;\nmessage Unused {}\nservice User {}",
}
NOW = {"user/user.proto": "services/user/user.proto"}


def told(*report: str, lenient: bool = True) -> list[str]:
    module = Module([], dict(NOW), {name: f"services/{name}" for name in TEXTS})
    comparison = Comparison("main", module, TEXTS, lenient)
    return list(comparison.breaks(parse_annotations("\n".join(report))))


def test_a_change_has_its_place_in_the_contract() -> None:
    assert told(FIELD) == [
        'services/user/user.proto:22:3: Field "3" changed type from "int64" to "string". '
        "(FIELD_WIRE_COMPATIBLE_TYPE)"
    ]


def test_a_mistake_in_the_revision_has_its_place_there() -> None:
    assert told(COMPILE) == ["main:services/user/user.proto:6:9: cannot find `Gone` in this scope. (COMPILE)"]


def test_what_is_gone_has_its_place_in_the_revision() -> None:
    assert told(
        gone("package", "old", "PACKAGE_NO_DELETE"),
        gone("service", "Old", "PACKAGE_SERVICE_NO_DELETE", package="old"),
        gone("service", "User", "PACKAGE_SERVICE_NO_DELETE", package="user", path="now/user/user.proto"),
        gone("file", "old/old.proto", "FILE_NO_DELETE"),
    ) == [
        'main:services/old/old.proto:1:9: Previously present package "old" was deleted. (PACKAGE_NO_DELETE)',
        'main:services/old/old.proto:3:10: Previously present service "Old" was deleted from package "old". '
        "(PACKAGE_SERVICE_NO_DELETE)",
        'main:services/user/user.proto:3:9: Previously present service "User" was deleted from package "user". '
        "(PACKAGE_SERVICE_NO_DELETE)",
        'main:services/old/old.proto:1:1: Previously present file "old/old.proto" was deleted. (FILE_NO_DELETE)',
    ]


def test_what_cannot_be_found_is_told_nevertheless() -> None:
    assert told(gone("package", "elsewhere", "PACKAGE_NO_DELETE")) == [
        'main: Previously present package "elsewhere" was deleted. (PACKAGE_NO_DELETE)'
    ]


def test_a_message_may_go_unless_its_contract_does() -> None:
    rule = "PACKAGE_MESSAGE_NO_DELETE"
    unused = gone("message", "Unused", rule, package="user", path="now/user/user.proto")
    more = gone("message", "More", rule, package="user", path="now/user/user.proto")
    inner = gone("message", "Gone.Inner", rule, package="old")
    assert told(unused, more, inner) == [
        'main:services/user/more.proto:2:9: Previously present message "More" was deleted from package "user". '
        "(PACKAGE_MESSAGE_NO_DELETE)"
    ]
    assert [line.partition(": ")[0] for line in told(unused, more, inner, lenient=False)] == [
        "main:services/user/user.proto:2:9",
        "main:services/user/more.proto:2:9",
        "main:services/old/old.proto:4:9",
    ]
